#pragma once

#include <type_traits>

#include "bb/core/cpu.h"

// To be included before any Highway header: the instruction sets that a kernel file is compiled
// for. Two x86 targets are worth their compile time (the bits below AVX3's are its later
// refinements); before AVX2 the baseline serves. SVE's vectors cannot stand in arrays: on Arm, NEON
// serves.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  ((HWY_AVX3 - 1) | HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

// The version of a kernel file's `function` for this processor. HWY_DYNAMIC_DISPATCH would need
// libhwy, which measures its timer for 4 ms while a program starts.
#define BB_DISPATCH(function)                                                       \
  ::bb::kernels::best_version(HWY_CHOOSE_AVX3(function), HWY_CHOOSE_AVX2(function), \
                              HWY_STATIC_DISPATCH(function))

namespace bb::kernels {

/// The first is null where the compiler's own baseline is beyond it.
template <class F>
F* best_version(std::type_identity_t<F>* avx512, std::type_identity_t<F>* avx2, F& baseline) {
  if (avx512 != nullptr && cpu_info().avx512) return avx512;
  if (avx2 != nullptr && cpu_info().avx2) return avx2;
  return baseline;
}

}  // namespace bb::kernels
