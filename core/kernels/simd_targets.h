#pragma once

// To be included before any Highway header: the instruction sets that a kernel file is compiled
// for. Two x86 targets are worth their compile time (the bits below AVX3's are its later
// refinements); before AVX2 the baseline serves. SVE's vectors cannot stand in arrays: on Arm, NEON
// serves.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  ((HWY_AVX3 - 1) | HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
