// Elementwise ops and their gradients over 16, 64K and 1M float32 elements: bytes moved to and from
// memory a second, and which part that is of what a copy of as many elements reaches in the same
// run ("of_copy"; 16 elements measure the cost of a call instead).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>

#include "bb/bb.h"
#include "bb/core/elementwise.h"
#include "bb/core/kernels/activation.h"

namespace bb {
namespace {

// Bytes that memcpy moves a nanosecond, on as many threads as help, the best of several passes.
double copy_speed(int64_t n) {
  static std::map<int64_t, double> known;
  double& speed = known[n];
  if (speed > 0) return speed;
  const Tensor x = ones({n});
  Tensor y = empty_like(x);
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(100);
  while (Clock::now() < end) {
    const auto start = Clock::now();
    constexpr int kPasses = 10;
    for (int pass = 0; pass < kPasses; ++pass)
      parallel_for(n, 0.1, [&](int64_t from, int64_t to) {
        std::memcpy(y.data<float>() + from, x.data<float>() + from,
                    static_cast<size_t>(to - from) * sizeof(float));
      });
    const std::chrono::duration<double, std::nano> time = Clock::now() - start;
    speed = std::max(speed, static_cast<double>(8 * n * kPasses) / time.count());
  }
  return speed;
}

// `bytes` moved for each element.
void report(benchmark::State& state, int64_t bytes) {
  const int64_t n = state.range(0);
  const double moved = static_cast<double>(state.iterations()) * static_cast<double>(n * bytes);
  state.counters["GB/s"] = benchmark::Counter(moved / 1e9, benchmark::Counter::kIsRate);
  if (n >= 1 << 16)
    state.counters["of_copy"] =
        benchmark::Counter(moved / (1e9 * copy_speed(n)), benchmark::Counter::kIsRate);
}

template <class F>
void unary(benchmark::State& state, const F& op) {
  NoGrad guard;
  const Tensor x = rand({state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(op(x));
  report(state, 8);
}
template <class F>
void binary(benchmark::State& state, const F& op) {
  NoGrad guard;
  const Tensor a = rand({state.range(0)}), b = rand({state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(op(a, b));
  report(state, 12);
}
// What backward calls, without the tape.
void gradient(benchmark::State& state, const kernels::Elementwise& f) {
  binary(state, [&f](const Tensor& dy, const Tensor& x) { return detail::apply("", f, dy, x); });
}
void compare(benchmark::State& state) {
  const Tensor a = rand({state.range(0)}), b = rand({state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(lt(a, b));
  report(state, 9);
}
void choose(benchmark::State& state) {
  const Tensor a = rand({state.range(0)}), b = rand({state.range(0)});
  const Tensor mask = gt(a, 0.5);
  for (auto _ : state) benchmark::DoNotOptimize(where(mask, a, b));
  report(state, 13);
}
// Every second element: strides cost a gathering pass.
void strided(benchmark::State& state) {
  const Tensor x = rand({2 * state.range(0)}).slice(0, 0, 2 * state.range(0), 2);
  for (auto _ : state) benchmark::DoNotOptimize(exp(x));
  report(state, 12);
}
// One operand a row of 16 that is broadcast, or a single number.
void broadcast_row(benchmark::State& state) {
  const Tensor a = rand({state.range(0) / 16, 16}), b = rand({16});
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
  report(state, 8);
}
void broadcast_number(benchmark::State& state) {
  const Tensor a = rand({state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(a + 1.5);
  report(state, 8);
}

void sizes(benchmark::internal::Benchmark* b) {
  b->Arg(16)->Arg(1 << 16)->Arg(1 << 20)->UseRealTime();
}

BENCHMARK_CAPTURE(binary, add, [](auto& a, auto& b) { return a + b; }) -> Apply(sizes);
BENCHMARK_CAPTURE(binary, mul, [](auto& a, auto& b) { return a * b; }) -> Apply(sizes);
BENCHMARK_CAPTURE(binary, div, [](auto& a, auto& b) { return a / b; }) -> Apply(sizes);
BENCHMARK_CAPTURE(binary, pow, [](auto& a, auto& b) { return pow(a, b); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, exp, [](auto& x) { return exp(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, log, [](auto& x) { return log(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, sqrt, [](auto& x) { return sqrt(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, tanh, [](auto& x) { return tanh(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, sigmoid, [](auto& x) { return sigmoid(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, erf, [](auto& x) { return erf(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, sin, [](auto& x) { return sin(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, cos, [](auto& x) { return cos(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, gelu, [](auto& x) { return gelu(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, gelu_tanh, [](auto& x) {
  return gelu(x, {.approximate = GeluApproximate::kTanh});
}) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, relu, [](auto& x) { return relu(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, silu, [](auto& x) { return silu(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, softplus, [](auto& x) { return softplus(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, mish, [](auto& x) { return mish(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, elu, [](auto& x) { return elu(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, expm1, [](auto& x) { return expm1(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, log1p, [](auto& x) { return log1p(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, log2, [](auto& x) { return log2(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, log10, [](auto& x) { return log10(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, tan, [](auto& x) { return tan(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, atan, [](auto& x) { return atan(x); }) -> Apply(sizes);
BENCHMARK_CAPTURE(unary, clamp, [](auto& x) { return clamp(x, 0.2, 0.7); }) -> Apply(sizes);
BENCHMARK_CAPTURE(binary, maximum, [](auto& a, auto& b) { return maximum(a, b); }) -> Apply(sizes);

using kernels::activations;
using kernels::elementwise;
BENCHMARK_CAPTURE(gradient, sqrt, elementwise().sqrt_grad)->Apply(sizes);
BENCHMARK_CAPTURE(gradient, tanh, elementwise().tanh_grad)->Apply(sizes);
BENCHMARK_CAPTURE(gradient, sigmoid, elementwise().sigmoid_grad)->Apply(sizes);
BENCHMARK_CAPTURE(gradient, relu, activations().relu_grad)->Apply(sizes);
BENCHMARK_CAPTURE(gradient, erf, elementwise().erf_grad)->Apply(sizes);
BENCHMARK_CAPTURE(gradient, sin, elementwise().sin_grad)->Apply(sizes);
BENCHMARK_CAPTURE(gradient, cos, elementwise().cos_grad)->Apply(sizes);
BENCHMARK_CAPTURE(gradient, gelu, activations().gelu_grad)->Apply(sizes);
BENCHMARK_CAPTURE(gradient, gelu_tanh, activations().gelu_tanh_grad)->Apply(sizes);

BENCHMARK(compare)->Apply(sizes);
BENCHMARK(choose)->Apply(sizes);
BENCHMARK(strided)->Apply(sizes);
BENCHMARK(broadcast_row)->Apply(sizes);
BENCHMARK(broadcast_number)->Apply(sizes);

}  // namespace
}  // namespace bb
