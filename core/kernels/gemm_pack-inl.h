// What tile_gemm copies: panels of B, tiles of A, blocks of C. Compiled once per Highway target:
// the guard toggles.
#if defined(BB_CORE_KERNELS_GEMM_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_GEMM_PACK_INL_H_
#undef BB_CORE_KERNELS_GEMM_PACK_INL_H_
#else
#define BB_CORE_KERNELS_GEMM_PACK_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "bb/core/kernels/gemm.h"
#include "bb/core/kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Moves `count` adjacent elements; of `to`, whole vectors may be written where kWholeTo, the rest
/// as zeros.
template <bool kWholeTo, typename T>
HWY_INLINE void copy_row(const T* from, int64_t count, T* to) {
  const hn::ScalableTag<T> d;
  const int64_t n_lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t j = 0;
  for (; j + n_lanes <= count; j += n_lanes) hn::StoreU(hn::LoadU(d, from + j), d, to + j);
  if (j == count) return;
#if HWY_MEM_OPS_MIGHT_FAULT  // masked loads and stores touch what they mask away
  if (kWholeTo) hn::StoreU(hn::Zero(d), d, to + j);
  for (; j < count; ++j) to[j] = from[j];
#else
  const auto mask = hn::FirstN(d, static_cast<size_t>(count - j));
  const auto x = hn::MaskedLoad(mask, d, from + j);
  if (kWholeTo) {
    hn::StoreU(x, d, to + j);
  } else {
    hn::BlendedStore(x, mask, d, to + j);
  }
#endif
}

#if HWY_TARGET != HWY_SCALAR  // it lacks the shuffles

/// packed[p * width + j] = b(p, j) for j < cols, 0 from there to width.
template <typename T>
void pack_b(int64_t k, int64_t cols, MatrixRef<const T> b, T* packed, int64_t width) {
  if (b.col_stride == 1) {
    constexpr int64_t kAhead =
        4;  // rows may lie pages apart, where the processor fetches nothing by itself
    constexpr int64_t kLine = 64 / sizeof(T);
    for (int64_t p = 0; p < k; ++p) {
      const T* row = b.at(p, 0);
      if (p + kAhead < k) {
        for (int64_t j = 0; j < cols; j += kLine) hwy::Prefetch(row + kAhead * b.row_stride + j);
      }
      copy_row<true>(row, cols, packed + p * width);
    }
    return;
  }
  if (b.row_stride == 1) {
    transpose(cols, k, b.data, b.col_stride, packed, width);
  } else {
    for (int64_t p = 0; p < k; ++p) {
      for (int64_t j = 0; j < cols; ++j) packed[p * width + j] = *b.at(p, j);
    }
  }
  if (cols < width) {
    for (int64_t p = 0; p < k; ++p)
      std::fill(packed + p * width + cols, packed + (p + 1) * width, T{0});
  }
}

/// Packs `count` neighbouring tiles of A, tile t being rows edges[t] to edges[t + 1]:
///   packed[edges[t] * k + p * rows of t + i] = a(edges[t] + i, p)
/// Of a's columns, elements up to `readable` may be read.
template <typename T>
void pack_a(int64_t count, const int64_t* edges, int64_t k, MatrixRef<const T> a, int64_t readable,
            T* packed) {
  const hn::ScalableTag<T> d;
  const int64_t n_lanes = static_cast<int64_t>(hn::Lanes(d));
  constexpr int64_t kSide = 16 / sizeof(T);
  constexpr int64_t kAhead = 8;
  for (int64_t p = 0; a.row_stride == 1 && p < k; ++p) {
    // Step by step in all tiles: they share cache lines, which may not last from tile to tile.
    for (int64_t i = edges[0]; i < edges[count] && p + kAhead < k; i += 64 / sizeof(T))
      hwy::Prefetch(a.at(i, p + kAhead));
    for (int64_t t = 0; t < count; ++t) {
      const int64_t rows = edges[t + 1] - edges[t];
      const T* from = a.at(edges[t], p);
      T* to = packed + edges[t] * k + p * rows;
      if (rows <= n_lanes && (k - p) * rows >= n_lanes && edges[t] + n_lanes <= readable) {
        hn::StoreU(hn::LoadU(d, from), d, to);  // what it writes too much, the next step writes
      } else {
        std::copy_n(from, rows, to);
      }
    }
  }
  for (int64_t t = 0; a.row_stride != 1 && t < count; ++t) {
    const int64_t rows = edges[t + 1] - edges[t];
    T* to = packed + edges[t] * k;
    if (a.col_stride == 1 && rows >= kSide) {
      // In strips of kSide rows, of which the last overlaps its neighbour.
      for (int64_t i = 0; i < rows; i += kSide) {
        const int64_t first = std::min(i, rows - kSide);
        transpose_strip<1>(k, a.at(edges[t] + first, 0), a.row_stride, to + first, rows);
      }
    } else {
      for (int64_t p = 0; p < k; ++p) {
        for (int64_t i = 0; i < rows; ++i) to[p * rows + i] = *a.at(edges[t] + i, p);
      }
    }
  }
}

/// Moves a block between C and a buffer whose rows are `width` apart.
template <typename T>
void load_block(int64_t rows, int64_t cols, MatrixRef<const T> c, T* buffer, int64_t width) {
  if (c.row_stride == 1) return transpose(cols, rows, c.data, c.col_stride, buffer, width);
  for (int64_t i = 0; i < rows; ++i) {
    if (c.col_stride == 1) {
      copy_row<true>(c.at(i, 0), cols, buffer + i * width);
    } else {
      for (int64_t j = 0; j < cols; ++j) buffer[i * width + j] = *c.at(i, j);
    }
  }
}
template <typename T>
void store_block(int64_t rows, int64_t cols, const T* buffer, int64_t width, MatrixRef<T> c) {
  if (c.row_stride == 1) return transpose(rows, cols, buffer, width, c.data, c.col_stride);
  for (int64_t i = 0; i < rows; ++i) {
    if (c.col_stride == 1) {
      copy_row<false>(buffer + i * width, cols, c.at(i, 0));
    } else {
      for (int64_t j = 0; j < cols; ++j) *c.at(i, j) = buffer[i * width + j];
    }
  }
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace bb::kernels
HWY_AFTER_NAMESPACE();

#endif  // the toggling guard
