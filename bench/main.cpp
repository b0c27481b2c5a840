#include <benchmark/benchmark.h>

#ifdef BB_HAS_OP_CASES
namespace bb {
void register_op_benchmarks();  // op_bench.cpp; not before the rows are there, so not by a static
}
#endif

int main(int argc, char** argv) {
#ifdef BB_HAS_OP_CASES
  bb::register_op_benchmarks();
#endif
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
