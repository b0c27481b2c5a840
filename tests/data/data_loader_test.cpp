#include "bb/data/data_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::data {
namespace {

// Sample i is i, its target 10 i.
TensorDataset numbers(int64_t n) {
  return TensorDataset(arange(0, n, 1, kFloat32).view({n, 1}), arange(0, 10 * n, 10, kInt64));
}

using Batches = std::vector<std::vector<int64_t>>;

Batches pass_over(const DataLoader& loader) {
  Batches batches;
  for (auto& [x, y] : loader) {
    const auto rows = x.to_vector<float>();
    batches.emplace_back();
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(y.to_vector<int64_t>()[i], 10 * static_cast<int64_t>(rows[i]))
          << "inputs and targets stay together";
      batches.back().push_back(static_cast<int64_t>(rows[i]));
    }
  }
  return batches;
}

std::vector<int64_t> order_of(const DataLoader& loader) {
  std::vector<int64_t> order;
  for (const auto& batch : pass_over(loader)) order.insert(order.end(), batch.begin(), batch.end());
  return order;
}

std::vector<int64_t> sorted(std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

std::vector<int64_t> first(int64_t n) {
  std::vector<int64_t> result(static_cast<size_t>(n));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

TEST(DataLoader, GoesThroughTheDatasetInOrderUnlessShuffled) {
  const DataLoader loader(numbers(7), {.batch_size = 3});
  EXPECT_EQ(pass_over(loader), (Batches{{0, 1, 2}, {3, 4, 5}, {6}}));
  EXPECT_EQ(pass_over(loader), (Batches{{0, 1, 2}, {3, 4, 5}, {6}})) << "a second pass";
}

TEST(DataLoader, DropsALastBatchThatIsNotFullIfAsked) {
  EXPECT_EQ(pass_over(DataLoader(numbers(7), {.batch_size = 3, .drop_last = true})),
            (Batches{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(pass_over(DataLoader(numbers(6), {.batch_size = 3, .drop_last = true})),
            (Batches{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(pass_over(DataLoader(numbers(2), {.batch_size = 3, .drop_last = true})), Batches{});
}

TEST(DataLoader, SizeIsTheNumberOfBatches) {
  for (int64_t n : {1, 2, 7, 8, 9})
    for (int64_t batch_size : {1, 2, 4, 8, 100})
      for (bool drop_last : {false, true})
        for (bool shuffle : {false, true}) {
          const DataLoader loader(
              numbers(n),
              {.batch_size = batch_size, .shuffle = shuffle, .drop_last = drop_last, .seed = 1});
          EXPECT_EQ(std::ssize(pass_over(loader)), loader.size()) << n << " " << batch_size;
          EXPECT_EQ(loader.sample_count(), n);
        }
}

TEST(DataLoader, TakesOneSampleAtATimeByDefault) {
  EXPECT_EQ(pass_over(DataLoader(numbers(3))), (Batches{{0}, {1}, {2}}));
}

TEST(DataLoader, ABatchMayBeLargerThanTheDataset) {
  EXPECT_EQ(pass_over(DataLoader(numbers(2), {.batch_size = 1000})), (Batches{{0, 1}}));
}

TEST(DataLoader, ShuffleGivesEachSampleOnceInAnotherOrderEachEpoch) {
  const DataLoader loader(numbers(50), {.batch_size = 8, .shuffle = true, .seed = 5});
  std::vector<std::vector<int64_t>> orders;
  for (int epoch = 0; epoch < 5; ++epoch) {
    orders.push_back(order_of(loader));
    EXPECT_EQ(sorted(orders.back()), first(50));
    EXPECT_NE(orders.back(), first(50));
    for (int before = 0; before < epoch; ++before)
      EXPECT_NE(orders.back(), orders[static_cast<size_t>(before)]) << before << " " << epoch;
  }
}

TEST(DataLoader, ShuffleDropsOtherSamplesInAnotherEpoch) {
  const DataLoader loader(numbers(9),
                          {.batch_size = 8, .shuffle = true, .drop_last = true, .seed = 5});
  std::vector<bool> seen(9, false);
  for (int epoch = 0; epoch < 10; ++epoch) {
    const auto order = order_of(loader);
    ASSERT_EQ(order.size(), 8u);
    for (int64_t i : order) seen[static_cast<size_t>(i)] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 9);
}

TEST(DataLoader, AnySampleMayComeFirst) {
  std::vector<int> count(4, 0);
  const DataLoader loader(numbers(4), {.batch_size = 4, .shuffle = true, .seed = 2});
  for (int epoch = 0; epoch < 400; ++epoch)
    ++count[static_cast<size_t>((*loader.begin()).input.to_vector<float>()[0])];
  for (int c : count) EXPECT_NEAR(c, 100, 40);  // 4.6 standard deviations
}

TEST(DataLoader, SameSeedGivesTheSameOrdersOverSeveralEpochs) {
  const DataLoaderOptions options{.batch_size = 8, .shuffle = true, .seed = 77};
  const DataLoader a(numbers(30), options), b(numbers(30), options);
  for (int epoch = 0; epoch < 4; ++epoch) EXPECT_EQ(pass_over(a), pass_over(b));
  const DataLoader other(numbers(30), {.batch_size = 8, .shuffle = true, .seed = 78});
  const DataLoader again(numbers(30), options);
  EXPECT_NE(order_of(other), order_of(again));
}

TEST(DataLoader, OrderDoesNotDependOnBatchSizeThreadsOrOtherDraws) {
  const DataLoader small(numbers(30), {.batch_size = 1, .shuffle = true, .seed = 7});
  const DataLoader large(numbers(30), {.batch_size = 13, .shuffle = true, .seed = 7});
  const auto expected = order_of(small);
  rand({100});
  const bb::testing::Threads threads(3);
  EXPECT_EQ(order_of(large), expected);
}

TEST(DataLoader, SeedComesFromTheDefaultGeneratorIfNotGiven) {
  const auto orders = [](uint64_t seed) {
    manual_seed(seed);
    const DataLoader loader(numbers(30), {.shuffle = true});
    return std::pair(order_of(loader), order_of(loader));
  };
  EXPECT_EQ(orders(1), orders(1));
  EXPECT_NE(orders(1), orders(2));
  manual_seed(1);
  const DataLoader a(numbers(30), {.shuffle = true}), b(numbers(30), {.shuffle = true});
  EXPECT_NE(order_of(a), order_of(b)) << "two loaders have two seeds";
}

TEST(DataLoader, TwoPassesMayRunAtOnce) {
  const DataLoader loader(numbers(5), {.batch_size = 2});
  auto a = loader.begin(), b = loader.begin();
  ++a;
  EXPECT_EQ(a->input.to_vector<float>(), (std::vector<float>{2, 3}));
  EXPECT_EQ(b->input.to_vector<float>(), (std::vector<float>{0, 1}));
  ++a;
  EXPECT_EQ(a->input.to_vector<float>(), (std::vector<float>{4}));
  EXPECT_FALSE(a == loader.end());
  ++a;
  EXPECT_TRUE(a == loader.end());
  EXPECT_FALSE(b == loader.end());
}

TEST(DataLoader, EachBeginStartsAPassWithItsOwnOrder) {
  const DataLoader loader(numbers(40), {.batch_size = 40, .shuffle = true, .seed = 4});
  const auto a = (*loader.begin()).input.to_vector<float>();
  const auto b = (*loader.begin()).input.to_vector<float>();
  EXPECT_NE(a, b);
}

TEST(DataLoader, CopiesShareTheCountOfPasses) {
  const DataLoaderOptions options{.batch_size = 4, .shuffle = true, .seed = 4};
  const DataLoader loader(numbers(40), options), twin(numbers(40), options);
  const DataLoader copy = loader;
  const auto epoch1 = order_of(loader), epoch2 = order_of(copy);
  EXPECT_EQ(epoch1, order_of(twin));
  EXPECT_EQ(epoch2, order_of(twin));
}

TEST(DataLoader, ABatchMayOutliveLoaderAndPass) {
  std::vector<Batch> kept;
  for (auto& batch : DataLoader(numbers(4), {.batch_size = 2})) kept.push_back(batch);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].input.to_vector<float>(), (std::vector<float>{0, 1}));
  EXPECT_EQ(kept[1].input.to_vector<float>(), (std::vector<float>{2, 3}));
}

TEST(DataLoader, PassLeavesTheDatasetAlone) {
  TensorDataset dataset = numbers(4);
  const DataLoader loader(dataset, {.batch_size = 2});
  for (auto& [x, y] : loader) {
    x.zero_();
    y.zero_();
  }
  EXPECT_EQ(dataset.inputs.to_vector<float>(), (std::vector<float>{0, 1, 2, 3}));
}

struct Squares : Dataset {
  int64_t size() const override { return 5; }
  Batch fetch(std::span<const int64_t> indices) const override {
    std::vector<float> x, y;
    for (int64_t i : indices) {
      x.push_back(static_cast<float>(i));
      y.push_back(static_cast<float>(i * i));
    }
    return {tensor(x), tensor(y)};
  }
};

TEST(DataLoader, TakesACustomDataset) {
  std::vector<float> squares;
  for (auto& [x, y] : DataLoader(Squares(), {.batch_size = 2}))
    for (float value : y.to_vector<float>()) squares.push_back(value);
  EXPECT_EQ(squares, (std::vector<float>{0, 1, 4, 9, 16}));
}

TEST(DataLoader, RefusesABatchSizeBelowOne) {
  EXPECT_EQ(message_of<ValueError>([] { DataLoader(numbers(3), {.batch_size = 0}); }),
            "DataLoader: batch_size must be at least 1, got 0");
  EXPECT_EQ(message_of<ValueError>([] { DataLoader(numbers(3), {.batch_size = -1}); }),
            "DataLoader: batch_size must be at least 1, got -1");
}

TEST(DataLoader, RefusesAnEmptyDataset) {
  EXPECT_EQ(message_of<ValueError>([] {
              DataLoader(TensorDataset(zeros({0, 2}), zeros({0})), {.batch_size = 4});
            }),
            "DataLoader: the dataset is empty");
}

TEST(DataLoader, ABatchSizeNearTheLimitOfItsTypeIsTheWholeDataset) {
  const DataLoader loader(numbers(3), {.batch_size = std::numeric_limits<int64_t>::max()});
  EXPECT_EQ(loader.size(), 1);
  EXPECT_EQ(pass_over(loader), (Batches{{0, 1, 2}}));
}

}  // namespace
}  // namespace bb::data
