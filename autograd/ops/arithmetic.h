#pragma once

#include "bb/core/tensor.h"

/// Arithmetic, element by element. Shapes broadcast and dtypes promote as in PyTorch; results have
/// the broadcast shape. All are differentiable (twice) in their floating-point operands and throw
/// ShapeError where shapes do not broadcast, DTypeError for dtypes that the op does not take.
namespace bb {

/// a + b, or a + alpha b; logical or for bool. alpha must suit the result's dtype (ValueError): a
/// whole number where that is an integer, a bool only where it is bool.
Tensor add(const Tensor& a, const Tensor& b);
Tensor add(const Tensor& a, Scalar b);
Tensor add(const Tensor& a, const Tensor& b, Scalar alpha);
/// a - b; not where either is bool (DTypeError): of masks, logical_xor() and logical_not() are
/// meant.
Tensor sub(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, Scalar b);
Tensor sub(const Tensor& a, const Tensor& b, Scalar alpha);
Tensor sub(Scalar a, const Tensor& b);
/// a * b; logical and for bool.
Tensor mul(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, Scalar b);
/// a / b, always floating point: integers become float32.
Tensor div(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, Scalar b);
Tensor div(Scalar a, const Tensor& b);

enum class RoundingMode : uint8_t { kTrunc, kFloor };

/// a / b rounded towards 0 or down; integers stay integers, and divided by 0 throw ValueError. Not
/// for bool. The gradient is 0.
///   Tensor pages = div(rows + 9, 10, RoundingMode::kFloor);
Tensor div(const Tensor& a, const Tensor& b, RoundingMode rounding_mode);
Tensor div(const Tensor& a, Scalar b, RoundingMode rounding_mode);
/// -x; not for bool.
Tensor neg(const Tensor& x);
/// x^exponent. d/dx = exponent x^(exponent-1), 0 where exponent is 0;
/// d/dexponent = x^exponent ln x, 0 where x is 0 and exponent >= 0. As in PyTorch, the powers 0.5
/// and -0.5, given as numbers, are sqrt() and rsqrt(): NaN of -inf, and zeros keep their sign.
/// Integers to negative integer powers lose the fraction: 0, 1 or -1; to a negative integer number
/// they throw ValueError.
Tensor pow(const Tensor& x, const Tensor& exponent);
Tensor pow(const Tensor& x, Scalar exponent);
Tensor pow(Scalar x, const Tensor& exponent);

/// a + weight (b - a), computed from the nearer end. Differentiable (twice) in all three, which
/// have one floating-point dtype (DTypeError); a 0-d weight may have another.
Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight);
Tensor lerp(const Tensor& a, const Tensor& b, Scalar weight);
/// What division leaves, of a's sign: a - b trunc(a / b). Not for bool. The gradient of b is
/// -trunc(a / b). Integers divided by 0 throw ValueError; other numbers give NaN.
Tensor fmod(const Tensor& a, const Tensor& b);
Tensor fmod(const Tensor& a, Scalar b);
/// The same of b's sign, as Python's %: a - b floor(a / b).
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor remainder(const Tensor& a, Scalar b);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator+(const Tensor& a, Scalar b) { return add(a, b); }
inline Tensor operator+(Scalar a, const Tensor& b) { return add(b, a); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator-(const Tensor& a, Scalar b) { return sub(a, b); }
inline Tensor operator-(Scalar a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator*(const Tensor& a, Scalar b) { return mul(a, b); }
inline Tensor operator*(Scalar a, const Tensor& b) { return mul(b, a); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator/(const Tensor& a, Scalar b) { return div(a, b); }
inline Tensor operator/(Scalar a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return neg(x); }
inline Tensor& operator+=(Tensor& a, const Tensor& b) { return a.add_(b); }
inline Tensor& operator-=(Tensor& a, const Tensor& b) { return a.sub_(b); }
inline Tensor& operator*=(Tensor& a, const Tensor& b) { return a.mul_(b); }
inline Tensor& operator/=(Tensor& a, const Tensor& b) { return a.div_(b); }
inline Tensor& operator+=(Tensor& a, Scalar b) { return a.add_(b); }
inline Tensor& operator-=(Tensor& a, Scalar b) { return a.sub_(b); }
inline Tensor& operator*=(Tensor& a, Scalar b) { return a.mul_(b); }
inline Tensor& operator/=(Tensor& a, Scalar b) { return a.div_(b); }

}  // namespace bb
