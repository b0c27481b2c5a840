#include "bb/core/shape.h"

#include <gtest/gtest.h>

#include <vector>

#include "../message_of.h"
#include "bb/core/error.h"

namespace bb {
namespace {

constexpr int64_t kHuge = int64_t{1} << 40;

TEST(Shape, DefaultIsThatOfANumber) {
  const Shape shape;
  EXPECT_EQ(shape.rank(), 0);
  EXPECT_TRUE(shape.empty());
  EXPECT_EQ(shape.numel(), 1);
  EXPECT_EQ(fmt::format("{}", shape), "[]");
}

TEST(Shape, HoldsSizesInOrder) {
  Shape shape{2, 3, 4};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_FALSE(shape.empty());
  EXPECT_EQ(shape[0], 2);
  EXPECT_EQ(shape[2], 4);
  EXPECT_EQ(shape.back(), 4);
  EXPECT_EQ(std::vector<int64_t>(shape.begin(), shape.end()), (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(shape.numel(), 24);
  shape[1] = 5;
  EXPECT_EQ(shape, (Shape{2, 5, 4}));
  EXPECT_EQ(fmt::format("{}", shape), "[2, 5, 4]");
}

TEST(Shape, IsMadeFromASpanOrFilled) {
  const std::vector<int64_t> sizes{7, 1, 9};
  EXPECT_EQ(Shape(std::span<const int64_t>(sizes)), (Shape{7, 1, 9}));
  EXPECT_EQ(Shape::filled(3, 5), (Shape{5, 5, 5}));
  EXPECT_EQ(Shape::filled(0, 5), Shape{});
}

TEST(Shape, HoldsKMaxRankSizesAndNoMore) {
  Shape shape = Shape::filled(Shape::kMaxRank, 2);
  EXPECT_EQ(shape.numel(), 256);
  const std::string text = "shape: more than 8 dimensions, after [2, 2, 2, 2, 2, 2, 2, 2]";
  EXPECT_EQ(message_of<ShapeError>([&] { shape.push_back(3); }), text);
  EXPECT_EQ(message_of<ShapeError>([&] { shape.insert(0, 3); }), text);
  EXPECT_EQ(message_of<ShapeError>([] { Shape::filled(9, 2); }), text);
  EXPECT_EQ(message_of<ShapeError>([] { (void)Shape{2, 2, 2, 2, 2, 2, 2, 2, 2}; }), text);
  EXPECT_EQ(shape, Shape::filled(8, 2)) << "a failed call changed it";
}

TEST(Shape, InsertAndEraseAtEveryPlace) {
  Shape shape{1, 2, 3};
  shape.insert(0, 9);
  EXPECT_EQ(shape, (Shape{9, 1, 2, 3}));
  shape.insert(2, 8);
  EXPECT_EQ(shape, (Shape{9, 1, 8, 2, 3}));
  shape.insert(5, 7);
  EXPECT_EQ(shape, (Shape{9, 1, 8, 2, 3, 7}));
  shape.erase(0);
  EXPECT_EQ(shape, (Shape{1, 8, 2, 3, 7}));
  shape.erase(1);
  EXPECT_EQ(shape, (Shape{1, 2, 3, 7}));
  shape.erase(3);
  EXPECT_EQ(shape, (Shape{1, 2, 3}));
}

TEST(Shape, EqualityLooksAtLiveSizesOnly) {
  Shape erased{2, 3, 4};
  erased.erase(2);
  EXPECT_EQ(erased, (Shape{2, 3}));
  EXPECT_NE((Shape{2, 3}), (Shape{2, 3, 1}));
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
  EXPECT_NE(Shape{}, Shape{1});
}

TEST(Shape, NumelIsZeroWhereASizeIs) {
  EXPECT_EQ(Shape{0}.numel(), 0);
  EXPECT_EQ((Shape{3, 0, 2}).numel(), 0);
  EXPECT_EQ((Shape{kHuge, kHuge, 0}).numel(), 0);
}

TEST(Shape, NumelThatLeavesInt64Throws) {
  EXPECT_EQ((Shape{kHuge, 1 << 22}).numel(), int64_t{1} << 62);
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)Shape{kHuge, kHuge}.numel();
            }),
            "shape: [1099511627776, 1099511627776] has more elements than int64 holds");
}

TEST(Strides, OfARowMajorTensor) {
  EXPECT_EQ(contiguous_strides({}), Shape{});
  EXPECT_EQ(contiguous_strides({5}), Shape{1});
  EXPECT_EQ(contiguous_strides({2, 3, 4}), (Shape{12, 4, 1}));
  EXPECT_EQ(contiguous_strides({2, 0, 3}), (Shape{3, 3, 1}));  // as PyTorch
}

TEST(Strides, ContiguousMeansRowMajorWithoutGaps) {
  EXPECT_TRUE(is_contiguous({}, {}));
  EXPECT_TRUE(is_contiguous({2, 3}, {3, 1}));
  EXPECT_FALSE(is_contiguous({2, 3}, {1, 2}));  // transposed
  EXPECT_FALSE(is_contiguous({2, 3}, {4, 1}));  // sliced
  EXPECT_FALSE(is_contiguous({3}, {2}));        // every second
  EXPECT_FALSE(is_contiguous({2, 3}, {0, 1}));  // expanded
}

TEST(Strides, OfSizeOneDimensionsDoNotMatter) {
  EXPECT_TRUE(is_contiguous({1, 3}, {77, 1}));
  EXPECT_TRUE(is_contiguous({2, 1, 3}, {3, 0, 1}));
  EXPECT_TRUE(is_contiguous({3, 1}, {1, 5}));
}

TEST(Strides, OfATensorWithoutElementsDoNotMatter) {
  EXPECT_TRUE(is_contiguous({0}, {5}));
  EXPECT_TRUE(is_contiguous({3, 0}, {9, 9}));
  EXPECT_TRUE(is_contiguous({0, 3}, {1, 7}));
  EXPECT_TRUE(is_contiguous({2, 0, 3}, {1, 2, 2}));
}

TEST(BroadcastShapes, FollowsNumpy) {
  struct Case {
    Shape a, b, result;
  };
  const Case cases[] = {
      {{}, {}, {}},
      {{}, {3}, {3}},
      {{1}, {3}, {3}},
      {{3}, {3}, {3}},
      {{2, 3}, {3}, {2, 3}},
      {{2, 3}, {1}, {2, 3}},
      {{2, 3}, {}, {2, 3}},
      {{2, 1}, {3}, {2, 3}},
      {{2, 1}, {1, 3}, {2, 3}},
      {{2, 1, 4}, {3, 1}, {2, 3, 4}},
      {{8, 1, 6, 1}, {7, 1, 5}, {8, 7, 6, 5}},
      {{256, 256, 3}, {3}, {256, 256, 3}},
      {{1, 1, 1}, {1}, {1, 1, 1}},
      {{2, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 9}, {2, 1, 1, 1, 1, 1, 1, 9}},
      // A size of 0 is a size like others: 1 becomes 0.
      {{0}, {0}, {0}},
      {{1}, {0}, {0}},
      {{}, {0}, {0}},
      {{3, 1}, {0}, {3, 0}},
      {{0, 3}, {1, 3}, {0, 3}},
      {{0, 3}, {3}, {0, 3}},
      {{5, 0}, {1, 1}, {5, 0}},
      {{0, 1}, {1, 0}, {0, 0}},
      {{1, 0}, {4, 1}, {4, 0}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(broadcast_shapes("op", c.a, c.b), c.result) << fmt::format("{} {}", c.a, c.b);
    EXPECT_EQ(broadcast_shapes("op", c.b, c.a), c.result) << fmt::format("{} {}", c.b, c.a);
  }
}

TEST(BroadcastShapes, RefusesWhatNumpyRefuses) {
  const std::pair<Shape, Shape> cases[] = {
      {{2}, {3}},       {{2, 3}, {2}},       {{0}, {2}},         {{4, 0}, {4, 3}},
      {{0, 3}, {2, 3}}, {{2, 1}, {8, 4, 3}}, {{3, 2}, {2, 2, 2}}};
  for (const auto& [a, b] : cases) {
    EXPECT_THROW(broadcast_shapes("op", a, b), ShapeError) << fmt::format("{} {}", a, b);
    EXPECT_THROW(broadcast_shapes("op", b, a), ShapeError) << fmt::format("{} {}", b, a);
  }
}

TEST(BroadcastShapes, ErrorNamesOpDimensionAndBothShapes) {
  EXPECT_EQ(message_of<ShapeError>([] {
              broadcast_shapes("add", {2, 3, 4}, {2, 4});
            }),
            "add: shapes do not broadcast: at dimension 2 from the end they are 3 and 2\n"
            "  a [2, 3, 4]   b [2, 4]\n"
            "  hint: sizes must be equal, or one of them 1");
  EXPECT_EQ(message_of<ShapeError>([] {
              broadcast_shapes("mul", {5}, {2, 4});
            }),
            "mul: shapes do not broadcast: at dimension 1 from the end they are 5 and 4\n"
            "  a [5]   b [2, 4]\n"
            "  hint: sizes must be equal, or one of them 1");
}

TEST(NormalizeDim, CountsFromTheFront) {
  EXPECT_EQ(normalize_dim("op", 0, Shape{4, 5, 6}), 0);
  EXPECT_EQ(normalize_dim("op", 2, Shape{4, 5, 6}), 2);
  EXPECT_EQ(normalize_dim("op", -1, Shape{4, 5, 6}), 2);
  EXPECT_EQ(normalize_dim("op", -3, Shape{4, 5, 6}), 0);
}

TEST(NormalizeDim, TakesANumberAsOneDimension) {
  EXPECT_EQ(normalize_dim("op", 0, Shape{}), 0);
  EXPECT_EQ(normalize_dim("op", -1, Shape{}), 0);
  EXPECT_EQ(message_of<IndexError>([] { normalize_dim("sum", 1, Shape{}); }),
            "sum: dim 1 is out of range for a tensor of 0 dimensions (-1 to 0 allowed)\n"
            "  x []");
}

TEST(NormalizeDim, OutOfRangeThrowsOnBothSides) {
  EXPECT_EQ(message_of<IndexError>([] {
              normalize_dim("sum", 3, Shape{4, 5, 6});
            }),
            "sum: dim 3 is out of range for a tensor of 3 dimensions (-3 to 2 allowed)\n"
            "  x [4, 5, 6]");
  EXPECT_EQ(message_of<IndexError>([] {
              normalize_dim("softmax", -4, Shape{4, 5, 6}, "scores");
            }),
            "softmax: dim -4 is out of range for a tensor of 3 dimensions (-3 to 2 allowed)\n"
            "  scores [4, 5, 6]");
  EXPECT_EQ(normalize_new_dim("op", -1, Shape{4, 5}), 2);
  EXPECT_EQ(message_of<IndexError>([] {
              normalize_new_dim("stack", 3, Shape{4, 5});
            }),
            "stack: dim 3 is out of range for a result of 3 dimensions (-3 to 2 allowed)\n"
            "  x [4, 5]");
  EXPECT_THROW(normalize_dim("op", INT64_MIN, Shape{4, 5, 6}), IndexError);
  EXPECT_THROW(normalize_dim("op", INT64_MAX, Shape{4, 5, 6}), IndexError);
}

}  // namespace
}  // namespace bb
