// sin and cos for vectors of float or double. Included once for each target by the kernels; no
// include guard of the usual kind.
#if defined(BB_CORE_KERNELS_TRIG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_TRIG_INL_H_
#undef BB_CORE_KERNELS_TRIG_INL_H_
#else
#define BB_CORE_KERNELS_TRIG_INL_H_
#endif

#include "bb/core/kernels/math-inl.h"
#include "bb/core/kernels/trig_reduce.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE::math {
namespace hn = hwy::HWY_NAMESPACE;

// Up to here, a - k pi/2 by three fused multiply-adds is right to the last bit: k times the first
// part of pi/2 leaves no bit below 2^-23 (float) or 2^-52. Without them, the exact way serves.
template <class T>
constexpr T kFastAngles = HWY_NATIVE_FMA ? T(sizeof(T) == 4 ? 1 << 16 : 1 << 25) : T(1);

// Reduces those lanes of a that are not below kFastAngles, one by one.
template <class D, class V, class VI>
HWY_NOINLINE void ReduceLargeAngles(D d, V a, V& r, VI& quadrant) {
  using T = hn::TFromD<D>;
  const hn::RebindToSigned<D> di;
  using TI = hn::TFromD<decltype(di)>;
  constexpr size_t kMost = HWY_MAX_BYTES / sizeof(T);
  HWY_ALIGN T angles[kMost];
  HWY_ALIGN T rs[kMost];
  HWY_ALIGN TI quadrants[kMost];
  hn::Store(a, d, angles);
  hn::Store(r, d, rs);
  hn::Store(quadrant, di, quadrants);
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    if (angles[i] < kFastAngles<T>) continue;
    const Reduced reduced = reduce_angle(static_cast<double>(angles[i]));
    rs[i] = static_cast<T>(reduced.r);
    quadrants[i] = static_cast<TI>(reduced.quadrant);
  }
  r = hn::Load(d, rs);
  quadrant = hn::Load(di, quadrants);
}

template <bool kCosine, class D, class V>
V SineOrCosine(D d, V x) {
  using T = hn::TFromD<D>;
  using C = Coefficients<T>;
  const hn::RebindToSigned<D> di;
  using TI = hn::TFromD<decltype(di)>;
  const V a = hn::Abs(x);
  const V shifted = hn::MulAdd(a, hn::Set(d, T(0.63661977236758134)), Magic(d));
  const V k = hn::Sub(shifted, Magic(d));
  auto quadrant = hn::BitCast(di, shifted);  // in the low bits
  V r = hn::NegMulAdd(k, hn::Set(d, C::kHalfPi[0]), a);
  r = hn::NegMulAdd(k, hn::Set(d, C::kHalfPi[1]), r);
  r = hn::NegMulAdd(k, hn::Set(d, C::kHalfPi[2]), r);
  if (HWY_UNLIKELY(!hn::AllTrue(d, hn::Lt(a, hn::Set(d, kFastAngles<T>)))))
    ReduceLargeAngles(d, a, r, quadrant);
  if constexpr (kCosine) quadrant = hn::Add(quadrant, hn::Set(di, TI{1}));

  const V z = hn::Mul(r, r);
  const V sine = hn::MulAdd(hn::Mul(r, z), Polynomial(d, z, C::kSin), r);
  const V cosine = hn::MulAdd(hn::Mul(z, z), Polynomial(d, z, C::kCos),
                              hn::NegMulAdd(z, hn::Set(d, T(0.5)), hn::Set(d, T(1))));
  const auto odd = hn::RebindMask(d, hn::TestBit(quadrant, hn::Set(di, TI{1})));
  const V y = hn::IfThenElse(odd, cosine, sine);
  // Bit 1 of the quadrant is the sign.
  constexpr int kSign = 8 * static_cast<int>(sizeof(T)) - 2;
  const V sign = hn::And(hn::BitCast(d, hn::ShiftLeft<kSign>(quadrant)), hn::SignBit(d));
  return hn::Xor(y, kCosine ? sign : hn::Xor(sign, hn::And(x, hn::SignBit(d))));
}

// Errors: float 1.60 ulp, double 1.56.
template <class D, class V>
V Sin(D d, V x) {
  return SineOrCosine<false>(d, x);
}
// Errors: float 1.59 ulp, double 1.58.
template <class D, class V>
V Cos(D d, V x) {
  return SineOrCosine<true>(d, x);
}

}  // namespace bb::kernels::HWY_NAMESPACE::math
HWY_AFTER_NAMESPACE();

#endif
