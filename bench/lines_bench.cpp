// Reductions, softmax, scans, copies and gathers over 64K and 1M floats in rows of 1024: GB/s of
// what must be read and written, and as a part of what a plain copy of the same size reaches in the
// same run.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>

#include "bb/bb.h"
#include "bb/core/kernels/gather.h"
#include "bb/core/kernels/softmax.h"
#include "bb/core/lines.h"
#include "bb/core/reduction.h"

namespace bb {
namespace {

// Bytes a second of the library's copy of n floats: reads and writes, on the threads that it takes.
double copy_rate(int64_t n) {
  const Tensor x = rand({n});
  Tensor y = empty_like(x);
  double best = 0;
  for (int i = 0; i < 50; ++i) {
    const auto start = std::chrono::steady_clock::now();
    for (int j = 0; j < 10; ++j) y.copy_(x);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, 10.0 * static_cast<double>(n) * 8 / time.count());
  }
  return best;
}

// `reads` and `writes` in floats for each element of the case.
template <class F>
void measure(benchmark::State& state, double floats, const F& run) {
  NoGrad guard;
  const int64_t n = state.range(0);
  const double limit = copy_rate(n);
  const Tensor x = rand({n / 1024, 1024});
  run(x);
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) benchmark::DoNotOptimize(run(x));
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  const double rate =
      static_cast<double>(state.iterations()) * static_cast<double>(n) * floats * 4 / time.count();
  state.counters["GB/s"] = rate / 1e9;
  state.counters["of_copy"] = rate / limit;
}

void sizes(benchmark::internal::Benchmark* b) { b->Arg(1 << 16)->Arg(1 << 20)->UseRealTime(); }

#define BB_BENCH(name, floats, expression)                              \
  void name(benchmark::State& state) {                                  \
    measure(state, floats, [](const Tensor& x) { return expression; }); \
  }                                                                     \
  BENCHMARK(name)->Apply(sizes)

BB_BENCH(copy, 2, x.clone());
BB_BENCH(copy_transposing, 2, x.t().contiguous());
BB_BENCH(copy_inner_dims, 2, x.view({-1, 32, 32}).transpose(1, 2).contiguous());
BB_BENCH(copy_every_second, 1.5, x.slice(1, 0, 1024, 2).contiguous());
BB_BENCH(copy_repeats_a_row, 1, x.slice(0, 0, 1).expand(x.shape()).contiguous());
BB_BENCH(copy_repeats_a_column, 1, x.slice(1, 0, 1).expand(x.shape()).contiguous());
BB_BENCH(copy_to_float64, 3, x.to(kFloat64));

BB_BENCH(sum_all, 1, sum(x));
BB_BENCH(sum_rows, 1, sum(x, {1}));
BB_BENCH(sum_columns, 1, sum(x, {0}));
BB_BENCH(sum_transposed_rows, 1, sum(x.t(), {1}));
BB_BENCH(sum_outer_and_inner, 1, sum(x.view({-1, 16, 64}), {0, 2}));
BB_BENCH(sum_narrow_columns, 1, sum(x.view({-1, 16}), {0}));
BB_BENCH(max_all, 1, max(x));
BB_BENCH(max_rows, 1, max(x, 1).values);
BB_BENCH(max_columns, 1, max(x, 0).values);
BB_BENCH(argmax_all, 1, argmax(x));

BB_BENCH(softmax_rows, 2, softmax(x, 1));
BB_BENCH(softmax_columns, 2, softmax(x, 0));
BB_BENCH(softmax_transposed, 2, softmax(x.t(), 1));
BB_BENCH(log_softmax_rows, 2, log_softmax(x, 1));
BB_BENCH(log_softmax_columns, 2, log_softmax(x, 0));
BB_BENCH(cumsum_rows, 2, cumsum(x, 1));
BB_BENCH(cumsum_columns, 2, cumsum(x, 0));

#undef BB_BENCH

// The gradients, of x as dy and as y.
template <bool kLog>
void softmax_grad(benchmark::State& state) {
  const auto& table = kernels::softmax();
  const Tensor y = -rand({state.range(0) / 1024, 1024});
  measure(state, 3, [&](const Tensor& dy) {
    const Tensor dx = empty_like(dy);
    detail::run_along(kLog ? table.log_softmax_grad : table.softmax_grad, dx, 1, std::array{dy, y});
    return dx;
  });
}
BENCHMARK_TEMPLATE(softmax_grad, false)->Apply(sizes);
BENCHMARK_TEMPLATE(softmax_grad, true)->Apply(sizes);

// Rows of 1024 in random order.
std::vector<int64_t> random_rows(int64_t count) { return randperm(count).to_vector<int64_t>(); }
void gather_rows(benchmark::State& state) {
  const auto indices = random_rows(state.range(0) / 1024);
  measure(state, 2, [&](const Tensor& x) { return data::take_rows(x, indices); });
}
BENCHMARK(gather_rows)->Apply(sizes);
void scatter_add_rows(benchmark::State& state) {
  const auto indices = random_rows(state.range(0) / 1024);
  Tensor y = zeros({state.range(0) / 1024, 1024});
  measure(state, 3, [&](const Tensor& x) {
    kernels::scatter_add_rows(x.data<float>(), indices.data(), x.size(0), 1024, y.data<float>(),
                              x.size(0));
    return y;
  });
}
BENCHMARK(scatter_add_rows)->Apply(sizes);

}  // namespace
}  // namespace bb
