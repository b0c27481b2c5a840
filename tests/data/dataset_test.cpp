#include "bb/data/dataset.h"

#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::data {
namespace {

const std::vector<int64_t> kOrder{2, 0, 2};

TEST(TakeRows, CopiesRowsInTheOrderAsked) {
  const Tensor x = tensor({{1, 2}, {3, 4}, {5, 6}}, kFloat32);
  Tensor rows = take_rows(x, kOrder);
  EXPECT_EQ(rows.shape(), (Shape{3, 2}));
  EXPECT_EQ(rows.to_vector<float>(), (std::vector<float>{5, 6, 1, 2, 5, 6}));
  rows.zero_();
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6})) << "it is a copy";
}

TEST(TakeRows, KeepsEveryDtypeAndRank) {
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64}) {
    const Tensor x = arange(0, 12, 1, kInt32).to(dtype).view({3, 2, 1, 2});
    const Tensor rows = take_rows(x, kOrder);
    EXPECT_EQ(rows.dtype(), dtype);
    EXPECT_EQ(rows.shape(), (Shape{3, 2, 1, 2}));
    for (int64_t i = 0; i < 3; ++i)
      EXPECT_EQ(bb::testing::bytes_of(rows.slice(0, i, i + 1)),
                bb::testing::bytes_of(x.slice(0, kOrder[i], kOrder[i] + 1)));
  }
}

TEST(TakeRows, ReadsNonContiguousTensors) {
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}}, kFloat32).t();
  EXPECT_EQ(take_rows(x, kOrder).to_vector<float>(), (std::vector<float>{3, 6, 1, 4, 3, 6}));
}

TEST(TakeRows, TakesNoRowsAndRowsWithoutElements) {
  EXPECT_EQ(take_rows(zeros({3, 2}), {}).shape(), (Shape{0, 2}));
  EXPECT_EQ(take_rows(zeros({0, 2}), {}).shape(), (Shape{0, 2}));
  EXPECT_EQ(take_rows(zeros({3, 0}), kOrder).shape(), (Shape{3, 0}));
}

TEST(TakeRows, RefusesRowsThatAreNotThere) {
  const Tensor x = zeros({3, 2});
  const std::vector<int64_t> above{0, 3}, below{-1};
  EXPECT_EQ(message_of<IndexError>([&] { take_rows(x, above); }),
            "take_rows: row 3 is out of range for float32 [3, 2]");
  EXPECT_THROW(take_rows(x, below), IndexError);
  EXPECT_THROW(take_rows(zeros({0, 2}), kOrder), IndexError);
  EXPECT_THROW(take_rows(tensor(1.0), kOrder), IndexError);
}

TEST(TensorDataset, FetchesInputsAndTargetsOfTheSameRows) {
  const TensorDataset dataset(tensor({{1, 2}, {3, 4}, {5, 6}}, kFloat32), tensor({7, 8, 9}));
  EXPECT_EQ(dataset.size(), 3);
  const Batch batch = dataset.fetch(kOrder);
  EXPECT_EQ(batch.input.to_vector<float>(), (std::vector<float>{5, 6, 1, 2, 5, 6}));
  EXPECT_EQ(batch.target.to_vector<int64_t>(), (std::vector<int64_t>{9, 7, 9}));
}

TEST(TensorDataset, BatchesAreOffTheTape) {
  Tensor x = ones({3, 2});
  x.requires_grad_();
  const TensorDataset dataset(x, zeros({3}));
  EXPECT_FALSE(dataset.fetch(kOrder).input.requires_grad());
}

TEST(TensorDataset, RefusesInputsAndTargetsThatDoNotFit) {
  EXPECT_EQ(message_of<ShapeError>([] {
              TensorDataset(zeros({3, 2}), zeros({2}));
            }),
            "TensorDataset: inputs and targets need one row for each sample\n"
            "  inputs float32 [3, 2]   targets float32 [2]");
  EXPECT_THROW(TensorDataset(tensor(1.0), tensor(1.0)), ShapeError);
  EXPECT_THROW(TensorDataset(zeros({1}), tensor(1.0)), ShapeError);
  EXPECT_THROW(TensorDataset(Tensor(), zeros({2})), Error);
  EXPECT_EQ(TensorDataset(zeros({0, 2}), zeros({0})).size(), 0);
}

TEST(ImageDataset, FetchesImagesAndLabels) {
  const ImageDataset dataset(arange(0, 12, 1, kFloat32).view({3, 1, 2, 2}), tensor({7, 8, 9}));
  EXPECT_EQ(dataset.size(), 3);
  const Batch batch = dataset.fetch(kOrder);
  EXPECT_EQ(batch.input.shape(), (Shape{3, 1, 2, 2}));
  EXPECT_EQ(batch.input.to_vector<float>(),
            (std::vector<float>{8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11}));
  EXPECT_EQ(batch.target.to_vector<int64_t>(), (std::vector<int64_t>{9, 7, 9}));
}

TEST(ImageDataset, RefusesAnotherNumberOfLabels) {
  EXPECT_EQ(message_of<ShapeError>([] {
              ImageDataset(zeros({3, 1, 2, 2}), zeros({4}, kInt64));
            }).substr(0, 13),
            "ImageDataset:");
}

}  // namespace
}  // namespace bb::data
