#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

/// Activations, Dropout, Flatten, AnyModule and Config.
namespace bb::nn {
namespace {

using bb::testing::bytes_of;

const std::vector<float> kValues{-2, -0.5, 0, 0.5, 3};

template <class F>
void expect_elementwise(Module&& layer, const F& f) {
  const Tensor x = tensor(kValues);
  const auto y = layer(x).to_vector<float>();
  ASSERT_EQ(y.size(), kValues.size());
  for (size_t i = 0; i < y.size(); ++i)
    EXPECT_NEAR(y[i], f(static_cast<double>(kValues[i])), 1e-6) << kValues[i];
  EXPECT_EQ(layer(zeros({2, 0, 3})).shape(), (Shape{2, 0, 3}));
}

TEST(Activation, ReLU) {
  expect_elementwise(ReLU(), [](double x) { return std::max(x, 0.0); });
}
TEST(Activation, Sigmoid) {
  expect_elementwise(Sigmoid(), [](double x) { return 1 / (1 + std::exp(-x)); });
}
TEST(Activation, Tanh) {
  expect_elementwise(Tanh(), [](double x) { return std::tanh(x); });
}

TEST(Activation, SoftmaxIsOverItsDim) {
  const Tensor x = tensor({{1, 2, 3}, {4, 6, 8}}, kFloat32);
  const auto rows = Softmax()(x).to_vector<float>();
  const double sum = std::exp(-2.0) + std::exp(-1.0) + 1;
  EXPECT_NEAR(rows[0], std::exp(-2.0) / sum, 1e-6);
  EXPECT_NEAR(rows[2], 1 / sum, 1e-6);
  EXPECT_EQ(bytes_of(Softmax(1)(x)), bytes_of(Softmax()(x)));
  const auto columns = Softmax(0)(x).to_vector<float>();
  EXPECT_NEAR(columns[0], 1 / (1 + std::exp(3.0)), 1e-6);
  EXPECT_NEAR(columns[3], 1 - columns[0], 1e-6);
  EXPECT_THROW(Softmax(2)(x), IndexError);
}

TEST(FlattenLayer, MakesOneDimensionOfAllButTheFirst) {
  EXPECT_EQ(Flatten()(zeros({5, 1, 28, 28})).shape(), (Shape{5, 784}));
  EXPECT_EQ(Flatten()(zeros({5, 3})).shape(), (Shape{5, 3}));
  EXPECT_EQ(Flatten()(zeros({0, 2, 3})).shape(), (Shape{0, 6}));
  EXPECT_EQ(Flatten(0)(zeros({2, 3, 4})).shape(), (Shape{24}));
  EXPECT_EQ(Flatten(1, 2)(zeros({2, 3, 4, 5})).shape(), (Shape{2, 12, 5}));
  EXPECT_EQ(Flatten(-2)(zeros({2, 3, 4})).shape(), (Shape{2, 12}));
}

TEST(FlattenLayer, KeepsTheOrderOfElements) {
  const Tensor x = arange(0, 12, 1, kFloat32).view({2, 3, 2});
  EXPECT_EQ(Flatten()(x).to_vector<float>(), x.to_vector<float>());
}

TEST(FlattenLayer, RefusesDimsThatAreNotThere) {
  EXPECT_THROW(Flatten()(zeros({5})), IndexError);
  EXPECT_THROW(Flatten(0, 3)(zeros({5, 2})), IndexError);
}

TEST(DropoutLayer, InEvaluationGivesItsInput) {
  Dropout layer(0.5);
  layer.eval();
  const Tensor x = randn({50});
  EXPECT_EQ(bytes_of(layer(x)), bytes_of(x));
}

TEST(DropoutLayer, InTrainingDropsTheShareAndScalesTheRest) {
  manual_seed(9);
  for (double p : {0.1, 0.5, 0.8}) {
    Dropout layer(p);
    const auto y = layer(ones({100, 400})).to_vector<float>();
    const auto kept = static_cast<float>(1 / (1 - p));
    int64_t zeros = 0;
    double sum = 0;
    for (float v : y) {
      if (v == 0)
        ++zeros;
      else
        ASSERT_FLOAT_EQ(v, kept);
      sum += v;
    }
    const auto n = static_cast<double>(y.size());
    const double deviation = std::sqrt(p * (1 - p) / n);
    EXPECT_NEAR(static_cast<double>(zeros) / n, p, 5 * deviation);
    EXPECT_NEAR(sum / n, 1, 5 * deviation / (1 - p)) << "the mean is kept";
  }
}

TEST(DropoutLayer, DrawsAnewEachTimeAndAgainTheSameFromTheSameSeed) {
  Dropout layer;
  manual_seed(1);
  const auto a = bytes_of(layer(ones({100}))), b = bytes_of(layer(ones({100})));
  EXPECT_NE(a, b);
  manual_seed(1);
  EXPECT_EQ(bytes_of(layer(ones({100}))), a);
}

TEST(DropoutLayer, GradientGoesThroughWhatWasKept) {
  Tensor x = ones({200});
  x.requires_grad_();
  const Tensor y = Dropout(0.5)(x);
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), y.to_vector<float>());
}

TEST(DropoutLayer, OfZeroDropsNothingAndOfOneEverything) {
  const Tensor x = ones({100});
  EXPECT_EQ(bytes_of(Dropout(0)(x)), bytes_of(x));
  EXPECT_EQ(Dropout(1)(x).to_vector<float>(), std::vector<float>(100, 0));
}

TEST(DropoutLayer, RefusesWhatIsNoProbability) {
  EXPECT_EQ(message_of<ValueError>([] { Dropout(1.5); }), "Dropout: p must lie in [0, 1], got 1.5");
  EXPECT_THROW(Dropout(-0.1), ValueError);
  EXPECT_THROW(Dropout(std::numeric_limits<double>::quiet_NaN()), ValueError);
}

TEST(DropoutLayer, FollowsTheModeOfTheModelItIsIn) {
  Sequential model{Flatten(), Dropout(0.5)};
  const Tensor x = ones({2, 100});
  EXPECT_NE(bytes_of(model(x)), bytes_of(x));
  model.eval();
  EXPECT_EQ(bytes_of(model(x)), bytes_of(x));
}

TEST(AnyModuleTest, IsAnotherHandleOfTheModule) {
  Linear layer(3, 2);
  AnyModule any = layer;
  const Tensor x = randn({4, 3});
  EXPECT_EQ(bytes_of(any(x)), bytes_of(layer(x)));
  EXPECT_TRUE(any.parameters()[0].is(layer.weight));
  EXPECT_EQ(any.describe(), "Linear(3 -> 2)");
  EXPECT_EQ(any.type(), "Linear");
  any.eval();
  EXPECT_FALSE(layer.is_training());
}

TEST(AnyModuleTest, GivesTheModuleBackAsWhatItIs) {
  const AnyModule any = Linear(3, 2);
  EXPECT_EQ(any.as<Linear>().weight.shape(), (Shape{2, 3}));
  EXPECT_EQ(message_of<ValueError>([&] { any.as<ReLU>(); }),
            "AnyModule: this is a Linear, not what was asked for");
}

TEST(ConfigTest, GivesValuesByNameAndType) {
  const Config config{{"n", int64_t{3}}, {"p", 0.5}, {"on", true}, {"s", std::string("x")}};
  EXPECT_EQ(config.integer("n"), 3);
  EXPECT_EQ(config.real("p"), 0.5);
  EXPECT_EQ(config.real("n"), 3) << "a whole number will do";
  EXPECT_TRUE(config.boolean("on"));
  EXPECT_EQ(config.to_string(), "n=3, p=0.5, on=true, s=x");
  EXPECT_EQ(message_of<IoError>([&] { config.integer("m"); }), "config: 'm' is missing");
  EXPECT_EQ(message_of<IoError>([&] { config.integer("p"); }), "config: 'p' is not an integer");
  EXPECT_EQ(message_of<IoError>([&] { config.real("s"); }), "config: 's' is not a number");
  EXPECT_EQ(message_of<IoError>([&] { config.boolean("n"); }), "config: 'n' is not true or false");
}

}  // namespace
}  // namespace bb::nn
