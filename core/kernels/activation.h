#pragma once

#include "bb/core/kernels/elementwise.h"

namespace bb::kernels {

/// The activations' formulas, in the best instruction set of this processor. Floating point only,
/// but for relu. Functions take y, x and their numbers; gradients y, dy, the saved value (x, unless
/// it is said) and the numbers.
struct ActivationTable {
  Elementwise relu;       // max(x, 0), NaN for NaN; integers too
  Elementwise relu_grad;  // dy where not (s <= 0), else 0; s the input or the output
  Elementwise gelu;       // x P(X < x), X normal: x (1 + erf(x / sqrt(2))) / 2
  Elementwise gelu_tanh;  // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  Elementwise gelu_grad, gelu_tanh_grad;
  Elementwise silu, silu_grad;                // x sigmoid(x)
  Elementwise softplus, softplus_grad;        // of x, beta, threshold: log(1 + e^(beta x)) / beta
  Elementwise logsigmoid, logsigmoid_grad;    // log(sigmoid(x))
  Elementwise elu, elu_grad;                  // of x, alpha, scale: scale (x or alpha (e^x - 1))
  Elementwise leaky_relu, leaky_relu_grad;    // of x, slope
  Elementwise hardsigmoid, hardsigmoid_grad;  // min(max(x + 3, 0), 6) / 6
  Elementwise hardswish, hardswish_grad;      // x min(max(x + 3, 0), 6) / 6
  Elementwise mish, mish_grad;                // x tanh(log(1 + e^x))
};

const ActivationTable& activations();

}  // namespace bb::kernels
