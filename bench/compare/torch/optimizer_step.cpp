#include <torch/torch.h>

#include "../harness.h"

// An optimizer's step over 1M parameters in 100 tensors.
namespace {

constexpr int64_t kTensors = 100, kSide = 100;

torch::Tensor filled(unsigned seed) {
  auto values = versus::numbers(kSide * kSide, seed, 1);
  return torch::from_blob(values.data(), {kSide, kSide}).clone();
}

std::vector<torch::Tensor> parameters_with_gradients() {
  std::vector<torch::Tensor> parameters;
  for (unsigned i = 0; i < kTensors; ++i) {
    parameters.push_back(filled(i).requires_grad_());
    parameters.back().mutable_grad() = filled(i + kTensors);
  }
  return parameters;
}

double element(const torch::Tensor& x, size_t index) {
  return static_cast<double>(x.const_data_ptr<float>()[index]);
}

template <class Optimizer, class Options>
std::function<double()> start(const Options& options) {
  auto parameters = parameters_with_gradients();
  auto optimizer = std::make_shared<Optimizer>(parameters, options);
  return [=, probe = versus::Probe(kSide * kSide)]() mutable {
    optimizer->step();
    return element(parameters[kTensors / 2], probe());
  };
}

std::function<double()> fused_adam() {
  auto parameters = parameters_with_gradients();
  std::vector<torch::Tensor> gradients, first, second, unused, steps;
  for (const auto& p : parameters) {
    gradients.push_back(p.grad());
    first.push_back(torch::zeros_like(p));
    second.push_back(torch::zeros_like(p));
    steps.push_back(torch::zeros({}));
  }
  return [=, probe = versus::Probe(kSide * kSide)]() mutable {
    torch::NoGradGuard guard;
    at::_foreach_add_(steps, 1);
    at::_fused_adam_(parameters, gradients, first, second, unused, steps, 1e-3, 0.9, 0.999, 0.0,
                     1e-8, false, false);
    return element(parameters[kTensors / 2], probe());
  };
}

const versus::Register with_adam("adam_step/1M_in_100", [] {
  return start<torch::optim::Adam>(torch::optim::AdamOptions(1e-3));
});
const versus::Register with_sgd("sgd_momentum_step/1M_in_100", [] {
  return start<torch::optim::SGD>(torch::optim::SGDOptions(1e-3).momentum(0.9));
});
const versus::Register with_fused_adam("adam_step_peer_fused/1M_in_100", fused_adam);

}  // namespace
