#include "bb/core/kernels/gemm_tile.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "bb/core/kernels/gemm_scratch.h"
#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/gemm_tile.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes before these.
#include <hwy/highway.h>

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

template <typename T>
using Tag = hn::ScalableTag<T>;

template <typename T>
int64_t lanes() {
  return static_cast<int64_t>(hn::Lanes(Tag<T>()));
}

#if HWY_TARGET == HWY_AVX2  // 16 registers: accumulators, one row of B and a broadcast of A
constexpr int kMaxVecs = 2;
constexpr int kMaxRows[] = {0, 12, 6};
#else                       // 32 registers
constexpr int kMaxVecs = 4;
constexpr int kMaxRows[] = {0, 12, 12, 8, 6};
#endif
constexpr int kRowLimit = 12;
constexpr int kMaxLanes = HWY_MAX_BYTES / 4;

/// One tile: where its operands lie and what becomes of it. b and c are read and written in whole
/// vectors.
template <typename T>
struct Tile {
  int64_t k;
  const T* a;
  int64_t a_row, a_col;
  const T* b;
  int64_t b_row;
  T* c;
  int64_t c_row;
  bool plain;  // c = the product, and nothing else
  T alpha, beta;
  const T* col_bias;  // one per column
  const T* row_bias;  // one per row
  bool relu;
};

template <int kRows, int kVecs, typename T>
HWY_NOINLINE void run_tile(const Tile<T>& t) {
  const Tag<T> d;
  using V = hn::Vec<Tag<T>>;
  const int64_t n_lanes = static_cast<int64_t>(hn::Lanes(d));

  V sum[kRows][kVecs];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) sum[r][v] = hn::Zero(d);
  }

  // One pointer per three rows: x86 addresses the two next to it by an index, and registers are
  // short.
  constexpr int kPointers = (kRows + 2) / 3;
  const int64_t a_row = t.a_row;
  const int64_t a_col = t.a_col;
  const int64_t b_row = t.b_row;
  const T* a[kPointers];
#pragma GCC unroll 4
  for (int p = 0; p < kPointers; ++p) a[p] = t.a + 3 * p * a_row;
  const T* b = t.b;
  for (int64_t p = t.k; p > 0; --p) {
    V row[kVecs];
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) row[v] = hn::LoadU(d, b + v * n_lanes);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const V x = hn::Set(d, a[r / 3][(r % 3) * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) sum[r][v] = hn::MulAdd(x, row[v], sum[r][v]);
    }
#pragma GCC unroll 4
    for (int q = 0; q < kPointers; ++q) a[q] += a_col;
    b += b_row;
  }

  if (!t.plain) {
    const V alpha = hn::Set(d, t.alpha);
    const V beta = hn::Set(d, t.beta);
    const bool keep = t.beta != 0;
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const V row_bias = hn::Set(d, t.row_bias[r]);
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) {
        V x = hn::Mul(sum[r][v], alpha);
        if (keep) x = hn::MulAdd(beta, hn::LoadU(d, t.c + r * t.c_row + v * n_lanes), x);
        x = hn::Add(x, hn::Add(hn::LoadU(d, t.col_bias + v * n_lanes), row_bias));
        if (t.relu) x = hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
        sum[r][v] = x;
      }
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) hn::StoreU(sum[r][v], d, t.c + r * t.c_row + v * n_lanes);
  }
}

template <typename T>
using TileFn = void (*)(const Tile<T>&);

template <int kVecs, typename T, int... kRows>
constexpr void fill(TileFn<T>* row, std::integer_sequence<int, kRows...>) {
  ((row[kRows + 1] = &run_tile<kRows + 1, kVecs, T>), ...);
}

/// tiles<T>()[vecs - 1][rows]
template <typename T>
const auto& tiles() {
  struct Table {
    TileFn<T> at[kMaxVecs][kRowLimit + 1] = {};
  };
  static constexpr Table table = [] {
    Table t;
    fill<1, T>(t.at[0], std::make_integer_sequence<int, kMaxRows[1]>());
    fill<2, T>(t.at[1], std::make_integer_sequence<int, kMaxRows[2]>());
    if constexpr (kMaxVecs == 4) {
      fill<3, T>(t.at[2], std::make_integer_sequence<int, kMaxRows[kMaxVecs - 1]>());
      fill<4, T>(t.at[3], std::make_integer_sequence<int, kMaxRows[kMaxVecs]>());
    }
    return t;
  }();
  return table.at;
}

/// Where piece `index` begins when `size` is cut into `count` pieces as equal as can be.
inline int64_t edge(int64_t size, int64_t index, int64_t count) { return size * index / count; }
inline int64_t pieces(int64_t size, int64_t most) { return (size + most - 1) / most; }

// Blocks of A (kMaxHeight x kMaxDepth) and B (kMaxDepth x a panel) about fill an L2 of 1 MB
// together.
constexpr int64_t kMaxDepth = 1024;
constexpr int64_t kMaxHeight = 256;
// Operands read in place, in steps of a stride, are packed where the steps pass over more memory
// than this: translation buffers and the sets of the L1 give out.
constexpr int64_t kMaxSpan = 1024 * 1024;

/// All rows of C in [0, m), m <= kMaxHeight, of A's columns and B's rows in one block of depth.
template <typename T>
class Block {
 public:
  Block(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b, MatrixRef<T> c,
        const TileEpilogue<T>& epilogue)
      : m_(m), n_(n), k_(k), a_(a), b_(b), c_(c), epilogue_(epilogue) {
    const int64_t width = kMaxVecs * lanes<T>();
    packs_a_ = a.row_stride == 1 && n > width && k * a.col_stride * sizeof(T) > kMaxSpan;
    packs_b_ = b.col_stride != 1 || (m >= kMinReuse && k * b.row_stride * sizeof(T) > kMaxSpan);
    const int64_t size_b = k * width;
    const int64_t size_a = packs_a_ ? m * k + lanes<T>() : 0;
    packed_b_ = static_cast<T*>(gemm_scratch(static_cast<size_t>(size_b + size_a) * sizeof(T)));
    packed_a_ = packed_b_ + size_b;
    tile_.k = k;
    tile_.alpha = epilogue.alpha;
    tile_.beta = epilogue.beta;
    tile_.relu = epilogue.activation == Activation::kRelu;
    tile_.plain = epilogue.alpha == 1 && epilogue.beta == 0 && !epilogue.col_bias &&
                  !epilogue.row_bias && !tile_.relu;
  }

  void run() {
    const int64_t n_lanes = lanes<T>();
    const int64_t vecs = pieces(n_, n_lanes);
    const int64_t panels = pieces(vecs, kMaxVecs);
    int64_t packed_for = 0;  // panels of another width cut the rows in other places
    for (int64_t panel = 0; panel < panels; ++panel) {
      const int64_t first = edge(vecs, panel, panels);
      const int64_t panel_vecs = edge(vecs, panel + 1, panels) - first;
      if (packs_a_ && packed_for != panel_vecs) {
        pack_rows(panel_vecs);
        packed_for = panel_vecs;
      }
      run_panel(first * n_lanes, panel_vecs);
    }
  }

 private:
  static constexpr int64_t kMinReuse = 24;

  void pack_rows(int64_t panel_vecs) {
    const int64_t tiles = pieces(m_, kMaxRows[panel_vecs]);
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t i = edge(m_, t, tiles);
      pack_a(edge(m_, t + 1, tiles) - i, k_, a_.block(i, 0), m_ - i, packed_a_ + i * k_);
    }
  }

  void run_panel(int64_t j, int64_t panel_vecs) {
    alignas(64) static constexpr T kZeros[kMaxVecs * kMaxLanes] = {};
    alignas(64) T col_bias[kMaxVecs * kMaxLanes];
    alignas(64) T buffer[kRowLimit * kMaxVecs * kMaxLanes];
    const int64_t width = panel_vecs * lanes<T>();
    const int64_t cols = std::min(width, n_ - j);
    const bool direct_c = c_.col_stride == 1 && cols == width;

    tile_.b = b_.at(0, j);
    tile_.b_row = b_.row_stride;
    if (packs_b_ || cols < width) {
      pack_b(k_, cols, b_.block(0, j), packed_b_, width);
      tile_.b = packed_b_;
      tile_.b_row = width;
    }
    tile_.col_bias = kZeros;
    if (epilogue_.col_bias) {
      std::fill(std::copy_n(epilogue_.col_bias + j, cols, col_bias), col_bias + width, T{0});
      tile_.col_bias = col_bias;
    }
    const int64_t row_tiles = pieces(m_, kMaxRows[panel_vecs]);
    for (int64_t t = 0; t < row_tiles; ++t) {
      const int64_t i = edge(m_, t, row_tiles);
      const int64_t rows = edge(m_, t + 1, row_tiles) - i;
      tile_.a = packs_a_ ? packed_a_ + i * k_ : a_.at(i, 0);
      tile_.a_row = packs_a_ ? 1 : a_.row_stride;
      tile_.a_col = packs_a_ ? rows : a_.col_stride;
      tile_.row_bias = epilogue_.row_bias ? epilogue_.row_bias + i : kZeros;
      const MatrixRef<T> place = c_.block(i, j);
      tile_.c = direct_c ? place.data : buffer;
      tile_.c_row = direct_c ? c_.row_stride : width;
      if (!direct_c && tile_.beta != 0) load_block<T>(rows, cols, place, buffer, width);
      tiles<T>()[panel_vecs - 1][rows](tile_);
      if (!direct_c) store_block(rows, cols, buffer, width, place);
    }
  }

  const int64_t m_, n_, k_;
  const MatrixRef<const T> a_, b_;
  const MatrixRef<T> c_;
  const TileEpilogue<T> epilogue_;
  bool packs_a_, packs_b_;
  T* packed_a_;
  T* packed_b_;
  Tile<T> tile_;
};

template <typename T>
void run(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
         MatrixRef<T> c, const TileEpilogue<T>& epilogue) {
  const int64_t heights = pieces(m, kMaxHeight);
  const int64_t depths = pieces(k, kMaxDepth);
  for (int64_t height = 0; height < heights; ++height) {
    const int64_t i = edge(m, height, heights);
    const int64_t rows = edge(m, height + 1, heights) - i;
    for (int64_t depth = 0; depth < depths; ++depth) {
      const int64_t p = edge(k, depth, depths);
      TileEpilogue<T> part =
          epilogue;  // the sum over k so far waits in C; the last step does the rest
      if (part.row_bias) part.row_bias += i;
      if (depth > 0) part.beta = 1;
      if (depth + 1 < depths) {
        part.col_bias = part.row_bias = nullptr;
        part.activation = Activation::kNone;
      }
      Block<T>(rows, n, edge(k, depth + 1, depths) - p, a.block(i, p), b.block(p, 0), c.block(i, 0),
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
HWY_EXPORT(lanes_float);
HWY_EXPORT(lanes_double);
HWY_EXPORT(run_float);
HWY_EXPORT(run_double);

template <>
int64_t tile_lanes<float>() {
  return HWY_DYNAMIC_DISPATCH(lanes_float)();
}
template <>
int64_t tile_lanes<double>() {
  return HWY_DYNAMIC_DISPATCH(lanes_double)();
}
template <>
void tile_gemm(int64_t m, int64_t n, int64_t k, MatrixRef<const float> a, MatrixRef<const float> b,
               MatrixRef<float> c, const TileEpilogue<float>& epilogue) {
  HWY_DYNAMIC_DISPATCH(run_float)(m, n, k, a, b, c, epilogue);
}
template <>
void tile_gemm(int64_t m, int64_t n, int64_t k, MatrixRef<const double> a,
               MatrixRef<const double> b, MatrixRef<double> c,
               const TileEpilogue<double>& epilogue) {
  HWY_DYNAMIC_DISPATCH(run_double)(m, n, k, a, b, c, epilogue);
}
}  // namespace bb::kernels
#endif
