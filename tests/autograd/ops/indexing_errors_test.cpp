// What indexing, gathering, masks and sorting say of arguments that do not fit.
#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

using namespace indexing;

TEST(IndexingErrors, DimsOutOfRange) {
  const Tensor x = ones({2, 3}), i = zeros({2, 3}, kInt64), v = zeros({2}, kInt64);
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"gather", [&] { x.gather(2, i); }},
           {"scatter", [&] { x.scatter(2, i, x); }},
           {"scatter", [&] { x.scatter(2, i, 1); }},
           {"scatter_add", [&] { x.scatter_add(2, i, x); }},
           {"index_select", [&] { x.index_select(2, v); }},
           {"index_add", [&] { x.index_add(2, v, x); }},
           {"index_copy", [&] { x.index_copy(2, v, x); }},
           {"index_fill", [&] { x.index_fill(2, v, 1); }},
           {"take_along_dim", [&] { x.take_along_dim(i, 2); }},
           {"sort", [&] { x.sort(2); }},
           {"argsort", [&] { x.argsort(2); }},
           {"topk", [&] { x.topk(1, 2); }}}) {
    expect_error<IndexError>(
        fn,
        name +
            ": dim 2 is out of range for a tensor of 2 dimensions (-2 to 1 allowed)\n  x [2, 3]");
  }
}

TEST(IndexingErrors, IndicesOutOfRangeNameThemselvesAndTheirPosition) {
  const Tensor x = ones({2, 3});
  expect_error<IndexError>(
      [&] {
        x.gather(1, tensor({{0, 1}, {2, 3}}, kInt64));
      },
      "gather: index 3 at position [1, 1] is out of range for dimension 1 of "
      "size 3 (0 to 2 allowed)\n  x [2, 3]   index [2, 2]");
  EXPECT_THROW(x.gather(1, tensor({{-1, 0}}, kInt64)), IndexError);
  expect_error<IndexError>(
      [&] {
        x.index({Slice(), tensor({0, -4})});
      },
      "index: index -4 at position [1] is out of range for dimension 1 of "
      "size 3 (-3 to 2 allowed)\n  x [2, 3]   index [2]");
  expect_error<IndexError>(
      [&] {
        x.index({0, 3});
      },
      "index: index 3 is out of range for dimension 1 of size 3 (-3 to 2 allowed)\n  x [2, 3]");
  expect_error<IndexError>([&] { x.index({tensor(2)}); },
                           "index: index 2 is out of range for dimension 0 of size 2 (-2 to 1 "
                           "allowed)\n  x [2, 3]   index []");
  const Tensor bad = tensor({0, 2});
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"index_select", [&] { x.index_select(0, bad); }},
           {"index_add", [&] { x.index_add(0, bad, x); }},
           {"index_copy", [&] { x.index_copy(0, bad, x); }},
           {"index_fill", [&] { x.index_fill(0, bad, 1); }}})
    expect_error<IndexError>(fn, name +
                                     ": index 2 at position [1] is out of range for dimension 0 of "
                                     "size 2 (0 to 1 allowed)\n  x [2, 3]   index [2]");
  expect_error<IndexError>([&] { embedding(tensor({5}), x); },
                           "embedding: index 5 at position [0] is out of range for dimension 0 of "
                           "size 2 (0 to 1 allowed)\n  weight [2, 3]   indices [1]");
  EXPECT_THROW(x.scatter(0, tensor({{2, 0, 0}}, kInt64), x), IndexError);
  EXPECT_THROW(x.scatter_add(0, tensor({{-1, 0, 0}}, kInt64), x), IndexError);
  expect_error<IndexError>(
      [&] { x.take(tensor({6})); },
      "take: index 6 at position [0] is out of range for the 6 elements (-6 to 5 "
      "allowed)\n  x [2, 3]   index [1]");
  EXPECT_THROW(x.take(tensor({-7})), IndexError);
  EXPECT_THROW(x.take_along_dim(full({2, 1}, 3), 1), IndexError);
  EXPECT_THROW(x.index_put({2}, 1), IndexError);
  EXPECT_THROW(x.index_put({tensor({2})}, 1), IndexError);
  expect_error<IndexError>(
      [] { one_hot(tensor({3}), 3); },
      "one_hot: value 3 at position [0] is out of range for 3 classes (0 to 2)\n  x [1]");
  EXPECT_THROW(one_hot(tensor({-1})), IndexError);
  EXPECT_THROW(ones({0, 3}).index({tensor({0})}), IndexError);
}

TEST(IndexingErrors, ResultsThatAreTooLarge) {
  expect_error<ShapeError>([] { one_hot(tensor({1}), int64_t{1} << 62); },
                           "one_hot: the result is larger than any memory\n"
                           "  x [1]   num_classes 4611686018427387904");
  const Tensor x = ones({1}).expand({int64_t{1} << 40}), mask = ones({1, 1}, kBool);
  const Tensor wide = ones({2, 1}).expand({2, int64_t{1} << 61}), i = zeros({3}, kInt64);
  for (const auto& [start, operands, fn] :
       std::vector<std::tuple<std::string, std::string, std::function<void()>>>{
           {"index_select", "x [2, 2305843009213693952]   index [3]",
            [&] { wide.index_select(0, i); }},
           {"index", "x [2, 2305843009213693952]   index of dimension 0 [3]",
            [&] { wide.index({i}); }},
           {"embedding", "indices [3]   weight [2, 2305843009213693952]",
            [&] { embedding(i, wide); }},
           {"exp", "x [2, 2305843009213693952]", [&] { exp(wide); }}})
    expect_error<ShapeError>(fn, start + ": the result is larger than any memory\n  " + operands);
  expect_error<ShapeError>(
      [&] {
        x.masked_select(mask.expand({int64_t{1} << 40, 1}));
      },
      "masked_select: the result is larger than any memory\n"
      "  x [1099511627776]   mask [1099511627776, 1]");
}

TEST(IndexingErrors, InPlaceOpsHaveTheirOwnNames) {
  Tensor x = ones({2, 3});
  const Tensor bad = full({1, 1}, 5);
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"scatter_", [&] { x.scatter_(0, bad, 1); }},
           {"scatter_add_", [&] { x.scatter_add_(0, bad, x); }}})
    expect_error<IndexError>(fn,
                             name +
                                 ": index 5 at position [0, 0] is out of range for dimension 0 of "
                                 "size 2 (0 to 1 allowed)\n  x [2, 3]   index [1, 1]");
  expect_error<DTypeError>([&] { x.masked_fill_(x, 0); },
                           "masked_fill_: the mask must be bool\n"
                           "  x float32 [2, 3]   mask float32 [2, 3]\n"
                           "  hint: compare, as mask != 0");
  expect_error<ShapeError>([] { ones({3}).tril_(); },
                           "tril_: needs at least 2 dimensions\n  x [3]");
  expect_error<IndexError>([&] { x.index_put_({2}, 1); },
                           "index_put_: index 2 is out of range for dimension 0 of size 2 (-2 to 1 "
                           "allowed)\n  x [2, 3]");
}

TEST(IndexingErrors, DTypes) {
  const Tensor x = ones({2, 3}), real = zeros({2, 3}), v = zeros({2}, kInt64);
  expect_error<DTypeError>([&] { x.gather(0, real); },
                           "gather: indices must be int64 or int32\n"
                           "  x float32 [2, 3]   index float32 [2, 3]");
  EXPECT_THROW(x.index({real}), DTypeError);
  EXPECT_THROW(x.index({zeros({2}, kUInt8)}), DTypeError);
  expect_error<DTypeError>([&] { x.index_select(0, zeros({1}, kBool)); },
                           "index_select: indices must be int64 or int32\n"
                           "  x float32 [2, 3]   index bool [1]");
  expect_error<DTypeError>([&] { embedding(zeros({2}), x); },
                           "embedding: indices must be int64 or int32\n"
                           "  weight float32 [2, 3]   indices float32 [2]");
  expect_error<DTypeError>([&] { one_hot(real); },
                           "one_hot: x must be int64 or int32\n  x float32 [2, 3]");
  expect_error<DTypeError>(
      [&] {
        x.index_add(0, v, ones({2, 3}, kFloat64));
      },
      "index_add: x and source must have one dtype\n"
      "  x float32 [2, 3]   source float64 [2, 3]");
  EXPECT_THROW(x.scatter(0, zeros({2, 3}, kInt64), ones({2, 3}, kInt64)), DTypeError);
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"masked_fill", [&] { x.masked_fill(real, 1); }},
           {"masked_select", [&] { x.masked_select(real); }},
           {"masked_scatter", [&] { x.masked_scatter(real, x); }}})
    expect_error<DTypeError>(fn, name +
                                     ": the mask must be bool\n"
                                     "  x float32 [2, 3]   mask float32 [2, 3]\n"
                                     "  hint: compare, as mask != 0");
  EXPECT_THROW(x.masked_scatter(ones({2, 3}, kBool), ones({6}, kFloat64)), DTypeError);
}

TEST(IndexingErrors, GatherAndScatterShapes) {
  const Tensor x = ones({2, 3});
  expect_error<ShapeError>(
      [&] {
        x.gather(1, zeros({3, 3}, kInt64));
      },
      "gather: index must have x's rank and, but along dim 1, at most x's "
      "sizes\n  x [2, 3]   index [3, 3]");
  EXPECT_THROW(x.gather(1, zeros({3}, kInt64)), ShapeError);
  EXPECT_THROW(x.scatter(1, zeros({3, 3}, kInt64), ones({3, 3})), ShapeError);
  expect_error<ShapeError>(
      [&] {
        x.scatter(1, zeros({2, 2}, kInt64), ones({2, 1}));
      },
      "scatter: source must have index's rank and at least its sizes\n"
      "  x [2, 3]   index [2, 2]   source [2, 1]");
  expect_error<ShapeError>(
      [&] {
        x.index_select(0, zeros({1, 1}, kInt64));
      },
      "index_select: index must be a vector or a number\n"
      "  x [2, 3]   index [1, 1]");
  expect_error<ShapeError>([] { ones({}).index_select(0, zeros({2}, kInt64)); },
                           "index_select: a 0-d tensor takes one index\n  x []   index [2]");
  expect_error<ShapeError>(
      [&] {
        x.index_add(1, zeros({2}, kInt64), ones({2, 3}));
      },
      "index_add: source must be [2, 2]: x's sizes, and index's along dim 1\n"
      "  x [2, 3]   index [2]   source [2, 3]");
  EXPECT_THROW(x.index_copy(1, zeros({2}, kInt64), ones({3, 2})), ShapeError);
  expect_error<ShapeError>([&] { x.take_along_dim(zeros({3}, kInt64), 0); },
                           "take_along_dim: x and indices must have one rank\n"
                           "  x [2, 3]   indices [3]");
  EXPECT_THROW(x.take_along_dim(zeros({3, 1}, kInt64), 1), ShapeError);
  expect_error<ShapeError>([] { embedding(zeros({2}, kInt64), ones({3})); },
                           "embedding: weight must be a matrix\n  indices [2]   weight [3]");
  expect_error<IndexError>([&] { embedding(zeros({2}, kInt64), x, {.padding_idx = 2}); },
                           "embedding: padding_idx 2 is out of range for 2 rows\n  weight [2, 3]");
  expect_error<ValueError>([] { one_hot(zeros({0}, kInt64)); },
                           "one_hot: an empty x does not say how many classes there are\n  x [0]\n"
                           "  hint: give num_classes");
  EXPECT_THROW(one_hot(zeros({1}, kInt64), -2), ValueError);
}

TEST(IndexingErrors, Index) {
  const Tensor x = ones({2, 3});
  expect_error<IndexError>(
      [&] {
        x.index({0, Slice(), None, 0});
      },
      "index: indices for 3 dimensions of a tensor of 2\n  x [2, 3]");
  EXPECT_THROW(x.index({ones({2, 3, 1}, kBool)}), IndexError);
  expect_error<ValueError>(
      [&] {
        x.index({Ellipsis, 0, Ellipsis});
      },
      "index: Ellipsis is given twice\n  x [2, 3]");
  expect_error<ValueError>([&] { x.index({Slice(None, None, -1)}); },
                           "index: step -1 is not positive\n  x [2, 3]\n"
                           "  hint: flip() turns the order round");
  expect_error<ShapeError>(
      [&] {
        x.index({Slice(), ones({2}, kBool)});
      },
      "index: the mask has size 2 at dimension 0, where x has 3 at 1\n"
      "  x [2, 3]   mask [2]");
  expect_error<ShapeError>(
      [&] {
        x.index({zeros({2}, kInt64), zeros({3}, kInt64)});
      },
      "index: shapes do not broadcast: at dimension 1 from the end they are 2 "
      "and 3\n  x [2, 3]   index of dimension 0 [2]   index of dimension 1 [3]\n"
      "  hint: sizes must be equal, or one of them 1");
  expect_error<ShapeError>(
      [&] {
        x.index_put({Slice(1)}, ones({2, 3}));
      },
      "index_put: the value does not broadcast to the places that it is for\n"
      "  x [2, 3]   places [1, 3]   value [2, 3]");
  EXPECT_THROW(Tensor(x).index_put_({tensor({0, 1, 0})}, ones({2, 3})), ShapeError);
  EXPECT_EQ(ones(Shape::filled(8, 1)).index({0, None}).dim(), 8)
      << "what a number takes away, None may add";
  expect_error<ShapeError>([] { ones(Shape::filled(8, 1)).index({None}); },
                           "index: the result would have 9 dimensions, more than 8\n"
                           "  x [1, 1, 1, 1, 1, 1, 1, 1]");
  expect_error<ShapeError>(
      [&] {
        x.index({Slice(), zeros(Shape::filled(8, 1), kInt64)});
      },
      "index: the result would have 9 dimensions, more than 8\n"
      "  x [2, 3]   index of dimension 1 [1, 1, 1, 1, 1, 1, 1, 1]");
}

TEST(IndexingErrors, Masks) {
  const Tensor x = ones({2, 3}), mask = ones({2, 3}, kBool);
  expect_error<ShapeError>([&] { x.masked_fill(mask, ones({3})); },
                           "masked_fill: the value must be 0-d\n  x [2, 3]   value [3]\n"
                           "  hint: where() takes a tensor of values");
  expect_error<ShapeError>([&] { x.masked_scatter(mask, ones({5})); },
                           "masked_scatter: 6 places are set, but source has 5 elements\n"
                           "  x [2, 3]   mask [2, 3]   source [5]");
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"masked_fill", [&] { x.masked_fill(ones({2}, kBool), 0); }},
           {"masked_select", [&] { x.masked_select(ones({2}, kBool)); }},
           {"masked_scatter", [&] { x.masked_scatter(ones({2}, kBool), x); }}})
    expect_error<ShapeError>(fn, name +
                                     ": shapes do not broadcast: at dimension 1 from the end they "
                                     "are 3 and 2\n  x [2, 3]   mask [2]\n"
                                     "  hint: sizes must be equal, or one of them 1");
}

TEST(IndexingErrors, Sorting) {
  expect_error<ValueError>(
      [] {
        ones({2, 3}).topk(4);
      },
      "topk: k must be 0 to 3, the size of dimension 1, got 4\n  x [2, 3]");
  EXPECT_THROW(ones({2, 3}).topk(-1), ValueError);
  EXPECT_THROW(ones({}).topk(2), ValueError);
  expect_error<ShapeError>(
      [] {
        searchsorted(ones({2, 3}), ones({3, 1}));
      },
      "searchsorted: the sequence must be a vector, or have the values' shape "
      "but along the last dimension\n"
      "  sorted_sequence [2, 3]   values [3, 1]");
  EXPECT_THROW(searchsorted(ones({}), ones({3})), ShapeError);
  EXPECT_THROW(searchsorted(ones({2, 3}), ones({3})), ShapeError);
  expect_error<ShapeError>(
      [] {
        bucketize(ones({2}), ones({1, 3}));
      },
      "bucketize: boundaries must be a vector\n"
      "  x [2]   boundaries [1, 3]");
}

}  // namespace
}  // namespace bb
