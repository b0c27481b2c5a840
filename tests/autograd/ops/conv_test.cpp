// Convolutions beyond what tests/op_cases shows: large ones, against the sum of products.
#include "bb/autograd/ops/conv.h"

#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/same_bits.h"

namespace bb {
namespace {

struct Sizes {
  int64_t batch, channels, height, width, out, kernel, stride, groups;
};

// The right answer in float64, from the formula: windows by unfold, filters group by group.
Tensor by_unfold(const Tensor& x, const Tensor& w, const Tensor& bias, const Sizes& s) {
  const int64_t each = s.channels / s.groups, filters = s.out / s.groups;
  std::vector<Tensor> parts;
  const Tensor columns = unfold(x, s.kernel, {.padding = 1, .stride = s.stride});
  const int64_t rows = each * s.kernel * s.kernel;
  const int64_t height = (s.height + 2 - s.kernel) / s.stride + 1;
  const int64_t width = (s.width + 2 - s.kernel) / s.stride + 1;
  Tensor y = zeros({s.batch, s.out, height, width}, kFloat64);
  for (int64_t g = 0; g < s.groups; ++g) {
    const Tensor filter = w.slice(0, g * filters, (g + 1) * filters).reshape({filters, rows});
    const Tensor part = matmul(filter, columns.slice(1, g * rows, (g + 1) * rows));
    y.slice(1, g * filters, (g + 1) * filters)
        .copy_(part.reshape({s.batch, filters, height, width}));
  }
  return y + bias.reshape({s.out, 1, 1});
}

double furthest(const Tensor& a, const Tensor& b) {
  const auto x = (a - b).to(kFloat64).detach().to_vector<double>();
  double most = 0;
  for (double value : x) most = std::max(most, std::abs(value));
  return most;
}

TEST(Conv, LargeOnesGoByPanelsAndBlocks) {
  manual_seed(1);
  for (const Sizes& s : {Sizes{2, 70, 20, 19, 33, 3, 1, 1}, Sizes{9, 3, 40, 37, 8, 5, 2, 1},
                         Sizes{1, 8, 70, 66, 8, 3, 1, 2}, Sizes{3, 12, 50, 41, 24, 3, 1, 12},
                         Sizes{20, 1, 28, 28, 16, 3, 1, 1}, Sizes{2, 600, 7, 7, 5, 3, 1, 1}}) {
    Tensor x = randn({s.batch, s.channels, s.height, s.width}, kFloat64);
    Tensor w = randn({s.out, s.channels / s.groups, s.kernel, s.kernel}, kFloat64);
    Tensor bias = randn({s.out}, kFloat64);
    const Tensor right = by_unfold(x, w, bias, s);
    for (Tensor* leaf : {&x, &w, &bias}) leaf->requires_grad_();
    const Tensor y = conv2d(x, w, bias, {.stride = s.stride, .padding = 1, .groups = s.groups});
    ASSERT_EQ(y.shape(), right.shape());
    EXPECT_LT(furthest(y, right), 1e-11);

    // The maps are bilinear: <dy, conv(x, w)> = <grad_x, x> = <grad_w, w>, each in directions that
    // y was not computed from.
    const Tensor dy = randn(y.shape(), kFloat64), u = randn(x.shape(), kFloat64),
                 v = randn(w.shape(), kFloat64), zero = zeros({s.out}, kFloat64);
    y.backward(dy);
    const double size = dy.pow(2).sum().item<double>();
    EXPECT_NEAR((x.grad() * u).sum().item<double>(),
                (dy * by_unfold(u, w.detach(), zero, s)).sum().item<double>(), 1e-10 * size);
    EXPECT_NEAR((w.grad() * v).sum().item<double>(),
                (dy * by_unfold(x.detach(), v, zero, s)).sum().item<double>(), 1e-10 * size);
    EXPECT_LT(furthest(bias.grad(), dy.sum({0, 2, 3})), 1e-10 * size);
  }
}

TEST(Conv, AnyNumberOfThreadsGivesTheSameBits) {
  manual_seed(2);
  for (const Sizes& s : {Sizes{5, 40, 20, 19, 33, 3, 1, 1}, Sizes{33, 1, 28, 28, 16, 3, 1, 1},
                         Sizes{3, 12, 50, 41, 24, 3, 1, 12}, Sizes{1, 64, 30, 30, 64, 1, 1, 1}}) {
    const Tensor x = randn({s.batch, s.channels, s.height, s.width});
    const Tensor w = randn({s.out, s.channels / s.groups, s.kernel, s.kernel});
    std::vector<std::string> first;
    for (int threads : {1, 2, 3, 5}) {
      const testing::Threads scope(threads);
      Tensor a = x.clone().requires_grad_(), b = w.clone().requires_grad_();
      const Tensor y = conv2d(a, b, {}, {.stride = s.stride, .groups = s.groups});
      y.backward(ones_like(y.detach()));
      const auto bytes = testing::bytes_of({y, a.grad(), b.grad()});
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes == first, true) << threads << " threads";
    }
  }
}

TEST(Conv, OptionsTakeOneNumberOrOneForEachDim) {
  const Tensor x = ones({1, 1, 9, 9}), w = ones({1, 1, 3, 3});
  EXPECT_EQ(conv2d(x, w, {}, {.stride = 2}).shape(), (Shape{1, 1, 4, 4}));
  EXPECT_EQ(conv2d(x, w, {}, {.stride = {2, 1}}).shape(), (Shape{1, 1, 4, 7}));
  EXPECT_EQ(conv2d(x, w, {}, {.padding = {0, 1}}).shape(), (Shape{1, 1, 7, 9}));
  EXPECT_EQ(conv2d(x, w, {}, {.padding = Padding::kSame}).shape(), x.shape());
  EXPECT_EQ(conv2d(x, w, {}, {.padding = Padding::kValid}).shape(), (Shape{1, 1, 7, 7}));
}

TEST(Conv, EmptyBatchesAndChannels) {
  Tensor w = ones({4, 3, 3, 3}).requires_grad_();
  const Tensor y = conv2d(ones({0, 3, 5, 5}), w, ones({4}));
  EXPECT_EQ(y.shape(), (Shape{0, 4, 3, 3}));
  y.sum().backward();
  EXPECT_EQ(w.grad().sum().item<float>(), 0);
  // Of the kind that Winograd's algorithm takes.
  Tensor x = ones({0, 64, 16, 16}).requires_grad_(),
         filters = ones({64, 64, 3, 3}).requires_grad_();
  conv2d(x, filters, {}, {.padding = 1}).sum().backward();
  EXPECT_EQ(x.grad().shape(), x.shape());
  EXPECT_EQ(filters.grad().sum().item<float>(), 0);
  // Without channels, what is left is the bias.
  EXPECT_EQ(conv1d(ones({1, 0, 3}), ones({2, 0, 2}), tensor({1.0, 2.0})).to_vector<float>(),
            (std::vector<float>{1, 1, 2, 2}));
}

TEST(Conv, GradientsThatNobodyWantsAreNotComputed) {
  Tensor w = ones({4, 3, 3, 3}).requires_grad_();
  const Tensor x = ones({1, 3, 5, 5});
  conv2d(x, w).sum().backward();
  EXPECT_FALSE(x.requires_grad());
  EXPECT_EQ(w.grad().to_vector<float>(), std::vector<float>(108, 9.0f));
}

TEST(Unfold, FoldOfUnfoldCountsTheWindowsOfEachElement) {
  const Tensor x = ones({1, 1, 4, 4});
  const Tensor counts = fold(unfold(x, 3), 4, 3);
  EXPECT_EQ(counts.to_vector<float>(),
            (std::vector<float>{1, 2, 2, 1, 2, 4, 4, 2, 2, 4, 4, 2, 1, 2, 2, 1}));
}

}  // namespace
}  // namespace bb
