// Transposing copies of small blocks, compiled once per Highway target: the guard toggles.
#if defined(BB_CORE_KERNELS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_TRANSPOSE_INL_H_
#undef BB_CORE_KERNELS_TRANSPOSE_INL_H_
#else
#define BB_CORE_KERNELS_TRANSPOSE_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>

#if HWY_TARGET != HWY_SCALAR  // it lacks the shuffles

HWY_BEFORE_NAMESPACE();
namespace bb::kernels {
namespace HWY_NAMESPACE {

/// Transposes within each 128-bit block: v[r] holds one row of a 4x4 (float) or 2x2 (double) matrix
/// per block.
template <class D, class V>
HWY_INLINE void transpose_blocks(D d, V* v) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (sizeof(hn::TFromD<D>) == 8) {
    const V a = v[0];
    v[0] = hn::InterleaveLower(d, a, v[1]);
    v[1] = hn::InterleaveUpper(d, a, v[1]);
  } else {
    const hn::Repartition<double, D> wide;
    const V low01 = hn::InterleaveLower(d, v[0], v[1]);  // a0 b0 a1 b1
    const V low23 = hn::InterleaveLower(d, v[2], v[3]);  // c0 d0 c1 d1
    const V high01 = hn::InterleaveUpper(d, v[0], v[1]);
    const V high23 = hn::InterleaveUpper(d, v[2], v[3]);
    const auto cast = [&](V x) { return hn::BitCast(wide, x); };
    v[0] = hn::BitCast(d, hn::InterleaveLower(wide, cast(low01), cast(low23)));
    v[1] = hn::BitCast(d, hn::InterleaveUpper(wide, cast(low01), cast(low23)));
    v[2] = hn::BitCast(d, hn::InterleaveLower(wide, cast(high01), cast(high23)));
    v[3] = hn::BitCast(d, hn::InterleaveUpper(wide, cast(high01), cast(high23)));
  }
}

/// kSquares pieces of 16 bytes, `stride` elements apart, as one vector.
template <int kSquares, typename T>
HWY_INLINE auto load_squares(const T* from, int64_t stride) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::FixedTag<T, kSquares * 16 / sizeof(T)> d;
  if constexpr (kSquares == 1) {
    return hn::LoadU(d, from);
  } else {
    const auto low = load_squares<kSquares / 2>(from, stride);
    const auto high = load_squares<kSquares / 2>(from + kSquares / 2 * stride, stride);
    return hn::Combine(d, high, low);
  }
}

/// transpose() of kSquares * 16 / sizeof(T) rows: squares that transpose_blocks turns, side by side
/// in a vector.
template <int kSquares, typename T>
HWY_INLINE void transpose_strip(int64_t cols, const T* from, int64_t from_stride, T* to,
                                int64_t to_stride) {
  namespace hn = hwy::HWY_NAMESPACE;
  constexpr int kSide = 16 / sizeof(T);
  const hn::FixedTag<T, kSquares * kSide> d;
  int64_t j = 0;
  for (; j + kSide <= cols; j += kSide) {
    hn::Vec<decltype(d)> v[kSide];
#pragma GCC unroll 4
    for (int r = 0; r < kSide; ++r)
      v[r] = load_squares<kSquares>(from + r * from_stride + j, kSide * from_stride);
    transpose_blocks(d, v);
#pragma GCC unroll 4
    for (int r = 0; r < kSide; ++r) hn::StoreU(v[r], d, to + (j + r) * to_stride);
  }
  for (; j < cols; ++j) {
    for (int r = 0; r < kSquares * kSide; ++r) to[j * to_stride + r] = from[r * from_stride + j];
  }
}

/// to[j * to_stride + i] = from[i * from_stride + j] for i < rows, j < cols.
template <typename T>
HWY_NOINLINE void transpose(int64_t rows, int64_t cols, const T* from, int64_t from_stride, T* to,
                            int64_t to_stride) {
  constexpr int kSide = 16 / sizeof(T);
  int64_t i = 0;
  const auto strips = [&]<int kSquares>(std::integral_constant<int, kSquares>) HWY_ATTR {
    for (; i + kSquares * kSide <= rows; i += kSquares * kSide) {
      transpose_strip<kSquares>(cols, from + i * from_stride, from_stride, to + i, to_stride);
    }
  };
  // Rows a multiple of 4 KB apart share a set of the first-level cache, which holds eight lines.
  const bool collide = from_stride % static_cast<int64_t>(4096 / sizeof(T)) == 0;
  if constexpr (HWY_MAX_BYTES >= 64)
    if (!collide) strips(std::integral_constant<int, 4>());
  if constexpr (HWY_MAX_BYTES >= 32) strips(std::integral_constant<int, 2>());
  strips(std::integral_constant<int, 1>());
  for (; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) to[j * to_stride + i] = from[i * from_stride + j];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace bb::kernels
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET != HWY_SCALAR

#endif  // the toggling guard
