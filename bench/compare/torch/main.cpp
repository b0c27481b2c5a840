#include <malloc.h>
#include <torch/torch.h>

#include "../harness.h"

void versus::set_threads(int threads) { at::set_num_threads(threads); }

int main(int argc, char** argv) {
  // Large blocks stay in the process: without it, every large result costs LibTorch page faults.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, -1);
  return versus::run(argc, argv);
}
