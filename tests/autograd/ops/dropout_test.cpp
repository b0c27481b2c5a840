#include "bb/autograd/ops/dropout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "bb/autograd/testing.h"
#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

// Of each channel of y [channels, n] that came from ones: all 0, or all 1 / (1 - p).
void expect_whole_channels(const Tensor& y, int64_t channels, double p) {
  const auto values = y.to_vector<float>();
  const size_t n = values.size() / static_cast<size_t>(channels);
  double kept = 0;
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    const float first = values[c * n];
    EXPECT_TRUE(first == 0 || std::abs(first - 1 / (1 - p)) < 1e-6);
    for (size_t i = 1; i < n; ++i) EXPECT_EQ(values[c * n + i], first);
    kept += first > 0;
  }
  EXPECT_NEAR(kept / static_cast<double>(channels), 1 - p, 0.1);
}

TEST(Dropout, OfWholeChannels) {
  manual_seed(1);
  expect_whole_channels(dropout1d(ones({20, 30, 4}), 0.3), 600, 0.3);
  expect_whole_channels(dropout1d(ones({600, 4}), 0.3), 600, 0.3);
  expect_whole_channels(dropout2d(ones({20, 30, 2, 3}), 0.3), 600, 0.3);
  expect_whole_channels(dropout2d(ones({20, 30, 4}), 0.3), 600, 0.3);
  expect_whole_channels(dropout3d(ones({20, 30, 2, 3, 2}), 0.3), 600, 0.3);
  expect_whole_channels(dropout3d(ones({600, 2, 3, 2}), 0.3), 600, 0.3);
}

TEST(Dropout, EvaluationAndProbabilityZeroGiveTheTensorItself) {
  const Tensor x = ones({2, 3, 4, 5});
  EXPECT_TRUE(dropout2d(x, 0.5, false).is(x));
  EXPECT_TRUE(dropout2d(x, 0).is(x));
  EXPECT_TRUE(alpha_dropout(x, 0.5, false).is(x));
  EXPECT_TRUE(alpha_dropout(x, 0).is(x));
}

TEST(Dropout, ProbabilityOneGivesZeros) {
  for (float value : dropout2d(ones({2, 3, 4, 5}), 1).to_vector<float>()) EXPECT_EQ(value, 0);
  for (float value : alpha_dropout(ones({2, 3}), 1).to_vector<float>()) EXPECT_EQ(value, 0);
}

TEST(Dropout, TheGradientGoesThroughWhatWasKept) {
  manual_seed(2);
  Tensor x = ones({2, 50, 3}).requires_grad_();
  const Tensor y = dropout1d(x, 0.4);
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), y.to_vector<float>());
}

TEST(AlphaDropout, KeepsMeanAndVariance) {
  manual_seed(3);
  const Tensor x = randn({200000}, kFloat64), y = alpha_dropout(x, 0.3);
  EXPECT_NEAR(y.mean().item<double>(), 0, 0.02);
  EXPECT_NEAR((y * y).mean().item<double>(), 1, 0.02);
  // What was dropped has one value, which no other element is likely to have.
  std::map<double, int> counts;
  for (double value : y.to_vector<double>()) ++counts[value];
  int most = 0;
  for (const auto& [value, count] : counts) most = std::max(most, count);
  EXPECT_NEAR(most / 200000.0, 0.3, 0.01);
}

TEST(DropoutErrors, Operands) {
  expect_error<ValueError>(
      [] {
        dropout2d(ones({1, 2, 3}), 1.5);
      },
      "dropout2d: p must lie in [0, 1], got 1.5\n  x [1, 2, 3]");
  expect_error<ShapeError>(
      [] {
        dropout2d(ones({2, 3}));
      },
      "dropout2d: x must be (N,C,H,W) or (N,C,L)\n  x [2, 3]");
  expect_error<DTypeError>(
      [] {
        alpha_dropout(ones({2, 3}, kInt64));
      },
      "alpha_dropout: needs floating point\n  x int64 [2, 3]\n"
      "  hint: convert with to(kFloat32)");
  EXPECT_THROW(dropout1d(ones({2})), ShapeError);
  EXPECT_THROW(dropout3d(ones({2, 3})), ShapeError);
  EXPECT_THROW(dropout1d(ones({2, 3}, kInt64)), DTypeError);
  EXPECT_THROW(alpha_dropout(ones({2, 3}), -0.1), ValueError);
}

// From one state of the generator: the same draws for each of the checker's calls.
TEST(Dropout, GradientIsTheDerivative) {
  using Fn = Tensor (*)(const Tensor&);
  const auto seeded = [](Fn fn) {
    return [fn](const std::vector<Tensor>& x) {
      manual_seed(7);
      return fn(x[0]);
    };
  };
  for (Fn fn : {Fn([](const Tensor& x) { return dropout(x, 0.4); }),
                Fn([](const Tensor& x) { return dropout2d(x, 0.4); }),
                Fn([](const Tensor& x) { return dropout(x, 1); }),
                Fn([](const Tensor& x) { return alpha_dropout(x, 0.4); })}) {
    manual_seed(1);
    const std::vector<Tensor> inputs{randn({2, 3, 2, 2}, kFloat64)};
    EXPECT_GRADCHECK(seeded(fn), inputs);
    EXPECT_GRADGRADCHECK(seeded(fn), inputs);
  }
}

}  // namespace
}  // namespace bb
