// exp, log, tanh and sigmoid for vectors of float or double, right at NaN, infinities, zeros and
// subnormals. The errors given are the largest over all floats, and over 10^7 doubles
// (bench/math_accuracy.cpp). Included once for each target by the kernels; no include guard of the
// usual kind.
#if defined(BB_CORE_KERNELS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_MATH_INL_H_
#undef BB_CORE_KERNELS_MATH_INL_H_
#else
#define BB_CORE_KERNELS_MATH_INL_H_
#endif

#include <hwy/highway.h>

#include <array>
#include <limits>
#include <utility>

#include "bb/core/kernels/math_coefficients.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE::math {
namespace hn = hwy::HWY_NAMESPACE;

// c[0] + c[1] x + c[2] x^2 + ...
template <class D, class V, class T, size_t kCount>
V Polynomial(D d, V x, const std::array<T, kCount>& c) {
  V p = hn::Set(d, c[kCount - 1]);
  [&]<size_t... kFromEnd>(std::index_sequence<kFromEnd...>) {
    ((p = hn::MulAdd(p, x, hn::Set(d, c[kCount - 2 - kFromEnd]))), ...);
  }
  (std::make_index_sequence<kCount - 1>());
  return p;
}

// The smaller or the larger of both; NaN where x is NaN: x86's instructions return their second
// operand then, though Highway does not promise it.
#define BB_SECOND_OF_NAN (HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
template <class V>
V AtMost(V x, V limit) {
#if BB_SECOND_OF_NAN
  return hn::Min(limit, x);
#else
  return hn::IfThenElse(hn::Gt(x, limit), limit, x);
#endif
}
template <class V>
V AtLeast(V x, V limit) {
#if BB_SECOND_OF_NAN
  return hn::Max(limit, x);
#else
  return hn::IfThenElse(hn::Lt(x, limit), limit, x);
#endif
}
#undef BB_SECOND_OF_NAN

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

// 1 / ln(base) and the logarithm of 2 to it, in two parts each; exponents times kOf2 are exact.
template <class T, int kBase>
struct LogBase;
template <>
struct LogBase<float, 2> {
  static constexpr float kInverse = 0x1.715476p0f, kInverseLow = 0x1.4ae0cp-26f, kOf2 = 1;
};
template <>
struct LogBase<double, 2> {
  static constexpr double kInverse = 0x1.71547652b82fep0, kInverseLow = 0x1.777d0ffda0d24p-56;
  static constexpr double kOf2 = 1;
};
template <>
struct LogBase<float, 10> {
  static constexpr float kInverse = 0x1.bcb7b2p-2f, kInverseLow = -0x1.5b235ep-27f;
  static constexpr float kOf2 = 0x1.344p-2f, kOf2Low = 0x1.3509f8p-18f;
};
template <>
struct LogBase<double, 10> {
  static constexpr double kInverse = 0x1.bcb7b1526e50ep-2, kInverseLow = 0x1.95355baaafad3p-57;
  static constexpr double kOf2 = 0x1.34413509f78p-2, kOf2Low = 0x1.fef311f12b358p-46;
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

// v * 2^k for whole k, |k| up to twice the exponents: in two steps, so that neither factor leaves
// their range. AVX-512 has an instruction for it.
template <class D, class V>
V Scale(D d, V v, V k) {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  if constexpr (std::is_same_v<V, hn::Vec512<float>>)
    return V{_mm512_scalef_ps(v.raw, k.raw)};
  else if constexpr (std::is_same_v<V, hn::Vec512<double>>)
    return V{_mm512_scalef_pd(v.raw, k.raw)};
#endif
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

// f x = k ln 2 + f r with |f r| <= ln(2) / 2, f = kTwice / 2: 1, -1, 1/2 or -1/2.
template <int kTwice = 2, class D, class V>
V Reduce(D d, V x, V& k) {
  using T = hn::TFromD<D>;
  constexpr T kInverse = T(2) / kTwice;
  k = hn::Round(hn::Mul(x, hn::Set(d, T(1.4426950408889634) / kInverse)));
  const V r = hn::NegMulAdd(k, hn::Set(d, Ln2<T>::kHigh * kInverse), x);
  return hn::NegMulAdd(k, hn::Set(d, Ln2<T>::kLow * kInverse), r);
}

// 2^k e^(f r) for such f and r: powers of f go into the coefficients without rounding.
template <int kTwice = 2, class D, class V>
V ExpReduced(D d, V r, V k) {
  using T = hn::TFromD<D>;
  constexpr T kFactor = T(kTwice) / 2;
  static constexpr auto kRest = [] {
    auto c = Coefficients<T>::kExpm1;
    T power = kFactor;
    for (T& each : c) each *= power *= kFactor;
    return c;
  }();
  const V p = hn::MulAdd(Polynomial(d, r, kRest), r, hn::Set(d, kFactor));
  return Scale(d, hn::MulAdd(p, r, hn::Set(d, T(1))), k);
}

// 1 / x for x in [1, 1e30], off by 2^-14 of it: for callers that put a quotient right by its
// remainder. Where the processor's estimate is less exact, or not much faster, by division.
template <class D, class V>
V InverseEstimate(D d, V x) {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  if constexpr (std::is_same_v<V, hn::Vec512<float>>) return V{_mm512_rcp14_ps(x.raw)};
#endif
  return hn::Div(hn::Set(d, hn::TFromD<D>(1)), x);
}
// 1 / x for such x, off by 0.8 ulp.
template <class D, class V>
V Inverse(D d, V x) {
  const V y = InverseEstimate(d, x);
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  const V one = hn::Set(d, hn::TFromD<D>(1));
  if constexpr (std::is_same_v<V, hn::Vec512<float>>)
    return hn::MulAdd(y, hn::NegMulAdd(x, y, one), y);
#endif
  return y;
}

// e^x for |x| <= Ln2<T>::kLargest.
template <class D, class V>
V ExpInRange(D d, V x) {
  V k;
  const V r = Reduce(d, x, k);
  return ExpReduced(d, r, k);
}

// Errors: float 0.91 ulp, double 0.76.
template <class D, class V>
V Exp(D d, V x) {
  const V limit = hn::Set(d, Ln2<hn::TFromD<D>>::kLargest);
  return ExpInRange(d, AtMost(AtLeast(x, hn::Neg(limit)), limit));
}

// The logarithm to base e (kBase 0), 2 or 10.
// x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2); with s = f / (2 + f),
// log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), R = 2 (s^2/3 + s^4/5 + ...).
// Errors to base e: float 0.84 ulp, double 0.80; to the others: float 0.91 ulp, double 0.93.
template <int kBase = 0, class D, class V>
V Log(D d, V x) {
  using T = hn::TFromD<D>;
  const hn::RebindToSigned<D> di;
  using TI = hn::TFromD<decltype(di)>;
  constexpr int kMantissa = Ln2<T>::kMantissa;
  const V infinity = hn::Set(d, std::numeric_limits<T>::infinity());
  const V smallest = hn::Set(d, std::numeric_limits<T>::min());
  const bool all_normal = hn::AllTrue(d, hn::And(hn::Ge(x, smallest), hn::Lt(x, infinity)));

  V lifted = x, shift = hn::Zero(d);  // x = 2^shift lifted
  if (HWY_UNLIKELY(!all_normal)) {
    const auto is_subnormal = hn::Lt(x, smallest);
    lifted = hn::IfThenElse(is_subnormal, hn::Mul(x, hn::Set(d, T(uint64_t{1} << kMantissa))), x);
    shift = hn::IfThenElseZero(is_subnormal, hn::Set(d, T(-kMantissa)));
  }
  // Adding the bits of 1 - sqrt(1/2) carries mantissas of sqrt(2) and above into the exponent.
  const auto sqrt_half = hn::BitCast(di, hn::Set(d, T(0.70710678118654752)));
  const auto one = hn::BitCast(di, hn::Set(d, T(1)));
  const auto shifted = hn::Add(hn::BitCast(di, lifted), hn::Sub(one, sqrt_half));
  const auto exponent =
      hn::Sub(hn::ShiftRight<kMantissa>(shifted), hn::Set(di, static_cast<TI>(Ln2<T>::kBias)));
  const auto mantissa = hn::Set(di, static_cast<TI>((TI{1} << kMantissa) - 1));
  const V m = hn::BitCast(d, hn::Add(hn::And(shifted, mantissa), sqrt_half));
  const V f = hn::Sub(m, hn::Set(d, T(1)));
  const V e = hn::Add(FromInteger(d, exponent), shift);

  const V s = hn::Div(f, hn::Add(f, hn::Set(d, T(2))));
  const V z = hn::Mul(s, s);
  const V remainder = hn::Mul(z, Polynomial(d, z, Coefficients<T>::kLog));
  const V half_square = hn::Mul(hn::Mul(f, f), hn::Set(d, T(0.5)));
  const V tail = hn::Mul(s, hn::Add(half_square, remainder));
  V y;
  if constexpr (kBase != 0) {
    // f times 1 / ln of the base, that product's rounding error, and the rest: 0 for powers of 2.
    using B = LogBase<T, kBase>;
    const V inverse = hn::Set(d, B::kInverse);
    const V high = hn::Mul(f, inverse);
    V low = hn::MulAdd(f, hn::Set(d, B::kInverseLow), hn::MulSub(f, inverse, high));
    if constexpr (kBase != 2) low = hn::MulAdd(e, hn::Set(d, B::kOf2Low), low);
    const V rest = hn::NegMulAdd(hn::Sub(half_square, tail), inverse, low);
    y = hn::MulAdd(e, hn::Set(d, B::kOf2), hn::Add(high, rest));
  } else {
    const V correction = hn::MulAdd(e, hn::Set(d, Ln2<T>::kLow), tail);
    y = hn::Sub(f, hn::Sub(half_square, correction));
    y = hn::MulAdd(e, hn::Set(d, Ln2<T>::kHigh), y);
  }

  if (HWY_UNLIKELY(!all_normal)) {
    const V zero = hn::Zero(d);
    y = hn::IfThenElse(hn::Eq(x, infinity), x, y);
    y = hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), y);
    y = hn::IfThenElse(hn::Lt(x, zero), hn::Set(d, std::numeric_limits<T>::quiet_NaN()), y);
    y = hn::IfThenElse(hn::IsNaN(x), x, y);
  }
  return y;
}

// Up to 0.6 a polynomial; from there 1 - 2 / (e^2|x| + 1), which no longer cancels.
// Errors: float 1.40 ulp, double 1.40.
template <class D, class V>
V Tanh(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1)), two = hn::Set(d, T(2));
  const V a = AtMost(hn::Abs(x), hn::Set(d, T(20)));  // 1 to the last bit from there on
  const V z = hn::Mul(a, a);
  const V small = hn::MulAdd(hn::Mul(a, z), Polynomial(d, z, Coefficients<T>::kTanh), a);
  const V power = ExpInRange(d, hn::Add(a, a));
  const V large = hn::NegMulAdd(two, Inverse(d, hn::Add(power, one)), one);
  return hn::CopySign(hn::IfThenElse(hn::Lt(a, hn::Set(d, T(0.6))), small, large), x);
}

// 1 / (1 + e^-x), with e^-|x| only, so that neither side overflows. Divided once, then corrected by
// the remainder, which takes the rounding error of 1 + e^-|x| with it; that error alone can be
// known without a fused multiply-add. Errors: float 1.48 ulp, double 1.48; 1.997 and 1.96 without
// it.
template <class D, class V>
V Sigmoid(D d, V x) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1));
  const V e = ExpInRange(d, AtLeast(hn::Neg(hn::Abs(x)), hn::Set(d, -Ln2<T>::kLargest)));
  const V numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one);
  const V divisor = hn::Add(one, e);
  const V error = hn::Sub(e, hn::Sub(divisor, one));
#if HWY_NATIVE_FMA
  const V inverse = InverseEstimate(d, divisor);
  const V q = hn::Mul(numerator, inverse);
  const V remainder = hn::NegMulAdd(q, error, hn::NegMulAdd(q, divisor, numerator));
  return hn::MulAdd(remainder, inverse, q);
#else
  const V q = hn::Div(numerator, divisor);
  return hn::NegMulAdd(q, hn::Div(error, divisor), q);
#endif
}

}  // namespace bb::kernels::HWY_NAMESPACE::math
HWY_AFTER_NAMESPACE();

#endif
