// Windows of a pooling by vectors, those side by side in a row at once: for pool.cpp, compiled once
// per Highway target: the guard toggles.
#if defined(BB_CORE_KERNELS_POOL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_POOL_INL_H_
#undef BB_CORE_KERNELS_POOL_INL_H_
#else
#define BB_CORE_KERNELS_POOL_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "bb/core/kernels/pool.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Windows side by side in a row, all inside the image: the place in the plane of the first one's
// first element, how many elements each has along a dim, and the places from one to the next.
struct WindowRun {
  int64_t begin, n;  // windows of the row
  int64_t first;
  int64_t depths, heights, widths;
  int64_t d_step, h_step, w_step;
};

constexpr int64_t kLeast = 4;  // windows that are worth vectors

// The windows [first, second) of each row for which vectors serve. They read every other element
// of a row by pairs, which a window of one element may not have.
template <class T>
std::pair<int64_t, int64_t> vector_windows(const PoolWindows& windows) {
  const PoolDim& width = windows.dims[2];
  const bool serve = HWY_TARGET != HWY_SCALAR &&
                     (width.stride == 1 || (width.stride == 2 && width.kernel > 1)) &&
                     windows.in_size() <= std::numeric_limits<int32_t>::max();
  const auto inside = width.inside();
  return serve && inside.second - inside.first >= kLeast ? inside : std::pair<int64_t, int64_t>();
}

#if HWY_TARGET != HWY_SCALAR  // it lacks the shuffles

// Calls fn(tag, o) for n >= kLeast windows in vectors of as many lanes as fit in n, the last one
// beginning early enough to be whole: windows may be done twice.
template <class T, class Fn>
HWY_INLINE void for_each_vector(int64_t n, const Fn& fn) {
  constexpr size_t kMost = hn::MaxLanes(hn::ScalableTag<T>());
  const auto run = [&](auto d) HWY_ATTR {
    constexpr int64_t kLanes = hn::MaxLanes(decltype(d)());
    for (int64_t i = 0; i < n; i += kLanes) fn(d, std::min(i, n - kLanes));
  };
  if constexpr (kMost >= 16) {
    if (n >= 16) return run(hn::CappedTag<T, 16>());
  }
  if constexpr (kMost >= 8) {
    if (n >= 8) return run(hn::CappedTag<T, 8>());
  }
  run(hn::CappedTag<T, kLeast>());
}

// Calls take(v, place) for each element of a window, where v has the elements of windows side by
// side from that of place `first` on. All lie in the image: of pairs, the first element of a
// window has a second one behind it, the later elements have one before them.
template <int kStride, class D, class T, class Take>
HWY_INLINE void for_each_element(D d, const WindowRun& run, int64_t first, const T* x,
                                 const Take& take) {
  constexpr int64_t kLanes = hn::MaxLanes(D());
  for (int64_t i = 0; i < run.depths; ++i)
    for (int64_t j = 0; j < run.heights; ++j) {
      int64_t place = first + i * run.d_step + j * run.h_step;
      if constexpr (kStride == 1)
        take(hn::LoadU(d, x + place), place);
      else
        take(hn::ConcatEven(d, hn::LoadU(d, x + place + kLanes), hn::LoadU(d, x + place)), place);
      for (int64_t k = 1; k < run.widths; ++k) {
        place += run.w_step;
        const T* from = x + place + 1 - kStride;
        if constexpr (kStride == 1)
          take(hn::LoadU(d, from), place);
        else
          take(hn::ConcatOdd(d, hn::LoadU(d, from + kLanes), hn::LoadU(d, from)), place);
      }
    }
}

// Places, kept in lanes as wide as the elements.
template <class DI, class V>
HWY_INLINE void store_places(DI di, V places, int64_t* at) {
  if constexpr (sizeof(hn::TFromD<DI>) == 8) {
    hn::StoreU(places, di, at);
  } else {
    const hn::Half<DI> half;
    const hn::Rebind<int64_t, decltype(half)> wide;
    hn::StoreU(hn::PromoteTo(wide, hn::LowerHalf(half, places)), wide, at);
    hn::StoreU(hn::PromoteTo(wide, hn::UpperHalf(half, places)), wide, at + hn::MaxLanes(half));
  }
}
template <class DI>
HWY_INLINE auto load_places(DI di, const int64_t* at) {
  if constexpr (sizeof(hn::TFromD<DI>) == 8) {
    return hn::LoadU(di, at);
  } else {
    const hn::Repartition<int64_t, DI> wide;
    const auto low = hn::LoadU(wide, at), high = hn::LoadU(wide, at + hn::MaxLanes(wide));
    return hn::ConcatEven(di, hn::BitCast(di, high), hn::BitCast(di, low));  // little-endian
  }
}

template <int kStride, class T>
HWY_INLINE void max_run(const WindowRun& run, const T* x, T* y, int64_t* at) {
  for_each_vector<T>(run.n, [&](auto d, int64_t o) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> di;
    using Place = hn::TFromD<decltype(di)>;
    const int64_t first = run.first + o * kStride;
    auto best = hn::Set(d, -std::numeric_limits<T>::infinity());
    auto place = hn::Set(di, static_cast<Place>(first));  // of the first window's element
    for_each_element<kStride>(d, run, first, x, [&](auto v, int64_t i) HWY_ATTR {
      const auto better = hn::Or(hn::Gt(v, best), hn::IsNaN(v));
      best = hn::IfThenElse(better, v, best);
      place = hn::IfThenElse(hn::RebindMask(di, better), hn::Set(di, static_cast<Place>(i)), place);
    });
    hn::StoreU(best, d, y + run.begin + o);
    if (!at) return;
    for (int i = 0; i < kStride; ++i) place = hn::Add(place, hn::Iota(di, 0));
    store_places(di, place, at + run.begin + o);
  });
}

template <int kStride, class T>
HWY_INLINE void avg_run(const WindowRun& run, const T* x, T divisor, T* y) {
  for_each_vector<T>(run.n, [&](auto d, int64_t o) HWY_ATTR {
    auto sum = hn::Zero(d);
    for_each_element<kStride>(d, run, run.first + o * kStride, x,
                              [&](auto v, int64_t) HWY_ATTR { sum = hn::Add(sum, v); });
    hn::StoreU(hn::Div(sum, hn::Set(d, divisor)), d, y + run.begin + o);
  });
}

// Writes two elements of each row of each window: pair(d, o, place) gives them for windows from o
// on, the first one's at `place`.
template <class T, class Pair>
HWY_INLINE void write_pairs(const WindowRun& run, T* dx, const Pair& pair) {
  for_each_vector<T>(run.n, [&](auto d, int64_t o) HWY_ATTR {
    for (int64_t i = 0; i < run.depths; ++i)
      for (int64_t j = 0; j < run.heights; ++j) {
        const int64_t place = run.first + 2 * o + i * run.d_step + j * run.h_step;
        const auto [even, odd] = pair(d, o, place);
        hn::StoreInterleaved2(even, odd, d, dx + place);
      }
  });
}

template <class T>
HWY_INLINE void max_grad_pairs(const WindowRun& run, const T* dy, const int64_t* at, T* dx) {
  dy += run.begin;
  at += run.begin;
  write_pairs(run, dx, [&](auto d, int64_t o, int64_t place) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> di;
    using Place = hn::TFromD<decltype(di)>;
    const auto g = hn::LoadU(d, dy + o);
    const auto places = load_places(di, at + o);
    const auto even = hn::Add(hn::Iota(di, static_cast<Place>(place)), hn::Iota(di, 0));
    const auto odd = hn::Add(even, hn::Set(di, Place{1}));
    return std::pair(hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(places, even)), g),
                     hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(places, odd)), g));
  });
}

template <class T>
HWY_INLINE void avg_grad_pairs(const WindowRun& run, const T* dy, T divisor, T* dx) {
  dy += run.begin;
  write_pairs(run, dx, [&](auto d, int64_t o, int64_t) HWY_ATTR {
    const auto share = hn::Div(hn::LoadU(d, dy + o), hn::Set(d, divisor));
    return std::pair(share, share);
  });
}

// For a stride of 1. An element takes the last window's share last, as one by one: hence the
// elements of a window from the last to the first.
template <class T>
HWY_INLINE void avg_grad_run(const WindowRun& run, const T* dy, T divisor, T* dx) {
  dy += run.begin;
  dx += run.first;
  const auto add = [&](auto d, int64_t o) HWY_ATTR {
    const auto share = hn::Div(hn::LoadU(d, dy + o), hn::Set(d, divisor));
    for (int64_t i = 0; i < run.depths; ++i)
      for (int64_t j = 0; j < run.heights; ++j)
        for (int64_t k = run.widths; k-- > 0;) {
          T* to = dx + o + i * run.d_step + j * run.h_step + k * run.w_step;
          hn::StoreU(hn::Add(hn::LoadU(d, to), share), d, to);
        }
  };
  const hn::ScalableTag<T> d;
  constexpr int64_t kLanes = hn::MaxLanes(d);
  int64_t o = 0;
  for (; o + kLanes <= run.n; o += kLanes) add(d, o);
  for (; o < run.n; ++o) add(hn::CappedTag<T, 1>(), o);
}

#else

template <int kStride, class T>
void max_run(const WindowRun&, const T*, T*, int64_t*) {}
template <int kStride, class T>
void avg_run(const WindowRun&, const T*, T, T*) {}
template <class T>
void max_grad_pairs(const WindowRun&, const T*, const int64_t*, T*) {}
template <class T>
void avg_grad_pairs(const WindowRun&, const T*, T, T*) {}
template <class T>
void avg_grad_run(const WindowRun&, const T*, T, T*) {}

#endif

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // the toggling guard
