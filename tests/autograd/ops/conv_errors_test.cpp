// What convolutions say of operands that do not fit.
#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

TEST(ConvErrors, ChannelsThatDoNotFit) {
  expect_error<ShapeError>(
      [] {
        conv2d(ones({32, 4, 28, 28}), ones({16, 3, 5, 5}));
      },
      "conv2d: x has 4 channels, but weight expects 3 (weight.size(1) * groups = 3 * 1)\n"
      "  x [32, 4, 28, 28] (N,C,H,W)   weight [16, 3, 5, 5] (O,C/groups,KH,KW)\n"
      "  hint: build the layer with in_channels = 4");
  expect_error<ShapeError>(
      [] {
        conv_transpose1d(ones({4, 28}), ones({3, 4, 5}));
      },
      "conv_transpose1d: x has 4 channels, but weight expects 3 (weight.size(0))\n"
      "  x [4, 28] (C,L)   weight [3, 4, 5] (C,O/groups,K)\n"
      "  hint: build the layer with in_channels = 4");
  expect_error<ShapeError>(
      [] {
        conv2d(ones({1, 4, 8, 8}), ones({5, 2, 3, 3}), {}, {.groups = 2});
      },
      "conv2d: 2 groups do not divide weight.size(0) = 5\n"
      "  x [1, 4, 8, 8] (N,C,H,W)   weight [5, 2, 3, 3] (O,C/groups,KH,KW)");
  EXPECT_THROW(conv2d(ones({1, 4, 8, 8}), ones({4, 0, 3, 3}), {}, {.groups = 2}), ShapeError);
}

TEST(ConvErrors, Ranks) {
  expect_error<ShapeError>(
      [] {
        conv2d(ones({8, 8}), ones({4, 1, 3, 3}));
      },
      "conv2d: x must be images (N,C,H,W), or one image (C,H,W)\n  x [8, 8]");
  expect_error<ShapeError>(
      [] {
        conv3d(ones({1, 8, 8, 8}), ones({4, 1, 3, 3}));
      },
      "conv3d: weight must have 5 dimensions (O,C/groups,KD,KH,KW)\n"
      "  x [1, 8, 8, 8] (C,D,H,W)   weight [4, 1, 3, 3] (O,C/groups,KD,KH,KW)");
  EXPECT_THROW(conv1d(ones({}), ones({4, 1, 3})), ShapeError);
  EXPECT_THROW(conv1d(ones({1, 1, 8, 8}), ones({4, 1, 3})), ShapeError);
  EXPECT_THROW(conv2d(ones({1, 1, 8, 8}), ones({4, 1, 3})), ShapeError);
}

TEST(ConvErrors, ImagesTooSmallForTheKernel) {
  expect_error<ShapeError>(
      [] {
        conv2d(ones({1, 1, 8, 3}), ones({1, 1, 3, 3}), {}, {.padding = {0, 1}, .dilation = 3});
      },
      "conv2d: the dilated kernel is larger than the padded image: 7 and 5 elements along W\n"
      "  x [1, 1, 8, 3] (N,C,H,W)   weight [1, 1, 3, 3] (O,C/groups,KH,KW)");
  expect_error<ShapeError>(
      [] {
        conv1d(ones({1, 1, 2}), ones({1, 1, 0}));
      },
      "conv1d: the kernel is empty\n  x [1, 1, 2] (N,C,L)   weight [1, 1, 0] (O,C/groups,K)");
  expect_error<ShapeError>(
      [] {
        conv_transpose2d(ones({1, 1, 2, 2}), ones({1, 1, 2, 2}), {}, {.padding = 2});
      },
      "conv_transpose2d: the result would be empty: 0 elements along H\n"
      "  x [1, 1, 2, 2] (N,C,H,W)   weight [1, 1, 2, 2] (C,O/groups,KH,KW)");
  EXPECT_THROW(conv2d(ones({1, 1, 0, 3}), ones({1, 1, 1, 1})), ShapeError);
  EXPECT_THROW(conv_transpose2d(ones({1, 1, 0, 3}), ones({1, 1, 2, 2})), ShapeError);
}

TEST(ConvErrors, Bias) {
  expect_error<ShapeError>(
      [] {
        conv2d(ones({1, 4, 8, 8}), ones({3, 4, 3, 3}), ones({4}));
      },
      "conv2d: bias must be [3], weight.size(0)\n"
      "  bias [4]   weight [3, 4, 3, 3] (O,C/groups,KH,KW)");
  expect_error<ShapeError>(
      [] {
        conv_transpose2d(ones({1, 4, 8, 8}), ones({4, 3, 3, 3}), ones({3}), {.groups = 2});
      },
      "conv_transpose2d: bias must be [6], weight.size(1) * groups\n"
      "  bias [3]   weight [4, 3, 3, 3] (C,O/groups,KH,KW)");
}

TEST(ConvErrors, DTypes) {
  expect_error<DTypeError>(
      [] {
        conv1d(ones({1, 1, 8}), ones({1, 1, 3}, kFloat64));
      },
      "conv1d: x, weight and bias must have one floating-point dtype\n"
      "  x float32 [1, 1, 8]   weight float64 [1, 1, 3]   bias undefined\n"
      "  hint: convert with to(kFloat32)");
  EXPECT_THROW(conv1d(ones({1, 1, 8}, kInt64), ones({1, 1, 3}, kInt64)), DTypeError);
  EXPECT_THROW(conv1d(ones({1, 1, 8}), ones({1, 1, 3}), ones({1}, kFloat64)), DTypeError);
}

TEST(ConvErrors, NumbersOutOfRange) {
  const Tensor x = ones({1, 2, 8, 8}), w = ones({2, 2, 3, 3});
  expect_error<ValueError>(
      [&] {
        conv2d(x, w, {}, {.stride = {1, 0}});
      },
      "conv2d: stride must be at least 1\n  x [1, 2, 8, 8]   stride [1, 0]");
  expect_error<ValueError>(
      [&] { conv2d(x, w, {}, {.padding = -1}); },
      "conv2d: padding must be at least 0\n  x [1, 2, 8, 8]   padding [-1, -1]");
  expect_error<ValueError>([&] { conv2d(x, w, {}, {.dilation = int64_t{1} << 40}); },
                           "conv2d: dilation must be at least 1 and below 2^31\n"
                           "  x [1, 2, 8, 8]   dilation [1099511627776, 1099511627776]");
  expect_error<ValueError>([&] { conv2d(x, w, {}, {.groups = 0}); },
                           "conv2d: groups must be at least 1, got 0\n"
                           "  x [1, 2, 8, 8] (N,C,H,W)   weight [2, 2, 3, 3] (O,C/groups,KH,KW)");
  expect_error<ValueError>(
      [&] { conv2d(x, w, {}, {.stride = 2, .padding = Padding::kSame}); },
      "conv2d: Padding::kSame needs stride 1, as the result has x's size\n"
      "  x [1, 2, 8, 8] (N,C,H,W)   weight [2, 2, 3, 3] (O,C/groups,KH,KW)   stride [2, 2]\n"
      "  hint: give padding as numbers");
  expect_error<ValueError>(
      [&] {
        conv_transpose2d(x, w, {}, {.stride = 2, .output_padding = {1, 2}});
      },
      "conv_transpose2d: output_padding must be below stride or dilation\n"
      "  x [1, 2, 8, 8] (N,C,H,W)   weight [2, 2, 3, 3] (C,O/groups,KH,KW)   output_padding [1, 2] "
      "  "
      "stride [2, 2]   dilation [1, 1]");
}

TEST(ConvErrors, SizesThatLeaveInt64) {
  const Tensor image = zeros({1, 1, 1}).expand({1, 1, int64_t{1} << 40});
  expect_error<ShapeError>(
      [&] {
        conv_transpose1d(image, ones({1, 1, 1}), {}, {.stride = (int64_t{1} << 31) - 1});
      },
      "conv_transpose1d: the result is larger than any memory\n"
      "  x [1, 1, 1099511627776] (N,C,L)   weight [1, 1, 1] (C,O/groups,K)");
  const Tensor filters = zeros({1, 1, 1}).expand({int64_t{1} << 40, 1, 1});
  expect_error<ShapeError>([&] { conv1d(image, filters); },
                           "conv1d: the result is larger than any memory\n"
                           "  x [1, 1, 1099511627776]   weight [1099511627776, 1, 1]");
  const Tensor wide = zeros({1, 1, 1, 1}).expand({1, int64_t{1} << 40, 1, 1});
  expect_error<ShapeError>([&] { unfold(wide, int64_t{1} << 20, {.padding = int64_t{1} << 20}); },
                           "unfold: the result is larger than any memory\n"
                           "  x [1, 1099511627776, 1, 1]   kernel [1048576, 1048576]");
}

TEST(UnfoldErrors, OperandsThatDoNotFit) {
  expect_error<ShapeError>(
      [] {
        unfold(ones({4, 4}), 2);
      },
      "unfold: x must be images (N,C,H,W), or one image (C,H,W)\n  x [4, 4]");
  expect_error<ShapeError>(
      [] {
        unfold(ones({1, 1, 4, 4}), {2, 5});
      },
      "unfold: no window fits the padded image\n"
      "  x [1, 1, 4, 4]   image [4, 4]   kernel [2, 5]   padding [0, 0]   dilation [1, 1]");
  expect_error<ShapeError>(
      [] {
        fold(ones({1, 8, 5}), 3, 2);
      },
      "fold: x must have a multiple of 4 rows (KH*KW) and 4 columns (the windows)\n"
      "  x [1, 8, 5]   output_size [3, 3]   kernel [2, 2]");
  expect_error<ShapeError>([] { fold(ones({8}), 3, 2); },
                           "fold: x must be columns (N, C*KH*KW, windows), or without N\n  x [8]");
  expect_error<DTypeError>(
      [] {
        unfold(ones({1, 4, 4}, kInt64), 2);
      },
      "unfold: needs floating point\n  x int64 [1, 4, 4]\n"
      "  hint: convert with to(kFloat32)");
  EXPECT_THROW(fold(ones({1, 4, 4}, kInt64), 3, 2), DTypeError);
  expect_error<ValueError>(
      [] {
        unfold(ones({1, 4, 4}), 0);
      },
      "unfold: kernel must be at least 1\n  x [1, 4, 4]   kernel [0, 0]");
  EXPECT_THROW(fold(ones({1, 4, 4}), 0, 2), ValueError);
}

}  // namespace
}  // namespace bb
