#include "bb/core/kernels/softmax.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "bb/core/parallel.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/softmax.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/softmax_exp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// ---- Rows

// Calls body(load, store) for whole vectors of a row of n, then for its rest, where load pads with
// `padding` and store leaves the padding out.
template <class T, class Body>
HWY_INLINE void for_vectors(int64_t n, T padding, const Body& body) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    body([&](const T* x) HWY_ATTR { return hn::LoadU(d, x + i); },
         [&](auto v, T* y) HWY_ATTR { hn::StoreU(v, d, y + i); });
  if (i == n) return;
  body(
      [&](const T* x) HWY_ATTR {
        HWY_ALIGN T rest[HWY_MAX_BYTES / sizeof(T)];
        for (int64_t j = 0; j < lanes; ++j) rest[j] = i + j < n ? x[i + j] : padding;
        return hn::Load(d, rest);
      },
      [&](auto v, T* y) HWY_ATTR {
        HWY_ALIGN T rest[HWY_MAX_BYTES / sizeof(T)];
        hn::Store(v, d, rest);
        for (int64_t j = 0; i + j < n; ++j) y[i + j] = rest[j];
      });
}

// The largest element. A NaN may be passed over: it shows in exp.
template <class T>
T max_of(const T* x, int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto a = hn::Set(d, -T(kInfinity)), b = a, c = a, e = a;
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::Max(a, hn::LoadU(d, x + i));
    b = hn::Max(b, hn::LoadU(d, x + i + lanes));
    c = hn::Max(c, hn::LoadU(d, x + i + 2 * lanes));
    e = hn::Max(e, hn::LoadU(d, x + i + 3 * lanes));
  }
  for_vectors<T>(n - i, -T(kInfinity),
                 [&](const auto& load, const auto&) HWY_ATTR { a = hn::Max(a, load(x + i)); });
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(a, b), hn::Max(c, e))));
}

constexpr int64_t kLeaf = 4096;  // elements summed by vectors; above, pairs are formed

// The sum over i of f(i, load, store), a vector for each: f sees the elements from i on.
template <class T, class F>
T sum_of(int64_t begin, int64_t n, T padding, const F& f) {
  if (n > kLeaf) {
    const int64_t half = (n / 2 + kLeaf - 1) / kLeaf * kLeaf;
    const T first = sum_of<T>(begin, half, padding, f);
    return first + sum_of<T>(begin + half, n - half, padding, f);
  }
  const hn::ScalableTag<T> d;
  auto sum = hn::Zero(d);
  for_vectors<T>(n, padding, [&](const auto& load, const auto& store) HWY_ATTR {
    sum = f(begin, load, store, sum);
  });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// y[i] = exp(x[i] - shift) where y is not null; returns their sum.
template <class T>
T exp_sum(const T* x, int64_t n, T shift, T* y) {
  const hn::ScalableTag<T> d;
  const auto from = hn::Set(d, shift);
  return sum_of<T>(0, n, -T(kInfinity),
                   [&](int64_t i, const auto& load, const auto& store, auto sum) HWY_ATTR {
                     const auto e = exp_not_positive(d, hn::Sub(load(x + i), from));
                     if (y) store(e, y + i);
                     return hn::Add(sum, e);
                   });
}

template <class T>
struct Line {  // one of Lines
  T* y;
  const T *a, *b;
};
template <class T, class F>
void each_line(const Lines& lines, const F& f) {
  for (int64_t r = 0; r < lines.count; ++r)
    f(Line<T>{reinterpret_cast<T*>(lines.y + r * lines.y_step),
              reinterpret_cast<const T*>(lines.x[0] + r * lines.x_step[0]),
              reinterpret_cast<const T*>(lines.x[1] + r * lines.x_step[1])});
}

template <class T>
void softmax_rows(const Lines& lines) {
  const hn::ScalableTag<T> d;
  const int64_t n = lines.n;
  each_line<T>(lines, [&](const Line<T>& line) HWY_ATTR {
    T* y = line.y;
    const auto scale = hn::Set(d, T(1) / exp_sum(line.a, n, max_of(line.a, n), y));
    for_vectors<T>(n, T(0), [&](const auto& load, const auto& store) HWY_ATTR {
      store(hn::Mul(load(y), scale), y);
    });
  });
}

template <class T>
void log_softmax_rows(const Lines& lines) {
  const hn::ScalableTag<T> d;
  const int64_t n = lines.n;
  each_line<T>(lines, [&](const Line<T>& line) HWY_ATTR {
    const T most = max_of(line.a, n);
    const auto shift = hn::Set(d, most);
    const auto log_sum = hn::Set(d, std::log(exp_sum<T>(line.a, n, most, nullptr)));
    for_vectors<T>(n, T(0), [&](const auto& load, const auto& store) HWY_ATTR {
      store(hn::Sub(hn::Sub(load(line.a), shift), log_sum), line.y);
    });
  });
}

template <class T>
void softmax_grad_rows(const Lines& lines) {
  const hn::ScalableTag<T> d;
  const int64_t n = lines.n;
  each_line<T>(lines, [&](const Line<T>& line) HWY_ATTR {
    const T *dy = line.a, *y = line.b;
    const auto dot = hn::Set(
        d, sum_of<T>(0, n, T(0), [&](int64_t i, const auto& load, const auto&, auto sum) HWY_ATTR {
          return hn::MulAdd(load(dy + i), load(y + i), sum);
        }));
    for_vectors<T>(n, T(0), [&](const auto& load, const auto& store) HWY_ATTR {
      store(hn::Mul(load(y), hn::Sub(load(dy), dot)), line.y);
    });
  });
}

template <class T>
void log_softmax_grad_rows(const Lines& lines) {
  const hn::ScalableTag<T> d;
  const int64_t n = lines.n;
  each_line<T>(lines, [&](const Line<T>& line) HWY_ATTR {
    const T *dy = line.a, *y = line.b;
    const auto total = hn::Set(d, sum_of<T>(0, n, T(0),
                                            [&](int64_t i, const auto& load, const auto&, auto sum)
                                                HWY_ATTR { return hn::Add(sum, load(dy + i)); }));
    for_vectors<T>(n, T(0), [&](const auto& load, const auto& store) HWY_ATTR {
      store(hn::NegMulAdd(exp_not_positive(d, load(y)), total, load(dy)), line.y);
    });
  });
}

// ---- Columns: up to kColumns lines at once, row by row as they lie in memory

// Calls body(i, load, store) for each row i of the lines, as for_vectors.
template <class T, class Body>
HWY_INLINE void for_rows(const Lines& lines, const Body& body) {
  for (int64_t i = 0; i < lines.n; ++i) {
    const Line<T> row{reinterpret_cast<T*>(lines.y + i * lines.y_step),
                      reinterpret_cast<const T*>(lines.x[0] + i * lines.x_step[0]),
                      reinterpret_cast<const T*>(lines.x[1] + i * lines.x_step[1])};
    for_vectors<T>(lines.count, T(0),
                   [&](const auto& load, const auto& store) HWY_ATTR { body(row, load, store); });
  }
}

template <class T>
struct Columns {  // a number for each of the lines
  T values[kColumns + HWY_MAX_BYTES / sizeof(T)];
};
template <class T>
void fill(Columns<T>& columns, T value) {
  std::fill(std::begin(columns.values), std::end(columns.values), value);
}

template <class T>
void max_columns(const Lines& lines, Columns<T>& most) {
  fill(most, -T(kInfinity));
  for_rows<T>(lines, [&](const Line<T>& row, const auto& load, const auto& store)
                         HWY_ATTR { store(hn::Max(load(most.values), load(row.a)), most.values); });
}

template <class T>
void softmax_columns(const Lines& lines) {
  const hn::ScalableTag<T> d;
  Columns<T> most, sums;
  max_columns(lines, most);
  fill(sums, T(0));
  for_rows<T>(lines, [&](const Line<T>& row, const auto& load, const auto& store) HWY_ATTR {
    const auto e = exp_not_positive(d, hn::Sub(load(row.a), load(most.values)));
    store(e, row.y);
    store(hn::Add(load(sums.values), e), sums.values);
  });
  for (int64_t j = 0; j < lines.count; ++j) sums.values[j] = T(1) / sums.values[j];
  for_rows<T>(lines, [&](const Line<T>& row, const auto& load, const auto& store)
                         HWY_ATTR { store(hn::Mul(load(row.y), load(sums.values)), row.y); });
}

template <class T>
void log_softmax_columns(const Lines& lines) {
  const hn::ScalableTag<T> d;
  Columns<T> most, sums;
  max_columns(lines, most);
  fill(sums, T(0));
  for_rows<T>(lines, [&](const Line<T>& row, const auto& load, const auto& store) HWY_ATTR {
    const auto e = exp_not_positive(d, hn::Sub(load(row.a), load(most.values)));
    store(hn::Add(load(sums.values), e), sums.values);
  });
  for (int64_t j = 0; j < lines.count; ++j) sums.values[j] = std::log(sums.values[j]);
  for_rows<T>(lines, [&](const Line<T>& row, const auto& load, const auto& store) HWY_ATTR {
    store(hn::Sub(hn::Sub(load(row.a), load(most.values)), load(sums.values)), row.y);
  });
}

template <class T>
void softmax_grad_columns(const Lines& lines) {
  Columns<T> dots;
  fill(dots, T(0));
  for_rows<T>(lines, [&](const Line<T>& row, const auto& load, const auto& store) HWY_ATTR {
    store(hn::MulAdd(load(row.a), load(row.b), load(dots.values)), dots.values);
  });
  for_rows<T>(lines, [&](const Line<T>& row, const auto& load, const auto& store) HWY_ATTR {
    store(hn::Mul(load(row.b), hn::Sub(load(row.a), load(dots.values))), row.y);
  });
}

template <class T>
void log_softmax_grad_columns(const Lines& lines) {
  const hn::ScalableTag<T> d;
  Columns<T> totals;
  fill(totals, T(0));
  for_rows<T>(lines, [&](const Line<T>& row, const auto& load, const auto& store) HWY_ATTR {
    store(hn::Add(load(totals.values), load(row.a)), totals.values);
  });
  for_rows<T>(lines, [&](const Line<T>& row, const auto& load, const auto& store) HWY_ATTR {
    const auto e = exp_not_positive(d, load(row.b));
    store(hn::NegMulAdd(e, load(totals.values), load(row.a)), row.y);
  });
}

// ---- Cross-entropy

template <class T>
void max_sum_exp(const T* x, int64_t n, T* most, T* sum) {
  *most = max_of(x, n);
  *sum = exp_sum<T>(x, n, *most, nullptr);
}
void max_sum_exp_f32(const float* x, int64_t n, float* most, float* sum) {
  max_sum_exp(x, n, most, sum);
}
void max_sum_exp_f64(const double* x, int64_t n, double* most, double* sum) {
  max_sum_exp(x, n, most, sum);
}

// y[i] = scale exp(x[i] - shift)
template <class T>
void scaled_exp(const T* x, int64_t n, T shift, T scale, T* y) {
  const hn::ScalableTag<T> d;
  const auto from = hn::Set(d, shift), times = hn::Set(d, scale);
  for_vectors<T>(n, T(0), [&](const auto& load, const auto& store) HWY_ATTR {
    store(hn::Mul(times, exp_not_positive(d, hn::Sub(load(x), from))), y);
  });
}
void scaled_exp_f32(const float* x, int64_t n, float shift, float scale, float* y) {
  scaled_exp(x, n, shift, scale, y);
}
void scaled_exp_f64(const double* x, int64_t n, double shift, double scale, double* y) {
  scaled_exp(x, n, shift, scale, y);
}

// ---- The table

LineOp op(LineOp::Fn rows_f32, LineOp::Fn rows_f64, LineOp::Fn columns_f32, LineOp::Fn columns_f64,
          double cost_ns) {
  LineOp result;
  result.rows[static_cast<size_t>(kFloat32)] = rows_f32;
  result.rows[static_cast<size_t>(kFloat64)] = rows_f64;
  result.columns[static_cast<size_t>(kFloat32)] = columns_f32;
  result.columns[static_cast<size_t>(kFloat64)] = columns_f64;
  result.cost_ns = cost_ns;
  return result;
}

SoftmaxTable make_table() {
  return {op(softmax_rows<float>, softmax_rows<double>, softmax_columns<float>,
             softmax_columns<double>, 0.38),
          op(log_softmax_rows<float>, log_softmax_rows<double>, log_softmax_columns<float>,
             log_softmax_columns<double>, 0.38),
          op(softmax_grad_rows<float>, softmax_grad_rows<double>, softmax_grad_columns<float>,
             softmax_grad_columns<double>, 0.1),
          op(log_softmax_grad_rows<float>, log_softmax_grad_rows<double>,
             log_softmax_grad_columns<float>, log_softmax_grad_columns<double>, 0.25)};
}

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {
namespace {

void max_sum_exp(const float* x, int64_t n, float* most, float* sum) {
  BB_DISPATCH(max_sum_exp_f32)(x, n, most, sum);
}
void max_sum_exp(const double* x, int64_t n, double* most, double* sum) {
  BB_DISPATCH(max_sum_exp_f64)(x, n, most, sum);
}
void scaled_exp(const float* x, int64_t n, float shift, float scale, float* y) {
  BB_DISPATCH(scaled_exp_f32)(x, n, shift, scale, y);
}
void scaled_exp(const double* x, int64_t n, double shift, double scale, double* y) {
  BB_DISPATCH(scaled_exp_f64)(x, n, shift, scale, y);
}

template <class Row>
void for_rows(int64_t rows, int64_t n, const Row& row) {
  parallel_for(rows, 0.35 * static_cast<double>(n) + 10, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row(r);
  });
}

}  // namespace

const SoftmaxTable& softmax() {
  static const SoftmaxTable table = BB_DISPATCH(make_table)();
  return table;
}

template <class T>
void cross_entropy_rows(const T* x, int64_t rows, int64_t n, const int64_t* labels, T* losses,
                        T* sums) {
  for_rows(rows, n, [&](int64_t r) {
    T *most = sums + 2 * r, *sum = most + 1;
    max_sum_exp(x + r * n, n, most, sum);
    losses[r] = std::log(*sum) - (x[r * n + labels[r]] - *most);
  });
}
template <class T>
void cross_entropy_grad_rows(const T* x, int64_t rows, int64_t n, const int64_t* labels,
                             const T* sums, const T* dy, T* dx) {
  for_rows(rows, n, [&](int64_t r) {
    scaled_exp(x + r * n, n, sums[2 * r], dy[r] / sums[2 * r + 1], dx + r * n);
    dx[r * n + labels[r]] -= dy[r];
  });
}

template void cross_entropy_rows(const float*, int64_t, int64_t, const int64_t*, float*, float*);
template void cross_entropy_rows(const double*, int64_t, int64_t, const int64_t*, double*, double*);
template void cross_entropy_grad_rows(const float*, int64_t, int64_t, const int64_t*, const float*,
                                      const float*, float*);
template void cross_entropy_grad_rows(const double*, int64_t, int64_t, const int64_t*,
                                      const double*, const double*, double*);

}  // namespace bb::kernels
#endif
