#include "bb/core/kernels/gemm_tile.h"

#include <algorithm>
#include <cstddef>

#include "bb/core/kernels/gemm_scratch.h"
#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/gemm_tile.cpp"
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

template <typename T>
int64_t lanes() {
  return 0;
}
template <typename T>
void run(int64_t, int64_t, int64_t, MatrixRef<const T>, MatrixRef<const T>, MatrixRef<T>,
         const TileEpilogue<T>&) {}

#else

// A block of A (max_height() x kMaxDepth) is streamed through an L2 of 1 MB past a panel of B (a
// quarter of it); the packed panels of a chunk of columns stay in the L3 for the blocks of A that
// follow. Less depth adds to C more often, which costs 4% of 1024^3 each time.
constexpr int64_t kMaxDepth = 1024;
// Where k runs over A's rows, neighbouring tiles share their cache lines, and nothing fetches the
// next by itself: half as many rows, which stay in the L2 beside the panel (512x128x2048 on one
// core: .73 of the peak with as many, .89 so).
template <typename T>
int64_t max_height(MatrixRef<const T> a) {
  return (a.row_stride == 1 ? 512 : 1024) / static_cast<int64_t>(sizeof(T));
}
template <typename T>
constexpr int64_t kMaxWidth = 4096 / sizeof(T);

// An operand is packed where reading it in place costs more: where it is read often, and its rows
// or columns lie over so much memory that translation buffers and the sets of the caches give out.
// Packing too early costs more than packing too late, because of what it drives out of the caches.
constexpr int64_t kFarRows = 3 << 19;     // bytes
constexpr int64_t kFarColumns = 3 << 18;  // of A where k runs over its rows: a line for each step
template <typename T>
bool packs_a(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a) {
  if (n < 4 * kMaxVecs * lanes<T>()) return false;
  const int64_t bytes = k * static_cast<int64_t>(sizeof(T));
  if (a.row_stride == 1) return bytes * a.col_stride > kFarColumns;
  return a.col_stride == 1 && bytes * m > kFarRows;
}
template <typename T>
bool packs_b(int64_t m, int64_t k, MatrixRef<const T> b) {
  return b.col_stride != 1 ||
         (m >= 128 && k * b.row_stride * static_cast<int64_t>(sizeof(T)) > kFarRows);
}

/// C's columns of one chunk, of A's columns and B's rows in one block of depth.
template <typename T>
class Chunk {
 public:
  Chunk(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b, MatrixRef<T> c,
        const TileEpilogue<T>& epilogue)
      : m_(m), n_(n), k_(k), a_(a), b_(b), c_(c), epilogue_(epilogue) {
    heights_ = pieces(m, max_height(a));
    vecs_ = pieces(n, lanes<T>());
    panels_ = pieces(vecs_, kMaxVecs);
    packs_a_ = packs_a(m, n, k, a);
    packs_b_ = packs_b(m, k, b) || (!kEndsAnywhere && n % lanes<T>() != 0);
    keeps_b_ = packs_b_ && heights_ > 1;
    const int64_t size_b = packs_b_ ? k * lanes<T>() * (keeps_b_ ? vecs_ : kMaxVecs) : 0;
    const int64_t size_a = packs_a_ ? std::min(m, max_height(a)) * k : 0;
    if (size_a + size_b > 0) {
      packed_b_ = static_cast<T*>(gemm_scratch(static_cast<size_t>(size_b + size_a) * sizeof(T)));
      packed_a_ = packed_b_ + size_b;
    }
    const int64_t bytes = static_cast<int64_t>(sizeof(T));
    fetches_ahead_ = k * n * bytes > kNear;
    tile_.c_is_far = m * n * bytes > kNear || epilogue.beta != 0;
    static constexpr int64_t kWhole = 0;
    tile_.k = k;
    tile_.segments = 1;
    tile_.b_offsets = &kWhole;
    tile_.alpha = epilogue.alpha;
    tile_.beta = epilogue.beta;
    tile_.relu = epilogue.activation == Activation::kRelu;
    tile_.plain = epilogue.alpha == 1 && epilogue.beta == 0 && !epilogue.col_bias &&
                  !epilogue.row_bias && !tile_.relu;
  }

  void run() {
    for (int64_t height = 0; height < heights_; ++height) {
      for (int64_t panel = 0; panel < panels_; ++panel) run_panel(height, panel);
    }
  }

 private:
  static constexpr int64_t kNear = 128 * 1024;  // bytes that need no fetching ahead
  static constexpr int64_t kTogether = 8;       // tiles of A that are packed together
  static constexpr int64_t kGroup = 64;         // rows of C that go through the buffer together

  int64_t panel_begin(int64_t panel) const { return edge(vecs_, panel, panels_) * lanes<T>(); }
  T* packed_panel(int64_t panel) const {
    return packed_b_ + (keeps_b_ ? panel_begin(panel) * k_ : 0);
  }

  /// Sets what the tiles of a panel fetch ahead: the next panel, a column of cache lines each.
  void look_ahead(int64_t height, int64_t panel) {
    ahead_ = nullptr;
    ahead_lines_ = 0;
    ahead_jump_ = 64 / sizeof(T);
    if (!fetches_ahead_) return;
    const bool wraps = panel + 1 == panels_;
    if (wraps && height + 1 == heights_) return;
    const int64_t next = wraps ? 0 : panel + 1;
    const int64_t begin = panel_begin(next), width = panel_begin(next + 1) - begin;
    if (keeps_b_ && (wraps || height > 0)) {
      ahead_ = packed_panel(next);
      ahead_step_ = width;
    } else if (b_.col_stride == 1) {
      ahead_ = b_.at(0, begin);
      ahead_step_ = b_.row_stride;
    } else if (b_.row_stride == 1 && b_.col_stride == k_) {  // the lines in a row
      ahead_ = b_.at(0, begin);
      ahead_step_ = 64 / sizeof(T);
      ahead_jump_ = k_ * ahead_step_;
    } else {
      return;
    }
    ahead_lines_ = width * static_cast<int64_t>(sizeof(T)) / 64;
  }

  /// Packs the kTogether tiles of A from `tile` on, of m rows from `top` on.
  void pack_rows(int64_t top, int64_t m, int64_t tile, int64_t row_tiles) {
    int64_t edges[kTogether + 1];
    const int64_t count = std::min(kTogether, row_tiles - tile);
    for (int64_t t = 0; t <= count; ++t) edges[t] = edge(m, tile + t, row_tiles);
    pack_a(count, edges, k_, a_.block(top, 0), m_ - top, packed_a_);
  }

  void run_panel(int64_t height, int64_t panel) {
    alignas(64) static constexpr T kZeros[kMaxVecs * kMaxLanes] = {};
    alignas(64) T col_bias[kMaxVecs * kMaxLanes];
    alignas(64) T buffer[kGroup * kMaxVecs * kMaxLanes];
    const int64_t top = edge(m_, height, heights_);
    const int64_t m = edge(m_, height + 1, heights_) - top;
    const int64_t j = panel_begin(panel);
    const int64_t width = panel_begin(panel + 1) - j;
    const int64_t vecs = width / lanes<T>();
    const int64_t cols = std::min(width, n_ - j);
    const bool direct_c = c_.col_stride == 1 && (kEndsAnywhere || cols == width);

    tile_.last_lanes = static_cast<size_t>(kEndsAnywhere ? cols - width + lanes<T>() : lanes<T>());
    tile_.b = b_.at(0, j);
    tile_.b_row = b_.row_stride;
    if (packs_b_) {
      T* packed = packed_panel(panel);
      if (height == 0 || !keeps_b_) pack_b(k_, cols, b_.block(0, j), packed, width);
      tile_.b = packed;
      tile_.b_row = width;
    }
    tile_.col_bias = kZeros;
    if (epilogue_.col_bias) {
      std::fill(std::copy_n(epilogue_.col_bias + j, cols, col_bias), col_bias + width, T{0});
      tile_.col_bias = col_bias;
    }
    look_ahead(height, panel);
    // Packed rows of A serve panels of any width.
    const int64_t row_tiles = pieces(m, kMaxRows[packs_a_ ? kMaxVecs : vecs]);
    int64_t group = 0, group_end = 0;
    for (int64_t t = 0; t < row_tiles; ++t) {
      const int64_t first = edge(m, t, row_tiles);
      const int64_t end = edge(m, t + 1, row_tiles);
      const int64_t rows = end - first;
      const int64_t i = top + first;
      tile_.a = a_.at(i, 0);
      tile_.a_row = a_.row_stride;
      tile_.a_col = a_.col_stride;
      if (packs_a_) {
        T* packed = packed_a_ + first * k_;
        if (panel == 0 && t % kTogether == 0) pack_rows(top, m, t, row_tiles);
        tile_.a = packed;
        tile_.a_row = 1;
        tile_.a_col = rows;
      }
      tile_.row_bias = epilogue_.row_bias ? epilogue_.row_bias + i : kZeros;
      tile_.ahead_step = 0;
      if (t < ahead_lines_) {
        tile_.ahead = ahead_ + t * ahead_jump_;
        tile_.ahead_step = ahead_step_;
      }
      if (direct_c) {
        tile_.c = c_.at(i, j);
        tile_.c_row = c_.row_stride;
        tiles<T>()[vecs - 1][rows](tile_);
        continue;
      }
      if (first == group_end) {
        group = first;
        for (int64_t u = t; u < row_tiles && edge(m, u + 1, row_tiles) - group <= kGroup; ++u)
          group_end = edge(m, u + 1, row_tiles);
        if (tile_.beta != 0)
          load_block<T>(group_end - group, cols, c_.block(top + group, j), buffer, width);
      }
      tile_.c = buffer + (first - group) * width;
      tile_.c_row = width;
      tiles<T>()[vecs - 1][rows](tile_);
      if (end == group_end)
        store_block(group_end - group, cols, buffer, width, c_.block(top + group, j));
    }
  }

  const int64_t m_, n_, k_;
  const MatrixRef<const T> a_, b_;
  const MatrixRef<T> c_;
  const TileEpilogue<T> epilogue_;
  int64_t heights_, vecs_, panels_;
  bool packs_a_, packs_b_, keeps_b_, fetches_ahead_;
  T* packed_a_ = nullptr;
  T* packed_b_ = nullptr;
  const T* ahead_ = nullptr;
  int64_t ahead_step_ = 0, ahead_jump_ = 0, ahead_lines_ = 0;
  Tile<T> tile_;
};

template <typename T>
void run(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
         MatrixRef<T> c, const TileEpilogue<T>& epilogue) {
  const int64_t widths = pieces(n, kMaxWidth<T>);
  const int64_t depths = pieces(k, kMaxDepth);
  const int64_t vecs = pieces(n, lanes<T>());
  for (int64_t width = 0; width < widths; ++width) {
    const int64_t j = edge(vecs, width, widths) * lanes<T>();
    const int64_t cols = std::min(n, edge(vecs, width + 1, widths) * lanes<T>()) - j;
    for (int64_t depth = 0; depth < depths; ++depth) {
      const int64_t p = edge(k, depth, depths);
      // The sum over k so far waits in C; the last step does the rest.
      TileEpilogue<T> part = epilogue;
      if (part.col_bias) part.col_bias += j;
      if (depth > 0) part.beta = 1;
      if (depth + 1 < depths) {
        part.col_bias = part.row_bias = nullptr;
        part.activation = Activation::kNone;
      }
      Chunk<T>(m, cols, edge(k, depth + 1, depths) - p, a.block(0, p), b.block(p, j), c.block(0, j),
               part)
          .run();
    }
  }
}
#endif

int64_t lanes_float() { return lanes<float>(); }
int64_t lanes_double() { return lanes<double>(); }
void run_float(int64_t m, int64_t n, int64_t k, MatrixRef<const float> a, MatrixRef<const float> b,
               MatrixRef<float> c, const TileEpilogue<float>& epilogue) {
  run(m, n, k, a, b, c, epilogue);
}
void run_double(int64_t m, int64_t n, int64_t k, MatrixRef<const double> a,
                MatrixRef<const double> b, MatrixRef<double> c,
                const TileEpilogue<double>& epilogue) {
  run(m, n, k, a, b, c, epilogue);
}

}  // namespace HWY_NAMESPACE
}  // namespace bb::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

template <>
int64_t tile_lanes<float>() {
  return BB_DISPATCH(lanes_float)();
}
template <>
int64_t tile_lanes<double>() {
  return BB_DISPATCH(lanes_double)();
}
template <>
void tile_gemm(int64_t m, int64_t n, int64_t k, MatrixRef<const float> a, MatrixRef<const float> b,
               MatrixRef<float> c, const TileEpilogue<float>& epilogue) {
  BB_DISPATCH(run_float)(m, n, k, a, b, c, epilogue);
}
template <>
void tile_gemm(int64_t m, int64_t n, int64_t k, MatrixRef<const double> a,
               MatrixRef<const double> b, MatrixRef<double> c,
               const TileEpilogue<double>& epilogue) {
  BB_DISPATCH(run_double)(m, n, k, a, b, c, epilogue);
}
}  // namespace bb::kernels
#endif
