// Transposing copies of small blocks, compiled once per Highway target: the guard toggles.
#if defined(BB_CORE_KERNELS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_TRANSPOSE_INL_H_
#undef BB_CORE_KERNELS_TRANSPOSE_INL_H_
#else
#define BB_CORE_KERNELS_TRANSPOSE_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#if HWY_TARGET != HWY_SCALAR  // it lacks the shuffles

HWY_BEFORE_NAMESPACE();
namespace bb::kernels {
namespace HWY_NAMESPACE {

/// Transposes within each 128-bit block: v[r] holds one row of a 4x4 (float) or 2x2 (double) matrix per block.
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

/// to[j * to_stride + i] = from[i * from_stride + j] for i < rows, j < cols.
template <typename T>
HWY_NOINLINE void transpose(int64_t rows, int64_t cols, const T* from, int64_t from_stride, T* to,
                            int64_t to_stride) {
  namespace hn = hwy::HWY_NAMESPACE;
  constexpr int kSide = 16 / sizeof(T);  // of the square that transpose_blocks turns
  const hn::FixedTag<T, kSide> square;
  using Square = hn::Vec<decltype(square)>;
  int64_t i = 0;
#if HWY_MAX_BYTES >= 32
  // Two squares side by side: rows i..i+side and i+side..i+2*side become the halves of each written vector.
  const hn::FixedTag<T, 2 * kSide> pair;
  using Pair = hn::Vec<decltype(pair)>;
  for (; i + 2 * kSide <= rows; i += 2 * kSide) {
    const T* source = from + i * from_stride;
    int64_t j = 0;
    for (; j + kSide <= cols; j += kSide) {
      Pair v[kSide];
#pragma GCC unroll 4
      for (int r = 0; r < kSide; ++r) {
        v[r] = hn::Combine(pair, hn::LoadU(square, source + (r + kSide) * from_stride + j),
                           hn::LoadU(square, source + r * from_stride + j));
      }
      transpose_blocks(pair, v);
#pragma GCC unroll 4
      for (int r = 0; r < kSide; ++r) hn::StoreU(v[r], pair, to + (j + r) * to_stride + i);
    }
    for (; j < cols; ++j) {
      for (int r = 0; r < 2 * kSide; ++r) to[j * to_stride + i + r] = source[r * from_stride + j];
    }
  }
#endif
  for (; i + kSide <= rows; i += kSide) {
    const T* source = from + i * from_stride;
    int64_t j = 0;
    for (; j + kSide <= cols; j += kSide) {
      Square v[kSide];
#pragma GCC unroll 4
      for (int r = 0; r < kSide; ++r) v[r] = hn::LoadU(square, source + r * from_stride + j);
      transpose_blocks(square, v);
#pragma GCC unroll 4
      for (int r = 0; r < kSide; ++r) hn::StoreU(v[r], square, to + (j + r) * to_stride + i);
    }
    for (; j < cols; ++j) {
      for (int r = 0; r < kSide; ++r) to[j * to_stride + i + r] = source[r * from_stride + j];
    }
  }
  for (; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) to[j * to_stride + i] = from[i * from_stride + j];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace bb::kernels
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET != HWY_SCALAR

#endif  // the toggling guard
