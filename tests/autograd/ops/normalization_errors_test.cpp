// What normalisations say of operands that do not fit.
#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

TEST(NormalizationErrors, BatchNorm) {
  const Tensor x = ones({2, 3, 4}), c = ones({3});
  expect_error<ShapeError>([&] { batch_norm(ones({3}), c, c); },
                           "batch_norm: x must be (N,C) or (N,C,...)\n  x [3]");
  expect_error<ShapeError>([&] { batch_norm(x, c, ones({4})); },
                           "batch_norm: running_var must be [3], the channels\n"
                           "  x [2, 3, 4]   running_var [4]");
  expect_error<ShapeError>(
      [&] {
        batch_norm(x, c, c, ones({1, 3}));
      },
      "batch_norm: weight must be [3], the channels\n"
      "  x [2, 3, 4]   weight [1, 3]");
  EXPECT_THROW(batch_norm(x, ones({2}), c), ShapeError);
  EXPECT_THROW(batch_norm(x, c, c, c, ones({2})), ShapeError);
  expect_error<ValueError>(
      [&] { batch_norm(x, c, {}); },
      "batch_norm: running_mean and running_var are needed where x's own statistics are not used\n"
      "  x [2, 3, 4]   running_mean [3]   running_var undefined");
  expect_error<ValueError>(
      [&] {
        batch_norm(ones({1, 3}), c, c, {}, {}, {.training = true});
      },
      "batch_norm: training needs more than one value for each channel\n"
      "  x [1, 3]");
  expect_error<ValueError>([&] { batch_norm(x, c, c, {}, {}, {.eps = -1}); },
                           "batch_norm: eps must not be negative, got -1\n  x [2, 3, 4]");
  expect_error<DTypeError>([&] { batch_norm(x, c, ones({3}, kFloat64)); },
                           "batch_norm: all operands must have one floating-point dtype\n"
                           "  x float32 [2, 3, 4]   running_mean float32 [3]   running_var float64 "
                           "[3]\n  hint: convert with to(kFloat32)");
  EXPECT_THROW(batch_norm(ones({2, 3}, kInt64), {}, {}, {}, {}, {.training = true}), DTypeError);
}

TEST(NormalizationErrors, TheResidualOfABatchNorm) {
  const Tensor x = ones({2, 3, 4}), c = ones({3});
  expect_error<ShapeError>(
      [&] {
        batch_norm(x, c, c, {}, {}, {.residual = ones({3, 4})});
      },
      "batch_norm: residual must be [2, 3, 4], x's shape\n"
      "  x [2, 3, 4]   residual [3, 4]");
  expect_error<DTypeError>(
      [&] {
        batch_norm(x, c, c, {}, {}, {.residual = ones({2, 3, 4}, kFloat64)});
      },
      "batch_norm: all operands must have one floating-point dtype\n"
      "  x float32 [2, 3, 4]   residual float64 [2, 3, 4]\n"
      "  hint: convert with to(kFloat32)");
}

TEST(NormalizationErrors, FoldBatchNorm) {
  const Tensor w = ones({4, 3, 3, 3}), c = ones({4});
  EXPECT_THROW(fold_batch_norm(w, {}, c, {}), ValueError);
  expect_error<ShapeError>([&] { fold_batch_norm(w, {}, ones({3}), c); },
                           "fold_batch_norm: running_mean must be [4], the output channels\n"
                           "  weight [4, 3, 3, 3] (out,in/groups,...)   running_mean [3]");
  expect_error<ShapeError>([&] { fold_batch_norm(w, {}, c, c, {}, {}, {.transposed = true}); },
                           "fold_batch_norm: running_mean must be [3], the output channels\n"
                           "  weight [4, 3, 3, 3] (in,out/groups,...)   running_mean [4]");
  expect_error<ShapeError>(
      [&] { fold_batch_norm(w, {}, c, c, {}, {}, {.transposed = true, .groups = 3}); },
      "fold_batch_norm: 3 groups do not divide the 4 input channels\n  weight [4, 3, 3, 3]");
  expect_error<ShapeError>([&] { fold_batch_norm(c, {}, c, c); },
                           "fold_batch_norm: weight must have at least 2 dimensions\n  weight [4]");
  expect_error<DTypeError>([&] { fold_batch_norm(w, ones({4}, kFloat64), c, c); },
                           "fold_batch_norm: bias and weight must have one dtype\n"
                           "  weight float32 [4, 3, 3, 3]   bias float64 [4]");
  expect_error<DTypeError>(
      [&] {
        fold_batch_norm(ones({4, 3}, kInt64), {}, c, c);
      },
      "fold_batch_norm: weight must be of floating point\n"
      "  weight int64 [4, 3]");
  expect_error<ValueError>([&] { fold_batch_norm(w, {}, c, c, {}, {}, {.eps = -1}); },
                           "fold_batch_norm: eps must not be negative, got -1\n"
                           "  weight [4, 3, 3, 3]");
}

TEST(NormalizationErrors, LayerNorm) {
  const Tensor x = ones({2, 3, 4});
  expect_error<ShapeError>(
      [&] {
        layer_norm(x, {2, 4});
      },
      "layer_norm: x's last sizes must be normalized_shape\n"
      "  x [2, 3, 4]   normalized_shape [2, 4]");
  expect_error<ShapeError>([&] { layer_norm(x, {4}, ones({3})); },
                           "layer_norm: weight must be [4], normalized_shape\n"
                           "  x [2, 3, 4]   weight [3]");
  EXPECT_THROW(layer_norm(x, {}), ShapeError);
  EXPECT_THROW(layer_norm(ones({}), {1}), ShapeError);
  EXPECT_THROW(layer_norm(x, {4}, {}, ones({1})), ShapeError);
  EXPECT_THROW(layer_norm(x, {4}, ones({4}, kFloat64)), DTypeError);
  EXPECT_THROW(layer_norm(ones({2, 4}, kInt64), {4}), DTypeError);
  EXPECT_THROW(layer_norm(x, {4}, {}, {}, -1), ValueError);
}

TEST(NormalizationErrors, RmsNorm) {
  expect_error<ShapeError>(
      [] {
        rms_norm(ones({2, 3}), {4});
      },
      "rms_norm: x's last sizes must be normalized_shape\n"
      "  x [2, 3]   normalized_shape [4]");
  EXPECT_THROW(rms_norm(ones({2, 3}), {3}, ones({2})), ShapeError);
  EXPECT_THROW(rms_norm(ones({2, 3}), {3}, ones({3}, kFloat64)), DTypeError);
  EXPECT_THROW(rms_norm(ones({2, 3}), {3}, {}, -1.0), ValueError);
}

TEST(NormalizationErrors, GroupNorm) {
  expect_error<ShapeError>(
      [] {
        group_norm(ones({2, 5, 4}), 2);
      },
      "group_norm: 2 groups do not divide 5 channels\n  x [2, 5, 4]");
  expect_error<ValueError>(
      [] {
        group_norm(ones({2, 5}), 0);
      },
      "group_norm: num_groups must be at least 1, got 0\n  x [2, 5]");
  expect_error<ShapeError>([] { group_norm(ones({5}), 1); },
                           "group_norm: x must be (N,C,...)\n  x [5]");
  EXPECT_THROW(group_norm(ones({2, 4, 3}), 2, ones({2})), ShapeError);
  EXPECT_THROW(group_norm(ones({2, 4, 3}, kInt64), 2), DTypeError);
}

TEST(NormalizationErrors, InstanceNorm) {
  expect_error<ShapeError>(
      [] {
        instance_norm(ones({2, 5}));
      },
      "instance_norm: x must be (N,C,...), with spatial dims\n  x [2, 5]");
  expect_error<ValueError>(
      [] {
        instance_norm(ones({2, 5, 1}));
      },
      "instance_norm: one value for each channel cannot be normalised\n  x [2, 5, 1]");
  EXPECT_THROW(instance_norm(ones({2, 5, 3}), {}, {}, {}, {}, {.use_input_stats = false}),
               ValueError);
  EXPECT_THROW(instance_norm(ones({2, 5, 3}), {}, {}, ones({2})), ShapeError);
}

}  // namespace
}  // namespace bb
