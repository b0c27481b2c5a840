#pragma once

#include "bb/core/tensor.h"

namespace bb {

/// Gated linear unit: a * sigmoid(b), a and b the halves of x along `dim`. Floating point only
/// (DTypeError). Differentiable (twice). Throws IndexError for a dim out of range, ShapeError for
/// an odd size. (Dauphin et al., Language modeling with gated convolutions, arXiv 1612.08083)
Tensor glu(const Tensor& x, int64_t dim = -1);

}  // namespace bb
