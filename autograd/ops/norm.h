#pragma once

#include "bb/core/tensor.h"

namespace bb {

/// The p-norm of all elements, or over dims (of an empty list, all): (sum |x|^p)^(1/p); of p = inf
/// and -inf the largest and the smallest |x|, of p = 0 the number of elements that are not 0. The
/// reduced dims leave the shape, or stay with size 1 if keepdim. Floating point only (DTypeError).
/// Differentiable (twice); the gradient of an element that is 0, and of a norm that is 0, is 0.
/// Throws IndexError for a dim out of range, ValueError for one given twice, for a NaN as p, and
/// for p < 0 or inf over no elements.
///   Tensor length = norm(x), largest = norm(x, std::numeric_limits<double>::infinity(), {1});
Tensor norm(const Tensor& x, double p = 2);
Tensor norm(const Tensor& x, double p, const Shape& dims, bool keepdim = false);

namespace detail {

/// norm() for an op of that name.
Tensor norm_for(const char* op, const Tensor& x, double p, const Shape& dims, bool keepdim);

}  // namespace detail

}  // namespace bb
