#include "bb/core/cpu.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define BB_X86 1
#else
#define BB_X86 0
#endif

namespace bb {
namespace {

#if BB_X86
CpuInfo detect() {
  CpuInfo info;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx)) return info;
  char vendor[13] = {};
  std::memcpy(vendor, &ebx, 4);
  std::memcpy(vendor + 4, &edx, 4);
  std::memcpy(vendor + 8, &ecx, 4);
  const std::string_view name(vendor);
  if (name == "AuthenticAMD") info.vendor = "AMD";
  if (name == "GenuineIntel") info.vendor = "Intel";
  bool has_f16c = false;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
    has_f16c = (ecx & (1U << 29)) != 0;
    info.family = static_cast<int>((eax >> 8) & 0xf);
    if (info.family == 0xf) info.family += static_cast<int>((eax >> 20) & 0xff);
  }
  // The compiler's run-time checks ask xgetbv whether the operating system saves the registers.
  __builtin_cpu_init();
  info.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && has_f16c;
  info.avx512 = info.avx2 && __builtin_cpu_supports("avx512f") &&
                __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (const char* limit = std::getenv("BB_CPU_CAPABILITY")) {
    const std::string_view best(limit);
    if (best == "avx2" || best == "default") info.avx512 = false;
    if (best == "default") info.avx2 = false;
  }
  return info;
}
#else
CpuInfo detect() { return {}; }
#endif

#if defined(__linux__)
/// One directory's limit in CPUs, if it sets one.
std::optional<double> quota_of(const std::string& folder) {
  double period = 0;
  std::string quota;
  if (std::ifstream v2(folder + "/cpu.max"); v2 >> quota >> period) {
    if (quota == "max" || period <= 0) return std::nullopt;
    return std::atof(quota.c_str()) / period;
  }
  double microseconds = -1;
  std::ifstream v1_quota(folder + "/cpu.cfs_quota_us");
  std::ifstream v1_period(folder + "/cpu.cfs_period_us");
  if (v1_quota >> microseconds && v1_period >> period && microseconds > 0 && period > 0) {
    return microseconds / period;
  }
  return std::nullopt;
}

/// The smallest limit from the process's cgroup up to the root of its hierarchy; 0 is none.
/// Inside a container the path may name a folder outside of what is mounted: then only the root
/// counts.
double cgroup_quota() {
  double smallest = 0;
  const auto consider = [&](std::string root, std::string path) {
    for (;;) {
      if (auto quota = quota_of(root + path); quota && (smallest == 0 || *quota < smallest)) {
        smallest = *quota;
      }
      const size_t slash = path.rfind('/');
      if (slash == std::string::npos) return;
      path.resize(slash);
    }
  };
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line;
       std::getline(groups, line);) {  // "4:cpu,cpuacct:/path", version 2 "0::/path"
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") consider("/sys/fs/cgroup", path);
    if (controllers.find(",cpu,") != std::string::npos) {
      consider("/sys/fs/cgroup/cpu", path);
      consider("/sys/fs/cgroup/cpu,cpuacct", path);
    }
  }
  return smallest;
}
#endif

}  // namespace

const CpuInfo& cpu_info() {
  static const CpuInfo info = detect();
  return info;
}

int available_cpus() {
  int cpus = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#if defined(__linux__)
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cpus = std::max(1, CPU_COUNT(&mask));
  if (const double quota = cgroup_quota(); quota > 0) {
    cpus = std::clamp(static_cast<int>(std::ceil(quota)), 1, cpus);
  }
#endif
  return cpus;
}

}  // namespace bb
