// Matrix products: GFLOP/s, and as a fraction of the multiply-add peak of one core measured in the
// same run.

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

#if defined(__x86_64__)
#include "bb/core/cpu.h"
#endif

namespace {

using bb::kernels::MatrixRef;

/// Floating-point operations per second of one core in independent float32 multiply-adds on
/// registers.
double measure_peak() {
#if defined(__x86_64__)
  constexpr int kChains = 12;
  constexpr int kRounds = 20'000;
  const bool avx512 = bb::cpu_info().avx512;
  if (!avx512 && !bb::cpu_info().avx2) return 0;
  double best = 0;
  for (int attempt = 0; attempt < 500; ++attempt) {
    const auto start = std::chrono::steady_clock::now();
    if (avx512) {
      for (int i = 0; i < kRounds; ++i) {
        asm volatile(
            "vfmadd231ps %%zmm14,%%zmm15,%%zmm0\n vfmadd231ps %%zmm14,%%zmm15,%%zmm1\n"
            "vfmadd231ps %%zmm14,%%zmm15,%%zmm2\n vfmadd231ps %%zmm14,%%zmm15,%%zmm3\n"
            "vfmadd231ps %%zmm14,%%zmm15,%%zmm4\n vfmadd231ps %%zmm14,%%zmm15,%%zmm5\n"
            "vfmadd231ps %%zmm14,%%zmm15,%%zmm6\n vfmadd231ps %%zmm14,%%zmm15,%%zmm7\n"
            "vfmadd231ps %%zmm14,%%zmm15,%%zmm8\n vfmadd231ps %%zmm14,%%zmm15,%%zmm9\n"
            "vfmadd231ps %%zmm14,%%zmm15,%%zmm10\n vfmadd231ps %%zmm14,%%zmm15,%%zmm11\n" ::
                : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                  "xmm10", "xmm11");
      }
    } else {
      for (int i = 0; i < kRounds; ++i) {
        asm volatile(
            "vfmadd231ps %%ymm14,%%ymm15,%%ymm0\n vfmadd231ps %%ymm14,%%ymm15,%%ymm1\n"
            "vfmadd231ps %%ymm14,%%ymm15,%%ymm2\n vfmadd231ps %%ymm14,%%ymm15,%%ymm3\n"
            "vfmadd231ps %%ymm14,%%ymm15,%%ymm4\n vfmadd231ps %%ymm14,%%ymm15,%%ymm5\n"
            "vfmadd231ps %%ymm14,%%ymm15,%%ymm6\n vfmadd231ps %%ymm14,%%ymm15,%%ymm7\n"
            "vfmadd231ps %%ymm14,%%ymm15,%%ymm8\n vfmadd231ps %%ymm14,%%ymm15,%%ymm9\n"
            "vfmadd231ps %%ymm14,%%ymm15,%%ymm10\n vfmadd231ps %%ymm14,%%ymm15,%%ymm11\n" ::
                : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                  "xmm10", "xmm11");
      }
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, 2.0 * (avx512 ? 16 : 8) * kChains * kRounds / seconds);
  }
  return best;
#else
  return 0;
#endif
}

double peak() {
  static const double value = measure_peak();
  return value;
}

enum class Engine { kGemm, kBlis };

struct Case {
  std::string name;
  int64_t m, n, k;
  bool transpose_a, transpose_b;
};

template <typename T>
void product(benchmark::State& state, const Case& c, Engine engine, int threads) {
  std::mt19937 random(1);
  std::uniform_real_distribution<T> values(-1, 1);
  std::vector<T> a(static_cast<size_t>(c.m * c.k)), b(static_cast<size_t>(c.k * c.n));
  std::vector<T> out(static_cast<size_t>(c.m * c.n));
  for (T& x : a) x = values(random);
  for (T& x : b) x = values(random);
  MatrixRef<const T> in_a{a.data(), c.k, 1}, in_b{b.data(), c.n, 1};
  if (c.transpose_a) in_a = {a.data(), 1, c.m};
  if (c.transpose_b) in_b = {b.data(), 1, c.k};
  const MatrixRef<T> in_c{out.data(), c.n, 1};
  const double fma_peak = peak() * (sizeof(T) == 8 ? 0.5 : 1.0) * threads;
  const int before = bb::num_threads();
  bb::set_num_threads(threads);
  for (auto _ : state) {
    if (engine == Engine::kGemm) {
      bb::kernels::gemm<T>(c.m, c.n, c.k, in_a, in_b, in_c);
    } else {
      bb::kernels::blis_gemm<T>(c.m, c.n, c.k, 1, in_a, in_b, 0, in_c);
    }
    benchmark::ClobberMemory();
  }
  bb::set_num_threads(before);
  const double flops = 2.0 * static_cast<double>(c.m * c.n * c.k);
  using benchmark::Counter;
  state.counters["FLOP/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
  if (fma_peak > 0)
    state.counters["of_peak"] = Counter(flops / fma_peak, Counter::kIsIterationInvariantRate);
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
  const int64_t squareish[][3] = {{64, 10, 128},      {64, 64, 64},      {128, 128, 128},
                                  {32, 128, 784},     {16, 784, 64},     {128, 512, 784},
                                  {64, 3136, 288},    {256, 768, 768},   {512, 512, 512},
                                  {1024, 1024, 1024}, {2048, 2048, 2048}};
  for (const auto& [m, n, k] : squareish) add("shape", m, n, k, false, false);
  // The training products of a multilayer perceptron: x [batch, in], W [out, in], dy [batch, out].
  const int64_t layers[][2] = {{784, 128}, {128, 64}, {64, 10}};
  for (int64_t batch : {1, 32, 256}) {
    for (const auto& [in, out] : layers) {
      add("mlp_forward", batch, out, in, false, true);      // x W^T
      add("mlp_grad_input", batch, in, out, false, false);  // dy W
      add("mlp_grad_weight", out, in, batch, true, false);  // dy^T x
    }
  }
  return all;
}

const bool g_registered = [] {
  for (const Case& c : cases()) {
    for (int threads : {1, 2}) {
      benchmark::RegisterBenchmark(
          ("gemm/float32/" + c.name + "/threads:" + std::to_string(threads)).c_str(),
          product<float>, c, Engine::kGemm, threads)
          ->UseRealTime();
    }
    benchmark::RegisterBenchmark(("blis/float32/" + c.name).c_str(), product<float>, c,
                                 Engine::kBlis, 1)
        ->UseRealTime();
    benchmark::RegisterBenchmark(("gemm/float64/" + c.name).c_str(), product<double>, c,
                                 Engine::kGemm, 1)
        ->UseRealTime();
    benchmark::RegisterBenchmark(("blis/float64/" + c.name).c_str(), product<double>, c,
                                 Engine::kBlis, 1)
        ->UseRealTime();
  }
  return true;
}();

}  // namespace
