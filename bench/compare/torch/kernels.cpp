#include <torch/torch.h>

#include "../harness.h"

// Ops limited by memory, at 64K and 1M elements. Each makes a new result, off the tape.
namespace {

using torch::Tensor;
using Op = Tensor (*)(const Tensor& x, const Tensor& other);

Tensor filled(int64_t side, unsigned seed) {
  auto values = versus::numbers(static_cast<size_t>(side * side), seed, 4);
  return torch::from_blob(values.data(), {side, side}).clone();
}

void compare(const char* name, Op op) {
  for (const int64_t side : {256, 1024}) {
    const std::string size = side == 256 ? "/64K" : "/1M";
    versus::Register(name + size, [op, side] {
      const Tensor x = filled(side, 1), other = filled(side, 2);
      const Tensor y = op(x, other);
      return [=, probe = versus::Probe(static_cast<size_t>(y.numel()))]() mutable {
        torch::InferenceMode guard;
        const Tensor result = op(x, other);
        return static_cast<double>(result.const_data_ptr<float>()[probe()]);
      };
    });
  }
}

const bool registered = [] {
  compare("add", [](const Tensor& x, const Tensor& other) { return x + other; });
  compare("mul", [](const Tensor& x, const Tensor& other) { return x * other; });
  compare("exp", [](const Tensor& x, const Tensor&) { return x.exp(); });
  compare("tanh", [](const Tensor& x, const Tensor&) { return x.tanh(); });
  compare("sigmoid", [](const Tensor& x, const Tensor&) { return x.sigmoid(); });
  compare("gelu", [](const Tensor& x, const Tensor&) { return torch::gelu(x); });
  compare("softmax", [](const Tensor& x, const Tensor&) { return x.softmax(1); });
  compare("log_softmax", [](const Tensor& x, const Tensor&) { return x.log_softmax(1); });
  compare("sum_rows", [](const Tensor& x, const Tensor&) { return x.sum(1); });
  compare("sum_columns", [](const Tensor& x, const Tensor&) { return x.sum(0); });
  compare("sum_all", [](const Tensor& x, const Tensor&) { return x.sum(); });
  compare("transposing_copy", [](const Tensor& x, const Tensor&) { return x.t().contiguous(); });
  return true;
}();

}  // namespace
