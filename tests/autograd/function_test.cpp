// Ops of a user's own: several inputs and outputs by record(), state by Function.
#include "bb/autograd/function.h"

#include <gtest/gtest.h>

#include "bb/autograd/testing.h"
#include "bb/bb.h"

namespace bb {
namespace {

using autograd::Needs;
using autograd::Saved;
using Tensors = std::vector<Tensor>;

// Radius and angle of points (a, b).
Tensors polar(const Tensor& a, const Tensor& b) {
  Tensors outputs = no_grad([&] { return Tensors{sqrt(a * a + b * b), b / a}; });
  const Saved radius = Saved::output(outputs[0], 0), slope = Saved::output(outputs[1], 1);
  return autograd::record(
      "polar", {a, b}, std::move(outputs),
      [a = Saved(a), b = Saved(b), radius, slope](const Tensors& dy, Needs needs) {
        Tensors grads(2);
        if (needs[0]) grads[0] = dy[0] * *a / *radius - dy[1] * *slope / *a;
        if (needs[1]) grads[1] = dy[0] * *b / *radius + dy[1] / *a;
        return grads;
      });
}

Tensor positive(const Shape& shape) { return rand(shape, kFloat64) + 0.5; }

TEST(SeveralOutputs, GradientsOfEachAndOfBoth) {
  const Tensors points{positive({4}), positive({4})};
  EXPECT_GRADCHECK([](const Tensor& a, const Tensor& b) { return polar(a, b)[0]; }, points);
  EXPECT_GRADCHECK([](const Tensor& a, const Tensor& b) { return polar(a, b)[1]; }, points);
  const auto both = [](const Tensor& a, const Tensor& b) {
    const Tensors y = polar(a, b);
    return y[0] * y[1] + y[0];
  };
  EXPECT_GRADCHECK(both, points);
  EXPECT_GRADGRADCHECK(both, points);
}

TEST(SeveralOutputs, OneThatIsDroppedStillCountsInASecondDerivative) {
  const auto second = [](const Tensor& a, const Tensor& b) { return polar(a, b)[1]; };
  EXPECT_GRADGRADCHECK(second, {positive({4}), positive({4})});
}

TEST(SeveralOutputs, PullbackRunsOnceForAllOfThem) {
  const Tensor x = ones({2}).requires_grad_();
  int calls = 0;
  const auto y =
      autograd::record("twice", {x}, {x.detach() * 2, x.detach() * 3}, [&](const Tensors& dy) {
        ++calls;
        return Tensors{dy[0] * 2 + dy[1] * 3};
      });
  (y[0] * y[1]).sum().backward();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{12, 12}));
}

TEST(SeveralOutputs, IntegersAmongThemHaveNoGradient) {
  const Tensor x = ones({2}).requires_grad_();
  const auto y = autograd::record("with_places", {x}, {x.detach() * 2, arange(2)},
                                  [](const Tensors& dy) { return Tensors{dy[0] * 2}; });
  EXPECT_TRUE(y[0].requires_grad());
  EXPECT_FALSE(y[1].requires_grad());
  y[0].sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{2, 2}));
}

TEST(SeveralOutputs, LeaveNothingAlive) {
  const auto before = memory::stats().live_bytes;
  {
    const Tensor a = positive({4}).requires_grad_(), b = positive({4}).requires_grad_();
    const Tensors y = polar(a, b);
    autograd::backward(Tensors{y[0], y[1]}, Tensors{ones({4}, kFloat64), ones({4}, kFloat64)});
    polar(a, b);
  }
  EXPECT_EQ(memory::stats().live_bytes, before);
}

struct Scale : autograd::Function {
  explicit Scale(double factor_) : factor(factor_) {}
  Tensors forward(const Tensors& x) override { return {x[0] * factor}; }
  Tensors backward(const Tensors& dy) override { return {dy[0] * factor}; }
  const char* name() const override { return "scale"; }
  double factor;
};

struct SquareAndCube : autograd::Function {
  Tensors forward(const Tensors& inputs) override {
    x = Saved(inputs[0]);
    return {inputs[0] * inputs[0], inputs[0] * inputs[0] * inputs[0]};
  }
  Tensors backward(const Tensors& dy) override {
    return {dy[0] * 2.0 * *x + dy[1] * 3.0 * *x * *x};
  }
  Saved x;
};

TEST(Function, KeepsItsStateForBackward) {
  const Tensor x = tensor({1.0, 2.0}).requires_grad_();
  const Tensor y = autograd::apply(Scale(3), {x})[0];
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{3, 6}));
  EXPECT_EQ(tape::to_text(y),
            "#0  leaf  float32 [2]\n#1  scale  float32 [2]  of #0\n"
            "1 records, 1 leaves, 0 B kept for backward\n");
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{3, 3}));
}

TEST(Function, OfSeveralOutputsCanBeDifferentiatedTwice) {
  const auto fn = [](const Tensor& x) {
    const Tensors y = autograd::apply(SquareAndCube(), {x});
    return y[0] * sin(y[1]);
  };
  EXPECT_GRADCHECK(fn, {positive({5})});
  EXPECT_GRADGRADCHECK(fn, {positive({5})});
}

}  // namespace
}  // namespace bb
