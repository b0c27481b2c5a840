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
  Elementwise pow;  // a ^ b; integers by repeated squaring, for b < 0 without the fraction
  Elementwise neg;  // -x

  Elementwise div_trunc;  // a / b towards 0; integers, b not 0, too
  Elementwise div_floor;  // a / b downwards; likewise
  Elementwise fmod;       // a - b trunc(a / b); likewise
  Elementwise remainder;  // a - b floor(a / b); likewise

  // All dtypes but bool.
  Elementwise abs, clamp;  // clamp(x, min, max): min(max(x, min), max), NaN if one is NaN
  // All dtypes.
  Elementwise sign;              // -1, 0 or 1; 0 for NaN
  Elementwise maximum, minimum;  // of a, b: NaN if either is

  // Floating point only.
  Elementwise exp, exp2, expm1, log, log1p, log2, log10, sqrt, rsqrt;
  Elementwise tanh, sigmoid, erf, sin, cos, tan, asin, acos, atan, sinh, cosh;
  Elementwise atan2;                      // the angle of the point (b, a)
  Elementwise floor, ceil, round, trunc;  // round: half to even
  Elementwise lerp;                       // a + w (b - a), from the nearer end

  // Gradients of dy and the output y.
  Elementwise sqrt_grad;     // dy / (2 y)
  Elementwise tanh_grad;     // dy (1 - y^2)
  Elementwise sigmoid_grad;  // dy y (1 - y)
  // Gradients of dy and the input x.
  Elementwise erf_grad, sin_grad, cos_grad;
  Elementwise larger_grad;  // of dy, a, b: dy where a is larger than b, half where equal, else 0;
                            // dy where one is NaN
  Elementwise inside_grad;  // of dy, x, min, max: dy where min < x < max, else 0

  Elementwise bit_and, bit_or, bit_xor, bit_not;  // integers; bool, logically

  Elementwise eq, ne, lt, le, gt, ge;  // bool output from a, b of one dtype
  Elementwise where;                   // a where the bool mask is set, else b: inputs mask, a, b
};

const ElementwiseTable& elementwise();

}  // namespace bb::kernels
