#pragma once

#include "bb/core/activation.h"
#include "bb/core/tensor.h"

namespace bb {

/// Matrix product, as torch.matmul: y[..., i, j] = sum over k of a[..., i, k] b[..., k, j].
/// a [..., m, k], b [..., k, n]: result [..., m, n], batch dimensions broadcast. A 1-d operand
/// counts as a row (a) or a column (b) and leaves no dimension: [k] x [k] gives a 0-d result.
/// Differentiable (twice). Throws ShapeError where inner sizes differ or an operand is 0-d,
/// DTypeError unless both have one dtype, not bool. Products of integers wrap.
Tensor matmul(const Tensor& a, const Tensor& b);

/// y = activation(x weight^T + bias), in one pass. x [..., in]; weight [out, in]; bias [out] or
/// undefined; result [..., out]. Differentiable (twice) in all three. Throws ShapeError,
/// DTypeError.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              Activation activation = Activation::kNone);

}  // namespace bb
