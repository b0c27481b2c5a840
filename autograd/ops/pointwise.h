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
/// The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.
Tensor erf(const Tensor& x);
/// Of radians, however many; NaN for infinities.
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
/// max(x, 0); NaN stays NaN; the gradient at 0 is 0.
Tensor relu(const Tensor& x);

enum class GeluApproximate { kNone, kTanh };

struct GeluOptions {
  GeluApproximate approximate = GeluApproximate::kNone;
};

/// Gaussian error linear unit, as torch.nn.functional.gelu.
///   kNone: x (1 + erf(x / sqrt(2))) / 2
///   kTanh: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
/// Where these cancel, far below 0, the small result is right all the same; -0 for -inf.
/// (Hendrycks and Gimpel, Gaussian error linear units, arXiv 1606.08415)
///   Tensor y = gelu(x, {.approximate = GeluApproximate::kTanh});
Tensor gelu(const Tensor& x, const GeluOptions& options = {});

/// For ops that end in a relu: dy where not s <= 0, else 0; s is relu's input or result. Linear in
/// dy, and flat in s.
Tensor relu_grad(const Tensor& dy, const Tensor& s);

}  // namespace bb
