#pragma once

#include "bb/core/kernels/gemm.h"
#include "bb/core/tensor.h"

/// From tensors to matrix products. Off the tape.
namespace bb::detail {

/// The matrix in x's last two dimensions.
template <class T>
kernels::MatrixRef<const T> matrix(const Tensor& x) {
  const int64_t d = x.dim();
  return {x.data<T>(), x.strides()[d - 2], x.strides()[d - 1]};
}

/// x's shape without its last two dimensions.
Shape batch_shape(const Tensor& x);
/// [batch..., rows, columns].
Shape with_matrix(Shape batch, int64_t rows, int64_t columns);

/// y = alpha a b + beta y for each matrix: y [batch..., m, n] without gaps, a [..., m, k] and
/// b [..., k, n] of any strides, their batches broadcast to y's without a copy. All have one dtype,
/// not bool; integers wrap, and alpha and beta lose their fractions for them. Where beta is 0, y is
/// not read.
void multiply(const Tensor& y, const Tensor& a, const Tensor& b, double alpha = 1, double beta = 0);

}  // namespace bb::detail
