// exp(x) for x <= 0, what softmax is made of. Compiled once for each target: the guard toggles.
#if defined(BB_CORE_KERNELS_SOFTMAX_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_SOFTMAX_EXP_INL_H_
#undef BB_CORE_KERNELS_SOFTMAX_EXP_INL_H_
#else
#define BB_CORE_KERNELS_SOFTMAX_EXP_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <iterator>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Cody and Waite's split of ln 2; minimax coefficients of (exp(r) - 1 - r) / r^2 for |r| <=
// ln(2)/2, by Remez' exchange, with relative errors of exp of 1.0e-7 and 2.9e-16.
template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;
  static constexpr int kMantissa = 23, kBias = 127;
  static constexpr float kCoefficients[] = {0x1.fffdfcp-2f, 0x1.5557aep-3f, 0x1.572a06p-5f,
                                            0x1.106278p-7f};
};
template <>
struct ExpConstants<double> {
  static constexpr double kLn2High = 0x1.62e42fefa38p-1, kLn2Low = 0x1.ef35793c7673p-45;
  static constexpr int kMantissa = 52, kBias = 1023;
  static constexpr double kCoefficients[] = {
      0x1.ffffffffffed2p-2,  0x1.55555555507b6p-3,  0x1.555555558916ap-5,
      0x1.11111125b6f7fp-7,  0x1.6c16c0c817e37p-10, 0x1.a0198d4cc57fep-13,
      0x1.a01b7c77b67d8p-16, 0x1.72e92847816d6p-19, 0x1.270798b6398f9p-22};
};

// The terms from r^kFirst on of the polynomial of the coefficients, over r^kFirst: pairs first
// (Estrin's scheme), as what limits a loop of exp is its latency.
template <class C, size_t kFirst, class D, class V>
HWY_INLINE V polynomial(D d, V r, V r2) {
  constexpr size_t kCount = std::size(C::kCoefficients);
  V pair = hn::Set(d, C::kCoefficients[kFirst]);
  if constexpr (kFirst + 1 < kCount)
    pair = hn::MulAdd(hn::Set(d, C::kCoefficients[kFirst + 1]), r, pair);
  if constexpr (kFirst + 2 < kCount)
    pair = hn::MulAdd(polynomial<C, kFirst + 2>(d, r, r2), r2, pair);
  return pair;
}

// exp(x) within 2 ulp for x up to 1: half the work of an exp for any x, as the power of two needs
// neither a second step nor a limit above. Results below the smallest normal number are 0; NaN for
// NaN.
template <class D, class V>
HWY_INLINE V exp_not_positive(D d, V x) {
  using T = hn::TFromD<D>;
  using C = ExpConstants<T>;
  // 1.5 * 2^mantissa + bias: what is added to it is rounded to a whole number, in the low bits.
  const V magic = hn::Set(d, T((uint64_t{3} << (C::kMantissa - 1)) + C::kBias));
  const V shifted = hn::MulAdd(x, hn::Set(d, T(1.4426950408889634)), magic);
  const V k = hn::Sub(shifted, magic);
  V r = hn::NegMulAdd(k, hn::Set(d, C::kLn2High), x);
  r = hn::NegMulAdd(k, hn::Set(d, C::kLn2Low), r);
  const V r2 = hn::Mul(r, r);
  const V p = hn::MulAdd(polynomial<C, 0>(d, r, r2), r2, hn::Add(r, hn::Set(d, T(1))));
  const hn::RebindToUnsigned<D> du;
  const V power = hn::BitCast(d, hn::ShiftLeft<C::kMantissa>(hn::BitCast(du, shifted)));
  const V least = hn::Set(d, T((1 - C::kBias) * 0.6931471805599453));
  return hn::IfThenZeroElse(hn::Lt(x, least), hn::Mul(p, power));
}

}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
