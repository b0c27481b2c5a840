#include "bb/core/kernels/norm.h"

#include <algorithm>
#include <cmath>

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

// The same, with four vectors at a time for sums: step(tag, i, number of the vector).
template <class T, class Step>
HWY_INLINE void for_each_term(int64_t n, const Step& step) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    step(d, i, 0);
    step(d, i + lanes, 1);
    step(d, i + 2 * lanes, 2);
    step(d, i + 3 * lanes, 3);
  }
  for (; i + lanes <= n; i += lanes) step(d, i, 0);
  for (; i < n; ++i) step(hn::CappedTag<T, 1>(), i, 0);
}

// Two sums of one pass: lanes first, single elements apart. An addition takes longer than a
// multiplication can start: hence four vectors of each.
template <class T>
struct Sums {
  using D = hn::ScalableTag<T>;
  template <class Tag>
  static constexpr bool kIsRest = hn::MaxLanes(Tag()) == 1 && hn::MaxLanes(D()) > 1;
  hn::Vec<D> lanes[2][4];
  T rest[2] = {0, 0};

  HWY_INLINE Sums() {
    for (auto& sum : lanes)
      for (auto& vector : sum) vector = hn::Zero(D());
  }

  template <int kSum, class Tag, class V>
  HWY_INLINE void add(Tag, int vector, V v) {
    if constexpr (kIsRest<Tag>)
      rest[kSum] += hn::GetLane(v);
    else
      lanes[kSum][vector] = hn::Add(lanes[kSum][vector], v);
  }
  template <int kSum, class Tag, class V>
  HWY_INLINE void add_product(Tag, int vector, V a, V b) {
    if constexpr (kIsRest<Tag>)
      rest[kSum] += hn::GetLane(hn::Mul(a, b));
    else
      lanes[kSum][vector] = hn::MulAdd(a, b, lanes[kSum][vector]);
  }
  HWY_INLINE T get(int sum) const {
    const auto& v = lanes[sum];
    return hn::GetLane(hn::SumOfLanes(D(), hn::Add(hn::Add(v[0], v[1]), hn::Add(v[2], v[3])))) +
           rest[sum];
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
  for_each_term<T>(n, [&](auto d, int64_t i, int vector)
                          HWY_ATTR { sums.template add<0>(d, vector, hn::LoadU(d, x + i)); });
  return sums.get(0);
}

template <class T>
void centered_sums(int64_t n, const T* x, T mean, T* result) {
  Sums<T> sums;
  for_each_term<T>(n, [&](auto d, int64_t i, int vector) HWY_ATTR {
    const auto v = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
    sums.template add<0>(d, vector, v);
    sums.template add_product<1>(d, vector, v, v);
  });
  for (int k = 0; k < 2; ++k) result[k] = sums.get(k);
}

// What is read for each vector is copied first: a store to y could change it.

template <class T>
void apply(int64_t n, const T* x, const T* mean, T scale, T shift, T* y) {
  const T means[2] = {mean[0], mean[1]};
  for_each_vector<T>(n, [&](auto d, int64_t i) HWY_ATTR {
    const auto v = from_mean(d, x + i, means);
    hn::StoreU(hn::MulAdd(v, hn::Set(d, scale), hn::Set(d, shift)), d, y + i);
  });
}

template <class T>
void apply_each(int64_t n, const T* x, const T* mean, T rstd, const T* weight, const T* bias,
                T* y) {
  const T means[2] = {mean[0], mean[1]};
  for_each_vector<T>(n, [&](auto d, int64_t i) HWY_ATTR {
    auto v = hn::Mul(from_mean(d, x + i, means), hn::Set(d, rstd));
    const auto w = hn::LoadU(d, weight + i);
    v = bias ? hn::MulAdd(v, w, hn::LoadU(d, bias + i)) : hn::Mul(v, w);
    hn::StoreU(v, d, y + i);
  });
}

// The rest of the mean comes off the sum: x - mean[0] is exact where it matters.
template <class T>
void grad_sums(int64_t n, const T* x, const T* dy, const T* mean, T rstd, const T* weight,
               T* result) {
  Sums<T> sums;
  for_each_term<T>(n, [&](auto d, int64_t i, int vector) HWY_ATTR {
    auto g = hn::LoadU(d, dy + i);
    if (weight) g = hn::Mul(g, hn::LoadU(d, weight + i));
    sums.template add<0>(d, vector, g);
    const auto v = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean[0]));
    sums.template add_product<1>(d, vector, g, v);
  });
  result[0] = sums.get(0);
  result[1] = (sums.get(1) - mean[1] * result[0]) * rstd;
}

template <class T>
void grad(int64_t n, const T* x, const T* dy, const NormFactors<T>& factors, T weight, T* dx) {
  const NormFactors<T> f = factors;
  const T scale = f.rstd * weight;
  for_each_vector<T>(n, [&](auto d, int64_t i) HWY_ATTR {
    const auto g = hn::Mul(hn::LoadU(d, dy + i), hn::Set(d, scale));
    const auto v = from_mean(d, x + i, f.mean);
    hn::StoreU(hn::NegMulAdd(v, hn::Set(d, f.c1), hn::Sub(g, hn::Set(d, f.c0))), d, dx + i);
  });
}

template <int kRows, class T>
HWY_INLINE void grad_of_rows(int64_t n, int64_t step, const T* x, const T* dy,
                             const NormFactors<T>* factors, const T* weight, T* dx, T* sums,
                             int64_t sums_step) {
  NormFactors<T> f[kRows];
  for (int r = 0; r < kRows; ++r) f[r] = factors[r];
  for_each_vector<T>(n, [&](auto d, int64_t i) HWY_ATTR {
    auto sum_dy = hn::Zero(d), sum_dyz = hn::Zero(d);
    const auto w = weight ? hn::LoadU(d, weight + i) : hn::Set(d, T{1});
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const int64_t at = r * step + i;
      const auto g = hn::LoadU(d, dy + at);
      const auto scaled = hn::Mul(g, hn::Set(d, f[r].rstd));
      const auto v = from_mean(d, x + at, f[r].mean);
      const auto direct = hn::Sub(hn::Mul(scaled, w), hn::Set(d, f[r].c0));
      hn::StoreU(hn::NegMulAdd(v, hn::Set(d, f[r].c1), direct), d, dx + at);
      sum_dy = hn::Add(sum_dy, g);
      sum_dyz = hn::MulAdd(scaled, v, sum_dyz);
    }
    if (!sums) return;
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), sum_dy), d, sums + i);
    T* more = sums + sums_step + i;
    hn::StoreU(hn::Add(hn::LoadU(d, more), sum_dyz), d, more);
  });
}

template <class T>
void grad_rows(int64_t rows, int64_t n, int64_t step, const T* x, const T* dy,
               const NormFactors<T>* factors, const T* weight, T* dx, T* sums, int64_t sums_step) {
  if (rows == kNormRows)
    return grad_of_rows<kNormRows>(n, step, x, dy, factors, weight, dx, sums, sums_step);
  for (int64_t r = 0; r < rows; ++r)
    grad_of_rows<1>(n, step, x + r * step, dy + r * step, factors + r, weight, dx + r * step, sums,
                    sums_step);
}

template <class T>
NormRuns<T> runs() {
  return {sum<T>, centered_sums<T>, apply<T>, apply_each<T>, grad_sums<T>, grad<T>, grad_rows<T>};
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

template <class T>
void statistics_of(const NormRuns<T>& runs, const NormShape& s, int64_t part, const T* x,
                   bool centered, T* mean, T* variance) {
  const double count = static_cast<double>(s.part_size());
  double total = 0;
  for (int64_t o = 0; centered && o < s.outer; ++o) {
    const T* line = x + line_offset(s, o, part);
    for_each_run(s.line(), [&](int64_t i, int64_t n) {
      total += static_cast<double>(runs.sum(n, line + i));
    });
  }
  // What the first pass's mean is off by, the second one finds (Chan, Golub and LeVeque,
  // "Algorithms for computing the sample variance", 1983).
  mean[0] = static_cast<T>(total / count);
  mean[1] = 0;
  double first = 0, second = 0;
  for (int64_t o = 0; o < s.outer; ++o) {
    const T* line = x + line_offset(s, o, part);
    for_each_run(s.line(), [&](int64_t i, int64_t n) {
      T sums[2];
      runs.centered_sums(n, line + i, mean[0], sums);
      first += static_cast<double>(sums[0]);
      second += static_cast<double>(sums[1]);
    });
  }
  const double off = centered ? first / count : 0;
  mean[1] = static_cast<T>(off);
  *variance = static_cast<T>(std::max(second / count - off * off, 0.0));
  if (second != second) *variance = static_cast<T>(second);  // max() would drop a NaN
}

template <class T>
void apply(const NormRuns<T>& runs, const NormShape& s, int64_t part, const T* x, const T* mean,
           T rstd, const T* weight, const T* bias, T* y) {
  const int64_t first = part % s.groups * s.channels;  // channel
  for (int64_t o = 0; o < s.outer; ++o) {
    const int64_t at = line_offset(s, o, part);
    if (!weight && !bias) {
      runs.apply(s.line(), x + at, mean, rstd, 0, y + at);
    } else if (s.inner == 1 && weight) {
      runs.apply_each(s.line(), x + at, mean, rstd, weight + first, bias ? bias + first : nullptr,
                      y + at);
    } else {
      for (int64_t c = 0; c < s.channels; ++c) {
        const T scale = weight ? rstd * weight[first + c] : rstd;
        runs.apply(s.inner, x + at + c * s.inner, mean, scale, bias ? bias[first + c] : 0,
                   y + at + c * s.inner);
      }
    }
  }
}

// Of a part with these sums of g and g z.
template <class T>
NormFactors<T> factors_of(const double* sums, double count, bool centered, const T* mean, T rstd) {
  const double r = static_cast<double>(rstd);
  NormFactors<T> f{{mean[0], mean[1]}, rstd, 0, static_cast<T>(r * r * sums[1] / count)};
  if (centered) f.c0 = static_cast<T>(r * sums[0] / count);
  return f;
}

// Channels of one element: the rows of a block in turn, a few at a time.
template <class T>
void grad_by_element(const NormShape& s, const T* x, const T* dy, bool centered, const T* means,
                     const T* rstd, const T* weight, T* dx, T* sums) {
  const auto runs = norm_runs<T>();
  const int64_t columns = s.groups * s.channels;
  const double cost = 0.5 * static_cast<double>(kNormBlock * columns) + 20;
  parallel_for(s.sum_blocks(), cost, [&](int64_t begin, int64_t end) {
    if (sums) std::fill(sums + begin * 2 * columns, sums + end * 2 * columns, T{0});
    for (int64_t block = begin; block < end; ++block) {
      const int64_t stop = std::min((block + 1) * kNormBlock, s.rows);
      for (int64_t row = block * kNormBlock; row < stop; row += kNormRows)
        for (int64_t g = 0; g < s.groups; ++g) {
          const int64_t rows = std::min(kNormRows, stop - row), first = g * s.channels;
          const int64_t at = row * columns + first;
          const T* weights = weight ? weight + first : nullptr;
          NormFactors<T> factors[kNormRows];
          for (int64_t r = 0; r < rows; ++r) {
            const int64_t part = (row + r) * s.groups + g, line = at + r * columns;
            double total[2] = {0, 0};
            for_each_run(s.channels, [&](int64_t i, int64_t n) {
              T parts[2];
              runs.grad_sums(n, x + line + i, dy + line + i, means + 2 * part, rstd[part],
                             weights ? weights + i : nullptr, parts);
              for (int k = 0; k < 2; ++k) total[k] += static_cast<double>(parts[k]);
            });
            factors[r] = factors_of(total, static_cast<double>(s.channels), centered,
                                    means + 2 * part, rstd[part]);
          }
          runs.grad_rows(rows, s.channels, columns, x + at, dy + at, factors, weights, dx + at,
                         sums ? sums + block * 2 * columns + first : nullptr, columns);
        }
    }
  });
}

}  // namespace

template <class T>
void normalize(const NormShape& s, const T* x, bool centered, double eps, const T* weight,
               const T* bias, T* means, T* variance, T* rstd, T* y) {
  const auto runs = norm_runs<T>();
  for_each_part(s, 0.3, [&](int64_t part) {
    T* mean = means + 2 * part;
    statistics_of(runs, s, part, x, centered, mean, variance + part);
    rstd[part] = static_cast<T>(1 / std::sqrt(static_cast<double>(variance[part]) + eps));
    apply(runs, s, part, x, mean, rstd[part], weight, bias, y);
  });
}

template <class T>
void normalize_grad(const NormShape& s, const T* x, const T* dy, bool centered, const T* means,
                    const T* rstd, const T* weight, T* dx, T* sums) {
  if (s.inner == 1) return grad_by_element(s, x, dy, centered, means, rstd, weight, dx, sums);
  const auto runs = norm_runs<T>();
  for_each_part(s, 0.4, [&](int64_t part) {
    const int64_t row = part / s.groups, first = part % s.groups * s.channels;  // channel
    const int64_t channels = weight || sums ? s.channels : 1, run = s.line() / channels;
    double total[2] = {0, 0};
    for (int64_t c = 0; c < channels; ++c) {
      double channel[2] = {0, 0};
      for (int64_t o = 0; o < s.outer; ++o) {
        const int64_t at = line_offset(s, o, part) + c * run;
        for_each_run(run, [&](int64_t i, int64_t n) {
          T parts[2];
          runs.grad_sums(n, x + at + i, dy + at + i, means + 2 * part, rstd[part], nullptr, parts);
          for (int k = 0; k < 2; ++k) channel[k] += static_cast<double>(parts[k]);
        });
      }
      const double factor = weight ? static_cast<double>(weight[first + c]) : 1;
      for (int k = 0; k < 2; ++k) {
        total[k] += factor * channel[k];
        if (sums)
          sums[(row * 2 + k) * s.groups * s.channels + first + c] = static_cast<T>(channel[k]);
      }
    }
    const auto factors = factors_of(total, static_cast<double>(s.part_size()), centered,
                                    means + 2 * part, rstd[part]);
    for (int64_t o = 0; o < s.outer; ++o)
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t at = line_offset(s, o, part) + c * run;
        runs.grad(run, x + at, dy + at, factors, weight ? weight[first + c] : 1, dx + at);
      }
  });
}

template void normalize(const NormShape&, const float*, bool, double, const float*, const float*,
                        float*, float*, float*, float*);
template void normalize(const NormShape&, const double*, bool, double, const double*, const double*,
                        double*, double*, double*, double*);
template void normalize_grad(const NormShape&, const float*, const float*, bool, const float*,
                             const float*, const float*, float*, float*);
template void normalize_grad(const NormShape&, const double*, const double*, bool, const double*,
                             const double*, const double*, double*, double*);

}  // namespace bb::kernels
#endif
