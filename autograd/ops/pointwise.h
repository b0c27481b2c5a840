#pragma once

#include "bb/core/tensor.h"

/// Functions of one tensor, element by element (atan2: of two). Results have x's shape; integers
/// become float32, but for abs, sign, square and the roundings, which keep them. All are
/// differentiable (twice). DTypeError for a dtype that a function does not take.
namespace bb {

/// |x|; not for bool. The gradient at 0 is 0.
Tensor abs(const Tensor& x);
/// -1, 0 or 1; 0 for NaN. The gradient is 0.
Tensor sign(const Tensor& x);
/// x^2; int64 for bool.
Tensor square(const Tensor& x);
/// NaN below 0; the gradient 1 / (2 sqrt(x)) is inf at 0.
Tensor sqrt(const Tensor& x);
/// 1 / sqrt(x).
Tensor rsqrt(const Tensor& x);
/// 1 / x.
Tensor reciprocal(const Tensor& x);

/// e^x.
Tensor exp(const Tensor& x);
/// 2^x.
Tensor exp2(const Tensor& x);
/// e^x - 1, exact where that cancels, near 0.
Tensor expm1(const Tensor& x);
/// Natural logarithm: -inf at 0, NaN below; so are the others.
Tensor log(const Tensor& x);
/// To base 2, exact at its powers.
Tensor log2(const Tensor& x);
/// To base 10, exact at its powers.
Tensor log10(const Tensor& x);
/// log(1 + x), exact where x is next to 0.
Tensor log1p(const Tensor& x);

Tensor tanh(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
/// 1 / (1 + e^-x).
Tensor sigmoid(const Tensor& x);
/// The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.
Tensor erf(const Tensor& x);

/// Of radians, however many; NaN for infinities.
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
/// In radians; NaN beyond -1 and 1, where the gradient is infinite.
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
/// The angle of the point (x, y) in (-pi, pi]: atan(y / x) in the right quadrant. y and x broadcast
/// (ShapeError) and promote. The gradient at (0, 0) is 0.
Tensor atan2(const Tensor& y, const Tensor& x);

/// To whole numbers: down, up, to the nearest (halves to the even one), towards 0. Not for bool.
/// The gradient is 0.
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);
/// To that many decimals, or, of a negative number, to that power of 10. Floating point only. As in
/// PyTorch, by way of x 10^decimals, which may overflow.
Tensor round(const Tensor& x, int64_t decimals);
Tensor trunc(const Tensor& x);

}  // namespace bb
