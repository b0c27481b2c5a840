#include "bb/core/kernels/gather.h"

#include <algorithm>
#include <cstring>

#include "bb/core/parallel.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/gather.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using AddRow = void (*)(const T* from, int64_t n, T* to);

template <class T>
void add_row(const T* from, int64_t n, T* to) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::Add(hn::LoadU(d, to + i), hn::LoadU(d, from + i)), d, to + i);
  for (; i < n; ++i) to[i] += from[i];
}
AddRow<float> adds_f32() { return add_row<float>; }
AddRow<double> adds_f64() { return add_row<double>; }

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {
namespace {

template <class T>
void gather_elements(const char* from, int64_t step, const int64_t* indices, int64_t count,
                     char* to) {
  T* y = reinterpret_cast<T*>(to);
  for (int64_t i = 0; i < count; ++i) y[i] = *reinterpret_cast<const T*>(from + indices[i] * step);
}

void gather_block(const char* from, int64_t step, int64_t bytes, const int64_t* indices,
                  int64_t count, char* to) {
  if (bytes == 1) return gather_elements<uint8_t>(from, step, indices, count, to);
  if (bytes == 4) return gather_elements<uint32_t>(from, step, indices, count, to);
  if (bytes == 8) return gather_elements<uint64_t>(from, step, indices, count, to);
  for (int64_t i = 0; i < count; ++i, to += bytes)
    std::memcpy(to, from + indices[i] * step, static_cast<size_t>(bytes));
}

}  // namespace

int64_t first_out_of_range(const int64_t* indices, int64_t count, int64_t n) {
  for (int64_t i = 0; i < count; ++i)
    if (indices[i] < 0 || indices[i] >= n) return i;
  return -1;
}

void gather_rows(const char* from, int64_t outer, int64_t block_step, int64_t row_step,
                 int64_t row_bytes, const int64_t* indices, int64_t count, char* to) {
  if (count == 0 || row_bytes == 0) return;
  const double cost_ns = 1 + 0.025 * static_cast<double>(row_bytes);
  parallel_for(outer * count, cost_ns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end;) {  // the part of a block that is in the range
      const int64_t o = i / count, first = i % count, rows = std::min(count - first, end - i);
      gather_block(from + o * block_step, row_step, row_bytes, indices + first, rows,
                   to + i * row_bytes);
      i += rows;
    }
  });
}

template <class T>
void scatter_add_rows(const T* from, const int64_t* indices, int64_t count, int64_t width, T* to,
                      int64_t n) {
  if (n == 0) return;
  const auto add = [] {
    if constexpr (sizeof(T) == 4)
      return BB_DISPATCH(adds_f32)();
    else
      return BB_DISPATCH(adds_f64)();
  }();
  const double cost_ns =
      static_cast<double>(count) * (2 + 0.03 * static_cast<double>(width * sizeof(T)));
  // A thread has some of the target's rows, and looks at all indices for those.
  parallel_for(n, cost_ns / static_cast<double>(n), [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < count; ++i)
      if (indices[i] >= begin && indices[i] < end)
        add(from + i * width, width, to + indices[i] * width);
  });
}

template void scatter_add_rows(const float*, const int64_t*, int64_t, int64_t, float*, int64_t);
template void scatter_add_rows(const double*, const int64_t*, int64_t, int64_t, double*, int64_t);

}  // namespace bb::kernels
#endif
