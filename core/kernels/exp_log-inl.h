// expm1, log1p, exp2, sinh, cosh and what activations make of them, for vectors of float or double.
// The errors given are the largest of 4 million floats of all sizes, and of 2 million doubles.
// Included once for each target by the kernels; no include guard of the usual kind.
#if defined(BB_CORE_KERNELS_EXP_LOG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_EXP_LOG_INL_H_
#undef BB_CORE_KERNELS_EXP_LOG_INL_H_
#else
#define BB_CORE_KERNELS_EXP_LOG_INL_H_
#endif

#include "bb/core/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE::math {
namespace hn = hwy::HWY_NAMESPACE;

// 2^x: exact for whole x, whose reduced part is 0. Errors: float 0.83 ulp, double 0.92.
template <class D, class V>
V Exp2(D d, V x) {
  using T = hn::TFromD<D>;
  const V limit = hn::Set(d, T(sizeof(T) == 4 ? 160 : 1100));  // 0 or inf beyond on either side
  x = AtMost(AtLeast(x, hn::Neg(limit)), limit);
  const V k = hn::Round(x);
  return ExpReduced(d, hn::Mul(hn::Sub(x, k), hn::Set(d, T(0.69314718055994531))), k);
}

// e^x - 1 = 2^k (expm1(r) + (1 - 2^-k)): near 0, where k is 0, expm1(r) alone.
// Errors: float 1.34 ulp, double 1.80.
template <class D, class V>
V Expm1(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1));
  // From -40 down it is -1 to the last bit.
  const V a = AtMost(AtLeast(x, hn::Set(d, T(-40))), hn::Set(d, Ln2<T>::kLargest));
  V k;
  const V r = Reduce(d, a, k);
  const V p = Polynomial(d, r, Coefficients<T>::kExpm1);
  const V small = hn::MulAdd(hn::Mul(r, r), p, r);
  const V y = Scale(d, hn::Add(small, hn::Sub(one, Scale(d, one, hn::Neg(k)))), k);
  return hn::CopySign(y, x);  // -0 for -0
}

// e^a / 2 for a >= 0: finite where the hyperbolic functions are.
template <class D, class V>
V HalfExp(D d, V a) {
  V k;
  const V r = Reduce(d, AtMost(a, hn::Set(d, Ln2<hn::TFromD<D>>::kLargest)), k);
  return ExpReduced(d, r, hn::Sub(k, hn::Set(d, hn::TFromD<D>(1))));
}
// Errors: float 1.18 ulp, double 1.23.
template <class D, class V>
V Cosh(D d, V x) {
  const V half = HalfExp(d, hn::Abs(x));
  return hn::Add(half, hn::Div(hn::Set(d, hn::TFromD<D>(0.25)), half));
}
// 1 / 3!, 1 / 5!, ...: as many as matter up to 1.
template <class T>
constexpr auto kSinhSeries = [] {
  std::array<T, sizeof(T) == 4 ? 5 : 9> c{};
  double factorial = 1;
  for (size_t i = 0; i < c.size(); ++i) {
    factorial *= static_cast<double>((2 * i + 2) * (2 * i + 3));
    c[i] = static_cast<T>(1 / factorial);
  }
  return c;
}();
// (e^a - e^-a) / 2; below 1, where that cancels, the series.
// Errors: float 1.54 ulp, double 1.58.
template <class D, class V>
V Sinh(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1)), a = hn::Abs(x);
  const V half = HalfExp(d, a);
  const V large = hn::Sub(half, hn::Div(hn::Set(d, T(0.25)), half));
  const V z = hn::Mul(a, a);
  const V small = hn::MulAdd(hn::Mul(a, z), Polynomial(d, z, kSinhSeries<T>), a);
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, one), small, large), x);
}

// log(u) + c / u, u = 1 + x as rounded and c what rounding took from it.
// Errors: float 1.44 ulp, double 1.44.
template <class D, class V>
V Log1p(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1));
  const V u = hn::Add(x, one);
  const V c = hn::Sub(x, hn::Sub(u, one));
  const auto has_rest =
      hn::And(hn::Gt(u, hn::Zero(d)), hn::Lt(u, hn::Set(d, std::numeric_limits<T>::infinity())));
  const V rest = hn::IfThenElseZero(has_rest, hn::Div(c, u));
  return hn::CopySign(hn::Add(Log(d, u), rest), x);
}

// log(1 + e^x) as max(x, 0) + log1p(e^-|x|): neither side overflows or cancels.
template <class D, class V>
V Softplus(D d, V x) {
  const V e = Exp(d, hn::Neg(hn::Abs(x)));
  return hn::Add(AtLeast(x, hn::Zero(d)), Log1p(d, e));
}

// x, infinities as numbers that sigmoids and their like make the same of: inf times a 0 of theirs
// would be NaN.
template <class D, class V>
V Bounded(D d, V x) {
  const V limit = hn::Set(d, hn::TFromD<D>(1000));
  return AtMost(AtLeast(x, hn::Neg(limit)), limit);
}

// What mish and its slope share: with e = e^x, tanh(log(1 + e)) = n / (n + 2), n = e (e + 2).
template <class V>
struct MishParts {
  V e, n, divisor;
};
template <class D, class V>
MishParts<V> PartsOfMish(D d, V x) {
  using T = hn::TFromD<D>;
  const V two = hn::Set(d, T(2));
  const V e = Exp(d, AtMost(x, hn::Set(d, T(40))));  // 1 to the last bit from there on
  const V n = hn::Mul(e, hn::Add(e, two));
  return {e, n, hn::Add(n, two)};
}
template <class D, class V>
V Mish(D d, V x) {
  const auto m = PartsOfMish(d, x);
  const V above = AtLeast(x, hn::Set(d, hn::TFromD<D>(-1000)));  // -inf times 0 would be NaN
  return hn::Mul(above, hn::Div(m.n, m.divisor));
}
// tanh + x sigmoid (1 - tanh^2) = n / (n + 2) + 4 x (e / (n + 2)) ((1 + e) / (n + 2)).
template <class D, class V>
V MishSlope(D d, V x) {
  using T = hn::TFromD<D>;
  const auto m = PartsOfMish(d, x);
  const V first = hn::Mul(hn::Mul(Bounded(d, x), hn::Set(d, T(4))), hn::Div(m.e, m.divisor));
  const V second = hn::Div(hn::Add(m.e, hn::Set(d, T(1))), m.divisor);
  return hn::MulAdd(first, second, hn::Div(m.n, m.divisor));
}

}  // namespace bb::kernels::HWY_NAMESPACE::math
HWY_AFTER_NAMESPACE();

#endif
