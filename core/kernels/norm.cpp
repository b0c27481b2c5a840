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

// What a step takes of memory: a whole vector,
template <class T>
struct Whole {
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  HWY_INLINE V load(const T* from) const { return hn::LoadU(D(), from); }
  HWY_INLINE void store(V v, T* to) const { hn::StoreU(v, D(), to); }
  HWY_INLINE V keep(V v) const { return v; }
};
// or the elements that are left; the others are 0 once kept.
template <class T>
struct Rest {
  using D = hn::ScalableTag<T>;
  using V = hn::Vec<D>;
  int64_t count;
  HWY_INLINE auto mask() const { return hn::FirstN(D(), static_cast<size_t>(count)); }
  HWY_INLINE V keep(V v) const { return hn::IfThenElseZero(mask(), v); }
#if HWY_MEM_OPS_MIGHT_FAULT  // masked loads touch what they mask away
  HWY_INLINE V load(const T* from) const {
    HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)] = {};
    std::copy_n(from, count, buffer);
    return hn::Load(D(), buffer);
  }
  HWY_INLINE void store(V v, T* to) const {
    HWY_ALIGN T buffer[HWY_MAX_BYTES / sizeof(T)];
    hn::Store(v, D(), buffer);
    std::copy_n(buffer, count, to);
  }
#else
  HWY_INLINE V load(const T* from) const { return hn::MaskedLoad(mask(), D(), from); }
  HWY_INLINE void store(V v, T* to) const { hn::BlendedStore(v, mask(), D(), to); }
#endif
};
template <class T>
HWY_INLINE auto set(T value) {
  return hn::Set(hn::ScalableTag<T>(), value);
}

// Calls step(part, i, k) for vectors from each i of the runs. Of kSums vectors that follow each
// other, k is 0, 1, ...: sums of so many, as an addition takes longer than a multiplication can
// start.
template <class T, int kSums = 1, class Step>
HWY_INLINE void for_each_vector(const NormRuns& runs, const Step& step) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  for (int64_t run = 0; run < runs.count; ++run) {
    int64_t i = run * runs.step;
    const int64_t end = i + runs.n;
    if constexpr (kSums == 4) {
      for (; i + 4 * lanes <= end; i += 4 * lanes) {
        step(Whole<T>(), i, 0);
        step(Whole<T>(), i + lanes, 1);
        step(Whole<T>(), i + 2 * lanes, 2);
        step(Whole<T>(), i + 3 * lanes, 3);
      }
    }
    if constexpr (kSums == 1)
      for (; i + lanes <= end; i += lanes) step(Whole<T>(), i, 0);
    for (; i < end; i += lanes) step(Rest<T>{std::min(lanes, end - i)}, i, 0);
  }
}
template <class T, class Step>
HWY_INLINE void for_each_vector(int64_t n, const Step& step) {
  for_each_vector<T>(NormRuns{1, n, n}, step);
}

// A sum of vectors, four at a time.
template <class T>
struct Sum {
  using D = hn::ScalableTag<T>;
  hn::Vec<D> lanes[4];

  HWY_INLINE Sum() {
    for (auto& vector : lanes) vector = hn::Zero(D());
  }
  HWY_INLINE void add(int k, hn::Vec<D> v) { lanes[k] = hn::Add(lanes[k], v); }
  HWY_INLINE void add_product(int k, hn::Vec<D> a, hn::Vec<D> b) {
    lanes[k] = hn::MulAdd(a, b, lanes[k]);
  }
  HWY_INLINE T get() const {
    return hn::GetLane(
        hn::SumOfLanes(D(), hn::Add(hn::Add(lanes[0], lanes[1]), hn::Add(lanes[2], lanes[3]))));
  }
};

// x - mean.
template <class T, class V>
HWY_INLINE V from_mean(V x, const T* mean) {
  return hn::Sub(hn::Sub(x, set(mean[0])), set(mean[1]));
}

template <class T>
void moments(const NormRuns& runs, const T* x, bool centered, T* result) {
  T mean = 0;
  if (centered) {
    Sum<T> sum;
    for_each_vector<T, 4>(
        runs, [&](auto part, int64_t i, int k) HWY_ATTR { sum.add(k, part.load(x + i)); });
    mean = sum.get() / static_cast<T>(runs.count * runs.n);
  }
  Sum<T> first, second;
  for_each_vector<T, 4>(runs, [&](auto part, int64_t i, int k) HWY_ATTR {
    const auto v = part.keep(hn::Sub(part.load(x + i), set(mean)));
    first.add(k, v);
    second.add_product(k, v, v);
  });
  result[0] = mean;
  result[1] = first.get();
  result[2] = second.get();
}

// What is read for each vector is copied first: a store to y could change it.

template <class T>
void apply(const NormRuns& runs, const T* x, const T* mean, T scale, T shift, const T* residual,
           bool relu, T* y) {
  const T means[2] = {mean[0], mean[1]};
  for_each_vector<T>(runs, [=](auto part, int64_t i, int) HWY_ATTR {
    auto v = hn::MulAdd(from_mean(part.load(x + i), means), set(scale), set(shift));
    if (residual) v = hn::Add(v, part.load(residual + i));
    if (relu) v = hn::IfThenZeroElse(hn::Le(v, set(T{0})), v);  // a NaN stays
    part.store(v, y + i);
  });
}

template <class T>
void apply_each(int64_t n, const T* x, const T* mean, T rstd, const T* weight, const T* bias,
                T* y) {
  const T means[2] = {mean[0], mean[1]};
  for_each_vector<T>(n, [=](auto part, int64_t i, int) HWY_ATTR {
    auto v = hn::Mul(from_mean(part.load(x + i), means), set(rstd));
    const auto w = part.load(weight + i);
    v = bias ? hn::MulAdd(v, w, part.load(bias + i)) : hn::Mul(v, w);
    part.store(v, y + i);
  });
}

// What a gate lets through of dy at i. v = x - mean there, as apply() has it.
template <class T, class Part, class V>
HWY_INLINE V passed(Part part, const T* dy, int64_t i, const NormGate<T>& gate, V v) {
  const V g = part.load(dy + i);
  if (!gate.relu) return g;
  V y = hn::MulAdd(v, set(gate.scale), set(gate.shift));
  if (gate.residual) y = hn::Add(y, part.load(gate.residual + i));
  return hn::IfThenZeroElse(hn::Le(y, set(T{0})), g);
}

template <class T>
void grad_sums(const NormRuns& runs, const T* x, const T* dy, const NormGate<T>& open,
               const T* mean, T rstd, const T* weight, T* dresidual, T* result) {
  const T means[2] = {mean[0], mean[1]};
  const NormGate<T> gate = open;
  Sum<T> first, second;
  for_each_vector<T, 4>(runs, [&](auto part, int64_t i, int k) HWY_ATTR {
    const auto v = from_mean(part.load(x + i), means);
    auto g = part.keep(passed(part, dy, i, gate, v));
    if (weight) g = hn::Mul(g, part.load(weight + i));
    if (dresidual) part.store(g, dresidual + i);
    first.add(k, g);
    second.add_product(k, g, v);
  });
  result[0] = first.get();
  result[1] = second.get() * rstd;
}

template <class T>
void grad(const NormRuns& runs, const T* x, const T* dy, const NormGate<T>& open,
          const NormFactors<T>& factors, T weight, T* dx) {
  const NormFactors<T> f = factors;
  const NormGate<T> gate = open;
  const T scale = f.rstd * weight;
  for_each_vector<T>(runs, [=](auto part, int64_t i, int) HWY_ATTR {
    const auto v = from_mean(part.load(x + i), f.mean);
    auto g = hn::Mul(passed(part, dy, i, gate, v), set(scale));
    if (!f.given) g = hn::NegMulAdd(v, set(f.c1), hn::Sub(g, set(f.c0)));
    part.store(g, dx + i);
  });
}

template <int kRows, class T>
HWY_INLINE void grad_of_rows(int64_t n, int64_t step, const T* x, const T* dy,
                             const NormFactors<T>* factors, const T* weight, T* dx, T* sums,
                             int64_t sums_step) {
  NormFactors<T> f[kRows];
  for (int r = 0; r < kRows; ++r) f[r] = factors[r];
  for_each_vector<T>(n, [&](auto part, int64_t i, int) HWY_ATTR {
    auto sum_dy = set(T{0}), sum_dyz = set(T{0});
    const auto w = weight ? part.load(weight + i) : set(T{1});
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const int64_t at = r * step + i;
      const auto g = part.load(dy + at);
      const auto scaled = hn::Mul(g, set(f[r].rstd));
      const auto v = from_mean(part.load(x + at), f[r].mean);
      const auto direct = hn::Sub(hn::Mul(scaled, w), set(f[r].c0));
      part.store(hn::NegMulAdd(v, set(f[r].c1), direct), dx + at);
      sum_dy = hn::Add(sum_dy, g);
      sum_dyz = hn::MulAdd(scaled, v, sum_dyz);
    }
    if (!sums) return;
    part.store(hn::Add(part.load(sums + i), sum_dy), sums + i);
    T* more = sums + sums_step + i;
    part.store(hn::Add(part.load(more), sum_dyz), more);
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
NormLoops<T> loops() {
  const auto block = static_cast<int64_t>(256 * hn::Lanes(hn::ScalableTag<T>()));
  return {block, moments<T>, apply<T>, apply_each<T>, grad_sums<T>, grad<T>, grad_rows<T>};
}
NormLoops<float> loops_f32() { return loops<float>(); }
NormLoops<double> loops_f64() { return loops<double>(); }

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {
namespace {

template <class T>
auto norm_loops() {
  if constexpr (sizeof(T) == 4)
    return BB_DISPATCH(loops_f32)();
  else
    return BB_DISPATCH(loops_f64)();
}

/// A second pass over what the cache does not hold whole finds the end of it there.
constexpr int64_t kLastFirst = 512 << 10;  // bytes from which it begins with that

/// Calls fn(offset, runs) for blocks of these runs of at most so many elements: pieces of one, or
/// several whole.
template <class Fn>
void for_each_block(int64_t most, const NormRuns& all, const Fn& fn, bool last_first = false) {
  if (all.n == 0) return;
  const int64_t together = std::max<int64_t>(most / all.n, 1);          // runs
  const int64_t pieces = together > 1 ? 1 : (all.n + most - 1) / most;  // of a run
  const int64_t blocks = (all.count + together - 1) / together * pieces;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t b = last_first ? blocks - 1 - block : block;
    const int64_t run = b / pieces * together, i = b % pieces * most;
    fn(run * all.step + i, NormRuns{std::min(together, all.count - run),
                                    pieces == 1 ? all.n : std::min(most, all.n - i), all.step});
  }
}

/// The elements of one channel of a part, or of `channels` of them.
NormRuns runs_of(const NormShape& s, int64_t channels = 1) {
  return {s.outer, channels * s.inner, s.parts() * s.line()};
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
void statistics_of(const NormLoops<T>& loops, const NormShape& s, const T* x, bool centered,
                   T* mean, T* variance) {
  // Blocks are joined as in Chan, Golub and LeVeque, "Algorithms for computing the sample
  // variance", 1983: each is summed around a mean of its own, in the cache.
  double count = 0, middle = 0, squares = 0;
  for_each_block(loops.block, runs_of(s, s.channels), [&](int64_t at, const NormRuns& runs) {
    T moments[3];
    loops.moments(runs, x + at, centered, moments);
    const double n = static_cast<double>(runs.count * runs.n);
    const double first = static_cast<double>(moments[1]), second = static_cast<double>(moments[2]);
    if (!centered) {
      squares += second;
    } else {
      const double off = static_cast<double>(moments[0]) + first / n - middle;
      middle += off * (n / (count + n));
      squares += second - first * (first / n) + off * off * (count * (n / (count + n)));
    }
    count += n;
  });
  mean[0] = static_cast<T>(middle);
  mean[1] = static_cast<T>(middle - static_cast<double>(mean[0]));
  const double found = squares / static_cast<double>(s.part_size());
  *variance = static_cast<T>(found < 0 ? 0 : found);  // a NaN stays
}

// One part, whose first element is at x.
template <class T>
void apply(const NormLoops<T>& loops, const NormShape& s, int64_t part, int64_t at,
           const NormPass<T>& p) {
  const int64_t first = part % s.groups * s.channels;  // channel
  const T *mean = p.means + 2 * part, *weight = p.weight ? p.weight + first : nullptr;
  const T *bias = p.bias ? p.bias + first : nullptr, rstd = p.rstd[part];
  if (s.inner == 1 && s.channels > 1 && weight) {
    const NormRuns runs = runs_of(s, s.channels);
    for (int64_t o = 0; o < s.outer; ++o, at += runs.step)
      loops.apply_each(s.channels, p.x + at, mean, rstd, weight, bias, p.y + at);
    return;
  }
  const int64_t together = weight || bias ? 1 : s.channels;
  for (int64_t c = 0; c < s.channels; c += together)
    for_each_block(
        loops.block, runs_of(s, together),
        [&](int64_t i, const NormRuns& runs) {
          const int64_t here = at + c * s.inner + i;
          loops.apply(runs, p.x + here, mean, weight ? rstd * weight[c] : rstd, bias ? bias[c] : 0,
                      p.residual ? p.residual + here : nullptr, p.activation == Activation::kRelu,
                      p.y + here);
        },
        s.part_size() * int64_t{sizeof(T)} >= kLastFirst);
}

// Of a part with these sums of g and g z.
template <class T>
NormFactors<T> factors_of(const double* sums, double count, NormStatistics statistics,
                          const T* mean, T rstd) {
  const double r = static_cast<double>(rstd);
  NormFactors<T> f{{mean[0], mean[1]}, rstd, 0, 0, statistics == NormStatistics::kGiven};
  if (!f.given) f.c1 = static_cast<T>(r * r * sums[1] / count);
  if (statistics == NormStatistics::kOwn) f.c0 = static_cast<T>(r * sums[0] / count);
  return f;
}

// Channels of one element: the rows of a block in turn, a few at a time.
template <class T>
void grad_by_element(const NormShape& s, NormStatistics statistics, const NormGradPass<T>& p) {
  const auto loops = norm_loops<T>();
  const int64_t columns = s.groups * s.channels;
  const double cost = 0.5 * static_cast<double>(kNormBlock * columns) + 20;
  parallel_for(s.sum_blocks(), cost, [&](int64_t begin, int64_t end) {
    if (p.sums) std::fill(p.sums + begin * 2 * columns, p.sums + end * 2 * columns, T{0});
    for (int64_t block = begin; block < end; ++block) {
      const int64_t stop = std::min((block + 1) * kNormBlock, s.rows);
      for (int64_t row = block * kNormBlock; row < stop; row += kNormRows)
        for (int64_t g = 0; g < s.groups; ++g) {
          const int64_t rows = std::min(kNormRows, stop - row), first = g * s.channels;
          const int64_t at = row * columns + first;
          const T* weights = p.weight ? p.weight + first : nullptr;
          NormFactors<T> factors[kNormRows];
          for (int64_t r = 0; r < rows; ++r) {
            const int64_t part = (row + r) * s.groups + g, line = at + r * columns;
            const T* mean = p.means + 2 * part;
            double total[2] = {0, 0};
            for_each_block(loops.block, {1, s.channels, 0}, [&](int64_t i, const NormRuns& runs) {
              T sums[2];
              loops.grad_sums(runs, p.x + line + i, p.dy + line + i, {}, mean, p.rstd[part],
                              weights ? weights + i : nullptr, nullptr, sums);
              for (int k = 0; k < 2; ++k) total[k] += static_cast<double>(sums[k]);
            });
            factors[r] =
                factors_of(total, static_cast<double>(s.channels), statistics, mean, p.rstd[part]);
          }
          loops.grad_rows(rows, s.channels, columns, p.x + at, p.dy + at, factors, weights,
                          p.dx + at, p.sums ? p.sums + block * 2 * columns + first : nullptr,
                          columns);
        }
    }
  });
}

// One part; sums of the part's first channel, those of dy z `sums_step` further.
template <class T>
void grad_of_part(const NormLoops<T>& loops, const NormShape& s, int64_t part,
                  NormStatistics statistics, const NormGradPass<T>& p, T* sums, int64_t sums_step) {
  const T* mean = p.means + 2 * part;
  const T* weight = p.weight ? p.weight + part % s.groups * s.channels : nullptr;
  const T rstd = p.rstd[part];
  const T* bias = p.bias ? p.bias + part % s.groups * s.channels : nullptr;
  const int64_t together = weight || sums ? 1 : s.channels, first = part * s.line();
  const NormRuns all = runs_of(s, together);
  const auto gate_at = [&](int64_t at) {
    return NormGate<T>{p.activation == Activation::kRelu, p.residual ? p.residual + at : nullptr,
                       weight ? rstd * *weight : rstd, bias ? *bias : 0};
  };
  const bool sums_matter = statistics != NormStatistics::kGiven || sums || p.dresidual;
  double total[2] = {0, 0};
  for (int64_t c = 0; sums_matter && c < s.channels; c += together) {
    double channel[2] = {0, 0};
    for_each_block(loops.block, all, [&](int64_t i, const NormRuns& runs) {
      const int64_t at = first + c * s.inner + i;
      T parts[2];
      loops.grad_sums(runs, p.x + at, p.dy + at, gate_at(at), mean, rstd, nullptr,
                      p.dresidual ? p.dresidual + at : nullptr, parts);
      for (int k = 0; k < 2; ++k) channel[k] += static_cast<double>(parts[k]);
    });
    for (int k = 0; k < 2; ++k) {
      total[k] += (weight ? static_cast<double>(weight[c]) : 1) * channel[k];
      if (sums) sums[k * sums_step + c] = static_cast<T>(channel[k]);
    }
  }
  const auto factors =
      factors_of(total, static_cast<double>(s.part_size()), statistics, mean, rstd);
  for (int64_t c = 0; c < s.channels; c += together)
    for_each_block(
        loops.block, all,
        [&](int64_t i, const NormRuns& runs) {
          const int64_t at = first + c * s.inner + i;
          const T* dy = p.dresidual ? p.dresidual : p.dy;  // the one has been through the gate
          loops.grad(runs, p.x + at, dy + at, p.dresidual ? NormGate<T>{} : gate_at(at), factors,
                     weight ? weight[c] : 1, p.dx + at);
        },
        s.part_size() * int64_t{sizeof(T)} >= kLastFirst);
}

}  // namespace

template <class T>
void normalize(const NormShape& s, NormStatistics statistics, double eps, const NormPass<T>& p) {
  const auto loops = norm_loops<T>();
  if (statistics == NormStatistics::kGiven) {  // lines as they lie in memory
    const NormShape line{1, s.rows, s.groups, s.channels, s.inner};
    parallel_for(s.outer * s.parts(), 0.15 * static_cast<double>(s.line()) + 10,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i)
                     apply(loops, line, i % s.parts(), i * s.line(), p);
                 });
    return;
  }
  for_each_part(s, 0.3, [&](int64_t part) {
    const int64_t at = part * s.line();
    statistics_of(loops, s, p.x + at, statistics == NormStatistics::kOwn, p.means + 2 * part,
                  p.variance + part);
    p.rstd[part] = static_cast<T>(1 / std::sqrt(static_cast<double>(p.variance[part]) + eps));
    apply(loops, s, part, at, p);
  });
}

template <class T>
void normalize_grad(const NormShape& s, NormStatistics statistics, const NormGradPass<T>& p) {
  if (s.inner == 1 && (s.channels > 1 || s.rows > 1)) return grad_by_element(s, statistics, p);
  const auto loops = norm_loops<T>();
  const int64_t columns = s.groups * s.channels;
  for_each_part(s, 0.4, [&](int64_t part) {
    const int64_t row = part / s.groups, first = part % s.groups * s.channels;
    grad_of_part(loops, s, part, statistics, p,
                 p.sums ? p.sums + row * 2 * columns + first : nullptr, columns);
  });
}

template void normalize(const NormShape&, NormStatistics, double, const NormPass<float>&);
template void normalize(const NormShape&, NormStatistics, double, const NormPass<double>&);
template void normalize_grad(const NormShape&, NormStatistics, const NormGradPass<float>&);
template void normalize_grad(const NormShape&, NormStatistics, const NormGradPass<double>&);

}  // namespace bb::kernels
#endif
