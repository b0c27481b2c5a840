#include <cstring>

#include "../../peak.h"
#include "../harness.h"
#include "bb/core/memory.h"
#include "bb/core/parallel.h"

void versus::set_threads(int threads) { bb::set_num_threads(threads); }

int64_t versus::peak_bytes(const std::function<void()>& start, const std::function<void()>& f) {
  const int64_t before = bb::memory::stats().live_bytes;
  start();
  bb::memory::reset_peak();
  f();
  return bb::memory::stats().peak_bytes - before;
}

/// With the one argument "limit": the multiply-add peak of a core in flop/s. Else as both sides.
int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "limit") == 0) {
    std::printf("%.4g\n", measure_peak());
    return 0;
  }
  return versus::run(argc, argv);
}
