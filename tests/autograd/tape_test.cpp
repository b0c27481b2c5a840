#include "bb/autograd/tape.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "../message_of.h"
#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/linalg.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/softmax.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {
namespace {

using autograd::Needs;
using autograd::Saved;
using Floats = std::vector<float>;

Tensor leaf(std::initializer_list<Scalar> values) {
  return tensor(values, kFloat32).requires_grad_();
}
Tensor number(double value) { return tensor(value, kFloat64).requires_grad_(); }

Floats grad_of(const Tensor& x) { return x.grad().to_vector<float>(); }

bool is_zero(const Tensor& grad) {
  return !grad.defined() || grad.to_vector<float>() == Floats(static_cast<size_t>(grad.numel()), 0);
}

// ---------------------------------------------------------------- gradients of small graphs

TEST(Backward, OfAProduct) {
  Tensor a = leaf({2, 3}), b = leaf({5, 7});
  (a * b).sum().backward();
  EXPECT_EQ(grad_of(a), (Floats{5, 7}));
  EXPECT_EQ(grad_of(b), (Floats{2, 3}));
}

TEST(Backward, AddsOverEveryUseOfATensor) {
  Tensor x = leaf({3});
  (x * x).backward();  // one op, both operands
  EXPECT_EQ(grad_of(x), Floats{6});

  x = leaf({3});
  (x + x + x).backward();
  EXPECT_EQ(grad_of(x), Floats{3});

  x = leaf({3});  // several ops: x^2 + 2x + 1/x
  (x * x + x * 2 + 1 / x).backward();
  EXPECT_FLOAT_EQ(grad_of(x)[0], 2 * 3 + 2 - 1.f / 9);
}

TEST(Backward, OfADiamond) {
  Tensor x = leaf({2});
  const Tensor h = x * x;             // 4
  const Tensor y = h * 3, z = h * h;  // dy/dx = 12, dz/dx = 4 x^3 = 32
  (y + z).backward();
  EXPECT_EQ(grad_of(x), Floats{44});
}

TEST(Backward, OfASharedSubexpressionAtSeveralDepths) {
  Tensor x = leaf({2});
  const Tensor a = x * 3;      // 6
  const Tensor b = a * a;      // 36
  const Tensor c = a * b + b;  // a^3 + a^2, slope (3 a^2 + 2 a) * 3
  c.backward();
  EXPECT_EQ(grad_of(x), Floats{360});
}

TEST(Backward, ReachesEachRecordOnceHoweverManyPathsLeadToIt) {
  int pulls = 0;
  Tensor x = number(1), y = x;
  for (int i = 0; i < 100; ++i) {
    const Tensor doubled = no_grad([&] { return y * 1; });
    y = autograd::record("same", {y}, doubled, [&pulls](const Tensor& dy) {
      ++pulls;
      return dy * 1;
    });
    y = y + y;  // 2^100 paths in all
  }
  y.backward();
  EXPECT_EQ(pulls, 100);
  EXPECT_EQ(x.grad().item<double>(), std::ldexp(1.0, 100));
}

TEST(Backward, SumsOverBroadcastDimensions) {
  Tensor row = leaf({1, 2, 3});
  Tensor x = ones({4, 3}).requires_grad_();
  (x * row).sum().backward();
  EXPECT_EQ(grad_of(row), (Floats{4, 4, 4}));
  EXPECT_EQ(grad_of(x), (Floats{1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3}));
}

TEST(Backward, GoesThroughViewsToTheirBase) {
  Tensor w = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}).requires_grad_();
  const Tensor c = tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}});
  (w.t() * c).sum().backward();
  EXPECT_EQ(grad_of(w), (Floats{1, 3, 5, 2, 4, 6}));
  w.set_grad(Tensor());
  (w.slice(1, 1, 3).view({2, 2}).slice(0, 1, 2) * 7).sum().backward();
  EXPECT_EQ(grad_of(w), (Floats{0, 0, 0, 0, 7, 7}));
}

TEST(Backward, GradientHasTheDTypeOfItsTensor) {
  Tensor a = leaf({2, 3});
  Tensor b = tensor({5.0, 7.0}, kFloat64).requires_grad_();
  (a * b).sum().backward();
  EXPECT_EQ(a.grad().dtype(), kFloat32);
  EXPECT_EQ(grad_of(a), (Floats{5, 7}));
  EXPECT_EQ(b.grad().to_vector<double>(), (std::vector<double>{2, 3}));
}

TEST(Backward, OfALeafItself) {
  Tensor x = leaf({3});
  x.backward();
  EXPECT_EQ(grad_of(x), Floats{1});
  x.backward(tensor({4.0}));
  EXPECT_EQ(grad_of(x), Floats{5});
}

TEST(Backward, WeightsTheOutputByTheGradientGiven) {
  Tensor x = leaf({1, 2, 3});
  (x * x).backward(tensor({1.0, 10.0, 100.0}));
  EXPECT_EQ(grad_of(x), (Floats{2, 40, 600}));
}

TEST(Backward, TakesAGradientOfAnyStrides) {
  Tensor x = ones({2, 3}).requires_grad_();
  const Tensor strided = tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}).t();
  (x * 2).backward(strided);
  EXPECT_EQ(grad_of(x), (Floats{2, 6, 10, 4, 8, 12}));
  (x + 0).backward(tensor(1.0).expand({2, 3}));
  EXPECT_EQ(grad_of(x), (Floats{3, 7, 11, 5, 9, 13}));
}

TEST(Backward, OutputOfOneElementNeedsNoGradientWhateverItsRank) {
  Tensor x = leaf({3});
  (x * 2).view({1, 1, 1}).backward();
  EXPECT_EQ(grad_of(x), Floats{2});
}

// ---------------------------------------------------------------- grad()

TEST(Grad, AccumulatesOverBackwards) {
  Tensor x = leaf({2, 3});
  EXPECT_FALSE(x.grad().defined());
  (x * 5).sum().backward();
  EXPECT_EQ(grad_of(x), (Floats{5, 5}));
  (x * x).sum().backward();
  EXPECT_EQ(grad_of(x), (Floats{9, 11}));
}

TEST(Grad, IsClearedByAnUndefinedOne) {
  Tensor x = leaf({2, 3});
  x.sum().backward();
  x.set_grad(Tensor());
  EXPECT_FALSE(x.grad().defined());
  (x * 4).sum().backward();
  EXPECT_EQ(grad_of(x), (Floats{4, 4}));
}

TEST(Grad, IsReplacedBySetGradAndAddedTo) {
  Tensor x = leaf({2, 3});
  const Tensor given = tensor({10.0, 20.0});
  x.set_grad(given);
  (x * 1).sum().backward();
  EXPECT_EQ(grad_of(x), (Floats{11, 21}));
  EXPECT_EQ(given.to_vector<float>(), (Floats{10, 20})) << "the caller's tensor was changed";
}

TEST(Grad, SharesNoElementsWithOtherGradientsOrWithTheSeed) {
  Tensor a = leaf({1, 2}), b = leaf({3, 4});
  Tensor seed = tensor({1.0, 1.0});
  (a + b).backward(seed);
  seed.fill_(50);
  EXPECT_EQ(grad_of(a), (Floats{1, 1}));
  a.grad().fill_(7);
  EXPECT_EQ(grad_of(b), (Floats{1, 1}));
  Tensor c = leaf({5, 6});
  c.backward(seed);
  seed.fill_(60);
  EXPECT_EQ(grad_of(c), (Floats{50, 50}));
}

TEST(Grad, OfALeafIsRowMajor) {
  Tensor x = ones({3, 4}).requires_grad_();
  x.sum().backward();  // its gradient is one number, expanded
  EXPECT_TRUE(x.grad().is_contiguous());
  x.set_grad(Tensor());
  (x.t() * 2).t().sum(0).sum().backward();
  EXPECT_TRUE(x.grad().is_contiguous());
  EXPECT_EQ(grad_of(x), Floats(12, 2));
}

TEST(Grad, IsOffTheTape) {
  Tensor x = leaf({2});
  (x * x).backward();
  EXPECT_FALSE(x.grad().requires_grad());
}

TEST(Grad, SetGradChecksShapeAndDType) {
  Tensor x = leaf({2, 3});
  EXPECT_EQ(message_of<ShapeError>([&] { x.set_grad(zeros({3})); }),
            "set_grad: the gradient does not fit\n  gradient float32 [3]   tensor float32 [2]");
  EXPECT_EQ(message_of<DTypeError>([&] { x.set_grad(zeros({2}, kFloat64)); }),
            "set_grad: the gradient does not fit\n  gradient float64 [2]   tensor float32 [2]");
  EXPECT_EQ(message_of<ValueError>([&] { (x * 2).set_grad(zeros({2})); }),
            "set_grad: float32 [2] is not a leaf with requires_grad");
  EXPECT_THROW(zeros({2}).set_grad(zeros({2})), ValueError);
}

TEST(Grad, OfANonLeafThrows) {
  const Tensor y = leaf({2, 3}).exp();
  EXPECT_EQ(message_of<ValueError>([&] { (void)y.grad(); }),
            "grad: float32 [2] was made by an op (exp); only leaves keep their gradient\n"
            "  hint: call retain_grad() before backward, or ask for it with "
            "autograd::grad(output, {x})");
  EXPECT_FALSE(zeros({2}).grad().defined()) << "off the tape there is none, and no error";
}

// ---------------------------------------------------------------- what is recorded

TEST(RequiresGrad, SpreadsFromInputsToOutputs) {
  Tensor x = leaf({2});
  EXPECT_TRUE(x.is_leaf());
  const Tensor y = x * 2, z = zeros({1}) * 2;
  EXPECT_TRUE(y.requires_grad());
  EXPECT_FALSE(y.is_leaf());
  EXPECT_TRUE((y + z).requires_grad());
  EXPECT_FALSE(z.requires_grad());
  EXPECT_TRUE(z.is_leaf());
  EXPECT_FALSE(y.argmax().requires_grad()) << "integers have no gradient";
  EXPECT_FALSE(y.to(kInt64).requires_grad());
}

TEST(RequiresGrad, OnlyForFloatingPoint) {
  EXPECT_EQ(message_of<DTypeError>([] {
              tensor({1, 2}).requires_grad_();
            }),
            "requires_grad_: only floating-point tensors have gradients, this is int64 [2]");
  EXPECT_THROW(tensor({true}).requires_grad_(), DTypeError);
  tensor({1, 2}).requires_grad_(false);
}

TEST(RequiresGrad, TurnsOffForLeavesOnly) {
  Tensor x = leaf({2});
  x.requires_grad_(false);
  EXPECT_FALSE(x.requires_grad());
  EXPECT_FALSE((x * 2).requires_grad());
  Tensor y = leaf({2}) * 2;
  EXPECT_EQ(message_of<ValueError>([&] { y.requires_grad_(false); }),
            "requires_grad_: an op made this tensor; use detach() to stop its gradient");
  EXPECT_TRUE(y.requires_grad_().requires_grad()) << "what is so already is no error";
}

TEST(RequiresGrad, SetAgainKeepsTheGradient) {
  Tensor x = leaf({2});
  (x * 3).backward();
  x.requires_grad_();
  EXPECT_EQ(grad_of(x), Floats{3});
}

TEST(RequiresGrad, BelongsToTheTensorAndSoToAllItsHandles) {
  Tensor x = zeros({2});
  const Tensor handle = x;
  x.requires_grad_();
  EXPECT_TRUE(handle.requires_grad());
  (handle * 3).sum().backward();
  EXPECT_EQ(grad_of(x), (Floats{3, 3}));
}

TEST(Detach, StopsTheGradient) {
  Tensor x = leaf({3});
  const Tensor h = x * x;
  (h.detach() * x).backward();  // 9 x
  EXPECT_EQ(grad_of(x), Floats{9});
  EXPECT_FALSE(h.detach().requires_grad());
  EXPECT_TRUE(h.detach().is_leaf());
  EXPECT_TRUE(h.detach().shares_storage(h));
  EXPECT_TRUE(h.requires_grad()) << "the tensor itself stays on the tape";
}

TEST(NoGrad, RecordsNothingAndReturnsWhatTheFunctionDoes) {
  Tensor x = leaf({3});
  const Tensor y = no_grad([&] { return x * x; });
  EXPECT_FALSE(y.requires_grad());
  EXPECT_EQ(y.item<float>(), 9.f);
  (x * y).backward();
  EXPECT_EQ(grad_of(x), Floats{9});
  int calls = 0;
  no_grad([&] { ++calls; });
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(is_grad_enabled());
}

TEST(GradMode, Nests) {
  EXPECT_TRUE(is_grad_enabled());
  {
    const NoGrad off;
    EXPECT_FALSE(is_grad_enabled());
    {
      const GradMode on(true);
      EXPECT_TRUE(is_grad_enabled());
      EXPECT_TRUE((leaf({1}) * 2).requires_grad());
      const NoGrad off_again;
      EXPECT_FALSE(is_grad_enabled());
    }
    EXPECT_FALSE(is_grad_enabled());
    EXPECT_FALSE((leaf({1}) * 2).requires_grad());
  }
  EXPECT_TRUE(is_grad_enabled());
}

TEST(GradMode, ComesBackWhenAnExceptionPasses) {
  EXPECT_THROW(no_grad([]() -> void { throw std::runtime_error("x"); }), std::runtime_error);
  EXPECT_TRUE(is_grad_enabled());
}

TEST(GradMode, GraphOfBeforeIsDifferentiatedWithRecordingOff) {
  Tensor x = leaf({3});
  const Tensor y = x * x;
  no_grad([&] { y.backward(); });
  EXPECT_EQ(grad_of(x), Floats{6});
}

// ---------------------------------------------------------------- errors of backward

TEST(BackwardErrors, NothingRecorded) {
  const std::string text =
      "backward: nothing was recorded: float32 [] does not depend on a tensor with requires_grad\n"
      "  hint: call requires_grad_() on the inputs, outside no_grad()";
  EXPECT_EQ(message_of<ValueError>([] { zeros({3}).sum().backward(); }), text);
  Tensor x = leaf({3});
  EXPECT_EQ(message_of<ValueError>([&] { no_grad([&] { return x.sum(); }).backward(); }), text);
  EXPECT_THROW(Tensor().backward(), ValueError);
}

TEST(BackwardErrors, OutputOfSeveralElementsWithoutAGradient) {
  Tensor x = leaf({2, 3});
  EXPECT_EQ(
      message_of<ShapeError>([&] { (x * 2).backward(); }),
      "backward: only an output of one element has an implicit gradient, this is float32 [2]\n"
      "  hint: pass the gradient, or reduce with sum() or mean()");
  EXPECT_FALSE(x.grad().defined());
}

TEST(BackwardErrors, GradientThatDoesNotFit) {
  Tensor x = leaf({2, 3});
  const Tensor y = x * 2;
  EXPECT_EQ(message_of<ShapeError>([&] { y.backward(zeros({3})); }),
            "backward: gradient and output differ in shape\n  gradient [3]   output [2]");
  EXPECT_THROW(y.backward(tensor(1.0)), ShapeError) << "it is not broadcast";
  EXPECT_EQ(message_of<DTypeError>([&] { y.backward(zeros({2}, kFloat64)); }),
            "backward: gradient and output differ in dtype\n"
            "  gradient float64 [2]   output float32 [2]");
  y.backward(ones({2}));  // the failed calls left the graph as it was
  EXPECT_EQ(grad_of(x), (Floats{2, 2}));
}

TEST(BackwardErrors, SecondBackwardOverFreedRecords) {
  Tensor x = leaf({3});
  const Tensor y = x.exp();
  y.backward();
  const Floats first = grad_of(x);
  EXPECT_EQ(message_of<ValueError>([&] { y.backward(); }),
            "backward: the records of this graph were freed by an earlier backward (at exp)\n"
            "  hint: pass retain_graph = true to the earlier one");
  EXPECT_EQ(grad_of(x), first);
}

TEST(BackwardErrors, SharedPartFreedByAnotherOutputsBackward) {
  Tensor x = leaf({3});
  const Tensor h = x.tanh(), y = h * 2, z = h * 3;
  y.backward();
  const Floats first = grad_of(x);
  const std::string text = message_of<ValueError>([&] { z.backward(); });
  EXPECT_NE(text.find("freed by an earlier backward (at tanh)"), std::string::npos) << text;
  EXPECT_EQ(grad_of(x), first);
}

TEST(BackwardErrors, SavedValueOverwrittenInPlace) {
  Tensor x = leaf({2, 3}), w = zeros({2});
  const Tensor y = x * w;
  const uint32_t saved = w.version();
  w.fill_(5);
  EXPECT_EQ(message_of<ValueError>([&] { y.sum().backward(); }),
            fmt::format("mul: a value that backward needs was changed in place after the op ran\n"
                        "  float32 [2], saved at version {}, now at version {}\n"
                        "  hint: use the out-of-place form, or clone() before changing it",
                        saved, saved + 1));
}

TEST(BackwardErrors, SavedOutputOverwrittenThroughAView) {
  const Tensor x = leaf({2, 3});
  for (auto op : {bb::exp, bb::tanh, bb::sqrt, bb::sigmoid, bb::relu}) {
    const Tensor y = op(x);
    Tensor view = y.detach().slice(0, 0, 1);
    view.add_(1);
    const std::string text = message_of<ValueError>([&] { y.sum().backward(); });
    EXPECT_NE(text.find(": a value that backward needs was changed in place"), std::string::npos);
    EXPECT_EQ(text.find("sum"), std::string::npos) << "another op is blamed: " << text;
  }
}

TEST(BackwardErrors, ChangeOfAValueThatNoGradientNeedsIsNone) {
  Tensor x = leaf({2, 3}), w = zeros({2});
  const Tensor y = x + w, z = x * 2;
  w.fill_(5);
  no_grad([&] { x.fill_(1); });
  (y + z).sum().backward();
  EXPECT_EQ(grad_of(x), (Floats{3, 3}));
}

// ---------------------------------------------------------------- retain_graph, grad(),
// create_graph

TEST(RetainGraph, AllowsAnotherBackwardWhichAdds) {
  Tensor x = leaf({3});
  const Tensor y = (x * x).tanh() * x.exp();
  y.backward({}, true);
  const float once = grad_of(x)[0];
  y.backward({}, true);
  EXPECT_FLOAT_EQ(grad_of(x)[0], 2 * once);
  y.backward();
  EXPECT_FLOAT_EQ(grad_of(x)[0], 3 * once);
  EXPECT_THROW(y.backward(), ValueError);
}

TEST(GradFunction, ReturnsGradientsAndLeavesGradAlone) {
  Tensor a = leaf({2, 3}), b = leaf({5, 7});
  a.set_grad(tensor({100.0, 100.0}));
  const auto grads = autograd::grad((a * b).sum(), {a, b});
  ASSERT_EQ(grads.size(), 2u);
  EXPECT_EQ(grads[0].to_vector<float>(), (Floats{5, 7}));
  EXPECT_EQ(grads[1].to_vector<float>(), (Floats{2, 3}));
  EXPECT_EQ(grad_of(a), (Floats{100, 100}));
  EXPECT_FALSE(b.grad().defined());
}

TEST(GradFunction, OfAnInputThatTheOutputDoesNotDependOnIsUndefined) {
  Tensor a = leaf({2}), unused = leaf({1});
  const auto grads = autograd::grad(a * a, {unused, a});
  EXPECT_FALSE(grads[0].defined());
  EXPECT_EQ(grads[1].item<float>(), 4.f);
}

TEST(GradFunction, TakesNonLeavesTheOutputItselfAndRepeats) {
  Tensor x = leaf({3});
  const Tensor h = x * x;          // 9
  const Tensor y = h * h + h * x;  // dy/dh = 2h + x, dy/dx = 2x (2h + x) + h
  const auto grads = autograd::grad(y, {h, x, y, h});
  EXPECT_EQ(grads[0].item<float>(), 21.f);
  EXPECT_EQ(grads[1].item<float>(), 6 * 21.f + 9.f);
  EXPECT_EQ(grads[2].item<float>(), 1.f);
  EXPECT_EQ(grads[3].item<float>(), 21.f);
}

TEST(GradFunction, AsksPullbacksOnlyForWhatLeadsToItsInputs) {
  const Tensor a = leaf({2}), b = leaf({3});
  std::vector<bool> asked;
  const Tensor y = autograd::record("pair", {b * 2, a}, no_grad([&] { return a + b; }),
                                    [&](const Tensor& dy, Needs needs) {
                                      asked = {needs[0], needs[1]};
                                      return std::array{dy, dy};
                                    });
  const autograd::BackwardOptions again{.retain_graph = true};
  EXPECT_EQ(autograd::grad(y, std::array{a}, {}, again)[0].item<float>(), 1);
  EXPECT_EQ(asked, (std::vector{false, true}));
  EXPECT_EQ(autograd::grad(y, std::array{b}, {}, again)[0].item<float>(), 2);
  EXPECT_EQ(asked, (std::vector{true, false}));
  y.backward();
  EXPECT_EQ(asked, (std::vector{true, true}));
}

TEST(GradFunction, WeightsByTheGradientGivenAndFreesUnlessRetained) {
  Tensor x = leaf({1, 2});
  const Tensor y = x * x;
  const auto first = autograd::grad(y, {x}, tensor({1.0, 10.0}), {.retain_graph = true});
  EXPECT_EQ(first[0].to_vector<float>(), (Floats{2, 40}));
  const auto second = autograd::grad(y, {x}, tensor({1.0, 1.0}));
  EXPECT_EQ(second[0].to_vector<float>(), (Floats{2, 4}));
  EXPECT_THROW(autograd::grad(y, {x}, tensor({1.0, 1.0})), ValueError);
}

TEST(GradFunction, Errors) {
  Tensor x = leaf({1, 2});
  EXPECT_EQ(message_of<ValueError>([&] { autograd::grad(x.sum(), {zeros({2})}); }),
            "grad: an input has no requires_grad: float32 [2]");
  EXPECT_EQ(message_of<ShapeError>([&] { autograd::grad(x * 2, {x}); }),
            "grad: only an output of one element has an implicit gradient, this is float32 [2]\n"
            "  hint: pass the gradient, or reduce with sum() or mean()");
  EXPECT_THROW(autograd::grad(zeros({}), {x}), ValueError);
  EXPECT_THROW(autograd::grad(x.sum(), {Tensor()}), ValueError);
}

TEST(CreateGraph, GivesSecondAndThirdDerivatives) {
  const Tensor x = number(2);
  const Tensor y = x * x * x;
  const Tensor first = autograd::grad(y, {x}, {}, {.create_graph = true})[0];
  const Tensor second = autograd::grad(first, {x}, {}, {.create_graph = true})[0];
  const Tensor third = autograd::grad(second, {x}, {}, {.create_graph = true})[0];
  EXPECT_EQ(first.item<double>(), 12);
  EXPECT_EQ(second.item<double>(), 12);
  EXPECT_EQ(third.item<double>(), 6);
  EXPECT_TRUE(second.requires_grad());
}

TEST(CreateGraph, DifferentiatesThroughASavedOutput) {
  const Tensor x = number(0.7);
  Tensor d = x.exp();
  for (int order = 1; order <= 4; ++order) {
    d = autograd::grad(d, {x}, {}, {.create_graph = true})[0];
    EXPECT_DOUBLE_EQ(d.item<double>(), std::exp(0.7)) << order;
  }
  const double t = std::tanh(0.7);
  d = autograd::grad(x.tanh(), {x}, {}, {.create_graph = true})[0];
  EXPECT_DOUBLE_EQ(d.item<double>(), 1 - t * t);
  d = autograd::grad(d, {x}, {}, {.create_graph = true})[0];
  EXPECT_DOUBLE_EQ(d.item<double>(), -2 * t * (1 - t * t));
  d = autograd::grad(d, {x})[0];
  EXPECT_NEAR(d.item<double>(), (1 - t * t) * (6 * t * t - 2), 1e-14);
}

TEST(CreateGraph, MixedDerivativesAndPenalties) {
  const Tensor x = number(3), y = number(5);
  const Tensor f = x * x * y;
  const auto first = autograd::grad(f, {x, y}, {}, {.create_graph = true});
  EXPECT_EQ(first[0].item<double>(), 30);
  EXPECT_EQ(first[1].item<double>(), 9);
  const auto of_x = autograd::grad(first[0], {x, y}, {}, {.retain_graph = true});
  EXPECT_EQ(of_x[0].item<double>(), 10);
  EXPECT_EQ(of_x[1].item<double>(), 6);
  // d/dx (df/dx)^2 = 2 * 2xy * 2y
  (first[0] * first[0]).backward();
  EXPECT_EQ(x.grad().item<double>(), 600);
  EXPECT_EQ(y.grad().item<double>(), 2 * 30 * 6);
}

TEST(CreateGraph, WithoutItGradientsAreOffTheTape) {
  const Tensor x = number(2);
  const Tensor y = x * x * x;
  EXPECT_FALSE(autograd::grad(y, {x}, {}, {.retain_graph = true})[0].requires_grad());
  EXPECT_TRUE(is_grad_enabled());
}

TEST(CreateGraph, AddsToGradOnTheTapeToo) {
  const Tensor x = number(2);
  const Tensor y = x * x * x;
  autograd::backward(y, {}, {.create_graph = true});
  const Tensor first = x.grad();
  EXPECT_TRUE(first.requires_grad());
  EXPECT_EQ(autograd::grad(first, {x})[0].item<double>(), 12);
  Tensor(x).set_grad(Tensor());  // gradient and leaf hold each other
}

// ---------------------------------------------------------------- ops of the user's

Tensor cube(const Tensor& x) {
  Tensor y = no_grad([&] { return x * x * x; });
  return autograd::record("cube", {x}, y, [x](const Tensor& dy) { return dy * 3.0 * x * x; });
}

TEST(Record, OneInputReturningATensor) {
  Tensor x = leaf({2, -1});
  const Tensor y = cube(x);
  EXPECT_EQ(y.to_vector<float>(), (Floats{8, -1}));
  y.sum().backward();
  EXPECT_EQ(grad_of(x), (Floats{12, 3}));
}

TEST(Record, IsDifferentiableTwice) {
  const Tensor x = number(2);
  const Tensor first = autograd::grad(cube(x), {x}, {}, {.create_graph = true})[0];
  EXPECT_EQ(autograd::grad(first, {x})[0].item<double>(), 12);
}

TEST(Record, SeveralInputsReturningAnArray) {
  Tensor a = leaf({2}), b = leaf({3}), c = leaf({5});
  Tensor y = no_grad([&] { return a * b + c; });
  y = autograd::record("fma", {a, b, c}, y, [a, b](const Tensor& dy) {
    return std::array<Tensor, 3>{dy * b, dy * a, dy};
  });
  y.backward();
  EXPECT_EQ(grad_of(a), Floats{3});
  EXPECT_EQ(grad_of(b), Floats{2});
  EXPECT_EQ(grad_of(c), Floats{1});
}

TEST(Record, SeveralInputsReturningAVector) {
  Tensor a = leaf({2}), b = leaf({3});
  Tensor y = no_grad([&] { return a * b; });
  y = autograd::record("mul2", {a, b}, y, [a, b](const Tensor& dy) {
    return std::vector<Tensor>{dy * b, dy * a};
  });
  y.backward();
  EXPECT_EQ(grad_of(a), Floats{3});
  EXPECT_EQ(grad_of(b), Floats{2});
}

// More inputs than fit beside the walk.
TEST(Record, InputsKnownOnlyAtRunTime) {
  for (size_t count : {size_t{1}, size_t{8}, size_t{9}, size_t{100}}) {
    std::vector<Tensor> inputs;
    for (size_t i = 0; i < count; ++i) inputs.push_back(leaf({static_cast<double>(i)}));
    inputs[count / 2] = zeros({1});  // one that wants nothing
    Tensor total = no_grad([&] {
      Tensor sum = zeros({1});
      for (size_t i = 0; i < count; ++i) sum = sum + inputs[i] * static_cast<double>(i);
      return sum;
    });
    total = autograd::record("weighted", std::span<const Tensor>(inputs), total,
                             [count](const Tensor& dy) {
                               std::vector<Tensor> grads;
                               for (size_t i = 0; i < count; ++i)
                                 grads.push_back(dy * static_cast<double>(i));
                               return grads;
                             });
    if (count == 1) {
      EXPECT_FALSE(total.requires_grad());
      continue;
    }
    total.backward();
    for (size_t i = 0; i < count; ++i) {
      if (i == count / 2)
        EXPECT_FALSE(inputs[i].grad().defined());
      else
        EXPECT_EQ(grad_of(inputs[i]), Floats{static_cast<float>(i)});
    }
  }
}

TEST(Record, NeedsSaysWhichInputsWantAGradient) {
  Tensor a = leaf({2}), c = leaf({5});
  const Tensor b = tensor({3.0});
  std::vector<bool> seen;
  const auto pullback = [&seen](const Tensor& dy, Needs needs) {
    seen = {needs[0], needs[1], needs[2]};
    return std::array<Tensor, 3>{needs[0] ? dy : Tensor(), needs[1] ? dy : Tensor(),
                                 needs[2] ? dy * 2 : Tensor()};
  };
  autograd::record("op", {a, b, c}, ones({1}), pullback).backward();
  EXPECT_EQ(seen, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(grad_of(a), Floats{1});
  EXPECT_EQ(grad_of(c), Floats{2});
  autograd::record("op", {Tensor(), a, b}, ones({1}), pullback).backward();
  EXPECT_EQ(seen, (std::vector<bool>{false, true, false})) << "an undefined input wants none";
}

TEST(Record, GradientThatNobodyWantsIsIgnored) {
  Tensor a = leaf({2});
  const Tensor b = tensor({3.0});
  autograd::record("op", {a, b}, ones({1}), [](const Tensor& dy) {
    return std::array<Tensor, 2>{dy, zeros({7})};
  }).backward();
  EXPECT_EQ(grad_of(a), Floats{1});
}

TEST(Record, UndefinedGradientMeansZero) {
  Tensor a = leaf({2}), b = leaf({3});
  autograd::record("op", {a, b}, ones({1}), [](const Tensor& dy) {
    return std::array<Tensor, 2>{Tensor(), dy};
  }).backward();
  EXPECT_TRUE(is_zero(a.grad()));
  EXPECT_EQ(grad_of(b), Floats{1});
}

TEST(Record, ReturnsTheOutputItselfWhereNothingIsRecorded) {
  const Tensor y = zeros({2});
  const auto pullback = [](const Tensor& dy) { return dy; };
  EXPECT_TRUE(autograd::record("op", {zeros({2})}, y, pullback).is(y));
  const Tensor x = leaf({1});
  EXPECT_TRUE(no_grad([&] { return autograd::record("op", {x}, y, pullback); }).is(y));
}

TEST(Record, OutputThatIsAnInputGetsAPlaceOfItsOwn) {
  Tensor x = leaf({1, 2});
  const Tensor y = autograd::record("times_ten", {x}, x, [](const Tensor& dy) { return dy * 10; });
  EXPECT_FALSE(y.is(x));
  EXPECT_TRUE(x.is_leaf());
  (x + y).sum().backward();
  EXPECT_EQ(grad_of(x), (Floats{11, 11}));
}

TEST(Record, PullbackOfTheWrongShapeOrDTypeThrowsAndNamesTheOp) {
  Tensor x = leaf({1, 2});
  const auto with = [&](const Tensor& returned) {
    return autograd::record("blur", {x}, ones({2}), [returned](const Tensor&) { return returned; })
        .sum();
  };
  EXPECT_EQ(message_of<ShapeError>([&] { with(zeros({3})).backward(); }),
            "blur: the pullback returned a gradient that does not fit its input\n"
            "  gradient float32 [3]   input float32 [2]");
  EXPECT_EQ(message_of<DTypeError>([&] { with(zeros({2}, kInt64)).backward(); }),
            "blur: the pullback returned a gradient that does not fit its input\n"
            "  gradient int64 [2]   input float32 [2]");
  EXPECT_FALSE(x.grad().defined());
}

TEST(Record, GradientOfABroadcastOrPromotedInputIsSummedAndConverted) {
  Tensor x = leaf({1, 2});
  const auto with = [&](const Tensor& returned) {
    autograd::record("op", {x}, ones({3, 2}), [returned](const Tensor&) { return returned; })
        .sum()
        .backward();
  };
  with(tensor({{1.0, 10.0}, {2.0, 20.0}, {3.0, 30.0}}).to(kFloat64));
  EXPECT_EQ(x.grad().dtype(), kFloat32);
  EXPECT_EQ(grad_of(x), (Floats{6, 60}));
}

TEST(Record, PullbackOfTheWrongNumberOfGradientsThrowsAndNamesTheOp) {
  Tensor a = leaf({1}), b = leaf({2});
  for (size_t count : {0, 1, 3}) {
    const Tensor y = autograd::record("mix", {a, b}, ones({1}), [count](const Tensor& dy) {
      return std::vector<Tensor>(count, dy);
    });
    const std::string text = message_of<Error>([&] { y.backward(); });
    EXPECT_EQ(text.substr(0, 4), "mix:") << text;
  }
}

TEST(Record, ExceptionInAPullbackLeavesOtherGraphsRight) {
  Tensor x = leaf({1});
  const Tensor a = x * 2;
  const Tensor bad = autograd::record("bad", {x}, ones({1}), [](const Tensor&) -> Tensor {
    throw std::runtime_error("pullback failed");
  });
  // `a` has its gradient pending when `bad`, the later record, throws.
  EXPECT_THROW((a + bad).backward(), std::runtime_error);
  EXPECT_TRUE(is_grad_enabled());
  EXPECT_FALSE(x.grad().defined());
  (a * 3).backward();
  EXPECT_EQ(grad_of(x), Floats{6});
  (x * 5).backward();
  EXPECT_EQ(grad_of(x), Floats{11});
}

TEST(Record, SavedReadOutsideBackwardNamesNoOp) {
  Tensor x = zeros({2});
  const Saved saved(x);
  EXPECT_TRUE((*saved).is(x));
  x.fill_(1);
  EXPECT_EQ(message_of<ValueError>([&] { (void)*saved; }).substr(0, 9), "backward:");
  EXPECT_FALSE(Saved().defined());
  EXPECT_FALSE((*Saved(Tensor())).defined());
}

// As checkpointing does: the pullback recomputes with recording on and differentiates that.
TEST(Record, PullbackMayRunABackwardOfItsOwn) {
  const auto expensive = [](const Tensor& x) { return (x * x).exp() * x; };
  const Tensor x = number(0.5);
  const Tensor y = autograd::record("checkpoint", {x}, no_grad([&] { return expensive(x); }),
                                    [&, x](const Tensor& dy) {
                                      const GradMode on(true);
                                      const Tensor again = x.detach().requires_grad_();
                                      return autograd::grad(expensive(again), {again}, dy)[0];
                                    });
  (y * y).backward();
  const Tensor direct = number(0.5);
  const Tensor z = expensive(direct);
  (z * z).backward();
  EXPECT_DOUBLE_EQ(x.grad().item<double>(), direct.grad().item<double>());
}

}  // namespace
}  // namespace bb
