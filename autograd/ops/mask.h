#pragma once

#include "bb/core/scalar.h"
#include "bb/core/tensor.h"

/// Elements picked and placed by a mask: a bool tensor (DTypeError) that broadcasts against x
/// (ShapeError). Differentiable (twice) in x, value and source.
namespace bb {

/// `value` where mask is set, else x; of x's dtype, in the broadcast shape. A tensor value is 0-d
/// (ShapeError). An integer x takes a real value without its fraction. Throws ValueError for a
/// value that x's dtype cannot hold.
Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value);
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value);
/// The elements where mask is set, a vector.
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// x, where mask is set the elements of source in their order, in the broadcast shape. source has
/// x's dtype (DTypeError) and at least as many elements as are set (ShapeError).
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);

/// int64 [n, x.dim()]: the indices of the n elements that are not 0, row-major. NaN is not 0.
Tensor nonzero(const Tensor& x);
Tensor argwhere(const Tensor& x);

}  // namespace bb
