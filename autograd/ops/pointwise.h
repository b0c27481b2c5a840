#pragma once

#include "bb/core/tensor.h"

/// Functions of one tensor, element by element. Results have x's shape; integers become float32
/// (relu keeps them). All are differentiable (twice).
namespace bb {

/// e^x.
Tensor exp(const Tensor& x);
/// Natural logarithm: -inf at 0, NaN below.
Tensor log(const Tensor& x);
/// NaN below 0; the gradient 1 / (2 sqrt(x)) is inf at 0.
Tensor sqrt(const Tensor& x);
Tensor tanh(const Tensor& x);
/// 1 / (1 + e^-x).
Tensor sigmoid(const Tensor& x);
/// max(x, 0); NaN stays NaN; the gradient at 0 is 0.
Tensor relu(const Tensor& x);

/// For ops that end in a relu: dy where not s <= 0, else 0; s is relu's input or result. Linear in
/// dy, and flat in s.
Tensor relu_grad(const Tensor& dy, const Tensor& s);

}  // namespace bb
