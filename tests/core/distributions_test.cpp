// normal, bernoulli and multinomial: moments and frequencies with fixed seeds, one generator
// against another, any number of threads, and what they say of parameters that make no
// distribution.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/parallel.h"
#include "bb/core/random.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class Distributions : public ::testing::Test {
 protected:
  Distributions() { manual_seed(0); }
  ~Distributions() override {
    set_num_threads(before_);
    manual_seed(0);
  }
  const int before_ = num_threads();
};

std::vector<double> values(const Tensor& x) {
  std::vector<double> result;
  visit(x.dtype(), [&]<class T>() {
    for (T value : x.to_vector<T>()) result.push_back(static_cast<double>(value));
  });
  return result;
}

double mean_of(const std::vector<double>& x) {
  double sum = 0;
  for (double value : x) sum += value;
  return sum / static_cast<double>(x.size());
}

// How often each of n indices was drawn, of all.
std::vector<double> frequencies(const Tensor& drawn, int64_t n) {
  std::vector<double> result(static_cast<size_t>(n));
  for (double index : values(drawn))
    result[static_cast<size_t>(index)] += 1 / static_cast<double>(drawn.numel());
  return result;
}

TEST_F(Distributions, EveryFunctionTakesAGenerator) {
  const Tensor p = full({40}, 0.5), x = zeros({40});
  const std::vector<std::function<Tensor(Generator&)>> draws{
      [](Generator& g) { return rand({40}, kFloat32, g); },
      [](Generator& g) { return randn({40}, kFloat64, g); },
      [](Generator& g) { return randint(0, 1000, {40}, kInt32, g); },
      [&](Generator& g) { return rand_like(x, g); },
      [&](Generator& g) { return randn_like(x, g); },
      [&](Generator& g) { return randint_like(x, 0, 1000, g); },
      [](Generator& g) { return randperm(40, g); },
      [&](Generator& g) { return normal(x, p, g); },
      [&](Generator& g) { return normal(x, 2, g); },
      [&](Generator& g) { return normal(1, p, g); },
      [](Generator& g) { return normal(1, 2, {40}, g); },
      [&](Generator& g) { return bernoulli(p, g); },
      [&](Generator& g) { return bernoulli(x, 0.5, g); },
      [&](Generator& g) { return multinomial(p, 20, false, g); },
      [&](Generator& g) { return multinomial(p, 60, true, g); },
      [](Generator& g) { return uniform_(empty({40}), -1, 1, g); },
      [](Generator& g) { return normal_(empty({40}), 0, 1, g); },
  };
  for (size_t i = 0; i < draws.size(); ++i) {
    SCOPED_TRACE(i);
    Generator a(7), b(7), c(8);
    const auto default_state = default_generator().state();
    const auto first = values(draws[i](a));
    EXPECT_EQ(first, values(draws[i](b)));
    EXPECT_NE(first, values(draws[i](c)));
    EXPECT_NE(first, values(draws[i](a))) << "the stream goes on";
    EXPECT_EQ(default_generator().state(), default_state) << "others' numbers are left alone";
  }
}

TEST_F(Distributions, AnyNumberOfThreadsGivesTheSameNumbers) {
  const Tensor p = rand({50, 400});
  const auto all = [&] {
    manual_seed(1);
    std::vector<std::vector<double>> result;
    for (const Tensor& x : {randint(-5, 900, {20000}), normal(p, p), bernoulli(p),
                            multinomial(p, 30), multinomial(p, 300, true)})
      result.push_back(values(x));
    return result;
  };
  set_num_threads(1);
  const auto alone = all();
  set_num_threads(4);
  EXPECT_EQ(all(), alone);
}

TEST_F(Distributions, LikeTakesShapeAndDType) {
  const Tensor x = zeros({2, 3}, kFloat64);
  for (const Tensor& y : {rand_like(x), randn_like(x), randint_like(x, 0, 5), bernoulli(x, 0.5)}) {
    EXPECT_EQ(y.shape(), x.shape());
    EXPECT_EQ(y.dtype(), kFloat64);
  }
  EXPECT_EQ(randint(0, 200, {4}, kUInt8).dtype(), kUInt8);
  EXPECT_EQ(bernoulli(zeros({4}, kBool), 0.5).dtype(), kBool);
}

TEST_F(Distributions, NormalHasTheMeansAndDeviationsGiven) {
  constexpr int64_t kCount = 40000;
  const Tensor mean = tensor({-3.0, 100.0}, kFloat64).view({2, 1});
  // The means broadcast against the deviations.
  Tensor deviations = empty({2, kCount}, kFloat64);
  for (int64_t i = 0; i < kCount; ++i) {
    deviations.data<double>()[i] = 0.5;
    deviations.data<double>()[kCount + i] = 20;
  }
  const Tensor x = normal(mean, deviations);
  EXPECT_EQ(x.dtype(), kFloat64);
  const auto v = values(x);
  for (int row = 0; row < 2; ++row) {
    const double mu = row == 0 ? -3 : 100, sigma = row == 0 ? 0.5 : 20;
    const std::vector<double> part(v.begin() + row * kCount, v.begin() + (row + 1) * kCount);
    const double m = mean_of(part);
    double square = 0;
    for (double value : part) square += (value - m) * (value - m) / kCount;
    EXPECT_NEAR(m, mu, 4 * sigma / std::sqrt(double{kCount}));
    EXPECT_NEAR(square, sigma * sigma, 4 * sigma * sigma * std::sqrt(2.0 / kCount));
  }
  EXPECT_NEAR(mean_of(values(normal(5, 2, {kCount}))), 5, 4 * 2 / 200.0);
  EXPECT_EQ(values(normal(tensor({1.0, 2.0}), 0)), (std::vector<double>{1, 2}));
  EXPECT_EQ(values(normal(3, zeros({2}))), (std::vector<double>{3, 3}));
}

TEST_F(Distributions, BernoulliComesWithItsProbability) {
  constexpr int64_t kCount = 100000;
  for (double p : {0.0, 1e-3, 0.3, 0.5, 0.9, 1.0}) {
    const double bound = 4 * std::sqrt(p * (1 - p) / kCount);
    EXPECT_NEAR(mean_of(values(bernoulli(full({kCount}, p)))), p, bound + 1e-7) << p;
    EXPECT_NEAR(mean_of(values(bernoulli(zeros({kCount}, kBool), p))), p, bound) << p;
  }
  for (double value : values(bernoulli(full({100}, 0.5)))) EXPECT_TRUE(value == 0 || value == 1);
}

TEST_F(Distributions, MultinomialDrawsByWeight) {
  constexpr int64_t kCount = 60000;
  const std::vector<double> weights{1, 0, 3, 0.5, 5.5, 0};
  const Tensor drawn = multinomial(tensor(weights), kCount, true);
  EXPECT_EQ(drawn.dtype(), kInt64);
  EXPECT_EQ(drawn.shape(), Shape{kCount});
  const auto f = frequencies(drawn, 6);
  for (size_t i = 0; i < 6; ++i) {
    const double p = weights[i] / 10;
    EXPECT_NEAR(f[i], p, 4 * std::sqrt(p * (1 - p) / kCount)) << i;
    EXPECT_TRUE(p > 0 || f[i] == 0) << i;
  }
}

TEST_F(Distributions, MultinomialWithoutReplacementIsDrawnOneAfterTheOther) {
  constexpr int64_t kRows = 40000;
  const double weights[] = {1, 0, 2, 7};
  Tensor table = empty({kRows, 4}, kFloat64);
  for (int64_t i = 0; i < 4 * kRows; ++i) table.data<double>()[i] = weights[i % 4];
  const Tensor drawn = multinomial(table, 3);
  EXPECT_EQ(drawn.shape(), (Shape{kRows, 3}));
  const auto v = values(drawn);
  std::vector<double> first(4), second_after_3(4);
  double threes = 0;
  for (int64_t row = 0; row < kRows; ++row) {
    const auto at = [&](int64_t k) {
      return static_cast<size_t>(v[static_cast<size_t>(3 * row + k)]);
    };
    EXPECT_EQ(std::set({at(0), at(1), at(2)}), (std::set<size_t>{0, 2, 3}));
    first[at(0)] += 1.0 / kRows;
    if (at(0) != 3) continue;
    ++threes;
    ++second_after_3[at(1)];
  }
  const auto expect_share = [](double share, double p, double count) {
    EXPECT_NEAR(share, p, 4 * std::sqrt(p * (1 - p) / count));
  };
  expect_share(first[0], 0.1, kRows);
  expect_share(first[2], 0.2, kRows);
  expect_share(first[3], 0.7, kRows);
  expect_share(second_after_3[0] / threes, 1.0 / 3, threes);
}

TEST_F(Distributions, MultinomialKeepsSmallWeights) {
  // Weights whose sum with the others does not change, and whose reciprocals are infinite.
  const Tensor w = tensor({1e-310, 1.0, 1e-310}, kFloat64);
  std::set<double> drawn;
  for (double index : values(multinomial(w, 3))) drawn.insert(index);
  EXPECT_EQ(drawn.size(), 3u);
  EXPECT_EQ(values(multinomial(w, 3))[0], 1);
  EXPECT_EQ(values(multinomial(tensor({0.0, 1e-300, 0.0}, kFloat64), 5, true)),
            std::vector<double>(5, 1));
}

TEST_F(Distributions, Errors) {
  expect_error<ValueError>(
      [] {
        multinomial(tensor({0.5, -0.5}), 1);
      },
      "multinomial: weights must be finite and not negative, got -0.5 at "
      "index 1 of row 0\n  weights [2]");
  EXPECT_THROW(multinomial(tensor({0.5, kInf}), 1), ValueError);
  EXPECT_THROW(multinomial(tensor({0.5, kNan}), 1), ValueError);
  expect_error<ValueError>(
      [] {
        multinomial(tensor({{1.0, 0.0}, {0.0, 0.0}}), 1);
      },
      "multinomial: the weights of row 1 sum to 0\n  weights [2, 2]");
  EXPECT_THROW(multinomial(ones({2, 0}), 1, true), ValueError);
  EXPECT_THROW(multinomial(full({2}, 1.7e308, kFloat64), 1), ValueError);
  expect_error<ValueError>(
      [] {
        multinomial(tensor({1.0, 0.0, 2.0}), 3);
      },
      "multinomial: 3 draws without replacement, but only 2 weights of row 0 "
      "are above 0\n  weights [3]");
  expect_error<ValueError>([] { multinomial(ones({3}), 0); },
                           "multinomial: count must be at least 1, got 0\n  weights [3]");
  expect_error<ShapeError>(
      [] {
        multinomial(ones({2, 2, 2}), 1);
      },
      "multinomial: weights must be [n] or [rows, n]\n  weights [2, 2, 2]");
  EXPECT_THROW(multinomial(ones({}), 1), ShapeError);
  expect_error<DTypeError>([] { multinomial(ones({2}, kInt64), 1); },
                           "multinomial: weights must be floating point\n  weights int64 [2]");
  expect_error<ValueError>(
      [] {
        bernoulli(tensor({0.5, 1.5}));
      },
      "bernoulli: probabilities must lie in [0, 1], got 1.5 at position [1]\n  probabilities [2]");
  EXPECT_THROW(bernoulli(tensor({kNan})), ValueError);
  EXPECT_THROW(bernoulli(ones({2}, kInt64)), DTypeError);
  expect_error<ValueError>([] { bernoulli(ones({2}), -0.25); },
                           "bernoulli: p must lie in [0, 1], got -0.25\n  x [2]");
  expect_error<ValueError>(
      [] {
        normal(ones({2}), tensor({1.0, -1.0}));
      },
      "normal: std must not be negative, got -1 at position [1]\n  std [2]");
  EXPECT_THROW(normal(ones({2}, kInt64), ones({2})), DTypeError);
  expect_error<ShapeError>(
      [] { normal(ones({2}), ones({3})); },
      "normal: shapes do not broadcast: at dimension 1 from the end they are 2 and 3\n"
      "  mean [2]   std [3]\n  hint: sizes must be equal, or one of them 1");
  expect_error<ValueError>([] { normal(ones({2}), -1); }, "normal: std -1 is negative");
  EXPECT_THROW(normal(0, -1, {2}), ValueError);
  expect_error<ValueError>([] { randint(0, 257, {2}, kUInt8); },
                           "randint: uint8 does not hold all of 0 to 256");
  EXPECT_THROW(randint(0, int64_t{1} << 40, {2}, kInt32), ValueError);
  EXPECT_THROW(randint_like(ones({2}), 0, int64_t{1} << 40), ValueError);
}

}  // namespace
}  // namespace bb
