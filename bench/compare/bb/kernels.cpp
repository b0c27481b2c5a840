#include "../harness.h"
#include "bb/bb.h"

// Ops limited by memory, at 64K and 1M elements. Each makes a new result, off the tape.
namespace {

using namespace bb;
using Op = Tensor (*)(const Tensor& x, const Tensor& other);

void compare(const char* name, Op op) {
  for (const int64_t side : {256, 1024}) {
    const std::string size = side == 256 ? "/64K" : "/1M";
    versus::Register(name + size, [op, side] {
      const auto n = static_cast<size_t>(side * side);
      const Tensor x = Tensor::copy_of<float>(versus::numbers(n, 1, 4), {side, side});
      const Tensor other = Tensor::copy_of<float>(versus::numbers(n, 2, 4), {side, side});
      const Tensor y = op(x, other);
      return [=, probe = versus::Probe(static_cast<size_t>(y.numel()))]() mutable {
        NoGrad guard;
        const Tensor result = op(x, other);
        return static_cast<double>(result.data<float>()[probe()]);
      };
    });
  }
}

const bool registered = [] {
  compare("add", [](const Tensor& x, const Tensor& other) { return x + other; });
  compare("mul", [](const Tensor& x, const Tensor& other) { return x * other; });
  compare("exp", [](const Tensor& x, const Tensor&) { return exp(x); });
  compare("tanh", [](const Tensor& x, const Tensor&) { return tanh(x); });
  compare("sigmoid", [](const Tensor& x, const Tensor&) { return sigmoid(x); });
  compare("gelu", [](const Tensor& x, const Tensor&) { return gelu(x); });
  compare("softmax", [](const Tensor& x, const Tensor&) { return softmax(x, 1); });
  compare("log_softmax", [](const Tensor& x, const Tensor&) { return log_softmax(x, 1); });
  compare("sum_rows", [](const Tensor& x, const Tensor&) { return sum(x, {1}); });
  compare("sum_columns", [](const Tensor& x, const Tensor&) { return sum(x, {0}); });
  compare("sum_all", [](const Tensor& x, const Tensor&) { return sum(x); });
  compare("transposing_copy", [](const Tensor& x, const Tensor&) { return x.t().contiguous(); });
  return true;
}();

}  // namespace
