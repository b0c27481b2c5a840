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
void add(int64_t, int64_t, int64_t, const T*, int64_t, const T*, T*) {}

template <class T>
void copy_rows(const PaddedRows<T>& p) {
  for (int64_t r = 0; r < p.rows; ++r)
    for (int64_t j = 0; j < p.width; ++j) {
      const bool inside = j >= p.lead && j < p.lead + p.count;
      p.to[r * p.width + j] = inside ? p.from[r * p.from_row + (j - p.lead) * p.step] : T{0};
    }
}

#else

/// Positions [begin, begin + lanes) of a row, of which those before `lead` and from lead + count on
/// are zeros.
template <class D, class T>
HWY_INLINE hn::Vec<D> padded(D d, const PaddedRows<T>& p, const T* from, int64_t begin) {
  const auto n_lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t first = std::clamp(p.lead - begin, int64_t{0}, n_lanes);
  const int64_t last = std::clamp(p.lead + p.count - begin, first, n_lanes);
  if (p.step == 1 && first == 0 && last == n_lanes) return hn::LoadU(d, from + begin - p.lead);
  // The element behind the last one that is taken may not be there.
  if (p.step == 2 && first == 0 && begin + n_lanes < p.lead + p.count) {
    const T* at = from + (begin - p.lead) * 2;
    return hn::ConcatEven(d, hn::LoadU(d, at + n_lanes), hn::LoadU(d, at));
  }
#if !HWY_MEM_OPS_MIGHT_FAULT
  if (p.step == 1) {
    const auto mask = hn::AndNot(hn::FirstN(d, static_cast<size_t>(first)),
                                 hn::FirstN(d, static_cast<size_t>(last)));
    return hn::MaskedLoad(mask, d, from + begin - p.lead);
  }
#endif
  alignas(64) T buffer[kMaxLanes] = {};
  for (int64_t i = first; i < last; ++i) buffer[i] = from[(begin + i - p.lead) * p.step];
  return hn::Load(d, buffer);
}

template <class T>
void copy_rows(const PaddedRows<T>& p) {
  const hn::ScalableTag<T> d;
  const auto n_lanes = static_cast<int64_t>(hn::Lanes(d));
  const T* from = p.from;
  T* to = p.to;
  for (int64_t r = 0; r < p.rows; ++r, from += p.from_row, to += p.width)
    for (int64_t j = 0; j < p.width; j += n_lanes) hn::StoreU(padded(d, p, from, j), d, to + j);
}

template <class T>
TileShape shape() {
  TileShape result{lanes<T>(), kMaxVecs, {}};
  for (int v = 1; v <= kMaxVecs; ++v) result.rows[v] = kMaxRows[v];
  return result;
}

template <class T>
void multiply(const SegmentProduct<T>& p, int64_t first, int64_t n, const PanelRun* runs,
              int64_t count) {
  if (count == 0) return;
  constexpr int kTileVecs = 24;  // of the largest tile
  constexpr int64_t kLine = 64 / sizeof(T);
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
  // A row of results is stored where it goes, others by way of the buffer.
  const int64_t last_lanes = runs->count - (width - lanes<T>());
  const bool direct = count == 1 && runs->from == 0 && p.c_step == 1 &&
                      (kEndsAnywhere ? last_lanes > 0 : last_lanes == lanes<T>());
  tile.c = buffer;
  tile.c_row = direct ? p.c_row : width;
  tile.last_lanes = static_cast<size_t>(direct ? last_lanes : lanes<T>());
  tile.plain = !p.bias && !p.relu;
  tile.relu = p.relu;
  tile.alpha = 1;
  tile.col_bias = kZeros;
  const int64_t row_tiles = pieces(p.m, p.tile_rows);
  for (int64_t t = 0; t < row_tiles; ++t) {
    const int64_t top = edge(p.m, t, row_tiles), rows = edge(p.m, t + 1, row_tiles) - top;
    tile.a = p.a + top * p.segments * p.depth;
    tile.a_col = rows;
    tile.row_bias = p.bias ? p.bias + top : kZeros;
    // Rows of C lie far apart: their lines come while the product is summed, but the first, whose
    // beginning the panel before this one wrote.
    for (int64_t r = top; p.c_step == 1 && r < top + rows; ++r)
      for (const PanelRun* run = runs; run < runs + count; ++run)
        for (int64_t j = 0; j < run->count; j += kLine)
          __builtin_prefetch(p.c + r * p.c_row + run->to + std::min(j + kLine, run->count) - 1, 1,
                             3);
    if (direct) {
      tile.c = p.c + top * p.c_row + runs->to;
      tiles<T>()[vecs - 1][rows](tile);
      continue;
    }
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

template <class T>
void add(int64_t m, int64_t width, int64_t n, const T* a, int64_t a_row, const T* b, T* c) {
  alignas(64) static constexpr T kZeros[kMaxVecs * kMaxLanes] = {};
  static constexpr int64_t kWhole = 0;
  const int64_t vecs = width / lanes<T>();
  Tile<T> tile{};
  tile.k = n;
  tile.a_row = a_row;
  tile.a_col = 1;
  tile.b = b;
  tile.b_row = width;
  tile.segments = 1;
  tile.b_offsets = &kWhole;
  tile.c_row = width;
  tile.last_lanes = static_cast<size_t>(lanes<T>());
  tile.alpha = tile.beta = 1;
  tile.col_bias = tile.row_bias = kZeros;
  const int64_t row_tiles = pieces(m, kMaxRows[vecs]);
  for (int64_t t = 0; t < row_tiles; ++t) {
    const int64_t top = edge(m, t, row_tiles), rows = edge(m, t + 1, row_tiles) - top;
    tile.a = a + top * a_row;
    tile.c = c + top * width;
    tiles<T>()[vecs - 1][rows](tile);
  }
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
void add_f32(int64_t m, int64_t width, int64_t n, const float* a, int64_t a_row, const float* b,
             float* c) {
  add(m, width, n, a, a_row, b, c);
}
void add_f64(int64_t m, int64_t width, int64_t n, const double* a, int64_t a_row, const double* b,
             double* c) {
  add(m, width, n, a, a_row, b, c);
}
void copy_rows_f32(const PaddedRows<float>& rows) { copy_rows(rows); }
void copy_rows_f64(const PaddedRows<double>& rows) { copy_rows(rows); }
#if HWY_TARGET != HWY_SCALAR
void transpose_f32(int64_t rows, int64_t cols, const float* from, int64_t from_row, float* to,
                   int64_t to_row) {
  transpose(rows, cols, from, from_row, to, to_row);
}
void transpose_f64(int64_t rows, int64_t cols, const double* from, int64_t from_row, double* to,
                   int64_t to_row) {
  transpose(rows, cols, from, from_row, to, to_row);
}
#else
void transpose_f32(int64_t, int64_t, const float*, int64_t, float*, int64_t) {}
void transpose_f64(int64_t, int64_t, const double*, int64_t, double*, int64_t) {}
#endif

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
void add_product(int64_t m, int64_t width, int64_t n, const float* a, int64_t a_row, const float* b,
                 float* c) {
  BB_DISPATCH(add_f32)(m, width, n, a, a_row, b, c);
}
template <>
void add_product(int64_t m, int64_t width, int64_t n, const double* a, int64_t a_row,
                 const double* b, double* c) {
  BB_DISPATCH(add_f64)(m, width, n, a, a_row, b, c);
}
template <>
void copy_padded(const PaddedRows<float>& rows) {
  BB_DISPATCH(copy_rows_f32)(rows);
}
template <>
void copy_padded(const PaddedRows<double>& rows) {
  BB_DISPATCH(copy_rows_f64)(rows);
}
template <>
void transpose_rows(int64_t rows, int64_t cols, const float* from, int64_t from_row, float* to,
                    int64_t to_row) {
  BB_DISPATCH(transpose_f32)(rows, cols, from, from_row, to, to_row);
}
template <>
void transpose_rows(int64_t rows, int64_t cols, const double* from, int64_t from_row, double* to,
                    int64_t to_row) {
  BB_DISPATCH(transpose_f64)(rows, cols, from, from_row, to, to_row);
}

}  // namespace bb::kernels
#endif
