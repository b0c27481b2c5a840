#pragma once

#include "bb/core/scalar.h"
#include "bb/core/tensor.h"

/// Elements picked and placed by tensors of indices (int64 or int32, DTypeError) along one dim.
/// x and source have one dtype (DTypeError). All are differentiable (twice) in x and source. Before
/// anything is written they throw IndexError for a dim or an index out of range, ShapeError for
/// ranks and sizes that do not fit. Where several indices name one place, scatter() and
/// index_copy() keep the last value, and the sums of the others are in the order of the indices.
namespace bb {

/// result[i, j, k] = x[i, index[i, j, k], k] for dim 1, and alike. index has x's rank and at most
/// x's sizes but along dim; the result has index's shape. Negative indices are out of range.
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
/// x, but result[i, index[i, j, k], k] = source[i, j, k] for dim 1, and alike. index as in
/// gather(), and at most of source's sizes.
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, Scalar value);
/// The same with += for =.
Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);

/// x at `index` (a vector or a number) along dim: result[.., i, ..] = x[.., index[i], ..]. A 0-d x
/// takes one index and stays 0-d.
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
/// x, but result[.., index[i], ..] += alpha source[.., i, ..]. source has x's shape but along dim,
/// where it has index.numel().
Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha = 1);
/// The same with = for +=.
Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
/// x, but `value` at `index` along dim.
Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, Scalar value);

/// x, flattened, at `index`; negative indices count from the end. Result of index's shape.
Tensor take(const Tensor& x, const Tensor& index);
/// gather() with x and indices broadcast against each other but along dim, and negative indices
/// counted from the end. Fits what argsort(), argmax(dim, true), ... return. Without dim, both are
/// flattened.
Tensor take_along_dim(const Tensor& x, const Tensor& indices, int64_t dim);
Tensor take_along_dim(const Tensor& x, const Tensor& indices);

}  // namespace bb
