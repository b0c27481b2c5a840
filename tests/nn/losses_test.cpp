#include "bb/nn/losses.h"

#include <gtest/gtest.h>

#include <cmath>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::nn {
namespace {

// Scores whose softmax is known: rows log(1, 2, 5) and log(3, 3, 2), sums 8.
Tensor scores() { return tensor({{1, 2, 5}, {3, 3, 2}}, kFloat64).log(); }

TEST(CrossEntropyLossTest, OfClassesIsMinusTheLogOfTheirProbability) {
  const Tensor classes = tensor({2, 0});
  const double a = -std::log(5.0 / 8), b = -std::log(3.0 / 8);
  EXPECT_NEAR(CrossEntropyLoss()(scores(), classes).item<double>(), (a + b) / 2, 1e-14);
  EXPECT_NEAR(CrossEntropyLoss({.reduction = Reduction::kSum})(scores(), classes).item<double>(),
              a + b, 1e-14);
  const Tensor each = CrossEntropyLoss({.reduction = Reduction::kNone})(scores(), classes);
  EXPECT_EQ(each.shape(), (Shape{2}));
  EXPECT_NEAR(each.to_vector<double>()[0], a, 1e-14);
  EXPECT_NEAR(each.to_vector<double>()[1], b, 1e-14);
}

TEST(CrossEntropyLossTest, OfProbabilitiesWeighsAllClasses) {
  const Tensor target = tensor({{0.5, 0.5, 0.0}, {0.0, 0.0, 1.0}}, kFloat64);
  const double a = -0.5 * std::log(1.0 / 8) - 0.5 * std::log(2.0 / 8), b = -std::log(2.0 / 8);
  EXPECT_NEAR(CrossEntropyLoss()(scores(), target).item<double>(), (a + b) / 2, 1e-14);
  EXPECT_NEAR(CrossEntropyLoss({.reduction = Reduction::kSum})(scores(), target).item<double>(),
              a + b, 1e-14);
  EXPECT_EQ(CrossEntropyLoss({.reduction = Reduction::kNone})(scores(), target).shape(),
            (Shape{2}));
}

TEST(CrossEntropyLossTest, GradientIsSoftmaxMinusTheClass) {
  for (const auto& [reduction, share] :
       {std::pair(Reduction::kMean, 2.0), {Reduction::kSum, 1.0}}) {
    Tensor x = scores().detach();
    x.requires_grad_();
    CrossEntropyLoss({.reduction = reduction})(x, tensor({2, 0})).backward();
    const std::vector<double> expected{1.0 / 8, 2.0 / 8, -3.0 / 8, -5.0 / 8, 3.0 / 8, 2.0 / 8};
    const auto gradient = x.grad().to_vector<double>();
    for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(gradient[i], expected[i] / share, 1e-14);
  }
}

TEST(CrossEntropyLossTest, RefusesLabelsAndTargetsThatDoNotFit) {
  const CrossEntropyLoss loss;
  EXPECT_EQ(message_of<IndexError>([&] {
              loss(scores(), tensor({1, 3}));
            }),
            "cross_entropy: label 3 at position [1] is out of range for 3 classes (0 to 2)\n"
            "  x [2, 3]   target [2]");
  EXPECT_THROW(loss(scores(), tensor({-1, 0})), IndexError);
  EXPECT_THROW(loss(scores(), tensor({1, 0, 2})), ShapeError);
  EXPECT_THROW(loss(scores(), zeros({2, 4}, kFloat64)), ShapeError);
}

TEST(MSELossTest, IsTheSquaredDifferenceReduced) {
  const Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}}), y = tensor({{1.0, 4.0}, {0.0, 3.0}});
  EXPECT_EQ(MSELoss()(x, y).item<float>(), 14.0f / 4);
  EXPECT_EQ(MSELoss({.reduction = Reduction::kSum})(x, y).item<float>(), 14);
  const Tensor each = MSELoss({.reduction = Reduction::kNone})(x, y);
  EXPECT_EQ(each.shape(), (Shape{2, 2}));
  EXPECT_EQ(each.to_vector<float>(), (std::vector<float>{0, 4, 9, 1}));
}

TEST(MSELossTest, GradientIsTwiceTheDifferenceOverTheCount) {
  Tensor x = tensor({1.0, 2.0, 3.0, 4.0});
  x.requires_grad_();
  MSELoss()(x, tensor({1.0, 4.0, 0.0, 3.0})).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{0, -1, 1.5, 0.5}));
}

TEST(MSELossTest, DoesNotBroadcast) {
  EXPECT_EQ(message_of<ShapeError>([] {
              MSELoss()(zeros({4, 1}), zeros({4}));
            }),
            "mse_loss: x and target differ in shape\n"
            "  x [4, 1]   target [4]\n"
            "  hint: reshape or expand the target");
}

}  // namespace
}  // namespace bb::nn
