// What interpolate, pixel_shuffle and glu say of operands that do not fit, and what they take
// beside floating point.
#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

TEST(InterpolateErrors, Operands) {
  const Tensor x = ones({1, 2, 4, 4});
  expect_error<ValueError>([&] { interpolate(x, {}); },
                           "interpolate: give either size or scale_factor\n  x [1, 2, 4, 4]");
  EXPECT_THROW(interpolate(x, {.size = {2}, .scale_factor = {2}}), ValueError);
  expect_error<ShapeError>(
      [&] { interpolate(x, {.size = {2}, .mode = Interpolation::kLinear}); },
      "interpolate: x must be images (N,C,...) with 1 spatial dims\n  x [1, 2, 4, 4]");
  expect_error<ShapeError>(
      [] {
        interpolate(ones({4, 4}), {.size = {2}});
      },
      "interpolate: x must be images (N,C,...) with 1 to 3 spatial dims\n"
      "  x [4, 4]");
  expect_error<ValueError>([&] { interpolate(x, {.size = {2}, .align_corners = true}); },
                           "interpolate: align_corners is for the linear modes and kBicubic\n"
                           "  x [1, 2, 4, 4]");
  expect_error<ValueError>(
      [&] {
        interpolate(x, {.size = {2, 2, 2}});
      },
      "interpolate: 3 sizes or factors are given for 2 spatial dims\n  x [1, 2, 4, 4]");
  expect_error<ValueError>(
      [&] {
        interpolate(x, {.size = {2, 0}});
      },
      "interpolate: sizes must be at least 1, from 4 to 0\n  x [1, 2, 4, 4]");
  expect_error<ValueError>([&] { interpolate(x, {.scale_factor = {-1}}); },
                           "interpolate: scale_factor -1 is out of range\n  x [1, 2, 4, 4]");
  EXPECT_THROW(interpolate(x, {.scale_factor = {0.1}}), ValueError);
  expect_error<ValueError>(
      [&] {
        interpolate(x, {.size = {2, int64_t{1} << 40}});
      },
      "interpolate: sizes must be at least 1 and below 2^31, from 4 to 1099511627776\n"
      "  x [1, 2, 4, 4]");
  expect_error<ShapeError>(
      [&] { interpolate(x.unsqueeze(4), {.size = {(int64_t{1} << 31) - 1}}); },
      "interpolate: the result is larger than any memory\n"
      "  x [1, 2, 4, 4, 1]   result [1, 2, 2147483647, 2147483647, 2147483647]");
  EXPECT_THROW(interpolate(x, {.scale_factor = {1e300}}), ValueError);
  EXPECT_THROW(interpolate(ones({1, 2, 0, 4}), {.size = {2}}), ValueError);
  expect_error<DTypeError>(
      [] {
        interpolate(ones({1, 2, 4}, kInt64), {.size = {2}});
      },
      "interpolate: needs floating point\n  x int64 [1, 2, 4]\n"
      "  hint: convert with to(kFloat32)");
}

TEST(PixelShuffleErrors, Operands) {
  expect_error<ShapeError>(
      [] {
        pixel_shuffle(ones({1, 6, 2, 2}), 2);
      },
      "pixel_shuffle: 6 channels are not a multiple of upscale_factor^2 = 4\n"
      "  x [1, 6, 2, 2]");
  expect_error<ShapeError>(
      [] {
        pixel_unshuffle(ones({1, 6, 2, 3}), 2);
      },
      "pixel_unshuffle: height 2 and width 3 are not multiples of downscale_factor 2\n"
      "  x [1, 6, 2, 3]");
  expect_error<ShapeError>(
      [] {
        pixel_shuffle(ones({4, 4}), 2);
      },
      "pixel_shuffle: x must be (...,C,H,W)\n  x [4, 4]");
  expect_error<ValueError>(
      [] {
        pixel_unshuffle(ones({1, 4, 4}), 0);
      },
      "pixel_unshuffle: the factor must be at least 1 and below 2^31, got 0\n  x [1, 4, 4]");
}

TEST(PixelShuffleErrors, SizesThatLeaveInt64) {
  expect_error<ShapeError>(
      [] {
        pixel_unshuffle(ones({1, 4, 0, 0}), (int64_t{1} << 31) - 1);
      },
      "pixel_unshuffle: the result is larger than any memory\n"
      "  x [1, 4, 0, 0]");
}

TEST(PixelShuffle, TakesAnyDtype) {
  const Tensor x = arange(8).reshape({4, 1, 2});
  EXPECT_EQ(pixel_shuffle(x, 2).to_vector<int64_t>(),
            (std::vector<int64_t>{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ(pixel_unshuffle(pixel_shuffle(x, 2), 2).to_vector<int64_t>(), x.to_vector<int64_t>());
}

TEST(GluErrors, Operands) {
  expect_error<ShapeError>(
      [] {
        glu(ones({2, 3}));
      },
      "glu: x cannot be halved along dim -1\n  x [2, 3]");
  EXPECT_THROW(glu(ones({})), ShapeError);
  EXPECT_THROW(glu(ones({2, 4}), 2), IndexError);
  expect_error<DTypeError>([] { glu(ones({2}, kInt64)); },
                           "glu: needs floating point\n  x int64 [2]\n"
                           "  hint: convert with to(kFloat32)");
}

}  // namespace
}  // namespace bb
