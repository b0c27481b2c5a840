// Every row of tests/op_cases/ on its first float32 inputs: what a call costs when little is
// computed, without recording, and with recording and backward.
#include <benchmark/benchmark.h>

#include "bb/bb.h"
#include "bb/tests/golden.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

const GoldenSet& inputs_of(const OpCase& op) { return golden_sets(op.family, op.name).front(); }

void forward(benchmark::State& state, const OpCase& op) {
  NoGrad guard;
  const auto& inputs = inputs_of(op).inputs;
  for (auto _ : state) benchmark::DoNotOptimize(op.fn(inputs));
}

void forward_and_backward(benchmark::State& state, const OpCase& op) {
  const GoldenSet& set = inputs_of(op);
  std::vector<Tensor> inputs;
  for (const Tensor& x : set.inputs) {
    inputs.push_back(x.clone());
    if (is_floating_point(x.dtype())) inputs.back().requires_grad_();
  }
  for (auto _ : state) {
    op.fn(inputs).backward(set.cotangent);
    for (Tensor& x : inputs)
      if (x.requires_grad()) x.set_grad(Tensor());
  }
}

}  // namespace

void register_op_benchmarks() {
  for (const OpCase& op : op_cases()) {
    benchmark::RegisterBenchmark(("op/" + op.name).c_str(), forward, op);
    if (op.differentiable)
      benchmark::RegisterBenchmark(("op_backward/" + op.name).c_str(), forward_and_backward, op);
  }
}

}  // namespace bb
