// Normalisations beyond what tests/op_cases shows: running statistics, large offsets, large parts.
#include "bb/autograd/ops/normalization.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "bb/bb.h"
#include "bb/tests/same_bits.h"

namespace bb {
namespace {

double furthest(const Tensor& a, const Tensor& b) {
  double most = 0;
  for (double value : (a.to(kFloat64) - b.to(kFloat64)).detach().to_vector<double>())
    most = std::max(most, std::abs(value));
  return most;
}

TEST(BatchNorm, TrainingMovesTheRunningStatistics) {
  const Tensor x = tensor({{1.0, 10.0}, {3.0, 30.0}});
  Tensor mean = zeros({2}), var = ones({2});
  batch_norm(x, mean, var, {}, {}, {.training = true, .momentum = 0.25});
  EXPECT_EQ(mean.to_vector<float>(), (std::vector<float>{0.5, 5}));
  EXPECT_EQ(var.to_vector<float>(), (std::vector<float>{0.75 + 0.5, 0.75 + 50}));  // unbiased
  // Each may be left out.
  batch_norm(x, {}, var, {}, {}, {.training = true, .momentum = 1});
  EXPECT_EQ(var.to_vector<float>(), (std::vector<float>{2, 200}));
  EXPECT_NO_THROW(batch_norm(x, {}, {}, {}, {}, {.training = true}));
}

TEST(BatchNorm, EvaluationLeavesThem) {
  Tensor mean = zeros({2}), var = ones({2});
  batch_norm(tensor({{1.0, 10.0}}), mean, var);
  EXPECT_EQ(mean.to_vector<float>(), (std::vector<float>{0, 0}));
  EXPECT_EQ(var.to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(BatchNorm, AnEmptyBatchLeavesThemToo) {
  Tensor mean = zeros({2}), var = ones({2});
  const Tensor y = batch_norm(ones({0, 2, 3}), mean, var, {}, {}, {.training = true});
  EXPECT_EQ(y.shape(), (Shape{0, 2, 3}));
  EXPECT_EQ(mean.to_vector<float>(), (std::vector<float>{0, 0}));
}

// The running statistics and parameters of n channels: mean, variance, weight, bias.
std::vector<Tensor> norm_of(int64_t n) {
  return {randn({n}, kFloat64), rand({n}, kFloat64) + 0.5, randn({n}, kFloat64),
          randn({n}, kFloat64)};
}

TEST(FoldBatchNorm, IsTheConvolutionAndTheNorm) {
  manual_seed(10);
  const Tensor x = randn({2, 6, 7, 8}, kFloat64), bias = randn({4}, kFloat64);
  const auto n = norm_of(4);
  const auto normed = [&](const Tensor& y) { return batch_norm(y, n[0], n[1], n[2], n[3]); };
  for (int64_t groups : {1, 2}) {
    const Tensor w = randn({4, 6 / groups, 3, 3}, kFloat64);
    const ConvOptions<2> options{.padding = 1, .groups = groups};
    for (const Tensor& b : {bias, Tensor()}) {
      const auto folded = fold_batch_norm(w, b, n[0], n[1], n[2], n[3]);
      EXPECT_LT(furthest(conv2d(x, folded.weight, folded.bias, options),
                         normed(conv2d(x, w, b, options))),
                1e-12);
    }
  }
  const Tensor w = randn({4, 6}, kFloat64), rows = randn({5, 6}, kFloat64);
  const auto folded = fold_batch_norm(w, bias, n[0], n[1], n[2], n[3]);
  EXPECT_LT(furthest(linear(rows, folded.weight, folded.bias), normed(linear(rows, w, bias))),
            1e-12);
}

TEST(FoldBatchNorm, OfATransposedConvolutionWithGroupsToo) {
  manual_seed(11);
  const Tensor x = randn({2, 6, 5, 4}, kFloat64), bias = randn({4}, kFloat64);
  const auto n = norm_of(4);
  for (int64_t groups : {1, 2}) {
    const Tensor w = randn({6, 4 / groups, 3, 3}, kFloat64);
    const auto folded =
        fold_batch_norm(w, bias, n[0], n[1], n[2], n[3], {.transposed = true, .groups = groups});
    const auto conv = [&](const Tensor& weight, const Tensor& b) {
      return conv_transpose2d(x, weight, b, {.stride = 2, .groups = groups});
    };
    EXPECT_LT(furthest(conv(folded.weight, folded.bias),
                       batch_norm(conv(w, bias), n[0], n[1], n[2], n[3])),
              1e-12);
  }
}

TEST(InstanceNorm, RunningStatisticsAreTheMeanOverSamples) {
  const Tensor x = tensor({1.0, 3.0, 5.0, 9.0}).reshape({2, 1, 2});
  Tensor mean = zeros({1}), var = zeros({1});
  instance_norm(x, mean, var, {}, {}, {.momentum = 1});
  EXPECT_EQ(mean.to_vector<float>(), (std::vector<float>{4.5}));
  EXPECT_EQ(var.to_vector<float>(), (std::vector<float>{5}));  // of 2 and 8, unbiased
}

// The right answer from float64, for x of float32.
TEST(Normalization, LargeOffsetsCostNoDigits) {
  manual_seed(3);
  const Tensor x = (randn({8, 4, 500}, kFloat64) + 1e4).to(kFloat32);
  const Tensor right = x.to(kFloat64);
  const BatchNormOptions training{.training = true};
  EXPECT_LT(furthest(batch_norm(x, {}, {}, {}, {}, training),
                     batch_norm(right, {}, {}, {}, {}, training)),
            1e-5);
  EXPECT_LT(furthest(layer_norm(x, {500}), layer_norm(right, {500})), 1e-5);
  EXPECT_LT(furthest(group_norm(x, 2), group_norm(right, 2)), 1e-5);
  Tensor var = zeros({4});
  batch_norm(x, {}, var, {}, {}, {.training = true, .momentum = 1});
  for (float v : var.to_vector<float>()) EXPECT_NEAR(v, 1, 0.1);
  Tensor var64 = zeros({4}, kFloat64);
  batch_norm(right, {}, var64, {}, {}, {.training = true, .momentum = 1});
  EXPECT_LT(furthest(var, var64), 1e-6);
}

TEST(Normalization, FusedAndComposedGradientsAgreeOnLargeParts) {
  manual_seed(4);
  const std::vector<std::pair<std::function<Tensor(const std::vector<Tensor>&)>, Shape>> ops{
      {[](const std::vector<Tensor>& x) {
         return batch_norm(x[0], {}, {}, x[1], x[2], {.training = true});
       },
       {40}},
      {[](const std::vector<Tensor>& x) { return group_norm(x[0], 4, x[1], x[2]); }, {40}},
      {[](const std::vector<Tensor>& x) { return layer_norm(x[0], x[1].shape(), x[1], x[2]); },
       {40, 5001}},
      // Many rows, whose sums by element are made in blocks.
      {[](const std::vector<Tensor>& x) { return layer_norm(x[0], {5001}, x[1], x[2]); }, {5001}},
      {[](const std::vector<Tensor>& x) {
         return group_norm(x[0].reshape({15003, 40}), 4, x[1], x[2]);
       },
       {40}}};
  for (const auto& [op, affine] : ops)
    for (int given = 1; given < 8; ++given) {  // which operands want a gradient
      std::vector<Tensor> x{randn({3, 40, 5001}, kFloat64), randn(affine, kFloat64),
                            randn(affine, kFloat64)};
      std::vector<Tensor> wanted;
      for (size_t i = 0; i < 3; ++i)
        if (given >> i & 1) wanted.push_back(x[i].requires_grad_());
      const Tensor y = op(x), dy = randn(y.shape(), kFloat64);
      const auto fused = autograd::grad(y, wanted, dy, {.retain_graph = true});
      const auto composed = autograd::grad(y, wanted, dy, {.create_graph = true});
      for (size_t i = 0; i < wanted.size(); ++i) EXPECT_LT(furthest(fused[i], composed[i]), 1e-9);
    }
}

TEST(Normalization, LargeOffsetsCostNoDigitsOfGradients) {
  manual_seed(7);
  const Tensor x = (randn({70, 8, 60}, kFloat64) + 1e4).to(kFloat32);
  const Tensor dy = randn(x.shape()), weight = randn({8, 60});
  const auto gradients = [&](DType dtype, bool by_channel) {
    const Tensor a = x.to(dtype).requires_grad_();
    const Tensor w = (by_channel ? weight.select(1, 0) : weight).to(dtype).requires_grad_();
    const Tensor y = by_channel ? group_norm(a, 2, w) : layer_norm(a, {8, 60}, w);
    return autograd::grad(y, {a, w}, dy.to(dtype));
  };
  for (bool by_channel : {false, true}) {
    const auto actual = gradients(kFloat32, by_channel), right = gradients(kFloat64, by_channel);
    EXPECT_LT(furthest(actual[0], right[0]), 1e-5);
    EXPECT_LT(furthest(actual[1], right[1]), 1e-3);  // sums of 70 and of 4200 terms
  }
}

TEST(Normalization, AnyNumberOfThreadsGivesTheSameBits) {
  manual_seed(5);
  const Tensor x = randn({16, 24, 33, 10});
  std::vector<std::string> first;
  for (int threads : {1, 2, 3, 5}) {
    const testing::Threads scope(threads);
    Tensor a = x.clone().requires_grad_(), w = ones({24}).requires_grad_();
    Tensor v = ones({33, 10}).requires_grad_();
    const Tensor block = batch_norm(
        a, {}, {}, w, {}, {.training = true, .residual = a * 0.5, .activation = Activation::kRelu});
    const Tensor y = block + group_norm(a, 4, w) + layer_norm(a, {33, 10}, v);
    (y * x).sum().backward();
    const auto bytes = testing::bytes_of({y, a.grad(), w.grad(), v.grad()});
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes == first, true) << threads << " threads";
  }
}

// Against the three ops that it is made of, in the same dtype and for parts of many blocks; fused
// gradients, and those that are recorded.
TEST(BatchNorm, ResidualAndReluAreThoseOfOpsOfTheirOwn) {
  manual_seed(8);
  for (bool training : {true, false})
    for (const Shape& shape :
         {Shape{9, 5, 31, 33}, Shape{200, 3, 7}, Shape{3, 2, 5001}, Shape{6, 4}})
      for (int with = 0; with < 4; ++with) {  // residual, relu
        const int64_t channels = shape[1];
        std::vector<Tensor> x{randn(shape, kFloat64), randn({channels}, kFloat64),
                              randn({channels}, kFloat64), randn(shape, kFloat64)};
        for (Tensor& operand : x) operand.requires_grad_();
        if (!(with & 1)) x.pop_back();
        const Tensor mean = randn({channels}, kFloat64), var = rand({channels}, kFloat64) + 0.5;
        const bool gated = with & 2;
        const Tensor y = batch_norm(x[0], mean.clone(), var.clone(), x[1], x[2],
                                    {.training = training,
                                     .residual = with & 1 ? x[3] : Tensor(),
                                     .activation = gated ? Activation::kRelu : Activation::kNone});
        Tensor right = batch_norm(x[0], mean, var, x[1], x[2], {.training = training});
        if (with & 1) right = right + x[3];
        if (gated) right = relu(right);
        EXPECT_EQ(testing::bytes_of({y}) == testing::bytes_of({right}), true);
        const Tensor dy = randn(shape, kFloat64);
        const auto expected = autograd::grad(right, x, dy);
        const auto fused = autograd::grad(y, x, dy, {.retain_graph = true});
        const auto composed = autograd::grad(y, x, dy, {.create_graph = true});
        for (size_t i = 0; i < x.size(); ++i) {
          EXPECT_LT(furthest(fused[i], expected[i]), 1e-11);
          EXPECT_LT(furthest(composed[i], expected[i]), 1e-11);
        }
      }
}

TEST(BatchNorm, ReluLetsNaNThroughAndItsGradientToo) {
  Tensor x = tensor({std::nan(""), -5.0, 1.0, 5.0}).reshape({4, 1}).requires_grad_();
  const Tensor y =
      batch_norm(x, zeros({1}), ones({1}), {}, {}, {.eps = 0, .activation = Activation::kRelu});
  const auto values = y.to_vector<float>();
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_EQ(std::vector<float>(values.begin() + 1, values.end()), (std::vector<float>{0, 1, 5}));
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 0, 1, 1}));
}

TEST(BatchNorm, AResidualAloneWantsItsGradient) {
  Tensor r = tensor({-3.0, 3.0}).reshape({2, 1}).requires_grad_();
  batch_norm(tensor({1.0, 2.0}).reshape({2, 1}), zeros({1}), ones({1}), {}, {},
             {.residual = r, .activation = Activation::kRelu})
      .sum()
      .backward();
  EXPECT_EQ(r.grad().to_vector<float>(), (std::vector<float>{0, 1}));
}

// Blocks of very different means: their joined variance is that of all.
TEST(BatchNorm, AFirstBlockFarFromTheRestCostsNoDigits) {
  manual_seed(9);
  Tensor x = randn({1, 1, 40000}, kFloat64);
  x = (x + where(lt(arange(40000), 5000), 1e4, 0.0).to(kFloat64)).to(kFloat32);
  const BatchNormOptions training{.training = true};
  EXPECT_LT(furthest(batch_norm(x, {}, {}, {}, {}, training),
                     batch_norm(x.to(kFloat64), {}, {}, {}, {}, training)),
            2e-6);
}

TEST(Normalization, NaNStaysWithinItsPart) {
  const Tensor x = tensor({{1.0, std::nan("")}, {1.0, 3.0}});
  const auto y = layer_norm(x, {2}).to_vector<float>();
  EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]));
  EXPECT_NEAR(y[2], -1, 1e-4);
}

TEST(Normalization, EmptyBatchesGiveGradientsOfZero) {
  Tensor x = ones({0, 4, 3}).requires_grad_(), w = ones({4}).requires_grad_();
  Tensor b = ones({4}).requires_grad_();
  group_norm(x, 2, w, b).sum().backward();
  EXPECT_EQ(x.grad().shape(), (Shape{0, 4, 3}));
  EXPECT_EQ(w.grad().to_vector<float>(), (std::vector<float>(4)));
  layer_norm(ones({0, 4}), {4}, w, b).sum().backward();
  EXPECT_EQ(b.grad().to_vector<float>(), (std::vector<float>(4)));
}

TEST(RmsNorm, EpsIsTheDtypesUnlessGiven) {
  EXPECT_EQ(rms_norm(zeros({1, 2}), {2}).to_vector<float>(), (std::vector<float>{0, 0}));
  const double tiny = 1e-9;
  const Tensor x = full({1}, tiny, kFloat64);
  EXPECT_NEAR(rms_norm(x, {1}).item<double>(),
              tiny / std::sqrt(tiny * tiny + std::numeric_limits<double>::epsilon()), 1e-15);
}

TEST(BatchNorm, ResultsOfRowsCanBeChangedInPlace) {
  const Tensor x = randn({8, 4}).requires_grad_();
  Tensor y = batch_norm(x, {}, {}, {}, {}, {.training = true});
  const Tensor expected = relu(y.detach());
  y.relu_();
  EXPECT_EQ(y.to_vector<float>(), expected.to_vector<float>());
}

}  // namespace
}  // namespace bb
