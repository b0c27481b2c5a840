#pragma once

#include <array>
#include <cstdint>

#include "bb/core/dtype.h"

namespace bb::kernels {

/// One row of an elementwise op: data[0] is the output, data[1..] are the inputs; strides are in
/// bytes, 0 for an input that is broadcast.
using Row = void (*)(int64_t n, char* const* data, const int64_t* strides);

/// An elementwise op for each dtype that it takes; null for the others.
struct Elementwise {
  std::array<Row, 6> rows{};
  double cost_ns = 0.2;  // of one element, on one core

  Row operator[](DType dtype) const { return rows[static_cast<size_t>(dtype)]; }
};

/// The elementwise formulas, in the best instruction set of this processor.
/// Binary ones take y, a, b; unary ones y, x; gradients y, dy and the saved value.
struct ElementwiseTable {
  Elementwise add;  // a + b; logical or for bool
  Elementwise sub;  // a - b; not for bool
  Elementwise mul;  // a * b; logical and for bool
  Elementwise div;  // a / b; floating point only
  Elementwise pow;  // a ^ b; integers by repeated squaring, b >= 0
  Elementwise neg;  // -x

  // Floating point only.
  Elementwise exp, log, sqrt, tanh, sigmoid, erf, sin, cos;
  Elementwise gelu;       // x P(X < x), X normal: x (1 + erf(x / sqrt(2))) / 2
  Elementwise gelu_tanh;  // x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
  Elementwise relu;       // max(x, 0), NaN for NaN; integers too

  // Gradients of dy and the output y.
  Elementwise sqrt_grad;     // dy / (2 y)
  Elementwise tanh_grad;     // dy (1 - y^2)
  Elementwise sigmoid_grad;  // dy y (1 - y)
  Elementwise relu_grad;     // dy where not (y <= 0), else 0; y the input or the output
  // Gradients of dy and the input x.
  Elementwise erf_grad, sin_grad, cos_grad, gelu_grad, gelu_tanh_grad;

  Elementwise eq, ne, lt, le, gt, ge;  // bool output from a, b of one dtype
  Elementwise where;                   // a where the bool mask is set, else b: inputs mask, a, b
};

const ElementwiseTable& elementwise();

}  // namespace bb::kernels
