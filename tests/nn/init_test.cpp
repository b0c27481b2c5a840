#include "bb/nn/init.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::nn::init {
namespace {

using bb::testing::bytes_of;

struct Figures {
  double low, high, mean, deviation;
  int64_t n;
};

Figures figures_of(const Tensor& x) {
  const auto values = x.detach().to(kFloat64).to_vector<double>();
  Figures f{values[0], values[0], 0, 0, x.numel()};
  for (double v : values) {
    f.low = std::min(f.low, v);
    f.high = std::max(f.high, v);
    f.mean += v / static_cast<double>(f.n);
  }
  for (double v : values) f.deviation += (v - f.mean) * (v - f.mean) / static_cast<double>(f.n);
  f.deviation = std::sqrt(f.deviation);
  return f;
}

void expect_uniform(const Tensor& x, double bound) {
  const Figures f = figures_of(x);
  EXPECT_GE(f.low, -bound * (1 + 1e-6));
  EXPECT_LE(f.high, bound * (1 + 1e-6));
  EXPECT_LT(f.low, -0.99 * bound);
  EXPECT_GT(f.high, 0.99 * bound);
  EXPECT_NEAR(f.mean / bound, 0, 0.02);
  EXPECT_NEAR(f.deviation / (bound / std::sqrt(3.0)), 1, 0.02);
}

void expect_normal(const Tensor& x, double deviation) {
  const Figures f = figures_of(x);
  EXPECT_NEAR(f.mean / deviation, 0, 0.03);
  EXPECT_NEAR(f.deviation / deviation, 1, 0.03);
  EXPECT_GT(f.high, 3 * deviation) << "normal has tails, uniform has not";
  EXPECT_LT(f.low, -3 * deviation);
}

const Shape kMatrix{150, 250};       // fan_in 250, fan_out 150
const Shape kFilters{40, 60, 3, 5};  // fan_in 900, fan_out 600

TEST(Init, GainsAreThoseOfPyTorch) {
  EXPECT_EQ(gain(Nonlinearity::kLinear), 1);
  EXPECT_EQ(gain(Nonlinearity::kSigmoid), 1);
  EXPECT_DOUBLE_EQ(gain(Nonlinearity::kTanh), 5.0 / 3);
  EXPECT_DOUBLE_EQ(gain(Nonlinearity::kReLU), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(gain(Nonlinearity::kLeakyReLU), std::sqrt(2 / (1 + 0.01 * 0.01)));
  EXPECT_DOUBLE_EQ(gain(Nonlinearity::kLeakyReLU, 2), std::sqrt(2.0 / 5));
}

TEST(Init, XavierUniformKeepsWithinItsBound) {
  manual_seed(1);
  expect_uniform(xavier_uniform_(empty(kMatrix)), std::sqrt(6.0 / 400));
  expect_uniform(xavier_uniform_(empty(kMatrix), 3), 3 * std::sqrt(6.0 / 400));
  expect_uniform(xavier_uniform_(empty(kFilters)), std::sqrt(6.0 / 1500));
}

TEST(Init, XavierNormalHasItsDeviation) {
  manual_seed(2);
  expect_normal(xavier_normal_(empty(kMatrix)), std::sqrt(2.0 / 400));
  expect_normal(xavier_normal_(empty(kMatrix), 3), 3 * std::sqrt(2.0 / 400));
  expect_normal(xavier_normal_(empty(kFilters)), std::sqrt(2.0 / 1500));
}

TEST(Init, KaimingUniformKeepsWithinItsBound) {
  manual_seed(3);
  expect_uniform(kaiming_uniform_(empty(kMatrix)), std::sqrt(6.0 / 250));
  expect_uniform(kaiming_uniform_(empty(kMatrix), {.mode = Fan::kOut}), std::sqrt(6.0 / 150));
  expect_uniform(kaiming_uniform_(empty(kMatrix), {.slope = 2}), std::sqrt(2.0 / 5 * 3 / 250));
  expect_uniform(kaiming_uniform_(empty(kMatrix), {.nonlinearity = Nonlinearity::kTanh}),
                 5.0 / 3 * std::sqrt(3.0 / 250));
  expect_uniform(kaiming_uniform_(empty(kFilters), {.nonlinearity = Nonlinearity::kReLU}),
                 std::sqrt(6.0 / 900));
  expect_uniform(kaiming_uniform_(empty(kFilters), {.mode = Fan::kOut}), std::sqrt(6.0 / 600));
}

TEST(Init, KaimingNormalHasItsDeviation) {
  manual_seed(4);
  expect_normal(kaiming_normal_(empty(kMatrix)), std::sqrt(2.0 / 250));
  expect_normal(kaiming_normal_(empty(kMatrix), {.mode = Fan::kOut}), std::sqrt(2.0 / 150));
  expect_normal(kaiming_normal_(empty(kFilters), {.nonlinearity = Nonlinearity::kLinear}),
                std::sqrt(1.0 / 900));
}

using Fill = std::function<Tensor(Tensor)>;
const Fill kAll[] = {
    [](Tensor x) { return xavier_uniform_(x); }, [](Tensor x) { return xavier_normal_(x); },
    [](Tensor x) { return kaiming_uniform_(x); }, [](Tensor x) { return kaiming_normal_(x); }};

TEST(Init, FillsInPlaceOffTheTapeAndReturnsTheTensor) {
  for (const Fill& fill : kAll) {
    Tensor x = zeros({4, 6});
    x.requires_grad_();
    EXPECT_TRUE(fill(x).is(x));
    EXPECT_TRUE(x.is_leaf());
    for (float v : x.to_vector<float>()) EXPECT_NE(v, 0);
  }
}

TEST(Init, SameSeedGivesTheSameValues) {
  for (const Fill& fill : kAll) {
    manual_seed(7);
    const auto a = bytes_of(fill(empty({9, 11}))), next = bytes_of(fill(empty({9, 11})));
    manual_seed(7);
    EXPECT_EQ(bytes_of(fill(empty({9, 11}))), a);
    EXPECT_NE(next, a);
  }
}

TEST(Init, TakesFloat64AndNonContiguousAndEmptyTensors) {
  for (const Fill& fill : kAll) {
    EXPECT_EQ(fill(zeros({4, 6}, kFloat64)).dtype(), kFloat64);
    EXPECT_EQ(fill(zeros({0, 6})).shape(), (Shape{0, 6}));
    EXPECT_EQ(fill(zeros({0, 0})).numel(), 0);
    const Tensor storage = zeros({6, 4});
    fill(storage.t().slice(0, 0, 2));
    const auto values = storage.to_vector<float>();
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i] != 0, i % 4 < 2) << i;
  }
}

TEST(Init, NeedsAtLeastTwoDimensions) {
  for (const Fill& fill : kAll) {
    EXPECT_THROW(fill(zeros({5})), ShapeError);
    EXPECT_THROW(fill(zeros({})), ShapeError);
  }
  EXPECT_EQ(message_of<ShapeError>([] { xavier_uniform_(zeros({5})); }),
            "xavier_uniform_: fan in and out need at least two dimensions\n"
            "  x [5]");
}

TEST(Init, RefusesIntegers) {
  for (const Fill& fill : kAll) EXPECT_THROW(fill(zeros({2, 2}, kInt64)), DTypeError);
}

}  // namespace
}  // namespace bb::nn::init
