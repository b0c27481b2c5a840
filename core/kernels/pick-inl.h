// The largest or smallest of rows and columns, and where it is first: for reduce.cpp, compiled once
// per Highway target: the guard toggles.
#if defined(BB_CORE_KERNELS_PICK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_PICK_INL_H_
#undef BB_CORE_KERNELS_PICK_INL_H_
#else
#define BB_CORE_KERNELS_PICK_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "bb/core/kernels/reduce.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Which of two numbers is better; a NaN is better than all numbers.
struct Largest {
  template <class T>
  static constexpr T kWorst = std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity()
                                                          : std::numeric_limits<T>::lowest();
  template <class D, class V>
  static auto is_better(D, V x, V best) {
    return hn::Gt(x, best);
  }
  template <class T>
  static bool is_better(T x, T best) {
    return x > best;
  }
};
struct Smallest {
  template <class T>
  static constexpr T kWorst = std::is_floating_point_v<T> ? std::numeric_limits<T>::infinity()
                                                          : std::numeric_limits<T>::max();
  template <class D, class V>
  static auto is_better(D, V x, V best) {
    return hn::Lt(x, best);
  }
  template <class T>
  static bool is_better(T x, T best) {
    return x < best;
  }
};

// The better value of two. No number is better than a NaN in `best`, which therefore stays.
template <class Order, class D, class V>
HWY_INLINE V better(D d, V x, V best) {
  const auto is_better = Order::is_better(d, x, best);
  if constexpr (hwy::IsFloat<hn::TFromD<D>>())
    return hn::IfThenElse(hn::Or(is_better, hn::IsNaN(x)), x, best);
  else
    return hn::IfThenElse(is_better, x, best);
}

// x is to take best's place: it is better, and not another NaN.
template <class Order, class D, class V>
HWY_INLINE auto beats(D d, V x, V best) {
  const auto is_better = Order::is_better(d, x, best);
  if constexpr (hwy::IsFloat<hn::TFromD<D>>())
    return hn::And(hn::Or(is_better, hn::IsNaN(x)), hn::Eq(best, best));
  else
    return is_better;
}
template <class Order, class T>
bool beats(T x, T best) {
  return best == best && (Order::is_better(x, best) || x != x);
}

// The best value of n > 0 elements.
template <class Order, class T>
T best_of(const T* x, int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  T best = x[0];
  int64_t i = 0;
  if (n >= lanes) {
    auto a = hn::LoadU(d, x), b = a, c = a, e = a;
    for (; i + 4 * lanes <= n; i += 4 * lanes) {
      a = better<Order>(d, hn::LoadU(d, x + i), a);
      b = better<Order>(d, hn::LoadU(d, x + i + lanes), b);
      c = better<Order>(d, hn::LoadU(d, x + i + 2 * lanes), c);
      e = better<Order>(d, hn::LoadU(d, x + i + 3 * lanes), e);
    }
    for (; i + lanes <= n; i += lanes) a = better<Order>(d, hn::LoadU(d, x + i), a);
    HWY_ALIGN T each[HWY_MAX_BYTES / sizeof(T)];
    hn::Store(better<Order>(d, better<Order>(d, a, b), better<Order>(d, c, e)), d, each);
    for (int64_t j = 0; j < lanes; ++j)
      if (beats<Order>(each[j], best)) best = each[j];
  }
  for (; i < n; ++i)
    if (beats<Order>(x[i], best)) best = x[i];
  return best;
}

// The first place of `value`, which x has.
template <class T>
int64_t find(const T* x, int64_t n, T value) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto wanted = hn::Set(d, value);
  const bool is_nan = value != value;
  const auto is_there = [&](auto v) HWY_ATTR {
    if constexpr (hwy::IsFloat<T>()) {
      if (is_nan) return hn::IsNaN(v);
    }
    return hn::Eq(v, wanted);
  };
  int64_t i = 0;
  while (i + lanes <= n && hn::AllFalse(d, is_there(hn::LoadU(d, x + i)))) i += lanes;
  while (is_nan ? x[i] == x[i] : x[i] != value) ++i;
  return i;
}

template <class Order, class T>
void pick_rows(const char* data, int64_t rows, int64_t step, int64_t n, char* y, int64_t* at) {
  constexpr int64_t kLeaf = 512;  // in the cache still when it is searched
  for (int64_t r = 0; r < rows; ++r) {
    const T* x = reinterpret_cast<const T*>(data + r * step);
    T best = best_of<Order>(x, std::min(kLeaf, n));
    int64_t leaf = 0;
    for (int64_t i = kLeaf; i < n; i += kLeaf) {
      const T other = best_of<Order>(x + i, std::min(kLeaf, n - i));
      if (!beats<Order>(other, best)) continue;
      best = other;
      leaf = i;
    }
    reinterpret_cast<T*>(y)[r] = best;
    at[r] = leaf + find(x + leaf, n - leaf, best);
  }
}

// Rows that are compared before their places, kept in lanes as wide as T, are widened.
constexpr int64_t kPickRows = 120;

template <class Order, class T>
void pick_columns(const char* data, int64_t n, int64_t step, int64_t width, char* y, int64_t* at) {
  using TI = hwy::MakeSigned<T>;
  T* best = reinterpret_cast<T*>(y);
  T leaf_best[kReduceColumns];
  TI leaf_at[kReduceColumns];
  // Rows first to last of a leaf; its first row starts it.
  const auto run = [&](auto d, const char* x, int64_t first, int64_t last, int64_t j) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> di;
    auto value = hn::LoadU(d, first == 0 ? reinterpret_cast<const T*>(x) + j : leaf_best + j);
    auto place = first == 0 ? hn::Zero(di) : hn::LoadU(di, leaf_at + j);
    for (int64_t i = first; i < last; ++i) {
      const auto v = hn::LoadU(d, reinterpret_cast<const T*>(x + i * step) + j);
      const auto better = beats<Order>(d, v, value);
      value = hn::IfThenElse(better, v, value);
      place = hn::IfThenElse(hn::RebindMask(di, better), hn::Set(di, static_cast<TI>(i)), place);
    }
    hn::StoreU(value, d, leaf_best + j);
    hn::StoreU(place, di, leaf_at + j);
  };
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t row = 0; row < n; row += kPickRows) {
    const int64_t rows = std::min(kPickRows, n - row);
    for (int64_t i = 0; i < rows; i += 8) {  // a pass over the leaf's results
      const int64_t last = std::min(i + 8, rows);
      int64_t j = 0;
      for (; j + lanes <= width; j += lanes) run(d, data + row * step, i, last, j);
      for (; j < width; ++j) run(hn::CappedTag<T, 1>(), data + row * step, i, last, j);
    }
    for (int64_t j = 0; j < width; ++j) {
      if (row > 0 && !beats<Order>(leaf_best[j], best[j])) continue;
      best[j] = leaf_best[j];
      at[j] = row + static_cast<int64_t>(leaf_at[j]);
    }
  }
}

template <class Order, class T>
void merge_picked_columns(const char* x, const int64_t* places, int64_t n, int64_t step,
                          int64_t width, char* y, int64_t* at) {
  T* best = reinterpret_cast<T*>(y);
  for (int64_t i = 0; i < n; ++i) {
    const T* row = reinterpret_cast<const T*>(x + i * step);
    const int64_t* place = places + i * step / static_cast<int64_t>(sizeof(T));
    for (int64_t j = 0; j < width; ++j) {
      if (i > 0 && !beats<Order>(row[j], best[j])) continue;
      best[j] = row[j];
      at[j] = place[j];
    }
  }
}

template <class Order, class T>
void merge_picked_rows(const char* x, const int64_t* places, int64_t rows, int64_t n, char* y,
                       int64_t* at) {
  constexpr int64_t kUnit = sizeof(T);
  for (int64_t r = 0; r < rows; ++r)
    merge_picked_columns<Order, T>(x + r * n * kUnit, places + r * n, n, kUnit, 1, y + r * kUnit,
                                   at + r);
}

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // the toggling guard
