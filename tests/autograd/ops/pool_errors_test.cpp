// What poolings say of operands that do not fit.
#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

TEST(PoolErrors, Images) {
  expect_error<ShapeError>(
      [] {
        max_pool2d(ones({4, 4}), 2);
      },
      "max_pool2d: x must be images (N,C,H,W), or one image (C,H,W)\n  x [4, 4]");
  expect_error<ShapeError>([] { avg_pool1d(ones({4}), 2); },
                           "avg_pool1d: x must be images (N,C,L), or one image (C,L)\n  x [4]");
  expect_error<ShapeError>(
      [] {
        adaptive_avg_pool2d(ones({1, 4, 0}), 2);
      },
      "adaptive_avg_pool2d: the images are empty\n  x [1, 4, 0]");
  EXPECT_THROW(max_pool3d(ones({}), 2), ShapeError);
  EXPECT_THROW(max_pool2d(ones({1, 0, 4}), 2), ShapeError);
  expect_error<DTypeError>(
      [] {
        avg_pool2d(ones({1, 4, 4}, kInt64), 2);
      },
      "avg_pool2d: needs floating point\n  x int64 [1, 4, 4]\n"
      "  hint: convert with to(kFloat32)");
  EXPECT_THROW(max_pool2d(ones({1, 4, 4}, kBool), 2), DTypeError);
  EXPECT_THROW(adaptive_max_pool2d(ones({1, 4, 4}, kBool), 2), DTypeError);
}

TEST(PoolErrors, WindowsThatDoNotFit) {
  expect_error<ShapeError>(
      [] {
        max_pool2d(ones({1, 4, 4}), {2, 3}, {.padding = {0, 1}, .dilation = {1, 3}});
      },
      "max_pool2d: no window fits the padded images\n"
      "  x [1, 4, 4]   kernel [2, 3]   padding [0, 1]   dilation [1, 3]");
  EXPECT_THROW(avg_pool3d(ones({1, 2, 2, 2}), 3), ShapeError);
}

TEST(PoolErrors, NumbersOutOfRange) {
  const Tensor x = ones({1, 8, 8});
  expect_error<ValueError>(
      [&] {
        max_pool2d(x, {2, 0});
      },
      "max_pool2d: kernel must be at least 1\n  x [1, 8, 8]   kernel [2, 0]");
  expect_error<ValueError>(
      [&] {
        avg_pool2d(x, 2, {.stride = {2, 0}});
      },
      "avg_pool2d: stride must be at least 1\n  x [1, 8, 8]   stride [2, 0]");
  expect_error<ValueError>([&] { max_pool2d(x, 2, {.padding = 2}); },
                           "max_pool2d: padding must be at most half of the kernel\n"
                           "  x [1, 8, 8]   padding [2, 2]   kernel [2, 2]   dilation [1, 1]");
  expect_error<ValueError>(
      [&] { max_pool2d(x, 2, {.dilation = 0}); },
      "max_pool2d: dilation must be at least 1\n  x [1, 8, 8]   dilation [0, 0]");
  expect_error<ValueError>(
      [&] { avg_pool2d(x, 2, {.divisor_override = -1}); },
      "avg_pool2d: divisor_override must not be negative, got -1\n  x [1, 8, 8]");
  expect_error<ValueError>(
      [&] {
        adaptive_avg_pool2d(x, {2, -1});
      },
      "adaptive_avg_pool2d: output_size must be at least 0\n  x [1, 8, 8]   output_size [2, -1]");
  expect_error<ShapeError>(
      [] {
        max_pool2d_with_indices(ones({4, 4}), 2);
      },
      "max_pool2d_with_indices: x must be images (N,C,H,W), or one image (C,H,W)\n  x [4, 4]");
  const int64_t many = (int64_t{1} << 31) - 1;
  expect_error<ShapeError>(
      [&] {
        adaptive_avg_pool3d(x.unsqueeze(0), {many, many, many});
      },
      "adaptive_avg_pool3d: the result is larger than any memory\n  x [1, 1, 8, 8]");
}

}  // namespace
}  // namespace bb
