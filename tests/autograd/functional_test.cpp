#include "bb/autograd/functional.h"

#include <gtest/gtest.h>

#include "../message_of.h"
#include "bb/autograd/testing.h"
#include "bb/bb.h"

namespace bb {
namespace {

using Doubles = std::vector<double>;
using Tensors = std::vector<Tensor>;

Tensor doubles(std::initializer_list<Scalar> values) { return tensor(values, kFloat64); }
Tensor powers(const Tensor& x) { return x * x * x; }

void expect_near(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.shape(), expected.shape());
  const auto a = actual.detach().to_vector<double>(), e = expected.detach().to_vector<double>();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], e[i], 1e-12 * (1 + std::abs(e[i])));
}

TEST(Jacobian, OfAnElementwiseFunctionIsDiagonal) {
  const Tensor x = doubles({1, 2, 3});
  expect_near(autograd::jacobian(powers, x), tensor({{3, 0, 0}, {0, 12, 0}, {0, 0, 27}}, kFloat64));
}

TEST(Jacobian, HasTheShapesOfResultAndInput) {
  const Tensor a = randn({2, 3}, kFloat64), b = randn({3, 4}, kFloat64);
  const auto j = autograd::jacobian(bb::matmul, Tensors{a, b});
  ASSERT_EQ(j.size(), 2u);
  EXPECT_EQ(j[0].shape(), (Shape{2, 4, 2, 3}));
  EXPECT_EQ(j[1].shape(), (Shape{2, 4, 3, 4}));
  // d (a b)[i, k] / d a[i, m] = b[m, k]
  expect_near(j[0].slice(0, 1, 2).slice(2, 1, 2).reshape({4, 3}), b.t());
  expect_near(j[0].slice(0, 1, 2).slice(2, 0, 1).reshape({4, 3}), zeros({4, 3}, kFloat64));
}

TEST(Jacobian, OfAnInputThatDoesNotMatterIsZero) {
  const auto j = autograd::jacobian([](const Tensor& a, const Tensor&) { return a * 2; },
                                    Tensors{doubles({1, 2}), doubles({5})});
  expect_near(j[1], zeros({2, 1}, kFloat64));
}

TEST(Jacobian, CanBePartOfAGraph) {
  const auto fn = [](const Tensor& x) {
    return autograd::jacobian(powers, x, {.create_graph = true}) * x;
  };
  EXPECT_GRADCHECK(fn, {doubles({1, 2, 3})});
}

TEST(Hessian, OfAQuadraticFormIsItsMatrix) {
  const Tensor m = tensor({{2.0, 1.0}, {1.0, 5.0}}, kFloat64);
  const auto form = [&](const Tensor& x) { return matmul(x, matmul(m, x)) * 0.5; };
  expect_near(autograd::hessian(form, doubles({3, -1})), m);
}

TEST(Hessian, OfSeveralInputsHasMixedDerivatives) {
  const auto fn = [](const Tensor& a, const Tensor& b) { return (a * a * b).sum(); };
  const auto h = autograd::hessian(fn, Tensors{doubles({1, 2}), doubles({3, 4})});
  expect_near(h[0][0], tensor({{6, 0}, {0, 8}}, kFloat64));
  expect_near(h[0][1], tensor({{2, 0}, {0, 4}}, kFloat64));
  expect_near(h[1][0], tensor({{2, 0}, {0, 4}}, kFloat64));
  expect_near(h[1][1], zeros({2, 2}, kFloat64));
}

TEST(Vjp, IsTheGradientWeightedByV) {
  const Tensor x = doubles({1, 2, 3}), v = doubles({1, 10, 100});
  const auto result = autograd::vjp(powers, {x}, v);
  expect_near(result.output, doubles({1, 8, 27}));
  expect_near(result.gradients[0], doubles({3, 120, 2700}));
}

TEST(Jvp, IsTheDerivativeAlongV) {
  const Tensor a = randn({2, 3}, kFloat64), b = randn({3, 4}, kFloat64);
  const Tensor da = randn({2, 3}, kFloat64), db = randn({3, 4}, kFloat64);
  const auto result = autograd::jvp(bb::matmul, {a, b}, {da, db});
  expect_near(result.output, matmul(a, b));
  expect_near(result.tangent, matmul(da, b) + matmul(a, db));
}

TEST(Jvp, OfALinearFunctionAndOfAConstant) {
  const Tensor x = doubles({1, 2}), v = doubles({3, 4});
  expect_near(autograd::jvp([](const Tensor& t) { return t * 2; }, {x}, {v}).tangent,
              doubles({6, 8}));
  expect_near(autograd::jvp([](const Tensor&) { return ones({3}, kFloat64); }, {x}, {v}).tangent,
              zeros({3}, kFloat64));
}

TEST(Functional, ChangesNoGradientAndNeedsNoRecording) {
  const Tensor x = doubles({1, 2}).requires_grad_();
  const NoGrad guard;
  const Tensor j = autograd::jacobian(powers, x);
  EXPECT_FALSE(j.requires_grad());
  EXPECT_FALSE(x.grad().defined());
}

TEST(Functional, ErrorsSayWhatDoesNotFit) {
  const Tensor x = doubles({1, 2});
  EXPECT_EQ(message_of<DTypeError>([&] { autograd::jacobian(powers, arange(2)); }),
            "jacobian: an input is not floating point: int64 [2]");
  EXPECT_EQ(message_of<ShapeError>([&] { autograd::hessian(powers, x); }),
            "hessian: the function must return one element, it returned [2]");
  EXPECT_EQ(message_of<ShapeError>([&] { autograd::jvp(powers, {x}, {doubles({1})}); }),
            "jvp: a tangent differs from its input in shape\n  tangent 0 [1]   input [2]");
  EXPECT_EQ(message_of<ValueError>([&] { autograd::jvp(powers, {x}, {}); }),
            "jvp: 0 tangents for 1 inputs");
}

TEST(Grad, OfSeveralOutputsAddsUp) {
  const Tensor x = doubles({1, 2}).requires_grad_(), w = doubles({3, 4}).requires_grad_();
  const Tensor a = x * w, b = x * x;
  const auto gradients = autograd::grad({a, b}, {x, w}, {ones_like(a), ones_like(b) * 10});
  expect_near(gradients[0], doubles({23, 44}));
  expect_near(gradients[1], x);
  EXPECT_EQ(message_of<ValueError>([&] {
              autograd::grad({a, b}, {x}, {ones_like(a)});
            }),
            "grad: 1 gradients for 2 outputs");
}

TEST(Grad, GoesNoFurtherThanTheInputs) {
  const Tensor w = doubles({1, 2}).requires_grad_();
  int calls = 0;
  w.register_hook([&](const Tensor&) { ++calls; });
  const Tensor h = w * w;
  const Tensor g = autograd::grad((h * h).sum(), {h})[0];
  expect_near(g, doubles({2, 8}));
  EXPECT_EQ(calls, 0);
  h.backward(g);
  EXPECT_EQ(calls, 1);
  expect_near(w.grad(), doubles({4, 32}));
}

TEST(Grad, WithinAHookLeavesTheOuterOneAlone) {
  const Tensor x = doubles({2}).requires_grad_(), t = x * x;
  const Tensor b = (t * 5).sum(), a = t * 3, direct = t.sum();
  Tensor inner;
  a.register_hook(
      [&](const Tensor&) { inner = autograd::grad(b, {x}, {.retain_graph = true})[0]; });
  (a.sum() + direct).backward({}, true);
  expect_near(inner, doubles({20}));
  expect_near(x.grad(), doubles({16}));
}

TEST(Grad, WithinAHookLeavesHalfOfASeveralOutputsGradientAlone) {
  const Tensor x = doubles({2}).requires_grad_();
  const auto parts = autograd::record(
      "twice", {x}, {x.detach() * 3, x.detach() * 5},
      [](const std::vector<Tensor>& dy) { return std::vector<Tensor>{dy[0] * 3 + dy[1] * 5}; });
  const Tensor other = parts[0].sum() * 10;
  Tensor inner;
  int calls = 0;
  for (const Tensor& part : parts)
    part.register_hook([&](const Tensor&) {  // the second runs when one gradient has been handed on
      if (++calls == 2) inner = autograd::grad(other, {x}, {.retain_graph = true})[0];
    });
  (parts[0] + parts[1]).sum().backward({}, true);
  expect_near(inner, doubles({30}));
  expect_near(x.grad(), doubles({8}));
}

TEST(Grad, OfTwoLeavesAreNotOneTensor) {
  const Tensor w = doubles({1}).requires_grad_(), v = doubles({1}).requires_grad_();
  autograd::backward((w + v).sum() * 5, Tensor(), {.create_graph = true});
  no_grad([&] { w.grad().mul_(0.1); });
  expect_near(v.grad(), doubles({5}));
}

TEST(RequiresGrad, TurnedOffAndOnAgainKeepsGradientAndGraphs) {
  Tensor w = doubles({1, 2}).requires_grad_();
  const Tensor y = (w * w).sum();
  (w * 3).sum().backward();
  w.requires_grad_(false);
  EXPECT_FALSE(w.requires_grad());
  expect_near(w.grad(), doubles({3, 3}));
  w.requires_grad_(true);
  y.backward();
  expect_near(w.grad(), doubles({5, 7}));
}

TEST(Grad, CreatesAGraphWhereAsked) {
  const Tensor x = doubles({2}).requires_grad_();
  const Tensor first = autograd::grad(powers(x).sum(), {x}, {.create_graph = true})[0];
  const Tensor second = autograd::grad(first.sum(), {x}, {.create_graph = true})[0];
  expect_near(autograd::grad(second.sum(), {x})[0], doubles({6}));
}

}  // namespace
}  // namespace bb
