#include "bb/core/kernels/reduce.h"

#include <algorithm>
#include <vector>

#include "bb/core/parallel.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/reduce.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kLeaf = 1024;    // elements summed by vectors, before pairs are formed
constexpr int64_t kRowBlock = 32;  // rows summed one after the other
constexpr int64_t kTile = 256;     // columns summed together

template <class T>
T sum_leaf(const T* x, int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto a = hn::Zero(d), b = a, c = a, e = a;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::Add(a, hn::LoadU(d, x + i));
    b = hn::Add(b, hn::LoadU(d, x + i + lanes));
    c = hn::Add(c, hn::LoadU(d, x + i + 2 * lanes));
    e = hn::Add(e, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) a = hn::Add(a, hn::LoadU(d, x + i));
  T sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
  for (; i < n; ++i) sum += x[i];
  return sum;
}

template <class T>
T sum_row(const T* x, int64_t n) {
  if (n <= kLeaf) return sum_leaf(x, n);
  const int64_t half = (n / 2 + kLeaf - 1) / kLeaf * kLeaf;
  return sum_row(x, half) + sum_row(x + half, n - half);
}

// y[j] = x[0, j] + ... + x[rows - 1, j] for `width` columns.
template <class T>
void sum_few_rows(const T* x, int64_t rows, int64_t row_stride, int64_t width, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t j = 0;
  for (; j + 4 * lanes <= width; j += 4 * lanes) {
    auto a = hn::Zero(d), b = a, c = a, e = a;
    const T* row = x + j;
    for (int64_t i = 0; i < rows; ++i, row += row_stride) {
      a = hn::Add(a, hn::LoadU(d, row));
      b = hn::Add(b, hn::LoadU(d, row + lanes));
      c = hn::Add(c, hn::LoadU(d, row + 2 * lanes));
      e = hn::Add(e, hn::LoadU(d, row + 3 * lanes));
    }
    hn::StoreU(a, d, y + j);
    hn::StoreU(b, d, y + j + lanes);
    hn::StoreU(c, d, y + j + 2 * lanes);
    hn::StoreU(e, d, y + j + 3 * lanes);
  }
  for (; j + lanes <= width; j += lanes) {
    auto a = hn::Zero(d);
    for (int64_t i = 0; i < rows; ++i) a = hn::Add(a, hn::LoadU(d, x + i * row_stride + j));
    hn::StoreU(a, d, y + j);
  }
  for (; j < width; ++j) {
    T a = 0;
    for (int64_t i = 0; i < rows; ++i) a += x[i * row_stride + j];
    y[j] = a;
  }
}

template <class T>
void sum_tile(const T* x, int64_t rows, int64_t row_stride, int64_t width, T* y) {
  if (rows <= kRowBlock) return sum_few_rows(x, rows, row_stride, width, y);
  const int64_t half = (rows / 2 + kRowBlock - 1) / kRowBlock * kRowBlock;
  T second[kTile];
  sum_tile(x, half, row_stride, width, y);
  sum_tile(x + half * row_stride, rows - half, row_stride, width, second);
  for (int64_t j = 0; j < width; ++j) y[j] += second[j];
}

float sum_row_f32(const float* x, int64_t n) { return sum_row(x, n); }
double sum_row_f64(const double* x, int64_t n) { return sum_row(x, n); }
void sum_tile_f32(const float* x, int64_t rows, int64_t row_stride, int64_t width, float* y) {
  sum_tile(x, rows, row_stride, width, y);
}
void sum_tile_f64(const double* x, int64_t rows, int64_t row_stride, int64_t width, double* y) {
  sum_tile(x, rows, row_stride, width, y);
}

}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {
namespace {

HWY_EXPORT(sum_row_f32);
HWY_EXPORT(sum_row_f64);
HWY_EXPORT(sum_tile_f32);
HWY_EXPORT(sum_tile_f64);

float sum_row(const float* x, int64_t n) { return HWY_DYNAMIC_DISPATCH(sum_row_f32)(x, n); }
double sum_row(const double* x, int64_t n) { return HWY_DYNAMIC_DISPATCH(sum_row_f64)(x, n); }
void sum_tile(const float* x, int64_t rows, int64_t row_stride, int64_t width, float* y) {
  HWY_DYNAMIC_DISPATCH(sum_tile_f32)(x, rows, row_stride, width, y);
}
void sum_tile(const double* x, int64_t rows, int64_t row_stride, int64_t width, double* y) {
  HWY_DYNAMIC_DISPATCH(sum_tile_f64)(x, rows, row_stride, width, y);
}

constexpr int64_t kChunk = 16384;  // of a long row, summed by one thread
constexpr int64_t kColumns = 256;  // of a matrix, summed by one thread; kTile above
constexpr double kCostNs = 0.1;    // of one element

}  // namespace

template <class T>
void sum_rows(const T* x, int64_t rows, int64_t n, T* y) {
  if (n <= kChunk) {
    parallel_for(rows, kCostNs * static_cast<double>(n) + 5, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) y[r] = sum_row(x + r * n, n);
    });
    return;
  }
  const int64_t chunks = (n + kChunk - 1) / kChunk;
  std::vector<T> partial(static_cast<size_t>(rows * chunks));
  parallel_for(rows * chunks, kCostNs * kChunk, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % chunks * kChunk;
      partial[static_cast<size_t>(i)] =
          sum_row(x + i / chunks * n + first, std::min(kChunk, n - first));
    }
  });
  sum_rows(partial.data(), rows, chunks, y);
}

template <class T>
void sum_columns(const T* x, int64_t outer, int64_t n, int64_t inner, T* y) {
  const int64_t tiles = (inner + kColumns - 1) / kColumns;
  const double cost_ns = kCostNs * static_cast<double>(n * std::min(inner, kColumns));
  parallel_for(outer * tiles, cost_ns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t o = i / tiles, j = i % tiles * kColumns;
      sum_tile(x + o * n * inner + j, n, inner, std::min(kColumns, inner - j), y + o * inner + j);
    }
  });
}

template <class T>
void max_rows(const T* x, int64_t rows, int64_t n, T* values, int64_t* indices) {
  parallel_for(rows, static_cast<double>(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T* row = x + r * n;
      int64_t best = 0;
      // row[i] is above, or is the first NaN (a NaN differs from itself).
      for (int64_t i = 1; i < n && row[best] == row[best]; ++i)
        if (row[i] > row[best] || row[i] != row[i]) best = i;
      if (values) values[r] = row[best];
      if (indices) indices[r] = best;
    }
  });
}

template void sum_rows(const float*, int64_t, int64_t, float*);
template void sum_rows(const double*, int64_t, int64_t, double*);
template void sum_columns(const float*, int64_t, int64_t, int64_t, float*);
template void sum_columns(const double*, int64_t, int64_t, int64_t, double*);
template void max_rows(const bool*, int64_t, int64_t, bool*, int64_t*);
template void max_rows(const uint8_t*, int64_t, int64_t, uint8_t*, int64_t*);
template void max_rows(const int32_t*, int64_t, int64_t, int32_t*, int64_t*);
template void max_rows(const int64_t*, int64_t, int64_t, int64_t*, int64_t*);
template void max_rows(const float*, int64_t, int64_t, float*, int64_t*);
template void max_rows(const double*, int64_t, int64_t, double*, int64_t*);

}  // namespace bb::kernels
#endif
