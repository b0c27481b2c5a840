#pragma once

#include "bb/core/tensor.h"

/// Triangles and diagonals of matrices (see also diagonal() in parts.h). All are differentiable
/// (twice). Throw ShapeError for a wrong rank, IndexError for a dim out of range.
namespace bb {

/// A copy with 0 above (tril) or below (triu) a diagonal: kept are elements with column - row <=
/// diagonal, or >= diagonal, in each matrix of the last two dims.
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);

/// A matrix with the vector x on its diagonal, zeros elsewhere; of a matrix x, a copy of its
/// diagonal. Throws ShapeError for other ranks.
Tensor diag(const Tensor& x, int64_t diagonal = 0);
/// Matrices in dims dim1 and dim2 of the result with x's last dimension on the diagonal, zeros
/// elsewhere: undoes diagonal().
Tensor diag_embed(const Tensor& x, int64_t offset = 0, int64_t dim1 = -2, int64_t dim2 = -1);
/// The sum of a matrix's diagonal. Integers and bool give int64.
Tensor trace(const Tensor& x);

}  // namespace bb
