#include <algorithm>
#include <cstddef>

#include "bb/core/kernels/gemm_tile.h"
#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/gemm_dot.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes before this.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

template <typename T>
void run_dots(int64_t, int64_t, int64_t, MatrixRef<const T>, MatrixRef<const T>, MatrixRef<T>,
              const TileEpilogue<T>&) {}

#else

/// The first `count` elements, zeros after them.
template <class D, typename T>
HWY_INLINE hn::Vec<D> load_part(D d, const T* from, int64_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT  // masked loads touch what they mask away
  alignas(64) T buffer[HWY_MAX_BYTES / sizeof(T)] = {};
  std::copy_n(from, count, buffer);
  return hn::Load(d, buffer);
#else
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(count)), d, from);
#endif
}

template <typename T>
HWY_NOINLINE void store_sum(T sum, T* c, int64_t i, int64_t j, const TileEpilogue<T>& e) {
  T x = e.alpha * sum;
  if (e.beta != 0) x += e.beta * *c;
  if (e.col_bias) x += e.col_bias[j];
  if (e.row_bias) x += e.row_bias[i];
  *c = e.activation == Activation::kRelu && x < 0 ? T{0} : x;
}

/// The kRows x kCols elements of C from (i, j) on. Whatever the tile, an element has one vector of
/// partial sums.
template <int kRows, int kCols, typename T>
HWY_NOINLINE void run_dot_tile(int64_t i, int64_t j, int64_t k, MatrixRef<const T> a,
                               MatrixRef<const T> b, MatrixRef<T> c,
                               const TileEpilogue<T>& epilogue) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t n_lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[kRows][kCols];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int q = 0; q < kCols; ++q) sum[r][q] = hn::Zero(d);
  }
  const T* x = a.at(i, 0);
  const T* y = b.at(0, j);
  const auto step = [&](auto load) HWY_ATTR {
    V row[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) row[r] = load(x + r * a.row_stride);
#pragma GCC unroll 8
    for (int q = 0; q < kCols; ++q) {
      const V col = load(y + q * b.col_stride);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) sum[r][q] = hn::MulAdd(row[r], col, sum[r][q]);
    }
  };
  int64_t left = k;
  for (; left >= n_lanes; left -= n_lanes, x += n_lanes, y += n_lanes) {
    step([&](const T* from) HWY_ATTR { return hn::LoadU(d, from); });
  }
  if (left > 0) step([&](const T* from) HWY_ATTR { return load_part(d, from, left); });
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int q = 0; q < kCols; ++q) {
      store_sum(hn::GetLane(hn::SumOfLanes(d, sum[r][q])), c.at(i + r, j + q), i + r, j + q,
                epilogue);
    }
  }
}

template <int kRows, typename T>
void run_dot_rows(int64_t i, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
                  MatrixRef<T> c, const TileEpilogue<T>& epilogue) {
  constexpr int kCols = kRows == 1 ? 8 : 4;  // enough sums in flight to hide the latency
  int64_t j = 0;
  for (; j + kCols <= n; j += kCols) run_dot_tile<kRows, kCols>(i, j, k, a, b, c, epilogue);
  for (; j < n; ++j) run_dot_tile<kRows, 1>(i, j, k, a, b, c, epilogue);
}

template <typename T>
void run_dots(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
              MatrixRef<T> c, const TileEpilogue<T>& epilogue) {
  int64_t i = 0;
#if HWY_TARGET != HWY_AVX2  // 16 registers do not hold 4 x 4 sums
  for (; i + 4 <= m; i += 4) run_dot_rows<4>(i, n, k, a, b, c, epilogue);
#endif
  for (; i + 2 <= m; i += 2) run_dot_rows<2>(i, n, k, a, b, c, epilogue);
  if (i < m) run_dot_rows<1>(i, n, k, a, b, c, epilogue);
}
#endif

void run_dots_float(int64_t m, int64_t n, int64_t k, MatrixRef<const float> a,
                    MatrixRef<const float> b, MatrixRef<float> c,
                    const TileEpilogue<float>& epilogue) {
  run_dots(m, n, k, a, b, c, epilogue);
}
void run_dots_double(int64_t m, int64_t n, int64_t k, MatrixRef<const double> a,
                     MatrixRef<const double> b, MatrixRef<double> c,
                     const TileEpilogue<double>& epilogue) {
  run_dots(m, n, k, a, b, c, epilogue);
}

}  // namespace HWY_NAMESPACE
}  // namespace bb::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

template <>
void dot_gemm(int64_t m, int64_t n, int64_t k, MatrixRef<const float> a, MatrixRef<const float> b,
              MatrixRef<float> c, const TileEpilogue<float>& epilogue) {
  BB_DISPATCH(run_dots_float)(m, n, k, a, b, c, epilogue);
}
template <>
void dot_gemm(int64_t m, int64_t n, int64_t k, MatrixRef<const double> a, MatrixRef<const double> b,
              MatrixRef<double> c, const TileEpilogue<double>& epilogue) {
  BB_DISPATCH(run_dots_double)(m, n, k, a, b, c, epilogue);
}
}  // namespace bb::kernels
#endif
