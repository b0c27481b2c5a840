#include "bb/core/checks.h"

#include <gtest/gtest.h>

#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

TEST(Checks, OperandsAsText) {
  const Tensor x = zeros({2, 3}), y = zeros({}, kInt64), none;
  EXPECT_EQ(detail::text_of({{"x", x}, {"y", y}, {"z", none}}),
            "x float32 [2, 3]   y int64 []   z undefined");
  EXPECT_EQ(detail::shapes_of({{"x", x}, {"y", y}, {"z", none}}), "x [2, 3]   y []   z undefined");
  EXPECT_EQ(detail::shapes_of("tensor", {x, none}), "tensor 0 [2, 3]   tensor 1 undefined");
  EXPECT_EQ(detail::shapes_of("t", std::vector<Tensor>(9, y)),
            "t 0 []   t 1 []   t 2 []   t 3 []   t 4 []   t 5 []   t 6 []   t 7 []   ...");
}

TEST(Checks, UndefinedOperandsAreNamed) {
  const Tensor x = zeros({2}), none;
  detail::check_defined("op", {{"x", x}});
  expect_error<ValueError>(
      [&] {
        detail::check_defined("op", {{"x", x}, {"y", none}});
      },
      "op: y is undefined (made by Tensor(), or a gradient that was never "
      "computed)\n  x float32 [2]   y undefined\n"
      "  hint: test with defined() first");
  expect_error<ValueError>(
      [&] {
        detail::check_defined("op", {{"x", none}, {"y", none}});
      },
      "op: x and y are undefined (made by Tensor(), or a gradient that was "
      "never computed)\n  x undefined   y undefined\n"
      "  hint: test with defined() first");
  expect_error<ValueError>(
      [&] {
        detail::check_defined("op", "tensor", {x, none});
      },
      "op: tensor 1 is undefined\n  tensor 0 [2]   tensor 1 undefined");
}

TEST(Checks, BroadcastOfSeveral) {
  const Tensor a = zeros({2, 1, 4}), b = zeros({3, 1}), c = zeros({});
  EXPECT_EQ(detail::broadcast("op", {{"a", a}, {"b", b}, {"c", c}}), (Shape{2, 3, 4}));
  const Tensor d = zeros({5, 3, 7}), e = zeros({6, 9, 9});
  EXPECT_EQ(detail::broadcast("op", {{"a", zeros({1, 3, 7})}, {"e", e}}, 2), Shape{6});
  expect_error<ShapeError>(
      [&] {
        detail::broadcast("op", {{"d", d}, {"e", e}}, 2);
      },
      "op: shapes do not broadcast: at dimension 3 from the end they are 5 and 6\n"
      "  d [5, 3, 7]   e [6, 9, 9]\n"
      "  hint: sizes must be equal, or one of them 1");
  expect_error<ShapeError>(
      [&] {
        detail::broadcast("op", {{"a", a}, {"b", b}, {"d", d}});
      },
      "op: shapes do not broadcast: at dimension 3 from the end they are 2 and 5\n"
      "  a [2, 1, 4]   b [3, 1]   d [5, 3, 7]\n"
      "  hint: sizes must be equal, or one of them 1");
  const Tensor wide = zeros({1}, kBool).expand({int64_t{1} << 40}), tall = wide.unsqueeze(1);
  expect_error<ShapeError>(
      [&] {
        detail::broadcast("op", {{"a", wide}, {"b", tall}});
      },
      "op: the result is larger than any memory\n"
      "  a [1099511627776]   b [1099511627776, 1]");
}

TEST(Checks, MarkedDims) {
  const Tensor x = zeros({2, 3, 4});
  const auto marked = detail::marked_dims("op", x, {-1, 0});
  EXPECT_TRUE(marked[0] && !marked[1] && marked[2]);
  EXPECT_TRUE(detail::marked_dims("op", zeros({}), {0})[0]) << "a number counts as one dimension";
  expect_error<ValueError>(
      [&] {
        detail::marked_dims("op", x, {1, -2});
      },
      "op: dim -2 is given twice\n  x [2, 3, 4]   dims [1, -2]");
  EXPECT_THROW(detail::marked_dims("op", x, {3}), IndexError);
}

TEST(Checks, WhatMemoryCouldHold) {
  constexpr int64_t k60 = int64_t{1} << 60;
  EXPECT_TRUE(detail::is_possible({k60, 7}, kBool));
  EXPECT_FALSE(detail::is_possible({k60, 8}, kBool));
  EXPECT_FALSE(detail::is_possible({k60}, kFloat64));
  EXPECT_FALSE(detail::is_possible({k60, k60, k60}, kBool)) << "the product is 0 in 64 bits";
  EXPECT_TRUE(detail::is_possible({k60, 0, k60}, kFloat64)) << "nothing takes no memory";
  EXPECT_EQ(detail::checked_numel("op", {3, 0}, kFloat32), 0);
  EXPECT_EQ(detail::checked_numel("op", {3, 5}, kFloat32), 15);
  EXPECT_EQ(detail::checked_numel("op", {}, kFloat32), 1);
  EXPECT_THROW(detail::checked_numel("op", {0, -1}, kFloat32), ShapeError);
  EXPECT_THROW(detail::checked_numel("op", {k60, k60}, kFloat32), ShapeError);
  const Tensor x = zeros({2});
  detail::check_rank("op", 8, {{"x", x}});
  expect_error<ShapeError>(
      [&] {
        detail::check_rank("op", 9, {{"x", x}});
      },
      "op: the result would have 9 dimensions, more than 8\n  x [2]");
}

TEST(Checks, PositionOfAnElement) {
  EXPECT_EQ(detail::position({2, 3, 4}, 0), (Shape{0, 0, 0}));
  EXPECT_EQ(detail::position({2, 3, 4}, 23), (Shape{1, 2, 3}));
  EXPECT_EQ(detail::position({2, 3, 4}, 13), (Shape{1, 0, 1}));
  EXPECT_EQ(detail::position({}, 0), Shape{});
}

}  // namespace
}  // namespace bb
