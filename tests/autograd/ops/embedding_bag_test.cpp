#include "bb/autograd/ops/embedding_bag.h"

#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

const Tensor kTable = arange(0.0, 8.0, 1.0, kFloat32).reshape({4, 2});

TEST(EmbeddingBag, EmptyBagsGiveZeros) {
  for (BagMode mode : {BagMode::kSum, BagMode::kMean, BagMode::kMax})
    EXPECT_EQ(embedding_bag(tensor({3, 1}), kTable, {.mode = mode, .offsets = tensor({0, 0, 1, 2})})
                  .to_vector<float>(),
              (std::vector<float>{0, 0, 6, 7, 2, 3, 0, 0}));
}

TEST(EmbeddingBag, OffsetsMayEndWithTheNumberOfIndices) {
  EXPECT_EQ(embedding_bag(tensor({3, 1}), kTable,
                          {.offsets = tensor({0, 2}), .include_last_offset = true})
                .to_vector<float>(),
            (std::vector<float>{4, 5}));
}

TEST(EmbeddingBag, IndicesOfAnyIntegerType) {
  EXPECT_EQ(embedding_bag(tensor({{3, 1}}, kInt32), kTable).to_vector<float>(),
            (std::vector<float>{4, 5}));
  EXPECT_EQ(embedding_bag(tensor({{3, 1}}, kUInt8), kTable, {.padding_idx = -1}).to_vector<float>(),
            (std::vector<float>{2, 3}));
}

TEST(EmbeddingBagErrors, Operands) {
  const Tensor one = tensor({0, 1});
  expect_error<ShapeError>(
      [&] { embedding_bag(one, kTable); },
      "embedding_bag: needs indices (N) with offsets (B), or (B,N) alone, and weight (V,D)\n"
      "  indices int64 [2]   weight float32 [4, 2]   offsets undefined");
  EXPECT_THROW(embedding_bag(tensor({{0, 1}}), kTable, {.offsets = tensor({0})}), ShapeError);
  EXPECT_THROW(embedding_bag(tensor({{0, 1}}), ones({4})), ShapeError);
  expect_error<DTypeError>(
      [&] {
        embedding_bag(ones({1, 2}), kTable);
      },
      "embedding_bag: indices and offsets must be integers, weight floating point\n"
      "  indices float32 [1, 2]   weight float32 [4, 2]   offsets undefined");
  EXPECT_THROW(embedding_bag(tensor({{0, 1}}), kTable.to(kInt64)), DTypeError);
  expect_error<IndexError>(
      [&] {
        embedding_bag(tensor({{0, 4}}), kTable);
      },
      "embedding_bag: index 4 at position [0, 1] is out of range for 4 rows (0 to 3)\n"
      "  indices [1, 2]   weight [4, 2]");
  EXPECT_THROW(embedding_bag(tensor({{0, -1}}), kTable), IndexError);
  expect_error<IndexError>(
      [&] {
        embedding_bag(tensor({{0, 1}}), kTable, {.padding_idx = 4});
      },
      "embedding_bag: padding_idx 4 is out of range for 4 rows\n  weight [4, 2]");
  expect_error<ValueError>(
      [&] {
        embedding_bag(one, kTable, {.offsets = tensor({0, 2, 1})});
      },
      "embedding_bag: offsets must ascend from 0 to at most 2, the number of indices\n"
      "  offsets 0, 2, 1, of indices [2]");
  EXPECT_THROW(embedding_bag(one, kTable, {.offsets = tensor({1})}), ValueError);
  EXPECT_THROW(embedding_bag(one, kTable, {.offsets = tensor({0, 3})}), ValueError);
  expect_error<ValueError>(
      [&] {
        embedding_bag(one, kTable, {.offsets = tensor({0}), .per_sample_weights = ones({2})});
      },
      "embedding_bag: per_sample_weights need BagMode::kSum\n  per_sample_weights [2]");
  expect_error<ShapeError>(
      [&] {
        embedding_bag(
            one, kTable,
            {.mode = BagMode::kSum, .offsets = tensor({0}), .per_sample_weights = ones({3})});
      },
      "embedding_bag: per_sample_weights must have indices' shape\n"
      "  per_sample_weights [3]   indices [2]");
  EXPECT_THROW(embedding_bag(one, kTable,
                             {.mode = BagMode::kSum,
                              .offsets = tensor({0}),
                              .per_sample_weights = ones({2}, kFloat64)}),
               DTypeError);
}

}  // namespace
}  // namespace bb
