#include "../harness.h"
#include "bb/bb.h"

// An optimizer's step over 1M parameters in 100 tensors.
namespace {

using namespace bb;

constexpr int64_t kTensors = 100, kSide = 100;

Tensor filled(unsigned seed) {
  return Tensor::copy_of<float>(versus::numbers(kSide * kSide, seed, 1), {kSide, kSide});
}

template <class Optimizer, class Options>
std::function<double()> start(const Options& options) {
  std::vector<Tensor> parameters;
  for (unsigned i = 0; i < kTensors; ++i) {
    parameters.push_back(filled(i).requires_grad_());
    parameters.back().set_grad(filled(i + kTensors));
  }
  auto optimizer = std::make_shared<Optimizer>(parameters, options);
  return [=, probe = versus::Probe(kSide * kSide)]() mutable {
    optimizer->step();
    return static_cast<double>(parameters[kTensors / 2].data<float>()[probe()]);
  };
}

std::function<double()> adam() { return start<optim::Adam>(optim::AdamOptions{.lr = 1e-3}); }
std::function<double()> sgd() {
  return start<optim::SGD>(optim::SGDOptions{.lr = 1e-3, .momentum = 0.9});
}

const versus::Register with_adam("adam_step/1M_in_100", adam);
const versus::Register with_sgd("sgd_momentum_step/1M_in_100", sgd);
// Against the peer's fused kernel, which its own optimizers in C++ do not use.
const versus::Register with_fused_adam("adam_step_peer_fused/1M_in_100", adam);

}  // namespace
