// erf and what the normal distribution gives to gelu, for vectors of float or double. Included once
// for each target by the kernels; no include guard of the usual kind.
#if defined(BB_CORE_KERNELS_ERF_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_ERF_INL_H_
#undef BB_CORE_KERNELS_ERF_INL_H_
#else
#define BB_CORE_KERNELS_ERF_INL_H_
#endif

#include "bb/core/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE::math {
namespace hn = hwy::HWY_NAMESPACE;

// With centre = kErfCentre: exp(a^2) erfc(a) for a in [0, kErfLargest].
// With `scale` times the centre, the same of a / scale, divided by scale.
template <class D, class V>
V ScaledErfc(D d, V a, double scale) {
  using T = hn::TFromD<D>;
  const double centre = scale * static_cast<double>(Coefficients<T>::kErfCentre);
  const V w = hn::Div(hn::Set(d, T(1)), hn::Add(a, hn::Set(d, T(centre))));
  const V t = hn::NegMulAdd(w, hn::Set(d, T(2 * centre)), hn::Set(d, T(1)));
  return hn::Mul(w, Polynomial(d, t, Coefficients<T>::kErfTail));
}

// Up to 1 a polynomial; from there 1 - erfc(|x|), which no longer cancels.
// Errors: float 1.6 ulp, double 1.6.
template <class D, class V>
V Erf(D d, V x) {
  using T = hn::TFromD<D>;
  const V a = AtMost(hn::Abs(x), hn::Set(d, Coefficients<T>::kErfLargest));
  const V z = hn::Mul(a, a);
  const V small = hn::MulAdd(a, Polynomial(d, z, Coefficients<T>::kErf), a);
  const V tail = hn::Mul(ExpInRange(d, hn::Neg(z)), ScaledErfc(d, a, 1.0));
  const V one = hn::Set(d, T(1));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, one), small, hn::Sub(one, tail)), x);
}

// exp(-share a^2), share 1 or 1/2, with the rounding error of a^2 put right: it would be up to 100
// times the result's.
template <class D, class V>
V ExpOfSquare(D d, V a, double share) {
  using T = hn::TFromD<D>;
  const V square = hn::Mul(a, a);
  const V error = hn::MulSub(a, a, square);
  V k;
  const V r = Reduce(d, hn::Mul(square, hn::Set(d, T(-share))), k);
  return ExpReduced(d, hn::NegMulAdd(error, hn::Set(d, T(share)), r), k);
}

// 2 / sqrt(pi) exp(-x^2).
template <class D, class V>
V ErfSlope(D d, V x) {
  using T = hn::TFromD<D>;
  // Above the largest, exp is 0; NaN stays NaN.
  const V a = AtMost(hn::Abs(x), hn::Set(d, Coefficients<T>::kErfLargest));
  return hn::Mul(ExpOfSquare(d, a, 1), hn::Set(d, T(1.1283791670955126)));
}

// |x|, as far as the normal distribution's tail is above zero.
template <class D, class V>
V NormalArgument(D d, V x) {
  using T = hn::TFromD<D>;
  constexpr double kLargest =
      1.4142135623730951 * static_cast<double>(Coefficients<T>::kErfLargest);
  return AtMost(hn::Abs(x), hn::Set(d, T(kLargest)));
}

// P(X < -a) / exp(-a^2 / 2) of a standard normal X, for a = NormalArgument(x).
template <class D, class V>
V NormalTail(D d, V a) {
  constexpr double kSqrt2 = 1.4142135623730951;
  return hn::Mul(ScaledErfc(d, a, kSqrt2), hn::Set(d, hn::TFromD<D>(kSqrt2 / 2)));
}

// x P(X < x), as -q below 0 and x - q above, q = |x| P(X < -|x|): 1 + erf would cancel below 0.
// Relative errors: GELUFIG.
template <class D, class V>
V Gelu(D d, V x) {
  const V a = NormalArgument(d, x);
  const V q = hn::Mul(ExpOfSquare(d, a, 0.5), hn::Mul(a, NormalTail(d, a)));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Neg(q), hn::Sub(x, q));
}

// P(X < x) + x exp(-x^2 / 2) / sqrt(2 pi), which is g(x) below 0 and 1 - g(-x) above.
template <class D, class V>
V GeluSlope(D d, V x) {
  using T = hn::TFromD<D>;
  const V a = NormalArgument(d, x);
  const V g = hn::Mul(ExpOfSquare(d, a, 0.5),
                      hn::NegMulAdd(a, hn::Set(d, T(0.3989422804014327)), NormalTail(d, a)));
  const V one = hn::Set(d, T(1));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), g, hn::Sub(one, g));
}

// x (1 + tanh(u)) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
// Relative errors: float 2e-5, double 4e-13, far below 0, where the exponent is up to 104 (745).
template <class D, class V>
V GeluTanh(D d, V x) {
  using T = hn::TFromD<D>;
  constexpr double kFirst = 1.5957691216057308, kThird = kFirst * 0.044715;  // 2 sqrt(2 / pi)
  const V slope = hn::MulAdd(hn::Mul(x, x), hn::Set(d, T(kThird)), hn::Set(d, T(kFirst)));
  // Below -100 the sigmoid is 0.
  return hn::Mul(AtLeast(x, hn::Set(d, T(-100))), Sigmoid(d, hn::Mul(x, slope)));
}

// s + x s (1 - s) 2 u', s = sigmoid(2 u). Beyond |x| = 100 it is 0 or 1, and x^3 stays finite.
template <class D, class V>
V GeluTanhSlope(D d, V x) {
  using T = hn::TFromD<D>;
  constexpr double kFirst = 1.5957691216057308, kThird = kFirst * 0.044715;
  const V one = hn::Set(d, T(1)), limit = hn::Set(d, T(100));
  x = AtMost(AtLeast(x, hn::Neg(limit)), limit);
  const V square = hn::Mul(x, x);
  const V u = hn::Mul(x, hn::MulAdd(square, hn::Set(d, T(kThird)), hn::Set(d, T(kFirst))));
  const V slope = hn::MulAdd(square, hn::Set(d, T(3 * kThird)), hn::Set(d, T(kFirst)));
  const V s = Sigmoid(d, u);
  return hn::Mul(s, hn::MulAdd(hn::Mul(x, slope), hn::Sub(one, s), one));
}

}  // namespace bb::kernels::HWY_NAMESPACE::math
HWY_AFTER_NAMESPACE();

#endif
