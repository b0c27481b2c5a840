#include "../harness.h"
#include "bb/bb.h"

// What an op costs beside its arithmetic.
namespace {

using namespace bb;

constexpr int kOps = 1000;

// A chain of scalar multiplications, recorded and differentiated.
std::function<double()> scalar_chain() {
  Tensor x = ones({}).requires_grad_();
  const Tensor factor = full({}, 0.999);
  return [x, factor]() mutable {
    x.set_grad(Tensor());
    Tensor y = x;
    for (int i = 0; i < kOps; ++i) y = y * factor;
    y.backward();
    return x.grad().item<double>();
  };
}

std::function<double()> small_add() {
  const Tensor a = Tensor::copy_of<float>(versus::numbers(16, 1, 1), {16});
  const Tensor b = Tensor::copy_of<float>(versus::numbers(16, 2, 1), {16});
  return [a, b, probe = versus::Probe(16)]() mutable {
    NoGrad guard;
    Tensor y;
    for (int i = 0; i < kOps; ++i) y = a + b;
    return static_cast<double>(y.data<float>()[probe()]);
  };
}

const versus::Register chain("scalar_op_recorded_and_differentiated", scalar_chain, kOps);
const versus::Register add("add_of_16_floats", small_add, kOps);

}  // namespace
