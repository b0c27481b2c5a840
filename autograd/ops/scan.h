#pragma once

#include <optional>

#include "bb/core/tensor.h"

/// Cumulative results along `dim`, of x's shape; integers and bool give int64. Where a dtype is
/// given, elements are converted to it first, and the results have it. Differentiable (twice). They
/// throw IndexError for a dim out of range.
namespace bb {

/// y[i] = x[0] + ... + x[i].
Tensor cumsum(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
/// y[i] = x[0] * ... * x[i]. The gradient is right with zeros in x too: nothing is divided.
Tensor cumprod(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});

namespace detail {

/// For the gradient of a product along d (0 <= d < rank): y[i] = the product of all x[j], j != i.
/// Differentiable (any number of times).
Tensor product_of_others(const Tensor& x, int64_t d);

}  // namespace detail
}  // namespace bb
