#include "bb/core/kernels/softmax.h"

#include <cmath>
#include <limits>

#include "bb/core/parallel.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/softmax.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls body(i, load, store) for whole vectors of a row of n, then for its rest, where load pads
// with `padding` and store leaves the padding out.
template <class T, class Body>
void for_vectors(int64_t n, T padding, const Body& body) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    body([&](const T* x) { return hn::LoadU(d, x + i); },
         [&](auto v, T* y) { hn::StoreU(v, d, y + i); });
  if (i == n) return;
  body(
      [&](const T* x) {
        HWY_ALIGN T rest[HWY_MAX_BYTES / sizeof(T)];
        for (int64_t j = 0; j < lanes; ++j) rest[j] = i + j < n ? x[i + j] : padding;
        return hn::Load(d, rest);
      },
      [&](auto v, T* y) {
        HWY_ALIGN T rest[HWY_MAX_BYTES / sizeof(T)];
        hn::Store(v, d, rest);
        for (int64_t j = 0; i + j < n; ++j) y[i + j] = rest[j];
      });
}

template <class T>
T max_of(const T* x, int64_t n) {
  const hn::ScalableTag<T> d;
  auto most = hn::Set(d, -std::numeric_limits<T>::infinity());
  for_vectors<T>(n, -std::numeric_limits<T>::infinity(),
                 [&](const auto& load, const auto&) { most = hn::Max(most, load(x)); });
  return hn::GetLane(hn::MaxOfLanes(d, most));
}

template <class T>
void softmax_row(const T* x, int64_t n, T* y) {
  const hn::ScalableTag<T> d;
  const auto shift = hn::Set(d, max_of(x, n));
  auto sum = hn::Zero(d);
  for_vectors<T>(n, -std::numeric_limits<T>::infinity(), [&](const auto& load, const auto& store) {
    const auto e = math::Exp(d, hn::Sub(load(x), shift));
    sum = hn::Add(sum, e);
    store(e, y);
  });
  const auto scale = hn::Set(d, T(1) / hn::GetLane(hn::SumOfLanes(d, sum)));
  for_vectors<T>(n, T(0),
                 [&](const auto& load, const auto& store) { store(hn::Mul(load(y), scale), y); });
}

template <class T>
void max_sum_exp_row(const T* x, int64_t n, T* most, T* total) {
  const hn::ScalableTag<T> d;
  *most = max_of(x, n);
  const auto shift = hn::Set(d, *most);
  auto sum = hn::Zero(d);
  for_vectors<T>(n, -std::numeric_limits<T>::infinity(), [&](const auto& load, const auto&) {
    sum = hn::Add(sum, math::Exp(d, hn::Sub(load(x), shift)));
  });
  *total = hn::GetLane(hn::SumOfLanes(d, sum));
}

template <class T>
void scaled_exp_row(const T* x, int64_t n, T shift, T scale, T* y) {
  const hn::ScalableTag<T> d;
  const auto from = hn::Set(d, shift), times = hn::Set(d, scale);
  for_vectors<T>(n, T(0), [&](const auto& load, const auto& store) {
    store(hn::Mul(times, math::Exp(d, hn::Sub(load(x), from))), y);
  });
}

template <class T>
void log_softmax_row(const T* x, int64_t n, T* y) {
  const hn::ScalableTag<T> d;
  T most, sum;
  max_sum_exp_row(x, n, &most, &sum);
  const auto shift = hn::Set(d, most), log_sum = hn::Set(d, std::log(sum));
  for_vectors<T>(n, T(0), [&](const auto& load, const auto& store) {
    store(hn::Sub(hn::Sub(load(x), shift), log_sum), y);
  });
}

template <class T>
void softmax_grad_row(const T* dy, const T* y, int64_t n, T* dx) {
  const hn::ScalableTag<T> d;
  auto dot = hn::Zero(d);
  for_vectors<T>(n, T(0),
                 [&](const auto& load, const auto&) { dot = hn::MulAdd(load(dy), load(y), dot); });
  const auto mean = hn::Set(d, hn::GetLane(hn::SumOfLanes(d, dot)));
  for_vectors<T>(n, T(0), [&](const auto& load, const auto& store) {
    store(hn::Mul(load(y), hn::Sub(load(dy), mean)), dx);
  });
}

template <class T>
void log_softmax_grad_row(const T* dy, const T* y, int64_t n, T* dx) {
  const hn::ScalableTag<T> d;
  auto sum = hn::Zero(d);
  for_vectors<T>(n, T(0), [&](const auto& load, const auto&) { sum = hn::Add(sum, load(dy)); });
  const auto total = hn::Set(d, hn::GetLane(hn::SumOfLanes(d, sum)));
  for_vectors<T>(n, T(0), [&](const auto& load, const auto& store) {
    store(hn::NegMulAdd(math::Exp(d, load(y)), total, load(dy)), dx);
  });
}

template <class T>
SoftmaxTable<T> make_table() {
  return {softmax_row<T>,          log_softmax_row<T>, softmax_grad_row<T>,
          log_softmax_grad_row<T>, max_sum_exp_row<T>, scaled_exp_row<T>};
}
SoftmaxTable<float> make_table_f32() { return make_table<float>(); }
SoftmaxTable<double> make_table_f64() { return make_table<double>(); }

}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {
namespace {

HWY_EXPORT(make_table_f32);
HWY_EXPORT(make_table_f64);

template <class T>
const SoftmaxTable<T>& table() {
  static const SoftmaxTable<T> table = [] {
    if constexpr (sizeof(T) == 4)
      return HWY_DYNAMIC_DISPATCH(make_table_f32)();
    else
      return HWY_DYNAMIC_DISPATCH(make_table_f64)();
  }();
  return table;
}

template <class Row>
void for_rows(int64_t rows, int64_t n, double cost_ns, const Row& row) {
  parallel_for(rows, cost_ns * static_cast<double>(n) + 10, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row(r * n);
  });
}

}  // namespace

template <class T>
void softmax_rows(const T* x, int64_t rows, int64_t n, T* y) {
  for_rows(rows, n, 1, [&](int64_t i) { table<T>().softmax(x + i, n, y + i); });
}
template <class T>
void log_softmax_rows(const T* x, int64_t rows, int64_t n, T* y) {
  for_rows(rows, n, 1, [&](int64_t i) { table<T>().log_softmax(x + i, n, y + i); });
}
template <class T>
void softmax_grad_rows(const T* dy, const T* y, int64_t rows, int64_t n, T* dx) {
  for_rows(rows, n, 0.4, [&](int64_t i) { table<T>().softmax_grad(dy + i, y + i, n, dx + i); });
}
template <class T>
void log_softmax_grad_rows(const T* dy, const T* y, int64_t rows, int64_t n, T* dx) {
  for_rows(rows, n, 1, [&](int64_t i) { table<T>().log_softmax_grad(dy + i, y + i, n, dx + i); });
}

template <class T>
void cross_entropy_rows(const T* x, int64_t rows, int64_t n, const int64_t* labels, T* losses,
                        T* sums) {
  for_rows(rows, n, 1, [&](int64_t i) {
    const int64_t r = i / n;
    T *most = sums + 2 * r, *sum = most + 1;
    table<T>().max_sum_exp(x + i, n, most, sum);
    losses[r] = std::log(*sum) - (x[i + labels[r]] - *most);
  });
}
template <class T>
void cross_entropy_grad_rows(const T* x, int64_t rows, int64_t n, const int64_t* labels,
                             const T* sums, const T* dy, T* dx) {
  for_rows(rows, n, 1, [&](int64_t i) {
    const int64_t r = i / n;
    table<T>().scaled_exp(x + i, n, sums[2 * r], dy[r] / sums[2 * r + 1], dx + i);
    dx[i + labels[r]] -= dy[r];
  });
}

template void cross_entropy_rows(const float*, int64_t, int64_t, const int64_t*, float*, float*);
template void cross_entropy_rows(const double*, int64_t, int64_t, const int64_t*, double*, double*);
template void cross_entropy_grad_rows(const float*, int64_t, int64_t, const int64_t*, const float*,
                                      const float*, float*);
template void cross_entropy_grad_rows(const double*, int64_t, int64_t, const int64_t*,
                                      const double*, const double*, double*);
template void softmax_rows(const float*, int64_t, int64_t, float*);
template void softmax_rows(const double*, int64_t, int64_t, double*);
template void log_softmax_rows(const float*, int64_t, int64_t, float*);
template void log_softmax_rows(const double*, int64_t, int64_t, double*);
template void softmax_grad_rows(const float*, const float*, int64_t, int64_t, float*);
template void softmax_grad_rows(const double*, const double*, int64_t, int64_t, double*);
template void log_softmax_grad_rows(const float*, const float*, int64_t, int64_t, float*);
template void log_softmax_grad_rows(const double*, const double*, int64_t, int64_t, double*);

}  // namespace bb::kernels
#endif
