#pragma once

#include "bb/core/tensor.h"

namespace bb {

/// exp(x) / sum over `dim` of exp(x), computed without overflow. Result of x's shape.
/// Differentiable (twice). Throws IndexError for a dim out of range, DTypeError for other than
/// floating point.
Tensor softmax(const Tensor& x, int64_t dim);

/// x - log(sum over `dim` of exp(x)): the logarithm of softmax(), exact where that underflows.
Tensor log_softmax(const Tensor& x, int64_t dim);

}  // namespace bb
