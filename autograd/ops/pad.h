#pragma once

#include <vector>

#include "bb/core/scalar.h"
#include "bb/core/tensor.h"

namespace bb {

/// What padding is filled with.
enum class PadMode {
  kConstant,   // PadOptions::value
  kReflect,    // x mirrored at its first and last element: c b | a b c | b a
  kReplicate,  // the first and the last element: a a | a b c | c c
  kCircular,   // x over again: b c | a b c | a b
};

struct PadOptions {
  PadMode mode = PadMode::kConstant;
  Scalar value = 0;
};

/// x with elements put before and behind, as torch.nn.functional.pad: `padding` holds numbers of
/// elements (before, behind) for the last dim, then the one before it, and so on; negative ones
/// crop. Differentiable (twice). Throws ValueError for an odd count or more pairs than dims,
/// ShapeError where more is cropped than there is, or where a mode would need more elements than x
/// has: kReflect below its size, kCircular up to its size, kReplicate at least one.
///   Tensor y = pad(x, {1, 1, 2, 0}, {.mode = PadMode::kReflect});
Tensor pad(const Tensor& x, const std::vector<int64_t>& padding, const PadOptions& options = {});

}  // namespace bb
