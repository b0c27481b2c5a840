#include "bb/core/kernels/epilogue_grad.h"

#include <algorithm>
#include <vector>

#include "bb/core/parallel.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/epilogue_grad.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kRows = 32;  // summed one after the other

// Columns [j, j + kVectors vectors) of one block of rows; sums may be null.
template <int kVectors, class T>
void columns(int64_t rows, int64_t n, int64_t j, const T* dy, const T* y, T* dz, T* sums) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> total[kVectors];
  for (auto& sum : total) sum = hn::Zero(d);
  for (int64_t i = 0; i < rows; ++i) {
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = i * n + j + v * lanes;
      const auto passed =
          hn::IfThenZeroElse(hn::Le(hn::LoadU(d, y + at), hn::Zero(d)), hn::LoadU(d, dy + at));
      hn::StoreU(passed, d, dz + at);
      total[v] = hn::Add(total[v], passed);
    }
  }
  if (!sums) return;
  for (int v = 0; v < kVectors; ++v) hn::StoreU(total[v], d, sums + j + v * lanes);
}

template <class T>
void block(int64_t rows, int64_t n, const T* dy, const T* y, T* dz, T* sums) {
  constexpr int kVectors = 4;
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  int64_t j = 0;
  for (; j + kVectors * lanes <= n; j += kVectors * lanes)
    columns<kVectors>(rows, n, j, dy, y, dz, sums);
  for (; j + lanes <= n; j += lanes) columns<1>(rows, n, j, dy, y, dz, sums);
  for (; j < n; ++j) {
    T total = 0;
    for (int64_t i = 0; i < rows; ++i) {
      const T passed = y[i * n + j] <= 0 ? T{0} : dy[i * n + j];
      dz[i * n + j] = passed;
      total += passed;
    }
    if (sums) sums[j] = total;
  }
}

template <class T>
void all(int64_t m, int64_t n, const T* dy, const T* y, T* dz, T* dbias) {
  const int64_t blocks = (m + kRows - 1) / kRows;
  if (blocks == 0 && dbias) std::fill_n(dbias, n, T{0});
  // The first block's sums go to dbias, where all are added up in the end.
  std::vector<T> sums(static_cast<size_t>(dbias && blocks > 1 ? (blocks - 1) * n : 0));
  const auto sums_of = [&](int64_t b) {
    return !dbias ? nullptr : b == 0 ? dbias : sums.data() + (b - 1) * n;
  };
  parallel_for(blocks, 0.2 * kRows * static_cast<double>(n), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t from = b * kRows * n;
      block(std::min(kRows, m - b * kRows), n, dy + from, y + from, dz + from, sums_of(b));
    }
  });
  if (!dbias) return;
  for (int64_t step = 1; step < blocks; step *= 2) {
    for (int64_t b = 0; b + step < blocks; b += 2 * step) {
      T* to = sums_of(b);
      const T* more = sums_of(b + step);
      for (int64_t j = 0; j < n; ++j) to[j] += more[j];
    }
  }
}

void all_f32(int64_t m, int64_t n, const float* dy, const float* y, float* dz, float* dbias) {
  all(m, n, dy, y, dz, dbias);
}
void all_f64(int64_t m, int64_t n, const double* dy, const double* y, double* dz, double* dbias) {
  all(m, n, dy, y, dz, dbias);
}

}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

template <>
void relu_bias_grad(int64_t m, int64_t n, const float* dy, const float* y, float* dz,
                    float* dbias) {
  BB_DISPATCH(all_f32)(m, n, dy, y, dz, dbias);
}
template <>
void relu_bias_grad(int64_t m, int64_t n, const double* dy, const double* y, double* dz,
                    double* dbias) {
  BB_DISPATCH(all_f64)(m, n, dy, y, dz, dbias);
}

}  // namespace bb::kernels
#endif
