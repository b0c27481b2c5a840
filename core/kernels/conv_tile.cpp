#include "bb/core/kernels/conv_tile.h"

#include <algorithm>
#include <cstddef>

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/conv_tile.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes before these.
#include <hwy/highway.h>

#include "bb/core/kernels/gemm_kernel-inl.h"
#include "bb/core/kernels/gemm_pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

template <class T>
TileShape shape() {
  return {};
}
template <class T>
void multiply(const SegmentProduct<T>&, int64_t, int64_t, const PanelRun*, int64_t) {}
template <class T>
void add_dots(int64_t, int64_t, int64_t, const T*, int64_t, const T*, const int64_t*, T*, int64_t) {
}

#else

template <class T>
TileShape shape() {
  TileShape result{lanes<T>(), kMaxVecs, {}};
  for (int v = 1; v <= kMaxVecs; ++v) result.rows[v] = kMaxRows[v];
  return result;
}

template <class T>
void multiply(const SegmentProduct<T>& p, int64_t first, int64_t n, const PanelRun* runs,
              int64_t count) {
  constexpr int kTileVecs = 24;  // of the largest tile
  alignas(64) static constexpr T kZeros[kMaxVecs * kMaxLanes] = {};
  alignas(64) T buffer[kTileVecs * kMaxLanes];
  const int64_t vecs = pieces(n, lanes<T>()), width = vecs * lanes<T>();
  Tile<T> tile{};
  tile.k = p.depth;
  tile.a_row = 1;
  tile.b = p.x + first;
  tile.b_row = p.row;
  tile.segments = p.segments;
  tile.b_offsets = p.offsets;
  tile.c = buffer;
  tile.c_row = width;
  tile.last_lanes = static_cast<size_t>(lanes<T>());
  tile.plain = !p.bias;
  tile.alpha = 1;
  tile.col_bias = kZeros;
  const int64_t row_tiles = pieces(p.m, p.tile_rows);
  for (int64_t t = 0; t < row_tiles; ++t) {
    const int64_t top = edge(p.m, t, row_tiles), rows = edge(p.m, t + 1, row_tiles) - top;
    tile.a = p.a + top * p.segments * p.depth;
    tile.a_col = rows;
    tile.row_bias = p.bias ? p.bias + top : kZeros;
    tiles<T>()[vecs - 1][rows](tile);
    for (int64_t r = 0; r < rows; ++r) {
      const T* from = buffer + r * width;
      T* to = p.c + (top + r) * p.c_row;
      for (const PanelRun* run = runs; run < runs + count; ++run) {
        if (p.c_step == 1) {
          copy_row<false>(from + run->from, run->count, to + run->to);
        } else {
          for (int64_t j = 0; j < run->count; ++j) to[run->to + j * p.c_step] = from[run->from + j];
        }
      }
    }
  }
}

template <int kRows, int kCols, class T>
HWY_NOINLINE void dot_tile(int64_t n, const T* a, int64_t a_row, const T* b, const int64_t* offsets,
                           T* c, int64_t c_row) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t n_lanes = static_cast<int64_t>(hn::Lanes(d));
  V sum[kRows][kCols];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 6
    for (int q = 0; q < kCols; ++q) sum[r][q] = hn::Zero(d);
  }
  const T* col[kCols];
#pragma GCC unroll 6
  for (int q = 0; q < kCols; ++q) col[q] = b + offsets[q];
  for (int64_t i = 0; i < n; i += n_lanes) {
    V row[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) row[r] = hn::LoadU(d, a + r * a_row + i);
#pragma GCC unroll 6
    for (int q = 0; q < kCols; ++q) {
      const V x = hn::LoadU(d, col[q] + i);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) sum[r][q] = hn::MulAdd(row[r], x, sum[r][q]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 6
    for (int q = 0; q < kCols; ++q) c[r * c_row + q] += hn::GetLane(hn::SumOfLanes(d, sum[r][q]));
  }
}

#if HWY_TARGET == HWY_AVX2  // 16 registers
constexpr int kDotRows = 2, kDotCols = 4;
#else
constexpr int kDotRows = 4, kDotCols = 6;
#endif

template <int kRows, class T>
void add_dot_rows(int64_t cols, int64_t n, const T* a, int64_t a_row, const T* b,
                  const int64_t* offsets, T* c, int64_t c_row) {
  int64_t q = 0;
  for (; q + kDotCols <= cols; q += kDotCols)
    dot_tile<kRows, kDotCols>(n, a, a_row, b, offsets + q, c + q, c_row);
  for (; q + kDotCols / 2 <= cols; q += kDotCols / 2)
    dot_tile<kRows, kDotCols / 2>(n, a, a_row, b, offsets + q, c + q, c_row);
  for (; q < cols; ++q) dot_tile<kRows, 1>(n, a, a_row, b, offsets + q, c + q, c_row);
}

template <class T>
void add_dots(int64_t rows, int64_t cols, int64_t n, const T* a, int64_t a_row, const T* b,
              const int64_t* offsets, T* c, int64_t c_row) {
  int64_t r = 0;
  for (; r + kDotRows <= rows; r += kDotRows)
    add_dot_rows<kDotRows>(cols, n, a + r * a_row, a_row, b, offsets, c + r * c_row, c_row);
  for (; r + kDotRows / 2 <= rows; r += kDotRows / 2)
    add_dot_rows<kDotRows / 2>(cols, n, a + r * a_row, a_row, b, offsets, c + r * c_row, c_row);
  for (; r < rows; ++r)
    add_dot_rows<1>(cols, n, a + r * a_row, a_row, b, offsets, c + r * c_row, c_row);
}

#endif

TileShape shape_f32() { return shape<float>(); }
TileShape shape_f64() { return shape<double>(); }
void multiply_f32(const SegmentProduct<float>& p, int64_t first, int64_t n, const PanelRun* runs,
                  int64_t count) {
  multiply(p, first, n, runs, count);
}
void multiply_f64(const SegmentProduct<double>& p, int64_t first, int64_t n, const PanelRun* runs,
                  int64_t count) {
  multiply(p, first, n, runs, count);
}
void add_dots_f32(int64_t rows, int64_t cols, int64_t n, const float* a, int64_t a_row,
                  const float* b, const int64_t* offsets, float* c, int64_t c_row) {
  add_dots(rows, cols, n, a, a_row, b, offsets, c, c_row);
}
void add_dots_f64(int64_t rows, int64_t cols, int64_t n, const double* a, int64_t a_row,
                  const double* b, const int64_t* offsets, double* c, int64_t c_row) {
  add_dots(rows, cols, n, a, a_row, b, offsets, c, c_row);
}

}  // namespace HWY_NAMESPACE
}  // namespace bb::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

template <>
TileShape tile_shape<float>() {
  return BB_DISPATCH(shape_f32)();
}
template <>
TileShape tile_shape<double>() {
  return BB_DISPATCH(shape_f64)();
}
template <>
void multiply_segments(const SegmentProduct<float>& p, int64_t first, int64_t n,
                       const PanelRun* runs, int64_t count) {
  BB_DISPATCH(multiply_f32)(p, first, n, runs, count);
}
template <>
void multiply_segments(const SegmentProduct<double>& p, int64_t first, int64_t n,
                       const PanelRun* runs, int64_t count) {
  BB_DISPATCH(multiply_f64)(p, first, n, runs, count);
}
template <>
void add_segment_dots(int64_t rows, int64_t cols, int64_t n, const float* a, int64_t a_row,
                      const float* b, const int64_t* offsets, float* c, int64_t c_row) {
  BB_DISPATCH(add_dots_f32)(rows, cols, n, a, a_row, b, offsets, c, c_row);
}
template <>
void add_segment_dots(int64_t rows, int64_t cols, int64_t n, const double* a, int64_t a_row,
                      const double* b, const int64_t* offsets, double* c, int64_t c_row) {
  BB_DISPATCH(add_dots_f64)(rows, cols, n, a, a_row, b, offsets, c, c_row);
}

}  // namespace bb::kernels
#endif
