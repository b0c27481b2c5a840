#include "bb/optim/optimizer.h"

#include <gtest/gtest.h>

#include <limits>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::optim {
namespace {

using bb::testing::bytes_of;
using bb::testing::Threads;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor parameter(std::initializer_list<Scalar> values) {
  Tensor x = tensor(values, kFloat32);
  x.requires_grad_();
  return x;
}

TEST(Optimizer, RefusesALearningRateThatIsNotFiniteOrIsNegative) {
  for (double lr : {kNaN, kInfinity, -kInfinity, -1e-3}) {
    EXPECT_THROW(SGD{lr}, ValueError) << lr;
    EXPECT_THROW(Adam{lr}, ValueError) << lr;
    SGD sgd(0.5);
    EXPECT_THROW(sgd.set_lr(lr), ValueError) << lr;
    EXPECT_EQ(sgd.lr(), 0.5) << "a refused rate changes nothing";
  }
  EXPECT_EQ(message_of<ValueError>([] { SGD sgd(-1.5); }),
            "optimizer: the learning rate must be finite and not negative, got -1.5");
  EXPECT_EQ(SGD(0.0).lr(), 0) << "zero is allowed";
}

TEST(Optimizer, RefusesToStepWithoutParameters) {
  SGD sgd(0.1);
  EXPECT_EQ(message_of<ValueError>([&] { sgd.step(); }),
            "optimizer: no parameters\n"
            "  hint: give them to the constructor, or compile() the model with this optimizer");
  sgd.zero_grad();  // nothing to clear is no mistake
}

TEST(Optimizer, TakesOnlyLeavesThatRequireGradients) {
  SGD sgd(0.1);
  const Tensor leaf = parameter({1, 2});
  EXPECT_EQ(message_of<ValueError>([&] {
              sgd.attach({leaf, leaf * 2});
            }),
            "optimizer: a parameter must be a leaf with requires_grad, got float32 [2]");
  EXPECT_EQ(message_of<ValueError>([&] { sgd.attach({zeros({3})}); }),
            "optimizer: a parameter must be a leaf with requires_grad, got float32 [3]");
  EXPECT_THROW(sgd.attach({Tensor()}), ValueError);
  EXPECT_THROW(sgd.step(), ValueError) << "a refused list is not kept";
}

TEST(Optimizer, RefusesAParameterGivenTwice) {
  const Tensor x = ones({2}).requires_grad_();
  EXPECT_THROW(optim::SGD({x, x}, {.lr = 1}), ValueError);
}

TEST(Optimizer, SetLrHoldsFromTheNextStepOn) {
  Tensor x = parameter({10});
  SGD sgd({x}, {.lr = 1});
  x.set_grad(tensor({1.0}));
  sgd.step();
  EXPECT_EQ(x.item<float>(), 9);
  sgd.set_lr(4);
  EXPECT_EQ(sgd.lr(), 4);
  sgd.step();
  EXPECT_EQ(x.item<float>(), 5);
  sgd.set_lr(0);
  sgd.step();
  EXPECT_EQ(x.item<float>(), 5);
}

TEST(Optimizer, ZeroGradClearsSoThatBackwardWritesAnew) {
  Tensor x = parameter({3}), y = parameter({5});
  SGD sgd({x, y}, {.lr = 1});
  (x * x).sum().backward();
  ASSERT_EQ(x.grad().item<float>(), 6);
  sgd.zero_grad();
  EXPECT_FALSE(x.grad().defined());
  EXPECT_FALSE(y.grad().defined());
  (x * x).sum().backward();
  EXPECT_EQ(x.grad().item<float>(), 6) << "not 12";
}

TEST(Optimizer, LeavesParametersWithoutGradientAlone) {
  Tensor x = parameter({1, 2, 3}), y = parameter({4});
  Adam adam({x, y}, {.lr = 0.1, .weight_decay = 0.5});
  y.set_grad(tensor({1.0}));
  adam.step();
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 3}));
  EXPECT_NE(y.item<float>(), 4);
}

TEST(Optimizer, StepIsNotRecordedAndParametersStayLeaves) {
  Tensor x = parameter({1, 2});
  SGD sgd({x}, {.lr = 0.5, .momentum = 0.9});
  for (int i = 0; i < 3; ++i) {
    sgd.zero_grad();
    (x * x).sum().backward();
    sgd.step();
  }
  EXPECT_TRUE(x.is_leaf());
  EXPECT_TRUE(x.requires_grad());
  EXPECT_TRUE(is_grad_enabled());
}

TEST(Optimizer, StepBetweenForwardAndBackwardIsCaught) {
  Tensor x = parameter({1, 2});
  SGD sgd({x}, {.lr = 0.5});
  x.set_grad(tensor({1.0, 1.0}));
  const Tensor y = (x * x).sum();
  sgd.step();  // changes what the product's gradient needs
  EXPECT_THROW(y.backward(), ValueError);
}

TEST(Optimizer, ChangesParametersMadeInInferenceModeOnlyInside) {
  Tensor x = parameter({1});
  Tensor made_inside = inference_mode([] { return parameter({2, 3}); });
  SGD sgd({x, made_inside}, {.lr = 1});
  x.set_grad(tensor({1.0}));
  sgd.step();  // one without a gradient is not changed
  EXPECT_EQ(x.item<float>(), 0);
  made_inside.set_grad(tensor({1.0, 1.0}));
  EXPECT_EQ(message_of<ValueError>([&] { sgd.step(); }),
            "optimizer: a tensor made in inference mode is changed in place outside it\n"
            "  tensor float32 [2]\n  hint: clone() it first");
  EXPECT_EQ(x.item<float>(), 0) << "nothing is changed";
  EXPECT_EQ(made_inside.to_vector<float>(), (std::vector<float>{2, 3}));
  inference_mode([&] {
    sgd.step();
    return 0;
  });
  EXPECT_EQ(x.item<float>(), -1);
  EXPECT_EQ(made_inside.to_vector<float>(), (std::vector<float>{1, 2}));
}

TEST(Optimizer, ChangesWhatEveryHandleOfAParameterSees) {
  Tensor x = parameter({1, 2});
  const Tensor same = x, view = x.detach();
  SGD sgd({x}, {.lr = 1});
  x.set_grad(tensor({1.0, 1.0}));
  sgd.step();
  EXPECT_EQ(same.to_vector<float>(), (std::vector<float>{0, 1}));
  EXPECT_EQ(view.to_vector<float>(), (std::vector<float>{0, 1}));
}

TEST(Optimizer, AttachForgetsEarlierParametersAndTheirState) {
  Tensor x = parameter({1}), y = parameter({1});
  SGD sgd({x}, {.lr = 1, .momentum = 0.5});
  x.set_grad(tensor({1.0}));
  sgd.step();
  ASSERT_EQ(x.item<float>(), 0);
  sgd.attach({y});
  y.set_grad(tensor({1.0}));
  sgd.step();
  EXPECT_EQ(x.item<float>(), 0) << "no longer changed";
  EXPECT_EQ(y.item<float>(), 0) << "a first step, without x's momentum";
}

TEST(Optimizer, ChangesNonContiguousParametersAndReadsSuchGradients) {
  Tensor storage = tensor({{1, 2, 3}, {4, 5, 6}}, kFloat32);
  Tensor x = storage.t().slice(0, 0, 3, 2);  // [[1, 4], [3, 6]]
  x.requires_grad_();
  ASSERT_FALSE(x.is_contiguous());
  Tensor plain = tensor({{1, 4}, {3, 6}}, kFloat32);
  plain.requires_grad_();
  Adam strided({x}, {.lr = 0.1}), dense({plain}, {.lr = 0.1});
  for (int i = 1; i <= 3; ++i) {
    const Tensor gradient = tensor({{1, -2}, {3, 0.5}}, kFloat32) * i;
    x.set_grad(gradient.t().contiguous().t());
    plain.set_grad(gradient);
    strided.step();
    dense.step();
  }
  EXPECT_EQ(bytes_of(x), bytes_of(plain));
  const auto all = storage.to_vector<float>();
  EXPECT_EQ(all[0], plain.to_vector<float>()[0]) << "the storage itself changed";
  EXPECT_EQ(all[1], 2) << "what lies between did not";
  EXPECT_EQ(all[4], 5);
}

// Large parameters beside small ones, so that blocks of one parameter go to several threads.
template <class O>
std::vector<std::string> after_steps(int threads, const O& prototype, DType dtype) {
  const Threads guard(threads);
  manual_seed(3);
  std::vector<Tensor> parameters;
  for (const Shape& shape : {Shape{3}, Shape{311, 331}, Shape{}, Shape{0}, Shape{100003}}) {
    parameters.push_back(rand(shape, dtype));
    parameters.back().requires_grad_();
  }
  O optimizer = prototype;
  optimizer.attach(parameters);
  for (int step = 0; step < 3; ++step) {
    for (Tensor& p : parameters) p.set_grad(rand(p.shape(), dtype) - 0.5);
    optimizer.step();
  }
  return bytes_of(parameters);
}

TEST(Optimizer, GivesTheSameBitsForAnyNumberOfThreads) {
  for (DType dtype : {kFloat32, kFloat64}) {
    const SGD sgd({.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01});
    const Adam adam({.lr = 0.1, .weight_decay = 0.01});
    const auto sgd_expected = after_steps(1, sgd, dtype);
    const auto adam_expected = after_steps(1, adam, dtype);
    for (int threads : {2, 3, 8}) {
      EXPECT_TRUE(after_steps(threads, sgd, dtype) == sgd_expected) << threads;
      EXPECT_TRUE(after_steps(threads, adam, dtype) == adam_expected) << threads;
    }
  }
}

}  // namespace
}  // namespace bb::optim
