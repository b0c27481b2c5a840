#include <torch/torch.h>

#include "../harness.h"

// What an op costs beside its arithmetic.
namespace {

constexpr int kOps = 1000;

// A chain of scalar multiplications, recorded and differentiated.
std::function<double()> scalar_chain() {
  auto x = torch::ones({}).requires_grad_();
  auto factor = torch::full({}, 0.999);
  return [x, factor]() mutable {
    x.mutable_grad() = torch::Tensor();
    auto y = x;
    for (int i = 0; i < kOps; ++i) y = y * factor;
    y.backward();
    return x.grad().item<double>();
  };
}

std::function<double()> small_add() {
  auto va = versus::numbers(16, 1, 1), vb = versus::numbers(16, 2, 1);
  auto a = torch::from_blob(va.data(), {16}).clone(), b = torch::from_blob(vb.data(), {16}).clone();
  return [a, b, probe = versus::Probe(16)]() mutable {
    torch::InferenceMode guard;
    torch::Tensor y;
    for (int i = 0; i < kOps; ++i) y = a + b;
    return static_cast<double>(y.const_data_ptr<float>()[probe()]);
  };
}

const versus::Register chain("scalar_op_recorded_and_differentiated", scalar_chain, kOps);
const versus::Register add("add_of_16_floats", small_add, kOps);

}  // namespace
