// What the tape costs beside the arithmetic: ops on one element or a few.
#include <benchmark/benchmark.h>

#include "bb/bb.h"

namespace bb {
namespace {

void per_op(benchmark::State& state, int64_t ops) {
  state.counters["s/op"] =
      benchmark::Counter(static_cast<double>(ops * state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// A chain of scalar multiplications, recorded and differentiated.
void scalar_op_recorded_and_differentiated(benchmark::State& state) {
  constexpr int64_t kOps = 1000;
  Tensor x = ones({}).requires_grad_();
  const Tensor factor = ones({});
  for (auto _ : state) {
    Tensor y = x;
    for (int64_t i = 0; i < kOps; ++i) y = y * factor;
    y.backward();
    x.set_grad(Tensor());
  }
  per_op(state, kOps);
}
BENCHMARK(scalar_op_recorded_and_differentiated);

void scalar_op_recorded(benchmark::State& state) {
  const Tensor x = ones({}).requires_grad_(), factor = ones({});
  for (auto _ : state) benchmark::DoNotOptimize(x * factor);
  per_op(state, 1);
}
BENCHMARK(scalar_op_recorded);

void add_16_not_recorded(benchmark::State& state) {
  NoGrad guard;
  const Tensor a = ones({16}), b = ones({16});
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
  per_op(state, 1);
}
BENCHMARK(add_16_not_recorded);

void allocate_and_free(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(empty({state.range(0)}));
  per_op(state, 1);
}
BENCHMARK(allocate_and_free)->Arg(16)->Arg(4096)->Arg(1 << 20);

}  // namespace
}  // namespace bb
