// Matrix products: GFLOP/s, and as a fraction of the multiply-add peak measured after each sample.
// of_peak: of the peak of the cores in use. of_lanes: of what the vectors' lanes allow, where m or
// n fills no whole vector. speedup: the time on one thread over that on several, taken in turn. All
// from medians.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "bb/core/kernels/blis.h"
#include "bb/core/kernels/gemm.h"
#include "bb/core/parallel.h"
#include "bb/core/tensor.h"
#include "peak.h"

#if defined(__x86_64__)
#include "bb/core/cpu.h"
#endif

namespace {

using bb::kernels::MatrixRef;

/// Of the registers that the peak is measured on.
int64_t vector_bytes() {
#if defined(__x86_64__)
  return bb::cpu_info().avx512 ? 64 : bb::cpu_info().avx2 ? 32 : 16;
#else
  return 16;
#endif
}

enum class Engine { kGemm, kBlis };

struct Case {
  std::string name;
  int64_t m, n, k;
  bool transpose_a, transpose_b;
};

template <typename T>
bb::Tensor random_values(int64_t count, std::mt19937& random) {
  bb::Tensor values = bb::Tensor::empty({count}, bb::dtype_of<T>);
  std::uniform_real_distribution<T> distribution(-1, 1);
  std::generate_n(values.data<T>(), count, [&] { return distribution(random); });
  return values;
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The part of the lanes that a product's shorter side fills.
double lanes_filled(const Case& c, int64_t lanes) {
  const int64_t side = std::min(c.m, c.n);
  return static_cast<double>(side) / static_cast<double>((side + lanes - 1) / lanes * lanes);
}

template <typename T>
void product(benchmark::State& state, const Case& c, Engine engine, int threads) {
  using Clock = std::chrono::steady_clock;
  std::mt19937 random(1);
  const bb::Tensor a = random_values<T>(c.m * c.k, random), b = random_values<T>(c.k * c.n, random);
  bb::Tensor out = random_values<T>(c.m * c.n, random);
  MatrixRef<const T> in_a{a.data<T>(), c.k, 1}, in_b{b.data<T>(), c.n, 1};
  if (c.transpose_a) in_a = {a.data<T>(), 1, c.m};
  if (c.transpose_b) in_b = {b.data<T>(), 1, c.k};
  const MatrixRef<T> in_c{out.data<T>(), c.n, 1};
  const auto run = [&] {
    if (engine == Engine::kGemm) {
      bb::kernels::gemm<T>(c.m, c.n, c.k, in_a, in_b, in_c);
    } else {
      bb::kernels::blis_gemm<T>(c.m, c.n, c.k, 1, in_a, in_b, 0, in_c);
    }
    benchmark::ClobberMemory();
  };
  const int before = bb::num_threads();
  // A sample is long enough for the clock, and short enough to fall between interruptions.
  const double flops = 2.0 * static_cast<double>(c.m * c.n * c.k);
  const int calls = static_cast<int>(std::max(1.0, (threads == 1 ? 5e7 : 2e8) / flops));
  const auto sample = [&](int count) {
    bb::set_num_threads(count);
    for (int i = 0; i <= calls / 2; ++i) run();  // caches and sleeping threads come to
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) run();
    return std::chrono::duration<double>(Clock::now() - start).count() / calls;
  };
  std::vector<double> alone, together, of_peak;
  const double fma_units = (sizeof(T) == 8 ? 0.5 : 1.0) * threads;
  for (auto _ : state) {
    if (threads > 1) alone.push_back(sample(1));
    together.push_back(sample(threads));
    of_peak.push_back(flops / together.back() / (measure_peak() * fma_units));
    state.SetIterationTime(together.back());
  }
  bb::set_num_threads(before);
  const double filled = lanes_filled(c, vector_bytes() / static_cast<int64_t>(sizeof(T)));
  state.counters["FLOP/s"] = flops / median(together);
  if (measure_peak() > 0) {
    state.counters["of_peak"] = median(of_peak);
    if (filled < 1) state.counters["of_lanes"] = median(of_peak) / filled;
  }
  if (threads > 1) state.counters["speedup"] = median(alone) / median(together);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](std::string name, int64_t m, int64_t n, int64_t k, bool transpose_a,
                       bool transpose_b) {
    name += "/" + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) + "/";
    name += transpose_a ? "T" : "N";
    name += transpose_b ? "T" : "N";
    all.push_back({name, m, n, k, transpose_a, transpose_b});
  };
  const int64_t shapes[][3] = {{64, 10, 128},   {64, 64, 64},       {128, 128, 128},
                               {32, 128, 784},  {16, 784, 64},      {128, 512, 784},
                               {64, 3136, 288}, {256, 768, 768},    {256, 256, 256},
                               {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048}};
  for (const auto& [m, n, k] : shapes) {
    for (int transposes = 0; transposes < 4; ++transposes)
      add("shape", m, n, k, transposes & 2, transposes & 1);
  }
  // The training products of layers: x [batch, in], W [out, in], dy [batch, out].
  const auto add_layer = [&](const std::string& name, int64_t batch, int64_t in, int64_t out) {
    add(name + "_forward", batch, out, in, false, true);      // x W^T
    add(name + "_grad_input", batch, in, out, false, false);  // dy W
    add(name + "_grad_weight", out, in, batch, true, false);  // dy^T x
  };
  for (int64_t batch : {1, 32, 256}) {
    add_layer("mlp", batch, 784, 128);
    add_layer("mlp", batch, 128, 64);
    add_layer("mlp", batch, 64, 10);
  }
  // GPT, 384 wide, 1024 tokens: queries, keys and values; attention's result; the perceptron.
  add_layer("gpt", 1024, 384, 1152);
  add_layer("gpt", 1024, 384, 384);
  add_layer("gpt", 1024, 384, 1536);
  add_layer("gpt", 1024, 1536, 384);
  // LSTM, 128 hidden units: a step of half a batch of 32, and all 64 steps.
  add("lstm_step", 16, 512, 128, false, false);
  add("lstm_step_grad", 16, 128, 512, false, false);
  add_layer("lstm", 2048, 128, 512);
  return all;
}

template <typename T>
void add_benchmarks(const std::string& type) {
  for (const Case& c : cases()) {
    const double flops = 2.0 * static_cast<double>(c.m * c.n * c.k);
    const auto add = [&](const std::string& name, Engine engine, int threads) {
      benchmark::RegisterBenchmark(name.c_str(), product<T>, c, engine, threads)
          ->Iterations(flops > 1e9 ? 5 : 25)
          ->UseManualTime();
    };
    for (int threads : {1, 2})
      add("gemm/" + type + "/" + c.name + "/threads:" + std::to_string(threads), Engine::kGemm,
          threads);
    add("blis/" + type + "/" + c.name, Engine::kBlis, 1);
  }
}

const bool g_registered = [] {
  add_benchmarks<float>("float32");
  add_benchmarks<double>("float64");
  return true;
}();

}  // namespace
