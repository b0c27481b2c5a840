// Poolings beyond what tests/op_cases shows.
#include "bb/autograd/ops/pool.h"

#include <gtest/gtest.h>

#include <limits>

#include "bb/bb.h"

namespace bb {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(Pool, IndicesArePlacesInTheFlattenedImage) {
  const Tensor x =
      tensor({{0, 5, 0, 0}, {0, 0, 0, 7}, {9, 0, 0, 0}, {0, 0, 8, 0}}, kFloat32).reshape({1, 4, 4});
  const auto [values, indices] = max_pool2d_with_indices(x, 2);
  EXPECT_EQ(values.to_vector<float>(), (std::vector<float>{5, 7, 9, 8}));
  EXPECT_EQ(indices.to_vector<int64_t>(), (std::vector<int64_t>{1, 7, 8, 14}));
  EXPECT_EQ(
      max_pool3d_with_indices(x.reshape({1, 1, 4, 4}), {1, 2, 2}).indices.to_vector<int64_t>(),
      indices.to_vector<int64_t>());
}

TEST(Pool, TheGradientGoesToTheFirstOfEqualElements) {
  Tensor x = ones({1, 1, 4}).requires_grad_();
  max_pool1d(x, 3, {.stride = 1}).sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 1, 0, 0}));
}

TEST(Pool, AWindowThatDilationLeavesEmptyIsMinusInfinityWithoutGradient) {
  Tensor x = ones({1, 1}).requires_grad_();
  const auto [values, indices] = max_pool1d_with_indices(x, 2, {.padding = 2, .dilation = 3});
  EXPECT_EQ(values.to_vector<float>(), (std::vector<float>{-kInf}));
  EXPECT_EQ(indices.to_vector<int64_t>(), (std::vector<int64_t>{-1}));
  values.backward(ones({1, 1}));
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{0}));
}

TEST(Pool, IndicesChangedInPlaceAreNoticedByBackward) {
  Tensor x = ones({1, 1, 4}).requires_grad_();
  auto [values, indices] = max_pool1d_with_indices(x, 2);
  indices.add_(100);
  EXPECT_THROW(values.sum().backward(), ValueError);
}

TEST(Pool, StrideIsTheKernelUnlessGiven) {
  const Tensor x = ones({1, 8, 9});
  EXPECT_EQ(max_pool2d(x, {2, 3}).shape(), (Shape{1, 4, 3}));
  EXPECT_EQ(max_pool2d(x, {2, 3}, {.stride = 1}).shape(), (Shape{1, 7, 7}));
  EXPECT_EQ(avg_pool2d(x, {2, 3}).shape(), (Shape{1, 4, 3}));
}

TEST(Pool, EmptyResults) {
  EXPECT_EQ(adaptive_max_pool2d(ones({2, 3, 4, 4}), {0, 2}).shape(), (Shape{2, 3, 0, 2}));
  EXPECT_EQ(max_pool2d(ones({2, 0, 4, 4}), 2).shape(), (Shape{2, 0, 2, 2}));
}

}  // namespace
}  // namespace bb
