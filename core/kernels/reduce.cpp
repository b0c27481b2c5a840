#include "bb/core/kernels/reduce.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/reduce.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/pick-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
const T* at(const char* data, int64_t bytes) {
  return reinterpret_cast<const T*>(data + bytes);
}

// ---- Formulas: what nothing gives, how an element joins what was reduced so far, how partial
// results join

// The result of all lanes, in pairs.
template <class F, class D, class V>
hn::TFromD<D> across_lanes(D d, V v) {
  using T = hn::TFromD<D>;
  const hn::CappedTag<T, 1> one;
  HWY_ALIGN T each[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(v, d, each);
  for (size_t half = hn::Lanes(d) / 2; half > 0; half /= 2)
    for (size_t j = 0; j < half; ++j)
      each[j] = hn::GetLane(F::join(one, hn::Set(one, each[j]), hn::Set(one, each[j + half])));
  return each[0];
}

struct Sum {
  template <class T>
  static constexpr T kIdentity = 0;
  template <class D, class V>
  static V add(D, V sum, V x) {
    return hn::Add(sum, x);
  }
  template <class D, class V>
  static V join(D, V a, V b) {
    return hn::Add(a, b);
  }
  template <class D, class V>
  static hn::TFromD<D> across(D d, V v) {
    return hn::GetLane(hn::SumOfLanes(d, v));
  }
};
struct SumSquares : Sum {
  template <class D, class V>
  static V add(D, V sum, V x) {
    return hn::MulAdd(x, x, sum);
  }
};
struct Prod {
  template <class T>
  static constexpr T kIdentity = 1;
  template <class D, class V>
  static V add(D, V product, V x) {
    return hn::Mul(product, x);
  }
  template <class D, class V>
  static V join(D, V a, V b) {
    return hn::Mul(a, b);
  }
  template <class D, class V>
  static hn::TFromD<D> across(D d, V v) {
    return across_lanes<Prod>(d, v);
  }
};
// The better of two by Order, of pick-inl.h; of nothing, what no number is worse than.
template <class Order>
struct Best {
  template <class T>
  static constexpr T kIdentity = Order::template kWorst<T>;
  template <class D, class V>
  static V add(D d, V best, V x) {
    return better<Order>(d, x, best);
  }
  template <class D, class V>
  static V join(D d, V a, V b) {
    return add(d, a, b);
  }
  template <class D, class V>
  static hn::TFromD<D> across(D d, V v) {
    return across_lanes<Best>(d, v);
  }
};
// A formula for partial results.
template <class F>
struct Join : F {
  template <class D, class V>
  static V add(D d, V a, V b) {
    return F::join(d, a, b);
  }
};

// ---- Rows

constexpr int64_t kVectors = 32;  // that are reduced one after the other; above, pairs are formed

template <class F, class T>
T join(T a, T b) {
  const hn::CappedTag<T, 1> d;
  return hn::GetLane(F::join(d, hn::Set(d, a), hn::Set(d, b)));
}

template <class F, class T>
T reduce_leaf(const T* x, int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  T result = F::template kIdentity<T>;
  if (n >= lanes) {
    auto a = hn::Set(d, result), b = a, c = a, e = a;
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      a = F::add(d, a, hn::LoadU(d, x + i));
      b = F::add(d, b, hn::LoadU(d, x + i + lanes));
      c = F::add(d, c, hn::LoadU(d, x + i + 2 * lanes));
      e = F::add(d, e, hn::LoadU(d, x + i + 3 * lanes));
    }
    for (; i + lanes <= n; i += lanes) a = F::add(d, a, hn::LoadU(d, x + i));
    result = F::across(d, F::join(d, F::join(d, a, b), F::join(d, c, e)));
  }
  const hn::CappedTag<T, 1> one;
  for (; i < n; ++i) result = hn::GetLane(F::add(one, hn::Set(one, result), hn::Set(one, x[i])));
  return result;
}

template <class F, class T>
T reduce_row(const T* x, int64_t n) {
  const auto leaf = 4 * kVectors * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  if (n <= leaf) return reduce_leaf<F>(x, n);
  // Bit b of `leaves` is set where pairs[b] is of 2^b leaves that no pair has yet taken up.
  T pairs[64];
  uint64_t leaves = 0;
  for (int64_t i = 0; i < n; i += leaf, ++leaves) {
    T sum = reduce_leaf<F>(x + i, std::min(leaf, n - i));
    int b = 0;
    for (; leaves >> b & 1; ++b) sum = join<F>(pairs[b], sum);
    pairs[b] = sum;
  }
  int b = std::countr_zero(leaves);
  T sum = pairs[b];
  while (leaves >> ++b)
    if (leaves >> b & 1) sum = join<F>(pairs[b], sum);
  return sum;
}

template <class F, class T>
void reduce_rows(const char* x, int64_t rows, int64_t step, int64_t n, char* y, int64_t*) {
  for (int64_t r = 0; r < rows; ++r)
    reinterpret_cast<T*>(y)[r] = reduce_row<F>(at<T>(x, r * step), n);
}

// ---- Columns

constexpr int64_t kLeafRows = 32;  // reduced likewise
constexpr int64_t kRows = 8;       // in one pass over y

// y[j] = what is reduced so far (y[j], or nothing at first), and x[i, j] of kCount rows.
template <class F, int kCount, class T>
HWY_INLINE void add_rows(bool first, const char* x, int64_t step, int64_t width, T* y) {
  const auto run = [&](auto d, int64_t j) HWY_ATTR {
    auto sum = first ? hn::Set(d, F::template kIdentity<T>) : hn::LoadU(d, y + j);
#pragma GCC unroll 8
    for (int i = 0; i < kCount; ++i) sum = F::add(d, sum, hn::LoadU(d, at<T>(x, i * step) + j));
    hn::StoreU(sum, d, y + j);
  };
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t j = 0;
  for (; j + lanes <= width; j += lanes) run(d, j);
  for (; j < width; ++j) run(hn::CappedTag<T, 1>(), j);
}

template <class F, class T>
void reduce_tile(const char* x, int64_t n, int64_t step, int64_t width, T* y) {
  if (n <= kLeafRows) {
    int64_t i = 0;
    for (; i + kRows <= n; i += kRows) add_rows<F, kRows>(i == 0, x + i * step, step, width, y);
    for (; i < n; ++i) add_rows<F, 1>(i == 0, x + i * step, step, width, y);
    return;
  }
  const int64_t half = (n / 2 + kLeafRows - 1) / kLeafRows * kLeafRows;
  T second[kReduceColumns];
  reduce_tile<F>(x, half, step, width, y);
  reduce_tile<F>(x + half * step, n - half, step, width, second);
  add_rows<Join<F>, 1>(false, reinterpret_cast<const char*>(second), 0, width, y);
}

template <class F, class T>
void reduce_columns(const char* x, int64_t n, int64_t step, int64_t width, char* y, int64_t*) {
  reduce_tile<F>(x, n, step, width, reinterpret_cast<T*>(y));
}

template <class F, class T>
ReduceKernels reduction() {
  return {reduce_rows<F, T>, reduce_columns<F, T>,
          [](const char* x, const int64_t*, int64_t rows, int64_t n, char* y, int64_t*) {
            reduce_rows<Join<F>, T>(x, rows, n * static_cast<int64_t>(sizeof(T)), n, y, nullptr);
          },
          [](const char* x, const int64_t*, int64_t n, int64_t step, int64_t width, char* y,
             int64_t*) { reduce_columns<Join<F>, T>(x, n, step, width, y, nullptr); }};
}
template <class Order, class T>
ReduceKernels pick() {
  return {pick_rows<Order, T>, pick_columns<Order, T>, merge_picked_rows<Order, T>,
          merge_picked_columns<Order, T>};
}

ReduceTable make_table() {
  ReduceTable t;
  const auto floating = [](Reduction& r, const ReduceKernels& f32, const ReduceKernels& f64) {
    r.kernels[static_cast<size_t>(kFloat32)] = f32;
    r.kernels[static_cast<size_t>(kFloat64)] = f64;
  };
  floating(t.sum, reduction<Sum, float>(), reduction<Sum, double>());
  t.sum.kernels[static_cast<size_t>(kInt64)] = reduction<Sum, int64_t>();
  floating(t.prod, reduction<Prod, float>(), reduction<Prod, double>());
  t.prod.kernels[static_cast<size_t>(kInt64)] = reduction<Prod, int64_t>();
  floating(t.sum_squares, reduction<SumSquares, float>(), reduction<SumSquares, double>());
  // A bool is a byte of 0 or 1.
  t.max = {{reduction<Best<Largest>, uint8_t>(), reduction<Best<Largest>, uint8_t>(),
            reduction<Best<Largest>, int32_t>(), reduction<Best<Largest>, int64_t>(),
            reduction<Best<Largest>, float>(), reduction<Best<Largest>, double>()}};
  t.min = {{reduction<Best<Smallest>, uint8_t>(), reduction<Best<Smallest>, uint8_t>(),
            reduction<Best<Smallest>, int32_t>(), reduction<Best<Smallest>, int64_t>(),
            reduction<Best<Smallest>, float>(), reduction<Best<Smallest>, double>()}};
  t.argmax = {{pick<Largest, uint8_t>(), pick<Largest, uint8_t>(), pick<Largest, int32_t>(),
               pick<Largest, int64_t>(), pick<Largest, float>(), pick<Largest, double>()}};
  t.argmin = {{pick<Smallest, uint8_t>(), pick<Smallest, uint8_t>(), pick<Smallest, int32_t>(),
               pick<Smallest, int64_t>(), pick<Smallest, float>(), pick<Smallest, double>()}};
  return t;
}

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

const ReduceTable& reductions() {
  static const ReduceTable table = BB_DISPATCH(make_table)();
  return table;
}

}  // namespace bb::kernels
#endif
