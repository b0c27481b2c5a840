#include "bb/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <vector>

#include "../message_of.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/parallel.h"

namespace bb {
namespace {

using Words = std::array<uint32_t, 4>;

// Philox4x32-10, written down once more from the paper.
Words reference(Words counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0], b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

Words reference(uint64_t seed, uint64_t position) {
  return reference({static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), 0, 0},
                   {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
}

float unit(uint32_t bits) { return static_cast<float>(bits >> 8) / 16777216.f; }

class Random : public ::testing::Test {
 protected:
  Random() { manual_seed(0); }
  ~Random() override {
    set_num_threads(before_);
    manual_seed(0);
  }
  const int before_ = num_threads();
};

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw_data(), b.raw_data(),
                     static_cast<size_t>(a.numel() * size_of(a.dtype()))) == 0;
}

struct Moments {
  double mean, variance, least, most;
};
Moments moments(const Tensor& x) {
  const auto v = x.to(kFloat64).to_vector<double>();
  const auto n = static_cast<double>(v.size());
  const double mean = std::accumulate(v.begin(), v.end(), 0.0) / n;
  double square = 0;
  for (double value : v) square += (value - mean) * (value - mean);
  return {mean, square / n, *std::min_element(v.begin(), v.end()),
          *std::max_element(v.begin(), v.end())};
}

// The vectors of Random123's kat_vectors file.
TEST_F(Random, ReferenceGivesTheKnownAnswers) {
  EXPECT_EQ(reference({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(reference({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(reference({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST_F(Random, GeneratorGivesPhilox4x32_10) {
  Generator zero(0);
  EXPECT_EQ(zero.next(), 0x6627e8d5e169c58dULL);
  for (uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{0xa409382200000000}, ~uint64_t{0}}) {
    for (uint64_t position : {uint64_t{0}, uint64_t{1}, uint64_t{0xffffffff}, uint64_t{0x100000000},
                              uint64_t{0x85a308d3243f6a88}}) {
      Generator generator(seed);
      EXPECT_EQ(generator.reserve(position), 0u);
      const Words words = reference(seed, position);
      EXPECT_EQ(generator.next(), (uint64_t{words[0]} << 32) | words[1]);
      EXPECT_EQ(generator.reserve(0), position + 1);
    }
  }
}

TEST_F(Random, UniformShowsTheHighBitsOfEachWord) {
  const Tensor x = rand({4});
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{unit(0x6627e8d5), unit(0xe169c58d),
                                                      unit(0xbc57ac4c), unit(0x9b00dbd8)}));
  manual_seed(0);
  const Tensor d = rand({2}, kFloat64);
  EXPECT_EQ(d.to_vector<double>()[0], static_cast<double>(0x6627e8d5e169c58dULL >> 11) * 0x1p-53);
  EXPECT_EQ(d.to_vector<double>()[1], static_cast<double>(0xbc57ac4c9b00dbd8ULL >> 11) * 0x1p-53);
}

TEST_F(Random, NumbersOfAFillFollowTheStream) {
  manual_seed(12345);
  (void)rand({3});  // one block
  const auto x = rand({2, 5}).to_vector<float>();
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_EQ(x[i], unit(reference(12345, 1 + i / 4)[i % 4])) << i;
  EXPECT_EQ(default_generator().reserve(0), 4u) << "blocks used";
}

TEST_F(Random, AStateThatIsPutBackGoesOnWithTheSameNumbers) {
  Generator generator(5);
  generator.reserve(3);
  const Generator::State state = generator.state();
  EXPECT_EQ(state, (Generator::State{5, 3}));
  const uint64_t next = generator.next();
  Generator other(9);
  other.set_state(state);
  EXPECT_EQ(other.seed(), 5u);
  EXPECT_EQ(other.next(), next);
  EXPECT_EQ(other.state(), generator.state());

  (void)randn({7});
  const Generator::State before = default_generator().state();
  const Tensor a = rand({5});
  default_generator().set_state(before);
  EXPECT_TRUE(same_bits(rand({5}), a));
}

TEST_F(Random, SameSeedGivesTheSameNumbers) {
  manual_seed(7);
  EXPECT_EQ(default_generator().seed(), 7u);
  const Tensor a = rand({1000}), b = randn({1000}), c = randint(0, 100, {50}), d = randperm(50);
  manual_seed(7);
  EXPECT_TRUE(same_bits(rand({1000}), a));
  EXPECT_TRUE(same_bits(randn({1000}), b));
  EXPECT_TRUE(same_bits(randint(0, 100, {50}), c));
  EXPECT_TRUE(same_bits(randperm(50), d));
}

TEST_F(Random, SameSeedGivesTheSameNumbersForAnyThreads) {
  constexpr int64_t kMany = 200'003;  // ends within a block
  for (DType dtype : {kFloat32, kFloat64}) {
    set_num_threads(1);
    manual_seed(3);
    const Tensor uniform = rand({kMany}, dtype), normal = randn({kMany}, dtype);
    for (int threads : {2, 3, 8}) {
      set_num_threads(threads);
      EXPECT_EQ(threads_for(kMany, 2), threads) << "too few for the threads to share";
      manual_seed(3);
      EXPECT_TRUE(same_bits(rand({kMany}, dtype), uniform)) << threads;
      EXPECT_TRUE(same_bits(randn({kMany}, dtype), normal)) << threads;
    }
  }
}

TEST_F(Random, OtherSeedsAndLaterDrawsDiffer) {
  const auto first = rand({100}).to_vector<float>(), later = rand({100}).to_vector<float>();
  manual_seed(1);
  const auto other = rand({100}).to_vector<float>();
  manual_seed(uint64_t{1} << 32);
  const auto high = rand({100}).to_vector<float>();
  const auto equal = [](const auto& a, const auto& b) {
    int count = 0;
    for (size_t i = 0; i < a.size(); ++i) count += a[i] == b[i];
    return count;
  };
  EXPECT_LE(equal(first, later), 1);
  EXPECT_LE(equal(first, other), 1);
  EXPECT_LE(equal(first, high), 1);
  EXPECT_LE(equal(other, high), 1);
}

TEST_F(Random, UniformHasItsMoments) {
  for (DType dtype : {kFloat32, kFloat64}) {
    const Moments m = moments(rand({100'000}, dtype));
    EXPECT_GE(m.least, 0);
    EXPECT_LT(m.most, 1);
    EXPECT_LT(m.least, 1e-3);
    EXPECT_GT(m.most, 1 - 1e-3);
    EXPECT_NEAR(m.mean, 0.5, 0.005);  // five deviations of the mean
    EXPECT_NEAR(m.variance, 1.0 / 12, 0.002);
  }
}

TEST_F(Random, NormalHasItsMoments) {
  for (DType dtype : {kFloat32, kFloat64}) {
    const Tensor x = randn({100'000}, dtype);
    const Moments m = moments(x);
    EXPECT_NEAR(m.mean, 0, 0.016);
    EXPECT_NEAR(m.variance, 1, 0.025);
    const auto v = x.to(kFloat64).to_vector<double>();
    const auto within = static_cast<double>(
        std::count_if(v.begin(), v.end(), [](double z) { return std::abs(z) < 1; }));
    EXPECT_NEAR(within / 1e5, 0.6827, 0.008);
    double neighbours = 0;  // both numbers of a Box-Muller pair are independent
    for (size_t i = 0; i < v.size(); i += 2) neighbours += v[i] * v[i + 1];
    EXPECT_NEAR(neighbours / 5e4, 0, 0.025);
    EXPECT_GT(m.most, 3.5);
    EXPECT_LT(m.least, -3.5);
  }
}

TEST_F(Random, FillsTakeTheirParameters) {
  Moments m = moments(uniform_(empty({20'000}), -3, 5));
  EXPECT_GE(m.least, -3);
  EXPECT_LT(m.most, 5);
  EXPECT_NEAR(m.mean, 1, 0.1);
  m = moments(normal_(empty({20'000}), 10, 2));
  EXPECT_NEAR(m.mean, 10, 0.08);
  EXPECT_NEAR(m.variance, 4, 0.25);
  EXPECT_EQ(normal_(empty({3}), 2.5, 0).to_vector<float>(), (std::vector<float>{2.5, 2.5, 2.5}));
  EXPECT_EQ(uniform_(empty({2}), 4, 4).to_vector<float>(), (std::vector<float>{4, 4}));
}

// Far from 0 a float32 has fewer bits than the draw: rounding must not reach the open end.
TEST_F(Random, UniformNeverReachesItsUpperEnd) {
  EXPECT_LT(moments(uniform_(empty({100'000}), 1000, 1001)).most, 1001);
  EXPECT_LT(moments(uniform_(empty({100'000}), -1001, -1000)).most, -1000);
  EXPECT_LT(moments(uniform_(empty({1000}, kFloat64), 1e15, 1e15 + 1)).most, 1e15 + 1);
}

TEST_F(Random, FillsReturnTheTensorItselfAndCountAsAChange) {
  Tensor x = empty({4});
  const uint32_t before = x.version();
  EXPECT_TRUE(uniform_(x).is(x));
  EXPECT_TRUE(normal_(x).is(x));
  EXPECT_EQ(x.version(), before + 2);
}

TEST_F(Random, FillsAreNotRecorded) {
  Tensor x = zeros({4}).requires_grad_();
  uniform_(x, 1, 2);
  EXPECT_TRUE(x.is_leaf());
  EXPECT_GE(x.to_vector<float>()[0], 1.f);
}

TEST_F(Random, FillsViewsInRowMajorOrder) {
  const auto expected = rand({6}).to_vector<float>();
  manual_seed(0);
  Tensor base = zeros({3, 4});
  const Tensor view = base.transpose(0, 1).slice(0, 0, 4, 2);  // [2, 3]
  uniform_(view);
  EXPECT_EQ(view.to_vector<float>(), expected);
  EXPECT_EQ(base.slice(1, 1, 4, 2).sum().item<float>(), 0.f) << "beside the view";
}

TEST_F(Random, TakesNumbersAndEmptyShapes) {
  EXPECT_EQ(rand({}).item<float>(), unit(0x6627e8d5));
  EXPECT_EQ(randn({0}).numel(), 0);
  EXPECT_EQ(rand({3, 0}).shape(), (Shape{3, 0}));
  EXPECT_EQ(randint(0, 5, {0}).numel(), 0);
  EXPECT_EQ(randperm(0).shape(), Shape{0});
  EXPECT_EQ(randperm(1).to_vector<int64_t>(), std::vector<int64_t>{0});
}

TEST_F(Random, FillErrors) {
  Tensor x = empty({2}), ints = empty({2}, kInt64);
  EXPECT_EQ(message_of<DTypeError>([&] { uniform_(ints); }),
            "uniform_: needs floating point\n  x int64 [2]");
  EXPECT_THROW(normal_(ints), DTypeError);
  EXPECT_EQ(message_of<DTypeError>([] { (void)rand({2}, kBool); }),
            "rand: dtype must be floating point, got bool\n  shape [2]");
  EXPECT_EQ(message_of<DTypeError>([] { (void)randn({2}, kInt32); }),
            "randn: dtype must be floating point, got int32\n  shape [2]");
  EXPECT_EQ(message_of<DTypeError>([&] { (void)rand_like(ints); }),
            "rand_like: dtype must be floating point, got int64\n  shape [2]");
  EXPECT_EQ(message_of<ValueError>([&] { (void)randint_like(ints, 3, 3); }),
            "randint_like: low 3 is not below high 3");
  EXPECT_EQ(message_of<ShapeError>([] { (void)randint(0, 3, {-1}); }),
            "randint: negative size in shape [-1]");
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)randn({2, -1});
            }),
            "randn: negative size in shape [2, -1]");
  EXPECT_EQ(message_of<ValueError>([&] { uniform_(x, 2, 1); }), "uniform_: low 2 is above high 1");
  EXPECT_EQ(message_of<ValueError>([&] { normal_(x, 0, -1); }), "normal_: std -1 is negative");
  EXPECT_THROW(uniform_(x, NAN, 1), ValueError);
  EXPECT_THROW(normal_(x, 0, NAN), ValueError);
  EXPECT_EQ(message_of<ValueError>([&] { uniform_(x, 0, INFINITY); }),
            "uniform_: low 0 and high inf must be finite");
  EXPECT_THROW(normal_(x, INFINITY, 1), ValueError);
}

TEST_F(Random, RandintCoversItsRange) {
  const auto v = randint(-2, 3, {1000}).to_vector<int64_t>();
  EXPECT_EQ(std::set<int64_t>(v.begin(), v.end()), (std::set<int64_t>{-2, -1, 0, 1, 2}));
  for (int64_t value = -2; value < 3; ++value)
    EXPECT_NEAR(static_cast<double>(std::count(v.begin(), v.end(), value)), 200, 65);
  EXPECT_EQ(randint(7, 8, {3}).to_vector<int64_t>(), (std::vector<int64_t>{7, 7, 7}));
  EXPECT_EQ(randint(0, 5, {2, 2}).dtype(), kInt64);
}

TEST_F(Random, RandintOfTheWidestRange) {
  const auto v = randint(INT64_MIN, INT64_MAX, {100}).to_vector<int64_t>();
  const auto negative = std::count_if(v.begin(), v.end(), [](int64_t x) { return x < 0; });
  EXPECT_GT(negative, 20);
  EXPECT_LT(negative, 80);
}

TEST_F(Random, RandintErrors) {
  EXPECT_EQ(message_of<ValueError>([] { (void)randint(3, 3, {1}); }),
            "randint: low 3 is not below high 3");
  EXPECT_THROW((void)randint(4, 3, {1}), ValueError);
  EXPECT_THROW((void)randint(0, 3, {-1}), ShapeError);
}

TEST_F(Random, RandpermIsAPermutation) {
  auto order = randperm(1000).to_vector<int64_t>();
  int64_t at_home = 0;
  for (size_t i = 0; i < order.size(); ++i) at_home += order[i] == static_cast<int64_t>(i);
  EXPECT_LE(at_home, 10);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, arange(1000).to_vector<int64_t>());
  EXPECT_FALSE(same_bits(randperm(1000), randperm(1000)));
  EXPECT_EQ(message_of<ValueError>([] { (void)randperm(-1); }), "randperm: n -1 is negative");
}

TEST_F(Random, RandpermGivesEachOrderEquallyOften) {
  std::array<int, 27> count{};
  for (int i = 0; i < 6000; ++i) {
    const auto p = randperm(3).to_vector<int64_t>();
    ++count[static_cast<size_t>(p[0] * 9 + p[1] * 3 + p[2])];
  }
  int orders = 0;
  for (int n : count) {
    if (n == 0) continue;
    ++orders;
    EXPECT_NEAR(n, 1000, 150);  // five deviations
  }
  EXPECT_EQ(orders, 6);
}

TEST_F(Random, RandpermDrawsFromTheGeneratorGiven) {
  Generator a(5), b(5);
  EXPECT_TRUE(same_bits(randperm(20, a), randperm(20, b)));
  EXPECT_EQ(default_generator().reserve(0), 0u) << "the default one was used";
}

TEST(RandomForms, WithoutLowAndOfAnotherDType) {
  Generator a(5), b(5);
  const Tensor x = ones({4, 3}, kInt32);
  EXPECT_EQ(randint(9, {4, 3}, kInt64, a).to_vector<int64_t>(),
            randint(0, 9, {4, 3}, kInt64, b).to_vector<int64_t>());
  EXPECT_EQ(randint_like(x, 9, a).to_vector<int32_t>(),
            randint_like(x, 0, 9, b).to_vector<int32_t>());
  EXPECT_EQ(rand_like(x, kFloat64, a).to_vector<double>(),
            rand({4, 3}, kFloat64, b).to_vector<double>());
  EXPECT_EQ(randn_like(x, kFloat32, a).to_vector<float>(),
            randn({4, 3}, kFloat32, b).to_vector<float>());
  EXPECT_EQ(randint_like(x, 2).dtype(), kInt32);
}

}  // namespace
}  // namespace bb
