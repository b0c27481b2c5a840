// The register tiles of tile_gemm, compiled once per Highway target: the guard toggles.
#if defined(BB_CORE_KERNELS_GEMM_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_GEMM_KERNEL_INL_H_
#undef BB_CORE_KERNELS_GEMM_KERNEL_INL_H_
#else
#define BB_CORE_KERNELS_GEMM_KERNEL_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "bb/core/kernels/gemm.h"

#if HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace bb::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
using Tag = hn::ScalableTag<T>;

template <typename T>
int64_t lanes() {
  return static_cast<int64_t>(hn::Lanes(Tag<T>()));
}

#if HWY_TARGET == HWY_AVX2  // 16 registers: accumulators, one row of B and a broadcast of A
constexpr int kMaxVecs = 2;
constexpr int kMaxRows[] = {0, 12, 6};
#else  // 32 registers
constexpr int kMaxVecs = 4;
constexpr int kMaxRows[] = {0, 16, 12, 8, 6};
#endif
constexpr int kRowLimit = kMaxRows[1];
constexpr int kMaxLanes = HWY_MAX_BYTES / 4;

/// Whether a tile's last vector may end anywhere: masks cost nothing from AVX-512 on. Elsewhere the
/// tile reads and writes whole vectors.
constexpr bool kEndsAnywhere = HWY_MAX_BYTES >= 64 && !HWY_MEM_OPS_MIGHT_FAULT;

/// One tile: where its operands lie and what becomes of it.
template <typename T>
struct Tile {
  int64_t k;
  const T* a;
  int64_t a_row, a_col;
  const T* b;
  int64_t b_row;
  int64_t segments;          // the k steps are repeated so often, with A going on
  const int64_t* b_offsets;  // and B beginning anew, this far from b
  T* c;
  int64_t c_row;
  size_t last_lanes;   // of the last vector: all of them unless kEndsAnywhere
  bool c_is_far;       // fetch C's lines while the product is summed
  const T* ahead;      // what is wanted next: an address for each of the k steps,
  int64_t ahead_step;  // this far apart; 0 for nothing
  bool plain;          // c = the product, and nothing else
  T alpha, beta;
  const T* col_bias;  // one per column, in whole vectors
  const T* row_bias;  // one per row
  bool relu;
};

template <int kRows, int kVecs, typename T>
HWY_NOINLINE void run_tile(const Tile<T>& t) {
  const Tag<T> d;
  using V = hn::Vec<Tag<T>>;
  const int64_t n_lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto mask = hn::FirstN(d, t.last_lanes);
  const auto load = [&](const T* from, int v) HWY_ATTR {
    if constexpr (kEndsAnywhere) {
      if (v == kVecs - 1) return hn::MaskedLoad(mask, d, from + v * n_lanes);
    }
    return hn::LoadU(d, from + v * n_lanes);
  };

  if (t.c_is_far) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const char* row = reinterpret_cast<const char*>(t.c + r * t.c_row);
#pragma GCC unroll 4
      for (int byte = 0; byte < kVecs * HWY_MAX_BYTES; byte += 64)
        __builtin_prefetch(row + byte, 1, 3);
    }
  }

  V sum[kRows][kVecs];
#pragma GCC unroll 16
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
#pragma GCC unroll 6
  for (int p = 0; p < kPointers; ++p) a[p] = t.a + 3 * p * a_row;
  const T* b = nullptr;
  const auto step = [&]() HWY_ATTR {
    V row[kVecs];
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) row[v] = load(b, v);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const V x = hn::Set(d, a[r / 3][(r % 3) * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) sum[r][v] = hn::MulAdd(x, row[v], sum[r][v]);
    }
#pragma GCC unroll 6
    for (int q = 0; q < kPointers; ++q) a[q] += a_col;
    b += b_row;
  };
  const T* ahead = t.ahead;
  if (t.k == 1) {  // without a loop to begin for each
    for (int64_t segment = 0; segment < t.segments; ++segment) {
      b = t.b + t.b_offsets[segment];
      step();
    }
  }
  for (int64_t segment = 0; t.k > 1 && segment < t.segments; ++segment) {
    b = t.b + t.b_offsets[segment];
    if (t.ahead_step == 0) {
      for (int64_t p = t.k; p > 0; --p) step();
    } else {
      for (int64_t p = t.k; p > 0; --p) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += t.ahead_step;
        step();
      }
    }
  }

  if (!t.plain) {
    const V alpha = hn::Set(d, t.alpha);
    const V beta = hn::Set(d, t.beta);
    const bool keep = t.beta != 0;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const V row_bias = hn::Set(d, t.row_bias[r]);
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) {
        V x = hn::Mul(sum[r][v], alpha);
        if (keep) x = hn::MulAdd(beta, load(t.c + r * t.c_row, v), x);
        x = hn::Add(x, hn::Add(hn::LoadU(d, t.col_bias + v * n_lanes), row_bias));
        if (t.relu) x = hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
        sum[r][v] = x;
      }
    }
  }
  if (kEndsAnywhere && t.last_lanes < hn::Lanes(d)) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      T* row = t.c + r * t.c_row;
#pragma GCC unroll 4
      for (int v = 0; v < kVecs - 1; ++v) hn::StoreU(sum[r][v], d, row + v * n_lanes);
      hn::BlendedStore(sum[r][kVecs - 1], mask, d, row + (kVecs - 1) * n_lanes);
    }
  } else {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) hn::StoreU(sum[r][v], d, t.c + r * t.c_row + v * n_lanes);
    }
  }
}

/// Where piece `index` begins when `size` is cut into `count` pieces as equal as can be.
inline int64_t edge(int64_t size, int64_t index, int64_t count) { return size * index / count; }
inline int64_t pieces(int64_t size, int64_t most) { return (size + most - 1) / most; }

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

}  // namespace HWY_NAMESPACE
}  // namespace bb::kernels
HWY_AFTER_NAMESPACE();

#endif  // the targets with vectors

#endif  // the toggling guard
