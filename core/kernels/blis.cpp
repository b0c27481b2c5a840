#include "bb/core/kernels/blis.h"

#include <blis.h>

#include <cstdlib>
#include <numeric>
#include <string>
#include <type_traits>

#include "bb/core/cpu.h"

namespace bb::kernels {
namespace {

struct Choice {
  std::string_view name;  // empty: BLIS chooses
  int id = 0;  // of the arch_t that this BLIS was built with; ids differ between versions
};

// Only what is built into this BLIS may be asked for: it aborts on another.
Choice choose() {
  const CpuInfo& cpu = cpu_info();
#ifdef BLIS_CONFIG_SKX
  if (cpu.avx512) return {"skx", BLIS_ARCH_SKX};
#endif
#ifdef BLIS_CONFIG_ZEN3
  if (cpu.avx2 && cpu.vendor == "AMD" && cpu.family >= 25) return {"zen3", BLIS_ARCH_ZEN3};
#endif
#ifdef BLIS_CONFIG_HASWELL
  if (cpu.avx2 && cpu.vendor == "Intel") return {"haswell", BLIS_ARCH_HASWELL};
#endif
  static_cast<void>(cpu);
  return {};
}

/// Starts BLIS, with our sub-configuration unless the user asks for one.
/// BLIS reads BLIS_ARCH_TYPE once, in its first call; it takes no other form of instruction in
/// every version.
void start() {
  const Choice choice = choose();
  const bool ours = !choice.name.empty() && std::getenv("BLIS_ARCH_TYPE") == nullptr;
  if (ours) setenv("BLIS_ARCH_TYPE", std::to_string(choice.id).c_str(), /*overwrite=*/0);
  bli_init();
  static_cast<void>(bli_arch_query_id());
  if (ours) unsetenv("BLIS_ARCH_TYPE");
}

void ensure_started() {
  static const bool started = (start(), true);
  static_cast<void>(started);
}

/// One thread, and no small-matrix (sup) kernels: haswell's and zen3's of BLIS 0.9.0 read out of
/// bounds.
rntm_t one_thread() {
  rntm_t rntm;
  bli_rntm_init(&rntm);
  bli_rntm_set_num_threads(1, &rntm);
  bli_rntm_disable_l3_sup(&rntm);
  return rntm;
}

template <typename T>
constexpr num_t kType = std::is_same_v<T, float> ? BLIS_FLOAT : BLIS_DOUBLE;

}  // namespace

template <typename T>
int64_t blis_align() {
  static const int64_t align = [] {
    ensure_started();
    auto* context = bli_gks_query_cntx();
    return std::lcm<int64_t, int64_t>(bli_cntx_get_blksz_def_dt(kType<T>, BLIS_MR, context),
                                      bli_cntx_get_blksz_def_dt(kType<T>, BLIS_NR, context));
  }();
  return align;
}

template <typename T>
void blis_gemm(int64_t m, int64_t n, int64_t k, T alpha, MatrixRef<const T> a, MatrixRef<const T> b,
               T beta, MatrixRef<T> c) {
  ensure_started();
  rntm_t rntm = one_thread();
  const auto call = [&](auto* gemm_ex) {
    // BLIS 0.9 takes pointers to non-const for what it only reads.
    gemm_ex(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, m, n, k, &alpha, const_cast<T*>(a.data),
            a.row_stride, a.col_stride, const_cast<T*>(b.data), b.row_stride, b.col_stride, &beta,
            c.data, c.row_stride, c.col_stride, nullptr, &rntm);
  };
  if constexpr (std::is_same_v<T, float>) {
    call(bli_sgemm_ex);
  } else {
    call(bli_dgemm_ex);
  }
}

std::string_view blis_config() {
  ensure_started();
  return bli_arch_string(bli_arch_query_id());
}

std::string_view expected_blis_config() { return choose().name; }

template int64_t blis_align<float>();
template int64_t blis_align<double>();
template void blis_gemm(int64_t, int64_t, int64_t, float, MatrixRef<const float>,
                        MatrixRef<const float>, float, MatrixRef<float>);
template void blis_gemm(int64_t, int64_t, int64_t, double, MatrixRef<const double>,
                        MatrixRef<const double>, double, MatrixRef<double>);

}  // namespace bb::kernels
