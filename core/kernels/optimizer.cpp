#include "bb/core/kernels/optimizer.h"

#include <algorithm>
#include <array>

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/optimizer.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls update with pointers to each array's next vector; for the rest, to padded copies of it.
template <class T, size_t kArrays, class Update>
void for_vectors(int64_t n, std::array<T*, kArrays> arrays, const Update& update) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; n >= lanes; n -= lanes) {
    update(arrays);
    for (T*& array : arrays) array += lanes;
  }
  if (n == 0) return;
  HWY_ALIGN T rest[kArrays][HWY_MAX_BYTES / sizeof(T)] = {};
  std::array<T*, kArrays> padded;
  for (size_t i = 0; i < kArrays; ++i) {
    std::copy(arrays[i], arrays[i] + n, rest[i]);
    padded[i] = rest[i];
  }
  update(padded);
  for (size_t i = 1; i < kArrays; ++i) std::copy(rest[i], rest[i] + n, arrays[i]);  // 0: gradient
}

template <class T>
void sgd(const SgdStep& s, int64_t n, const T* g, T* p, T* b) {
  const hn::ScalableTag<T> d;
  const auto lr = hn::Set(d, static_cast<T>(s.lr));
  const auto decay = hn::Set(d, static_cast<T>(s.weight_decay));
  const auto momentum = hn::Set(d, static_cast<T>(s.momentum));
  const auto take = hn::Set(d, static_cast<T>(1 - s.dampening));
  if (!b) {
    for_vectors<T, 2>(n, {const_cast<T*>(g), p}, [&](const auto& at) {
      const auto value = hn::LoadU(d, at[1]);
      const auto slope = hn::MulAdd(decay, value, hn::LoadU(d, at[0]));
      hn::StoreU(hn::NegMulAdd(lr, slope, value), d, at[1]);
    });
    return;
  }
  for_vectors<T, 3>(n, {const_cast<T*>(g), p, b}, [&](const auto& at) {
    const auto value = hn::LoadU(d, at[1]);
    auto slope = hn::MulAdd(decay, value, hn::LoadU(d, at[0]));
    const auto buffer =
        s.first ? slope : hn::MulAdd(momentum, hn::LoadU(d, at[2]), hn::Mul(take, slope));
    hn::StoreU(buffer, d, at[2]);
    slope = s.nesterov ? hn::MulAdd(momentum, buffer, slope) : buffer;
    hn::StoreU(hn::NegMulAdd(lr, slope, value), d, at[1]);
  });
}

template <class T>
void adam(const AdamStep& s, int64_t n, const T* g, T* p, T* m, T* v) {
  const hn::ScalableTag<T> d;
  const auto decay = hn::Set(d, static_cast<T>(s.weight_decay));
  const auto take1 = hn::Set(d, static_cast<T>(1 - s.beta1));
  const auto keep2 = hn::Set(d, static_cast<T>(s.beta2));
  const auto take2 = hn::Set(d, static_cast<T>(1 - s.beta2));
  const auto v_scale = hn::Set(d, static_cast<T>(s.v_scale));
  const auto epsilon = hn::Set(d, static_cast<T>(s.epsilon));
  const auto step_size = hn::Set(d, static_cast<T>(s.step_size));
  for_vectors<T, 4>(n, {const_cast<T*>(g), p, m, v}, [&](const auto& at) {
    const auto value = hn::LoadU(d, at[1]);
    const auto slope = hn::MulAdd(decay, value, hn::LoadU(d, at[0]));
    const auto before = hn::LoadU(d, at[2]);
    const auto first = hn::MulAdd(take1, hn::Sub(slope, before), before);
    const auto second =
        hn::MulAdd(take2, hn::Mul(slope, slope), hn::Mul(keep2, hn::LoadU(d, at[3])));
    hn::StoreU(first, d, at[2]);
    hn::StoreU(second, d, at[3]);
    const auto scale = hn::MulAdd(hn::Sqrt(second), v_scale, epsilon);
    hn::StoreU(hn::NegMulAdd(step_size, hn::Div(first, scale), value), d, at[1]);
  });
}

void sgd_f32(const SgdStep& s, int64_t n, const float* g, float* p, float* b) {
  sgd(s, n, g, p, b);
}
void sgd_f64(const SgdStep& s, int64_t n, const double* g, double* p, double* b) {
  sgd(s, n, g, p, b);
}
void adam_f32(const AdamStep& s, int64_t n, const float* g, float* p, float* m, float* v) {
  adam(s, n, g, p, m, v);
}
void adam_f64(const AdamStep& s, int64_t n, const double* g, double* p, double* m, double* v) {
  adam(s, n, g, p, m, v);
}

}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

template <>
void sgd_update(const SgdStep& s, int64_t n, const float* g, float* p, float* b) {
  BB_DISPATCH(sgd_f32)(s, n, g, p, b);
}
template <>
void sgd_update(const SgdStep& s, int64_t n, const double* g, double* p, double* b) {
  BB_DISPATCH(sgd_f64)(s, n, g, p, b);
}
template <>
void adam_update(const AdamStep& s, int64_t n, const float* g, float* p, float* m, float* v) {
  BB_DISPATCH(adam_f32)(s, n, g, p, m, v);
}
template <>
void adam_update(const AdamStep& s, int64_t n, const double* g, double* p, double* m, double* v) {
  BB_DISPATCH(adam_f64)(s, n, g, p, m, v);
}

}  // namespace bb::kernels
#endif
