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

template <class T, size_t kCount>
constexpr std::array<T, kCount> Times(std::array<T, kCount> c, double factor) {
  for (T& each : c) each = static_cast<T>(each * factor);
  return c;
}

// For a >= 0, exp(a^2) erfc(a) or, of a standard normal X, exp(a^2 / 2) P(X < -a), which is half
// the former of a / sqrt(2); as far as either times the exponential's inverse is above zero.
template <bool kNormal, class D, class V>
V Tail(D d, V a) {
  using T = hn::TFromD<D>;
  constexpr double kScale = kNormal ? 1.4142135623730951 : 1.0;
  constexpr double kCentre = kScale * static_cast<double>(Coefficients<T>::kErfCentre);
  static constexpr auto kTail = Times(Coefficients<T>::kErfTail, kNormal ? kScale / 2 : 1);
  const V w = Inverse(d, hn::Add(a, hn::Set(d, T(kCentre))));
  const V t = hn::NegMulAdd(w, hn::Set(d, T(2 * kCentre)), hn::Set(d, T(1)));
  return hn::Mul(w, Polynomial(d, t, kTail));
}

// Up to 1 a polynomial; from there 1 - erfc(|x|), which no longer cancels.
// Errors: float 1.52 ulp, double 1.32.
template <class D, class V>
V Erf(D d, V x) {
  using T = hn::TFromD<D>;
  const V a = AtMost(hn::Abs(x), hn::Set(d, Coefficients<T>::kErfLargest));
  const V z = hn::Mul(a, a);
  const V small = hn::MulAdd(a, Polynomial(d, z, Coefficients<T>::kErf), a);
  const V tail = hn::Mul(ExpInRange(d, hn::Neg(z)), Tail<false>(d, a));
  const V one = hn::Set(d, T(1));
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, one), small, hn::Sub(one, tail)), x);
}

// exp(f a^2), f = kTwice / 2, with the rounding error of a^2 put right: it would be up to 100 times
// the result's.
template <int kTwice, class D, class V>
V ExpOfSquare(D d, V a) {
  const V square = hn::Mul(a, a);
#if HWY_NATIVE_FMA
  const V error = hn::MulSub(a, a, square);
#else  // a's upper half squares without rounding
  const hn::RebindToUnsigned<D> du;
  constexpr int kLower = (std::numeric_limits<hn::TFromD<D>>::digits + 1) / 2;
  const V upper = hn::BitCast(d, hn::ShiftLeft<kLower>(hn::ShiftRight<kLower>(hn::BitCast(du, a))));
  const V error =
      hn::MulAdd(hn::Sub(a, upper), hn::Add(a, upper), hn::Sub(hn::Mul(upper, upper), square));
#endif
  V k;
  const V r = Reduce<kTwice>(d, square, k);
  return ExpReduced<kTwice>(d, hn::Add(r, error), k);
}

// 2 / sqrt(pi) exp(-x^2).
template <class D, class V>
V ErfSlope(D d, V x) {
  using T = hn::TFromD<D>;
  // Above the largest, exp is 0; NaN stays NaN.
  const V a = AtMost(hn::Abs(x), hn::Set(d, Coefficients<T>::kErfLargest));
  return hn::Mul(ExpOfSquare<-2>(d, a), hn::Set(d, T(1.1283791670955126)));
}

// |x|, as far as the normal distribution's tail is above zero.
template <class D, class V>
V NormalArgument(D d, V x) {
  using T = hn::TFromD<D>;
  constexpr double kLargest =
      1.4142135623730951 * static_cast<double>(Coefficients<T>::kErfLargest);
  return AtMost(hn::Abs(x), hn::Set(d, T(kLargest)));
}

// x P(X < x), as -q below 0 and x - q above, q = |x| P(X < -|x|): 1 + erf would cancel below 0.
// Relative errors: float 5.1e-7, double 1.1e-15.
template <class D, class V>
V Gelu(D d, V x) {
  const V a = NormalArgument(d, x);
  const V q = hn::Mul(ExpOfSquare<-1>(d, a), hn::Mul(a, Tail<true>(d, a)));
  return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Neg(q), hn::Sub(x, q));
}

// P(X < x) + x exp(-x^2 / 2) / sqrt(2 pi), which is g(x) below 0 and 1 - g(-x) above.
template <class D, class V>
V GeluSlope(D d, V x) {
  using T = hn::TFromD<D>;
  const V a = NormalArgument(d, x);
  const V g = hn::Mul(ExpOfSquare<-1>(d, a),
                      hn::NegMulAdd(a, hn::Set(d, T(0.3989422804014327)), Tail<true>(d, a)));
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
