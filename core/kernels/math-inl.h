// exp, log, tanh and sigmoid for vectors of float or double, right at NaN, infinities, zeros and
// subnormals. Included once for each target by the kernels; no include guard of the usual kind.
#if defined(BB_CORE_KERNELS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_MATH_INL_H_
#undef BB_CORE_KERNELS_MATH_INL_H_
#else
#define BB_CORE_KERNELS_MATH_INL_H_
#endif

#include <hwy/highway.h>

#include <limits>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE::math {
namespace hn = hwy::HWY_NAMESPACE;

// Cody and Waite's split of ln 2: kHigh has enough trailing zeros that k * kHigh is exact.
template <class T>
struct Ln2;
template <>
struct Ln2<float> {
  static constexpr float kHigh = 0x1.62e4p-1f, kLow = 0x1.7f7d1cp-20f;
  static constexpr float kLargest = 104.f;  // exp is 0 or inf beyond it on either side
  static constexpr int kMantissa = 23, kBias = 127;
};
template <>
struct Ln2<double> {
  static constexpr double kHigh = 0x1.62e42fefa38p-1, kLow = 0x1.ef35793c7673p-45;
  static constexpr double kLargest = 746.0;
  static constexpr int kMantissa = 52, kBias = 1023;
};

// 1.5 * 2^mantissa: adding it puts a small whole number into the low bits.
template <class D>
auto Magic(D d) {
  using T = hn::TFromD<D>;
  return hn::Set(d, T(uint64_t{3} << (Ln2<T>::kMantissa - 1)));
}
template <class D, class V>
auto ToInteger(D d, V k) {
  const hn::RebindToSigned<D> di;
  return hn::Sub(hn::BitCast(di, hn::Add(k, Magic(d))), hn::BitCast(di, Magic(d)));
}
template <class D, class VI>
auto FromInteger(D d, VI i) {
  const hn::RebindToSigned<D> di;
  return hn::Sub(hn::BitCast(d, hn::Add(i, hn::BitCast(di, Magic(d)))), Magic(d));
}

// v * 2^k for whole k: in two steps, so that neither factor leaves the exponent range.
template <class D, class V>
V Scale(D d, V v, V k) {
  using T = hn::TFromD<D>;
  const hn::RebindToSigned<D> di;
  const auto exponent = ToInteger(d, k);
  const auto half = hn::ShiftRight<1>(exponent);
  const auto bias = hn::Set(di, static_cast<hn::TFromD<decltype(di)>>(Ln2<T>::kBias));
  const auto power = [&](auto e) {
    return hn::BitCast(d, hn::ShiftLeft<Ln2<T>::kMantissa>(hn::Add(e, bias)));
  };
  return hn::Mul(hn::Mul(v, power(half)), power(hn::Sub(exponent, half)));
}

// expm1(r) = r + r^2 P(r) for |r| <= ln(2) / 2, by the Taylor series.
template <class D, class V>
V SmallExpm1(D d, V r) {
  using T = hn::TFromD<D>;
  V p;
  if constexpr (sizeof(T) == 4) {
    p = hn::Set(d, T(1.0 / 5040));
  } else {
    p = hn::Set(d, T(1.0 / 6227020800.0));
    p = hn::MulAdd(p, r, hn::Set(d, T(1.0 / 479001600)));
    p = hn::MulAdd(p, r, hn::Set(d, T(1.0 / 39916800)));
    p = hn::MulAdd(p, r, hn::Set(d, T(1.0 / 3628800)));
    p = hn::MulAdd(p, r, hn::Set(d, T(1.0 / 362880)));
    p = hn::MulAdd(p, r, hn::Set(d, T(1.0 / 40320)));
    p = hn::MulAdd(p, r, hn::Set(d, T(1.0 / 5040)));
  }
  p = hn::MulAdd(p, r, hn::Set(d, T(1.0 / 720)));
  p = hn::MulAdd(p, r, hn::Set(d, T(1.0 / 120)));
  p = hn::MulAdd(p, r, hn::Set(d, T(1.0 / 24)));
  p = hn::MulAdd(p, r, hn::Set(d, T(1.0 / 6)));
  p = hn::MulAdd(p, r, hn::Set(d, T(0.5)));
  return hn::MulAdd(hn::Mul(r, r), p, r);
}

// x = k ln 2 + r with |r| <= ln(2) / 2.
template <class D, class V>
V Reduce(D d, V x, V& k) {
  using T = hn::TFromD<D>;
  k = hn::Round(hn::Mul(x, hn::Set(d, T(1.4426950408889634))));
  const V r = hn::NegMulAdd(k, hn::Set(d, Ln2<T>::kHigh), x);
  return hn::NegMulAdd(k, hn::Set(d, Ln2<T>::kLow), r);
}

template <class D, class V>
V Exp(D d, V x) {
  using T = hn::TFromD<D>;
  const V limit = hn::Set(d, Ln2<T>::kLargest);
  V k;
  const V r = Reduce(d, hn::Min(hn::Max(x, hn::Neg(limit)), limit), k);
  const V y = Scale(d, hn::Add(SmallExpm1(d, r), hn::Set(d, T(1))), k);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); with s = f / (2 + f),
// log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), R = 2 (s^2/3 + s^4/5 + ...).
template <class D, class V>
V Log(D d, V x) {
  using T = hn::TFromD<D>;
  const hn::RebindToSigned<D> di;
  using TI = hn::TFromD<decltype(di)>;
  constexpr int kMantissa = Ln2<T>::kMantissa;
  const V zero = hn::Zero(d);
  const V smallest = hn::Set(d, std::numeric_limits<T>::min());
  const auto is_subnormal = hn::Lt(x, smallest);
  const V lifted =
      hn::IfThenElse(is_subnormal, hn::Mul(x, hn::Set(d, T(uint64_t{1} << kMantissa))), x);

  // Adding the bits of 1 - sqrt(1/2) carries mantissas of sqrt(2) and above into the exponent.
  const auto sqrt_half = hn::BitCast(di, hn::Set(d, T(0.70710678118654752)));
  const auto one = hn::BitCast(di, hn::Set(d, T(1)));
  const auto shifted = hn::Add(hn::BitCast(di, lifted), hn::Sub(one, sqrt_half));
  const auto exponent =
      hn::Sub(hn::ShiftRight<kMantissa>(shifted), hn::Set(di, static_cast<TI>(Ln2<T>::kBias)));
  const auto mantissa = hn::Set(di, static_cast<TI>((TI{1} << kMantissa) - 1));
  const V m = hn::BitCast(d, hn::Add(hn::And(shifted, mantissa), sqrt_half));
  const V f = hn::Sub(m, hn::Set(d, T(1)));
  V e = FromInteger(d, exponent);
  e = hn::Sub(e, hn::IfThenElseZero(is_subnormal, hn::Set(d, T(kMantissa))));

  const V s = hn::Div(f, hn::Add(f, hn::Set(d, T(2))));
  const V z = hn::Mul(s, s);
  V p;
  if constexpr (sizeof(T) == 4) {
    p = hn::Set(d, T(2.0 / 11));
  } else {
    p = hn::Set(d, T(2.0 / 23));
    p = hn::MulAdd(p, z, hn::Set(d, T(2.0 / 21)));
    p = hn::MulAdd(p, z, hn::Set(d, T(2.0 / 19)));
    p = hn::MulAdd(p, z, hn::Set(d, T(2.0 / 17)));
    p = hn::MulAdd(p, z, hn::Set(d, T(2.0 / 15)));
    p = hn::MulAdd(p, z, hn::Set(d, T(2.0 / 13)));
    p = hn::MulAdd(p, z, hn::Set(d, T(2.0 / 11)));
  }
  p = hn::MulAdd(p, z, hn::Set(d, T(2.0 / 9)));
  p = hn::MulAdd(p, z, hn::Set(d, T(2.0 / 7)));
  p = hn::MulAdd(p, z, hn::Set(d, T(2.0 / 5)));
  p = hn::MulAdd(p, z, hn::Set(d, T(2.0 / 3)));
  const V remainder = hn::Mul(z, p);
  const V half_square = hn::Mul(hn::Mul(f, f), hn::Set(d, T(0.5)));
  const V correction =
      hn::MulAdd(e, hn::Set(d, Ln2<T>::kLow), hn::Mul(s, hn::Add(half_square, remainder)));
  V y = hn::Sub(f, hn::Sub(half_square, correction));
  y = hn::MulAdd(e, hn::Set(d, Ln2<T>::kHigh), y);

  const V infinity = hn::Set(d, std::numeric_limits<T>::infinity());
  y = hn::IfThenElse(hn::Eq(x, infinity), x, y);
  y = hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), y);
  y = hn::IfThenElse(hn::Lt(x, zero), hn::Set(d, std::numeric_limits<T>::quiet_NaN()), y);
  return hn::IfThenElse(hn::IsNaN(x), x, y);
}

// (n + dn) / (d + dd), dn and dd being the rounding errors of n and d: one division, then a
// correction by its remainder.
template <class D, class V>
V DivideCorrected(D d, V n, V dn, V divisor, V ddivisor) {
  const V inverse = hn::Div(hn::Set(d, hn::TFromD<D>(1)), divisor);
  const V q = hn::Mul(n, inverse);
  const V remainder = hn::Add(hn::NegMulAdd(q, divisor, n), hn::NegMulAdd(q, ddivisor, dn));
  return hn::MulAdd(remainder, inverse, q);
}

// tanh(|x|) = t / (t + 2), t = exp(2|x|) - 1 = 2^k expm1(r) + (2^k - 1).
template <class D, class V>
V Tanh(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1)), two = hn::Set(d, T(2));
  const V a = hn::Min(hn::Abs(x), hn::Set(d, T(20)));  // 1 to the last bit from there on
  V k;
  const V r = Reduce(d, hn::Add(a, a), k);
  const V power = Scale(d, one, k);
  // t and its rounding error: whole + part, whole being 2^k - 1 + 2^k r.
  const V part = hn::Mul(power, hn::Sub(SmallExpm1(d, r), r));
  const V base = hn::Sub(power, one), step = hn::Mul(power, r);
  const V whole = hn::Add(base, step);
  const V larger = hn::Max(base, step), smaller = hn::Min(base, step);
  const V whole_error = hn::Sub(smaller, hn::Sub(whole, larger));
  const V t = hn::Add(whole, part);
  const V t_error = hn::Add(hn::Sub(part, hn::Sub(t, whole)), whole_error);
  const V divisor = hn::Add(t, two);
  const V divisor_error =
      hn::Add(t_error, hn::IfThenElse(hn::Lt(t, two), hn::Sub(t, hn::Sub(divisor, two)),
                                      hn::Sub(two, hn::Sub(divisor, t))));
  const V y = DivideCorrected(d, t, t_error, divisor, divisor_error);
  return hn::IfThenElse(hn::IsNaN(x), x, hn::CopySign(y, x));
}

// 1 / (1 + e^-x), with e^-|x| only, so that neither side overflows.
template <class D, class V>
V Sigmoid(D d, V x) {
  const V one = hn::Set(d, hn::TFromD<D>(1)), zero = hn::Zero(d);
  const V e = Exp(d, hn::Neg(hn::Abs(x)));
  const V divisor = hn::Add(one, e);
  const V divisor_error = hn::Sub(e, hn::Sub(divisor, one));
  return DivideCorrected(d, hn::IfThenElse(hn::Lt(x, zero), e, one), zero, divisor, divisor_error);
}

}  // namespace bb::kernels::HWY_NAMESPACE::math
HWY_AFTER_NAMESPACE();

#endif
