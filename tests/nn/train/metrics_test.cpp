#include "bb/nn/train/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::nn {
namespace {

// Largest at 1, 0, 2, 2.
Tensor scores() {
  return tensor({{0.1, 0.7, 0.2}, {0.5, 0.3, 0.2}, {-3.0, -2.0, -1.0}, {0.0, 0.0, 1.0}});
}

TEST(AccuracyTest, IsTheShareOfRightClasses) {
  Accuracy accuracy;
  EXPECT_EQ(accuracy.name(), "accuracy");
  accuracy.update(scores(), tensor({1, 0, 2, 0}));
  EXPECT_EQ(accuracy.value(), 0.75);
}

TEST(AccuracyTest, TakesEveryIntegerTypeOfClasses) {
  for (DType dtype : {kUInt8, kInt32, kInt64}) {
    Accuracy accuracy;
    accuracy.update(scores(), tensor({1, 1, 2, 2}).to(dtype));
    EXPECT_EQ(accuracy.value(), 0.75) << name(dtype);
  }
}

TEST(AccuracyTest, TakesScoresAsTarget) {
  Accuracy accuracy;
  accuracy.update(scores(),
                  tensor({{0.0, 1.0, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.4, 0.6}, {1.0, 0.0, 0.0}}));
  EXPECT_EQ(accuracy.value(), 0.5);
}

TEST(AccuracyTest, GathersOverBatchesBySamples) {
  Accuracy accuracy;
  accuracy.update(scores(), tensor({1, 0, 2, 2}));
  accuracy.update(scores().slice(0, 0, 1), tensor({0}));
  EXPECT_EQ(accuracy.value(), 0.8) << "4 of 5, not the mean of 1 and 0";
}

TEST(AccuracyTest, ResetForgets) {
  Accuracy accuracy;
  EXPECT_TRUE(std::isnan(accuracy.value())) << "nothing seen";
  accuracy.update(scores(), tensor({1, 0, 2, 2}));
  accuracy.reset();
  EXPECT_TRUE(std::isnan(accuracy.value()));
  accuracy.update(scores(), tensor({0, 1, 0, 0}));
  EXPECT_EQ(accuracy.value(), 0);
}

TEST(AccuracyTest, TakesOutputsOnTheTapeAndNonContiguousOnes) {
  Accuracy accuracy;
  Tensor x = scores();
  x.requires_grad_();
  accuracy.update(x * 2, tensor({1, 0, 2, 2}));
  accuracy.update(scores().t().contiguous().t(),
                  tensor({1, 9, 0, 9, 2, 9, 2, 9}).slice(0, 0, 8, 2));
  EXPECT_EQ(accuracy.value(), 1);
}

TEST(AccuracyTest, RefusesTargetsThatDoNotFitAndCountsNothingThen) {
  Accuracy accuracy;
  EXPECT_EQ(message_of<ShapeError>([&] {
              accuracy.update(scores(), tensor({1, 0, 2}));
            }),
            "Accuracy: the target does not fit the output\n"
            "  output float32 [4, 3] (N,C)   target int64 [3] (integer (N), or scores (N,C))");
  EXPECT_THROW(accuracy.update(scores(), zeros({4, 2})), ShapeError);
  EXPECT_THROW(accuracy.update(scores(), zeros({4})), ShapeError) << "classes are integers";
  EXPECT_THROW(accuracy.update(scores(), tensor(1)), ShapeError);
  EXPECT_THROW(accuracy.update(zeros({4}), tensor({1, 0, 2, 2})), ShapeError);
  EXPECT_THROW(accuracy.update(zeros({4, 1, 3}), zeros({4, 1, 3})), ShapeError);
  EXPECT_THROW(accuracy.update(scores(), Tensor()), ShapeError);
  EXPECT_TRUE(std::isnan(accuracy.value()));
}

}  // namespace
}  // namespace bb::nn
