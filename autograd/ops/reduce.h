#pragma once

#include "bb/core/tensor.h"

/// Reductions over all dims, one or several. The reduced dims leave the shape, or stay with size 1
/// if keepdim; negative dims count from the end. They throw IndexError for a dim out of range,
/// ValueError for one given twice.
namespace bb {

/// Sum. Integers and bool give int64. An empty list of dims means all. Sums run over a fixed tree
/// that depends on the shape alone (blocks, then pairs), so the error grows like log n and results
/// do not depend on threads. Differentiable (twice).
Tensor sum(const Tensor& x);
Tensor sum(const Tensor& x, const Shape& dims, bool keepdim = false);

/// sum / count; NaN over nothing. Floating point only (DTypeError). Differentiable (twice).
Tensor mean(const Tensor& x);
Tensor mean(const Tensor& x, const Shape& dims, bool keepdim = false);

/// The largest element (0-d); NaN if there is one. The gradient is shared evenly among equal ones.
/// Throws ValueError for an empty tensor.
Tensor max(const Tensor& x);
/// Largest elements along `dim` and where the first of them is; NaN counts as the largest. The
/// gradient goes to that one. Throws ValueError where `dim` is empty.
MaxResult max(const Tensor& x, int64_t dim, bool keepdim = false);

/// int64 index of the first largest element, in the flattened tensor or along `dim`; NaN counts as
/// the largest. Throws ValueError where there is none.
Tensor argmax(const Tensor& x);
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim = false);

}  // namespace bb
