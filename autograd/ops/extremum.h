#pragma once

#include "bb/core/tensor.h"

/// The largest, the smallest and the middle of all elements, or along dims, and where they are.
/// NaN is the result where there is one. The reduced dims leave the shape, or stay with size 1 if
/// keepdim. They throw IndexError for a dim out of range, ValueError where there is no element.
namespace bb {

/// Of all elements (0-d). The gradient is shared evenly among equal ones. Differentiable (twice).
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
/// maximum(a, b) and minimum(a, b), element by element (bb/autograd/ops/clamp.h).
inline Tensor max(const Tensor& a, const Tensor& b) { return a.maximum(b); }
inline Tensor min(const Tensor& a, const Tensor& b) { return a.minimum(b); }
/// Along `dim`, and where the first of them is (of the NaN, if there is one). The gradient goes to
/// that one. Differentiable (twice).
///   auto [values, indices] = max(x, 1);
MaxResult max(const Tensor& x, int64_t dim, bool keepdim = false);
MinResult min(const Tensor& x, int64_t dim, bool keepdim = false);

/// Over one dim, several or, of an empty list, all. The gradient is shared evenly among equal
/// elements. Differentiable (twice).
Tensor amax(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Shape& dims = {}, bool keepdim = false);

/// int64 index of the first largest or smallest element, in the flattened tensor or along `dim`;
/// NaN comes before all. Not for bool (DTypeError).
Tensor argmax(const Tensor& x);
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor argmin(const Tensor& x);
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim = false);

/// The element in the middle of the order, the lower one of two: number (n - 1) / 2; NaN among no
/// floating-point numbers at all. Not for bool (DTypeError). The gradient is shared evenly among
/// equal elements; along `dim` it goes to the one that indices name, the first in the order (value,
/// index) with that number. Differentiable (twice).
Tensor median(const Tensor& x);
MedianResult median(const Tensor& x, int64_t dim, bool keepdim = false);

}  // namespace bb
