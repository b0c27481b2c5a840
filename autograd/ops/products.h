#pragma once

#include "bb/core/scalar.h"
#include "bb/core/tensor.h"

/// Products of matrices and vectors whose ranks are fixed (see matmul() for any). All are
/// differentiable (twice). They throw ShapeError where ranks or sizes do not fit, DTypeError unless
/// all operands have one dtype, not bool (outer and kron: promoted). Products of integers wrap.
namespace bb {

/// Matrices: a [m, k], b [k, n] give [m, n].
Tensor mm(const Tensor& a, const Tensor& b);
/// Batches of one size: a [batch, m, k], b [batch, k, n] give [batch, m, n].
Tensor bmm(const Tensor& a, const Tensor& b);
/// a [m, k], v [k] give [m].
Tensor mv(const Tensor& a, const Tensor& v);
/// Vectors of one size: sum of a[i] b[i], 0-d.
Tensor dot(const Tensor& a, const Tensor& b);
/// Vectors: result[i, j] = a[i] b[j].
Tensor outer(const Tensor& a, const Tensor& b);
/// Kronecker product: result[i p + k, j q + l] = a[i, j] b[k, l] for b [p, q]; any ranks, the
/// smaller one padded with sizes of 1 in front. Throws ShapeError for more than 4 dimensions.
Tensor kron(const Tensor& a, const Tensor& b);

struct AddmmOptions {
  Scalar beta = 1;
  Scalar alpha = 1;
};

/// beta x + alpha (a b), in one pass; x broadcasts to the product's shape. Where beta is 0, x is
/// not looked at: NaN in it does not spread. With integers, beta and alpha lose their fractions.
///   addmm: a [m, k], b [k, n];  baddbmm: a [batch, m, k], b [batch, k, n];  addmv: a [m, k], v [k]
Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, const AddmmOptions& options = {});
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, const AddmmOptions& options = {});
Tensor addmv(const Tensor& x, const Tensor& a, const Tensor& v, const AddmmOptions& options = {});

}  // namespace bb
