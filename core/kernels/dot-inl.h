// The dot product of two rows, compiled once for each target: the guard toggles.
#if defined(BB_CORE_KERNELS_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_DOT_INL_H_
#undef BB_CORE_KERNELS_DOT_INL_H_
#else
#define BB_CORE_KERNELS_DOT_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// The sum of x[i] y[i]; its order follows from n alone.
template <class T>
T dot(int64_t n, const T* x, const T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    sum = hn::MulAdd(hn::LoadU(d, x + i), hn::LoadU(d, y + i), sum);
  T result = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < n; ++i) result += x[i] * y[i];
  return result;
}

}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // the toggling guard
