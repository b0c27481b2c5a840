#include "bb/core/kernels/taps.h"

#include <algorithm>

#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

// Nanoseconds of one of the `outer`, on one core.
double cost_ns(const Taps& taps, int64_t inner) {
  return 0.7 * static_cast<double>(taps.out * taps.count) * static_cast<double>(inner) + 10;
}

// to += weight * from, over `inner` elements.
template <class T>
void add_scaled(int64_t inner, T weight, const T* from, T* to) {
  for (int64_t j = 0; j < inner; ++j) to[j] += weight * from[j];
}

}  // namespace

template <class T>
void apply_taps(const Taps& taps, int64_t outer, int64_t inner, const T* x, T* y) {
  parallel_for(outer, cost_ns(taps, inner), [&](int64_t begin, int64_t end) {
    std::fill(y + begin * taps.out * inner, y + end * taps.out * inner, T{0});
    for (int64_t o = begin; o < end; ++o)
      for (int64_t i = 0; i < taps.out; ++i)
        for (int64_t k = i * taps.count; k < (i + 1) * taps.count; ++k) {
          const auto at = static_cast<size_t>(k);
          add_scaled(inner, static_cast<T>(taps.weight[at]),
                     x + (o * taps.in + taps.index[at]) * inner, y + (o * taps.out + i) * inner);
        }
  });
}

template <class T>
void apply_taps_transposed(const Taps& taps, int64_t outer, int64_t inner, const T* y, T* x) {
  parallel_for(outer, cost_ns(taps, inner), [&](int64_t begin, int64_t end) {
    std::fill(x + begin * taps.in * inner, x + end * taps.in * inner, T{0});
    for (int64_t o = begin; o < end; ++o)
      for (int64_t i = 0; i < taps.out; ++i)
        for (int64_t k = i * taps.count; k < (i + 1) * taps.count; ++k) {
          const auto at = static_cast<size_t>(k);
          add_scaled(inner, static_cast<T>(taps.weight[at]), y + (o * taps.out + i) * inner,
                     x + (o * taps.in + taps.index[at]) * inner);
        }
  });
}

template void apply_taps(const Taps&, int64_t, int64_t, const float*, float*);
template void apply_taps(const Taps&, int64_t, int64_t, const double*, double*);
template void apply_taps_transposed(const Taps&, int64_t, int64_t, const float*, float*);
template void apply_taps_transposed(const Taps&, int64_t, int64_t, const double*, double*);

}  // namespace bb::kernels
