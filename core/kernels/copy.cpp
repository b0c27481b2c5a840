#include "bb/core/kernels/copy.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/copy.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
T* at(char* data, int64_t bytes) {
  return reinterpret_cast<T*>(data + bytes);
}
template <class T>
const T* at(const char* data, int64_t bytes) {
  return reinterpret_cast<const T*>(data + bytes);
}

// ---- Transposition: squares of kLanes x kLanes elements through registers, each line of memory
// read and written whole. A line that is touched once cannot be lost in between to the others of
// its cache set, which rows a power of two apart all fall into.

#if HWY_TARGET != HWY_SCALAR  // it lacks the shuffles

// v[i] and v[i + kCount / 2] interleaved into v[2 i] and v[2 i + 1]: log2(kCount) rounds transpose
// the kCount x kCount matrices in the 128-bit blocks of v.
template <int kCount, class D, class V>
HWY_INLINE void transpose_blocks(D d, V* v) {
#pragma GCC unroll 4
  for (int round = 1; round < kCount; round *= 2) {
    V next[kCount];
#pragma GCC unroll 8
    for (int i = 0; i < kCount / 2; ++i) {
      next[2 * i] = hn::InterleaveLower(d, v[i], v[i + kCount / 2]);
      next[2 * i + 1] = hn::InterleaveUpper(d, v[i], v[i + kCount / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kCount; ++i) v[i] = next[i];
  }
}

// Swaps block q of v[p * kStep] with block p of v[q * kStep].
template <int kBlocks, int kStep, class D, class V>
HWY_INLINE void exchange_blocks(D d, V* v) {
  if constexpr (kBlocks == 2) {
    const V a = v[0], b = v[kStep];
    v[0] = hn::ConcatLowerLower(d, b, a);
    v[kStep] = hn::ConcatUpperUpper(d, b, a);
  } else if constexpr (kBlocks == 4) {
    const V low02 = hn::ConcatLowerLower(d, v[2 * kStep], v[0]);  // a0 a1 c0 c1
    const V low13 = hn::ConcatLowerLower(d, v[3 * kStep], v[kStep]);
    const V high02 = hn::ConcatUpperUpper(d, v[2 * kStep], v[0]);
    const V high13 = hn::ConcatUpperUpper(d, v[3 * kStep], v[kStep]);
    v[0] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(low13), low02);
    v[kStep] = hn::OddEvenBlocks(low13, hn::SwapAdjacentBlocks(low02));
    v[2 * kStep] = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(high13), high02);
    v[3 * kStep] = hn::OddEvenBlocks(high13, hn::SwapAdjacentBlocks(high02));
  }
}

// to[j, i] = from[i, j] for i, j < kLanes.
template <int kLanes, class T>
HWY_INLINE void transpose_square(const char* from, int64_t from_row, char* to, int64_t to_row) {
  const hn::FixedTag<T, kLanes> d;
  constexpr int kPerBlock = 16 / sizeof(T);
  constexpr int kBlocks = kLanes / kPerBlock;
  hn::Vec<decltype(d)> v[kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) v[i] = hn::LoadU(d, at<T>(from, i * from_row));
#pragma GCC unroll 16
  for (int i = 0; i < kPerBlock; ++i) exchange_blocks<kBlocks, kPerBlock>(d, v + i);
#pragma GCC unroll 4
  for (int p = 0; p < kBlocks; ++p) transpose_blocks<kPerBlock>(d, v + p * kPerBlock);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) hn::StoreU(v[i], d, at<T>(to, i * to_row));
}

// to[j, i] = from[i, j] for i < rows, j < cols, both at least kLanes. The last squares overlap the
// ones before them: they write the same values again.
template <int kLanes, class T>
HWY_NOINLINE void transpose_squares(int64_t rows, int64_t cols, const char* from, int64_t from_row,
                                    char* to, int64_t to_row) {
  constexpr int64_t kUnit = sizeof(T);
  for (int64_t j = 0;; j = std::min(j + kLanes, cols - kLanes)) {
    for (int64_t i = 0;; i = std::min(i + kLanes, rows - kLanes)) {
      transpose_square<kLanes, T>(from + i * from_row + j * kUnit, from_row,
                                  to + j * to_row + i * kUnit, to_row);
      if (i == rows - kLanes) break;
    }
    if (j == cols - kLanes) break;
  }
}

#endif

// to[j, i] = from[i, j] for i < rows, j < cols; rows of both are contiguous.
template <class T>
void transpose(int64_t rows, int64_t cols, const char* from, int64_t from_row, char* to,
               int64_t to_row) {
#if HWY_TARGET != HWY_SCALAR
  constexpr int kSide = 16 / sizeof(T);  // of the smallest square
  constexpr int kMost = sizeof(T) == 1 ? kSide : HWY_MAX_BYTES / static_cast<int>(sizeof(T));
  const int64_t thin = std::min(rows, cols);
  if constexpr (kMost >= 4 * kSide) {
    if (thin >= 4 * kSide)
      return transpose_squares<4 * kSide, T>(rows, cols, from, from_row, to, to_row);
  }
  if constexpr (kMost >= 2 * kSide) {
    if (thin >= 2 * kSide)
      return transpose_squares<2 * kSide, T>(rows, cols, from, from_row, to, to_row);
  }
  if (thin >= kSide) return transpose_squares<kSide, T>(rows, cols, from, from_row, to, to_row);
#endif
  for (int64_t j = 0; j < cols; ++j) {
    const char* column = from + j * static_cast<int64_t>(sizeof(T));
    T* row = at<T>(to, j * to_row);
    for (int64_t i = 0; i < rows; ++i) row[i] = *at<T>(column, i * from_row);
  }
}

// ---- Rows

constexpr int64_t kLongRow = 512;  // bytes from which memcpy is worth its call

void copy_bytes(char* to, const char* from, int64_t bytes) {
  if (bytes >= kLongRow) {
    std::memcpy(to, from, static_cast<size_t>(bytes));
    return;
  }
  const hn::ScalableTag<uint8_t> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= bytes; i += lanes)
    hn::StoreU(hn::LoadU(d, at<uint8_t>(from, i)), d, at<uint8_t>(to, i));
  for (; i + 8 <= bytes; i += 8) std::memcpy(to + i, from + i, 8);
  for (; i < bytes; ++i) to[i] = from[i];
}

template <class T>
void fill_row(T* to, T value, int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto v = hn::Set(d, value);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(v, d, to + i);
  for (; i < n; ++i) to[i] = value;
}

// Elements of T, an unsigned type of their size, as they are.
template <class T>
void copy_plane(const Plane& p, char* to, const char* from) {
  constexpr int64_t kUnit = sizeof(T);
  if (is_transposing(p, kUnit)) {
    if (p.to_col == kUnit)
      transpose<T>(p.cols, p.rows, from, p.from_col, to, p.to_row);
    else
      transpose<T>(p.rows, p.cols, from, p.from_row, to, p.to_col);
    return;
  }
  for (int64_t r = 0; r < p.rows; ++r, to += p.to_row, from += p.from_row) {
    if (p.to_col == kUnit && p.from_col == kUnit) {
      copy_bytes(to, from, p.cols * kUnit);
    } else if (p.to_col == kUnit && p.from_col == 0) {
      fill_row(at<T>(to, 0), *at<T>(from, 0), p.cols);
    } else {
      for (int64_t c = 0; c < p.cols; ++c) *at<T>(to, c * p.to_col) = *at<T>(from, c * p.from_col);
    }
  }
}

template <class To, class From>
void convert_plane(const Plane& p, char* to, const char* from) {
  constexpr int64_t kUnit = sizeof(To), kFromUnit = sizeof(From);
  constexpr int64_t kBlock = 64;  // a count known to the compiler, so that it uses vectors
  for (int64_t r = 0; r < p.rows; ++r, to += p.to_row, from += p.from_row) {
    int64_t c = 0;
    if (p.to_col == kUnit && p.from_col == kFromUnit) {
      for (; c + kBlock <= p.cols; c += kBlock) {
        To* HWY_RESTRICT block = at<To>(to, c * kUnit);
        const From* HWY_RESTRICT source = at<From>(from, c * kFromUnit);
        for (int64_t i = 0; i < kBlock; ++i) block[i] = static_cast<To>(source[i]);
      }
    }
    for (; c < p.cols; ++c)
      *at<To>(to, c * p.to_col) = static_cast<To>(*at<From>(from, c * p.from_col));
  }
}

using CopyTable = std::array<std::array<PlaneCopy, 6>, 6>;

template <class To, class From>
PlaneCopy copy_of() {
  if constexpr (!std::is_same_v<To, From>)
    return convert_plane<To, From>;
  else if constexpr (sizeof(To) == 1)
    return copy_plane<uint8_t>;
  else if constexpr (sizeof(To) == 4)
    return copy_plane<uint32_t>;
  else
    return copy_plane<uint64_t>;
}
template <class To>
std::array<PlaneCopy, 6> copies_to() {
  return {copy_of<To, bool>(),    copy_of<To, uint8_t>(), copy_of<To, int32_t>(),
          copy_of<To, int64_t>(), copy_of<To, float>(),   copy_of<To, double>()};
}
CopyTable make_table() {
  return {copies_to<bool>(),    copies_to<uint8_t>(), copies_to<int32_t>(),
          copies_to<int64_t>(), copies_to<float>(),   copies_to<double>()};
}

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

PlaneCopy plane_copy(DType to, DType from) {
  static const auto table = BB_DISPATCH(make_table)();
  return table[static_cast<size_t>(to)][static_cast<size_t>(from)];
}

}  // namespace bb::kernels
#endif
