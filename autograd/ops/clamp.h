#pragma once

#include <optional>

#include "bb/core/tensor.h"

/// The smaller, the larger, and what lies between. Shapes broadcast (ShapeError) and dtypes
/// promote; NaN in any operand gives NaN. All are differentiable (twice).
namespace bb {

/// The larger or the smaller of a and b; bool too. Where they are equal, each has half the
/// gradient.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);

/// min(max(x, min), max): max where min > max. Either bound may be left out, as std::nullopt; not
/// for bool. The gradient passes where x lies strictly between the bounds, as in PyTorch 2.15.
/// Throws ValueError without a bound, and for a bound beyond all numbers of an integer dtype, min
/// above or max below.
///   Tensor y = clamp(x, 0, 1);
Tensor clamp(const Tensor& x, std::optional<Scalar> min, std::optional<Scalar> max = {});
/// The same with bounds for each element; either may be undefined. Gradients flow to the bounds
/// too: where x equals one of them, each has half.
Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max = {});

}  // namespace bb
