#include <torch/torch.h>

#include "../harness.h"

void versus::set_threads(int threads) { at::set_num_threads(threads); }

int main(int argc, char** argv) { return versus::run(argc, argv); }
