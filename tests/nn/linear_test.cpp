#include "bb/nn/linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::nn {
namespace {

using bb::testing::bytes_of;

TEST(LinearLayer, IsXTimesTransposedWeightPlusBias) {
  Linear layer(3, 2);
  no_grad([&] {
    layer.weight.copy_(tensor({{1, 2, 3}, {4, 5, 6}}, kFloat32));
    layer.bias.copy_(tensor({10, 20}, kFloat32));
  });
  const Tensor y = layer(tensor({{1, 0, 0}, {0, 1, 0}, {1, 1, 1}}, kFloat32));
  EXPECT_EQ(y.shape(), (Shape{3, 2}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{11, 24, 12, 25, 16, 35}));
  y.sum().backward();
  EXPECT_EQ(layer.weight.grad().to_vector<float>(), (std::vector<float>{2, 2, 1, 2, 2, 1}));
  EXPECT_EQ(layer.bias.grad().to_vector<float>(), (std::vector<float>{3, 3}));
}

TEST(LinearLayer, TakesAnyLeadingDimensions) {
  Linear layer(3, 2);
  EXPECT_EQ(layer(zeros({3})).shape(), (Shape{2}));
  EXPECT_EQ(layer(zeros({0, 3})).shape(), (Shape{0, 2}));
  EXPECT_EQ(layer(zeros({4, 5, 3})).shape(), (Shape{4, 5, 2}));
}

TEST(LinearLayer, WithoutBiasHasNone) {
  Linear layer(3, 2, {.bias = false});
  EXPECT_FALSE(layer.bias.defined());
  ASSERT_EQ(layer.named_parameters().size(), 1u);
  EXPECT_EQ(layer.named_parameters()[0].first, "weight");
  EXPECT_EQ(layer(zeros({1, 3})).to_vector<float>(), (std::vector<float>{0, 0}));
}

TEST(LinearLayer, StartsUniformWithinOneOverTheRootOfItsInputs) {
  manual_seed(11);
  const Linear layer(400, 1000);
  const double bound = 1 / std::sqrt(400.0);
  EXPECT_EQ(layer.weight.shape(), (Shape{1000, 400}));
  EXPECT_EQ(layer.bias.shape(), (Shape{1000}));
  for (const Tensor& x : {layer.weight, layer.bias}) {
    const auto values = x.to_vector<float>();
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    EXPECT_GE(*low, -bound);
    EXPECT_LE(*high, bound);
    EXPECT_LT(*low, -0.98 * bound) << "the range is used";
    EXPECT_GT(*high, 0.98 * bound);
    double sum = 0, squares = 0;
    for (double v : values) {
      sum += v;
      squares += v * v;
    }
    const auto n = static_cast<double>(values.size());
    const double deviation = bound / std::sqrt(3.0);
    EXPECT_NEAR(sum / n, 0, 5 * deviation / std::sqrt(n));
    EXPECT_NEAR(std::sqrt(squares / n) / deviation, 1, 0.08);
  }
}

TEST(LinearLayer, SameSeedGivesTheSameStart) {
  const auto start = [](uint64_t seed) {
    manual_seed(seed);
    const Linear a(17, 9), b(17, 9);
    return bytes_of({a.weight, a.bias, b.weight, b.bias});
  };
  const auto once = start(5);
  EXPECT_EQ(once, start(5));
  EXPECT_NE(once, start(6));
  EXPECT_NE(once[0], once[2]) << "two layers differ";
}

TEST(LinearLayer, StartDoesNotDependOnThreads) {
  const auto start = [](int threads) {
    const bb::testing::Threads guard(threads);
    manual_seed(5);
    return bytes_of(Linear(500, 300).parameters());
  };
  const auto one = start(1);
  for (int threads : {2, 3, 8}) EXPECT_EQ(start(threads), one) << threads;
}

TEST(LinearLayer, SizesMayBeZeroButNotNegative) {
  EXPECT_EQ(Linear(0, 3)(zeros({2, 0})).shape(), (Shape{2, 3}));
  EXPECT_EQ(Linear(0, 3)(zeros({2, 0})).to_vector<float>(), std::vector<float>(6, 0));
  EXPECT_EQ(Linear(3, 0)(zeros({2, 3})).shape(), (Shape{2, 0}));
  EXPECT_EQ(message_of<ValueError>([] { Linear(-1, 3); }),
            "Linear: sizes must not be negative, got -1 -> 3");
  EXPECT_EQ(message_of<ValueError>([] { Linear(3, -2); }),
            "Linear: sizes must not be negative, got 3 -> -2");
}

TEST(LinearLayer, RefusesInputsThatDoNotFit) {
  Linear layer(128, 64);
  EXPECT_EQ(message_of<ShapeError>([&] {
              layer(zeros({16, 127}));
            }),
            "Linear(128 -> 64) got [16, 127]\n"
            "  hint: the last size must be 128");
  EXPECT_THROW(layer(tensor(1.0)), ShapeError);
  EXPECT_THROW(layer(zeros({128, 16})), ShapeError);
  EXPECT_THROW(layer(zeros({16, 128}, kFloat64)), DTypeError);
  EXPECT_THROW(layer(zeros({16, 128}, kInt64)), DTypeError);
}

TEST(LinearLayer, IsMadeAgainFromItsConfig) {
  const Linear a(Linear(5, 7, {.bias = false}).config());
  EXPECT_EQ(a.describe(), "Linear(5 -> 7, no bias)");
  const Linear b(Linear(5, 7).config());
  EXPECT_EQ(b.describe(), "Linear(5 -> 7)");
  EXPECT_EQ(b.bias.shape(), (Shape{7}));
}

}  // namespace
}  // namespace bb::nn
