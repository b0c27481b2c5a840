#pragma once

#include <string_view>

namespace bb {

/// What the kernels' rules need to know about the processor.
struct CpuInfo {
  std::string_view vendor = "";  ///< "AMD", "Intel", or empty: another one, or not an x86
  int family = 0;     ///< cpuid's family with the extended part added: 25 is Zen 3 and 4, 26 Zen 5
  bool avx2 = false;  ///< AVX2, FMA, BMI and F16C; the operating system saves the registers too
  bool avx512 = false;  ///< AVX-512 F, CD, DQ, BW and VL, usable likewise
};

/// The processor that this process runs on; looked up once. The environment variable
/// BB_CPU_CAPABILITY withholds what is beyond it, to test other kernels than this processor's best:
/// "avx2", or "default" for what every processor of the architecture has.
const CpuInfo& cpu_info();

/// The CPUs that this process may use: the smaller of its affinity mask and its cgroup's CPU quota
/// (version 2 or 1, rounded up). At least 1.
int available_cpus();

}  // namespace bb
