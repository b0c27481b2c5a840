#include "bb/core/kernels/norm.h"

#include <algorithm>

#include "bb/core/parallel.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/norm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Calls step(tag, i) for vectors of n elements, then for single ones.
template <class T, class Step>
HWY_INLINE void for_each_vector(int64_t n, const Step& step) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) step(d, i);
  for (; i < n; ++i) step(hn::CappedTag<T, 1>(), i);
}

// Two sums of one pass: lanes first, single elements apart.
template <class T>
struct Sums {
  using D = hn::ScalableTag<T>;
  hn::Vec<D> lanes[2];
  T rest[2] = {0, 0};

  HWY_INLINE Sums() { lanes[0] = lanes[1] = hn::Zero(D()); }

  template <int kSum, class Tag, class V>
  HWY_INLINE void add(Tag, V v) {
    if constexpr (hn::MaxLanes(Tag()) == 1 && hn::MaxLanes(D()) > 1)
      rest[kSum] += hn::GetLane(v);
    else
      lanes[kSum] = hn::Add(lanes[kSum], v);
  }
  HWY_INLINE T get(int sum) const {
    return hn::GetLane(hn::SumOfLanes(D(), lanes[sum])) + rest[sum];
  }
};

// x - mean.
template <class T, class D>
HWY_INLINE hn::Vec<D> from_mean(D d, const T* x, const T* mean) {
  return hn::Sub(hn::Sub(hn::LoadU(d, x), hn::Set(d, mean[0])), hn::Set(d, mean[1]));
}

template <class T>
T sum(int64_t n, const T* x) {
  Sums<T> sums;
  for_each_vector<T>(
      n, [&](auto d, int64_t i) HWY_ATTR { sums.template add<0>(d, hn::LoadU(d, x + i)); });
  return sums.get(0);
}

template <class T>
void centered_sums(int64_t n, const T* x, const T* mean, T* result) {
  Sums<T> sums;
  for_each_vector<T>(n, [&](auto d, int64_t i) HWY_ATTR {
    const auto v = from_mean(d, x + i, mean);
    sums.template add<0>(d, v);
    sums.template add<1>(d, hn::Mul(v, v));
  });
  for (int k = 0; k < 2; ++k) result[k] = sums.get(k);
}

template <class T>
void apply(int64_t n, const T* x, const T* mean, T scale, T shift, T* y) {
  for_each_vector<T>(n, [&](auto d, int64_t i) HWY_ATTR {
    const auto v = from_mean(d, x + i, mean);
    hn::StoreU(hn::MulAdd(v, hn::Set(d, scale), hn::Set(d, shift)), d, y + i);
  });
}

template <class T>
void apply_each(int64_t n, const T* x, const T* mean, T rstd, const T* weight, const T* bias,
                T* y) {
  for_each_vector<T>(n, [&](auto d, int64_t i) HWY_ATTR {
    auto v = hn::Mul(from_mean(d, x + i, mean), hn::Set(d, rstd));
    v = hn::Mul(v, hn::LoadU(d, weight + i));
    if (bias) v = hn::Add(v, hn::LoadU(d, bias + i));
    hn::StoreU(v, d, y + i);
  });
}

template <class T, class D>
HWY_INLINE auto weighted(D d, const T* dy, const T* weight, int64_t i) {
  const auto g = hn::LoadU(d, dy + i);
  return weight ? hn::Mul(g, hn::LoadU(d, weight + i)) : g;
}

template <class T>
void grad_sums(int64_t n, const T* x, const T* dy, const T* mean, T rstd, const T* weight,
               T* result) {
  Sums<T> sums;
  for_each_vector<T>(n, [&](auto d, int64_t i) HWY_ATTR {
    const auto z = hn::Mul(from_mean(d, x + i, mean), hn::Set(d, rstd));
    const auto g = weighted(d, dy, weight, i);
    sums.template add<0>(d, g);
    sums.template add<1>(d, hn::Mul(g, z));
  });
  for (int k = 0; k < 2; ++k) result[k] = sums.get(k);
}

template <class T>
void grad(int64_t n, const T* x, const T* dy, const T* mean, T rstd, const T* weight, T scale, T c0,
          T c1, T* dx) {
  for_each_vector<T>(n, [&](auto d, int64_t i) HWY_ATTR {
    const auto z = hn::Mul(from_mean(d, x + i, mean), hn::Set(d, rstd));
    const auto g = hn::Mul(weighted(d, dy, weight, i), hn::Set(d, scale));
    hn::StoreU(hn::NegMulAdd(z, hn::Set(d, c1), hn::Sub(g, hn::Set(d, c0))), d, dx + i);
  });
}

template <class T>
NormRuns<T> runs() {
  return {sum<T>, centered_sums<T>, apply<T>, apply_each<T>, grad_sums<T>, grad<T>};
}
NormRuns<float> runs_f32() { return runs<float>(); }
NormRuns<double> runs_f64() { return runs<double>(); }

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {
namespace {

template <class T>
auto norm_runs() {
  if constexpr (sizeof(T) == 4)
    return BB_DISPATCH(runs_f32)();
  else
    return BB_DISPATCH(runs_f64)();
}

constexpr int64_t kRun = 4096;  // summed in T; runs are summed in double

/// Calls run(offset, n) for [0, line) in runs of at most kRun.
template <class Run>
void for_each_run(int64_t line, const Run& run) {
  for (int64_t i = 0; i < line; i += kRun) run(i, std::min(kRun, line - i));
}

/// Where line `o` of a part lies.
int64_t line_offset(const NormShape& s, int64_t o, int64_t part) {
  return (o * s.parts() + part) * s.line();
}

/// Calls fn(part) for each, shared over threads; cost_ns of one element.
template <class Fn>
void for_each_part(const NormShape& s, double cost_ns, const Fn& fn) {
  parallel_for(s.parts(), cost_ns * static_cast<double>(s.part_size()) + 20,
               [&](int64_t begin, int64_t end) {
                 for (int64_t part = begin; part < end; ++part) fn(part);
               });
}

}  // namespace

template <class T>
void norm_statistics(const NormShape& s, const T* x, bool centered, T* means, T* variance) {
  const auto runs = norm_runs<T>();
  const double count = static_cast<double>(s.part_size());
  for_each_part(s, 0.2, [&](int64_t part) {
    double total = 0;
    for (int64_t o = 0; centered && o < s.outer; ++o) {
      const T* line = x + line_offset(s, o, part);
      for_each_run(s.line(), [&](int64_t i, int64_t n) {
        total += static_cast<double>(runs.sum(n, line + i));
      });
    }
    // What the first pass's mean is off by, the second one finds (Chan, Golub and LeVeque,
    // "Algorithms for computing the sample variance", 1983).
    T* mean = means + 2 * part;
    mean[0] = static_cast<T>(total / count);
    mean[1] = 0;
    double first = 0, second = 0;
    for (int64_t o = 0; o < s.outer; ++o) {
      const T* line = x + line_offset(s, o, part);
      for_each_run(s.line(), [&](int64_t i, int64_t n) {
        T sums[2];
        runs.centered_sums(n, line + i, mean, sums);
        first += static_cast<double>(sums[0]);
        second += static_cast<double>(sums[1]);
      });
    }
    const double off = centered ? first / count : 0;
    mean[1] = static_cast<T>(off);
    variance[part] = static_cast<T>(std::max(second / count - off * off, 0.0));
    if (second != second) variance[part] = static_cast<T>(second);  // max() would drop a NaN
  });
}

template <class T>
void norm_apply(const NormShape& s, const T* x, const T* means, const T* rstd, const T* weight,
                const T* bias, T* y) {
  const auto runs = norm_runs<T>();
  for_each_part(s, 0.15, [&](int64_t part) {
    const int64_t first = part % s.groups * s.channels;  // channel
    for (int64_t o = 0; o < s.outer; ++o) {
      const int64_t at = line_offset(s, o, part);
      if (!weight && !bias) {
        runs.apply(s.line(), x + at, means + 2 * part, rstd[part], 0, y + at);
      } else if (s.inner == 1 && weight) {
        runs.apply_each(s.line(), x + at, means + 2 * part, rstd[part], weight + first,
                        bias ? bias + first : nullptr, y + at);
      } else {
        for (int64_t c = 0; c < s.channels; ++c) {
          const T scale = weight ? rstd[part] * weight[first + c] : rstd[part];
          runs.apply(s.inner, x + at + c * s.inner, means + 2 * part, scale,
                     bias ? bias[first + c] : 0, y + at + c * s.inner);
        }
      }
    }
  });
}

template <class T>
void norm_grad(const NormShape& s, const T* x, const T* dy, bool centered, const T* means,
               const T* rstd, const T* weight, T* dx, T* sums) {
  const auto runs = norm_runs<T>();
  const double count = static_cast<double>(s.part_size());
  // Weights by element go into the sums; else each channel has sums of its own, weighted after.
  const bool each = s.inner == 1 && weight && !sums;
  for_each_part(s, 0.4, [&](int64_t part) {
    const int64_t first = part % s.groups * s.channels;  // channel
    const int64_t channels = each || (!weight && !sums) ? 1 : s.channels;
    const int64_t run = s.line() / channels;
    double total[2] = {0, 0};
    for (int64_t c = 0; c < channels; ++c) {
      double channel[2] = {0, 0};
      for (int64_t o = 0; o < s.outer; ++o) {
        const int64_t at = line_offset(s, o, part) + c * run;
        for_each_run(run, [&](int64_t i, int64_t n) {
          T parts[2];
          runs.grad_sums(n, x + at + i, dy + at + i, means + 2 * part, rstd[part],
                         each ? weight + first + i : nullptr, parts);
          for (int k = 0; k < 2; ++k) channel[k] += static_cast<double>(parts[k]);
        });
      }
      const double factor = weight && !each ? static_cast<double>(weight[first + c]) : 1;
      for (int k = 0; k < 2; ++k) {
        total[k] += factor * channel[k];
        if (sums) sums[(part * s.channels + c) * 2 + k] = static_cast<T>(channel[k]);
      }
    }
    const double r = static_cast<double>(rstd[part]);
    const T c0 = centered ? static_cast<T>(r * total[0] / count) : 0;
    const T c1 = static_cast<T>(r * total[1] / count);
    for (int64_t o = 0; o < s.outer; ++o)
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t at = line_offset(s, o, part) + c * run;
        const T scale = weight && !each ? rstd[part] * weight[first + c] : rstd[part];
        runs.grad(run, x + at, dy + at, means + 2 * part, rstd[part],
                  each ? weight + first : nullptr, scale, c0, c1, dx + at);
      }
  });
}

template void norm_statistics(const NormShape&, const float*, bool, float*, float*);
template void norm_statistics(const NormShape&, const double*, bool, double*, double*);
template void norm_apply(const NormShape&, const float*, const float*, const float*, const float*,
                         const float*, float*);
template void norm_apply(const NormShape&, const double*, const double*, const double*,
                         const double*, const double*, double*);
template void norm_grad(const NormShape&, const float*, const float*, bool, const float*,
                        const float*, const float*, float*, float*);
template void norm_grad(const NormShape&, const double*, const double*, bool, const double*,
                        const double*, const double*, double*, double*);

}  // namespace bb::kernels
#endif
