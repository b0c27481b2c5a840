// One training step of the MLP 784-128-64-10 with Adam, by batch size, and its parts.
#include <benchmark/benchmark.h>

#include "bb/bb.h"

namespace bb {
namespace {

nn::Sequential mlp() {
  manual_seed(0);
  return {nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU(), nn::Linear(64, 10)};
}

// Multiply-adds of the products: forward, weights' gradients, and inputs' gradients save the first.
double flops(int64_t batch) {
  const double forward = 784.0 * 128 + 128.0 * 64 + 64.0 * 10;
  return 2 * static_cast<double>(batch) * (3 * forward - 784.0 * 128);
}

void mlp_step(benchmark::State& state) {
  set_num_threads(static_cast<int>(state.range(1)));
  nn::Sequential model = mlp();
  optim::Adam optimizer(model.parameters(), {.lr = 1e-3});
  const int64_t batch = state.range(0);
  const Tensor x = rand({batch, 784}), y = randint(0, 10, {batch});
  for (auto _ : state) {
    optimizer.zero_grad();
    cross_entropy(model(x), y).backward();
    optimizer.step();
  }
  state.counters["GFLOP/s"] = benchmark::Counter(
      flops(batch) * static_cast<double>(state.iterations()) / 1e9, benchmark::Counter::kIsRate);
}
BENCHMARK(mlp_step)
    ->ArgsProduct({{1, 32, 256}, {1, 2}})
    ->ArgNames({"batch", "threads"})
    ->UseRealTime();

void mlp_forward(benchmark::State& state) {
  NoGrad guard;
  nn::Sequential model = mlp();
  const Tensor x = rand({state.range(0), 784});
  for (auto _ : state) benchmark::DoNotOptimize(model(x));
}
BENCHMARK(mlp_forward)->Arg(1)->Arg(32)->Arg(256)->ArgName("batch")->UseRealTime();

void adam_update(benchmark::State& state) {
  nn::Sequential model = mlp();
  optim::Adam optimizer(model.parameters(), {.lr = 1e-3});
  for (Tensor p : model.parameters()) p.set_grad(ones_like(p));
  for (auto _ : state) optimizer.step();
  state.counters["GB/s"] = benchmark::Counter(  // reads p, g, m, v and writes p, m, v
      7 * 4 * static_cast<double>(model.parameter_count() * state.iterations()) / 1e9,
      benchmark::Counter::kIsRate);
}
BENCHMARK(adam_update)->UseRealTime();

}  // namespace
}  // namespace bb
