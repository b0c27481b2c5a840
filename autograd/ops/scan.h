#pragma once

#include "bb/core/tensor.h"

namespace bb {

/// Cumulative sums along `dim`: y[i] = x[0] + ... + x[i]. Result of x's shape; integers and bool
/// give int64. Differentiable (twice). Throws IndexError for a dim out of range.
Tensor cumsum(const Tensor& x, int64_t dim);

}  // namespace bb
