// Elementwise ops over 64K and 1M elements, in bytes moved to and from memory; copy_memory is the
// limit.
#include <benchmark/benchmark.h>

#include <cstring>

#include "bb/bb.h"

namespace bb {
namespace {

// `bytes` moved in each pass, for each element.
void report(benchmark::State& state, int64_t elements, int64_t bytes) {
  const auto moved =
      static_cast<double>(state.iterations()) * static_cast<double>(elements * bytes);
  state.counters["GB/s"] = benchmark::Counter(moved / 1e9, benchmark::Counter::kIsRate);
}

void copy_memory(benchmark::State& state) {
  const Tensor x = ones({state.range(0)});
  Tensor y = empty_like(x);
  for (auto _ : state) {
    std::memcpy(y.raw_data(), x.raw_data(), static_cast<size_t>(x.numel()) * sizeof(float));
    benchmark::ClobberMemory();
  }
  report(state, x.numel(), 8);
}
BENCHMARK(copy_memory)->Arg(1 << 16)->Arg(1 << 20);

template <class F>
void unary(benchmark::State& state, const F& op) {
  NoGrad guard;
  const Tensor x = rand({state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(op(x));
  report(state, x.numel(), 8);
}
template <class F>
void binary(benchmark::State& state, const F& op) {
  NoGrad guard;
  const Tensor a = rand({state.range(0)}), b = rand({state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(op(a, b));
  report(state, a.numel(), 12);
}
void sizes(benchmark::internal::Benchmark* b) { b->Arg(1 << 16)->Arg(1 << 20)->UseRealTime(); }

BENCHMARK_CAPTURE(binary, add, [](auto& a, auto& b) { return a + b; }) -> Apply(sizes);
BENCHMARK_CAPTURE(binary, mul, [](auto& a, auto& b) { return a * b; }) -> Apply(sizes);
BENCHMARK_CAPTURE(binary, div, [](auto& a, auto& b) { return a / b; }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, exp, [](auto& x) { return exp(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, log, [](auto& x) { return log(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, sqrt, [](auto& x) { return sqrt(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, tanh, [](auto& x) { return tanh(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, sigmoid, [](auto& x) { return sigmoid(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, relu, [](auto& x) { return relu(x); }) -> Apply(sizes);

}  // namespace
}  // namespace bb
