#include "../harness.h"
#include "bb/core/parallel.h"

void versus::set_threads(int threads) { bb::set_num_threads(threads); }

int main(int argc, char** argv) { return versus::run(argc, argv); }
