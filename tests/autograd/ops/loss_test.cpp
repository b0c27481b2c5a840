// Losses beyond what tests/op_cases shows.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "bb/autograd/testing.h"
#include "bb/bb.h"

namespace bb {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(CrossEntropy, LabelsOfAnyIntegerType) {
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {0.0, 0.0, 1.0}});
  const float right = cross_entropy(x, tensor({2, 0})).item<float>();
  EXPECT_EQ(cross_entropy(x, tensor({2, 0}, kInt32)).item<float>(), right);
  EXPECT_EQ(cross_entropy(x, tensor({2, 0}, kUInt8)).item<float>(), right);
}

TEST(CrossEntropy, SpatialDimsAreSamples) {
  manual_seed(1);
  const Tensor x = randn({2, 5, 3, 4}), labels = randint(0, 5, {2, 3, 4});
  const Tensor rows = x.permute({0, 2, 3, 1}).reshape({24, 5});
  EXPECT_NEAR(cross_entropy(x, labels).item<float>(),
              cross_entropy(rows, labels.reshape({24})).item<float>(), 1e-6);
  EXPECT_EQ(cross_entropy(x, labels, {.reduction = Reduction::kNone}).shape(), (Shape{2, 3, 4}));
}

TEST(CrossEntropy, NothingButIgnoredLabelsIsZeroInSumAndNaNInMean) {
  Tensor x = ones({2, 3}).requires_grad_();
  const Tensor labels = tensor({-100, -100});
  const Tensor total = cross_entropy(x, labels, {.reduction = Reduction::kSum});
  EXPECT_EQ(total.item<float>(), 0);
  total.backward();
  EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(6));
  EXPECT_TRUE(std::isnan(cross_entropy(x, labels).item<float>()));
}

TEST(NllLoss, AnIgnoredInfinityCountsForNothing) {
  Tensor x = tensor({{-kInf, 0.0}, {-1.0, -2.0}}).requires_grad_();
  const Tensor loss = nll_loss(x, tensor({0, 1}), {.ignore_index = 0});
  EXPECT_EQ(loss.item<float>(), 2);
  loss.backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{0, 0, 0, -1}));
}

TEST(Losses, OfLargeScoresAreExact) {
  const Tensor x = tensor({1000.0, -1000.0}), t = tensor({1.0, 0.0});
  EXPECT_EQ(binary_cross_entropy_with_logits(x, t).item<float>(), 0);
  EXPECT_EQ(binary_cross_entropy_with_logits(x, 1 - t).item<float>(), 1000);
  EXPECT_EQ(soft_margin_loss(x, tensor({-1, 1})).item<float>(), 1000);
}

TEST(KlDiv, ATargetOfZeroGivesNothing) {
  Tensor x = tensor({-1.0, -2.0}).requires_grad_(), t = tensor({0.0, 1.0}).requires_grad_();
  const Tensor loss = kl_div(x, t, {.reduction = Reduction::kSum});
  EXPECT_EQ(loss.item<float>(), 2);
  loss.backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{0, -1}));
  EXPECT_EQ(t.grad().to_vector<float>(), (std::vector<float>{1, 3}));
}

TEST(CosineSimilarity, OfZeroVectorsIsZeroWithFiniteGradients) {
  Tensor a = zeros({1, 3}).requires_grad_(), b = ones({1, 3}).requires_grad_();
  const Tensor y = cosine_similarity(a, b);
  EXPECT_EQ(y.to_vector<float>(), std::vector<float>{0});
  y.sum().backward();
  for (const Tensor& x : {a, b})
    for (float value : x.grad().to_vector<float>()) EXPECT_TRUE(std::isfinite(value));
}

// ---- CTC

// The same by its definition: all sequences of classes that become the target when equal neighbours
// are made one and blanks are left out.
double ctc_by_definition(const Tensor& log_probs, const std::vector<int64_t>& target) {
  const int64_t time = log_probs.size(0), classes = log_probs.size(1);
  double total = 0;
  int64_t sequences = 1;
  for (int64_t t = 0; t < time; ++t) sequences *= classes;
  for (int64_t number = 0; number < sequences; ++number) {
    std::vector<int64_t> collapsed;
    double logarithm = 0;
    int64_t rest = number, last = -1;
    for (int64_t t = 0; t < time; ++t, rest /= classes) {
      const int64_t c = rest % classes;
      logarithm += log_probs.data<double>()[t * classes + c];
      if (c != last && c != 0) collapsed.push_back(c);
      last = c;
    }
    if (collapsed == target) total += std::exp(logarithm);
  }
  return -std::log(total);
}

TEST(CtcLoss, IsTheProbabilityOfAllAlignments) {
  manual_seed(2);
  const Tensor x = log_softmax(randn({5, 3}, kFloat64), -1);
  for (const std::vector<int64_t>& target :
       std::vector<std::vector<int64_t>>{{}, {1}, {2, 1}, {1, 1}, {1, 2, 1}, {2, 2, 1}}) {
    const auto length = static_cast<int64_t>(target.size());
    EXPECT_NEAR(
        ctc_loss(x, tensor(target), tensor(5), tensor(length), {.reduction = Reduction::kSum})
            .item<double>(),
        ctc_by_definition(x, target), 1e-10);
  }
}

TEST(CtcLoss, GradientIsThatOfLogProbsThemselves) {
  manual_seed(3);
  const Tensor labels = tensor({1, 2, 2, 1}), lengths = tensor({2, 2});
  const auto loss = [&](const Tensor& x) { return ctc_loss(x, labels, tensor({4, 3}), lengths); };
  EXPECT_GRADCHECK(loss, {randn({4, 2, 3}, kFloat64)});
  EXPECT_GRADGRADCHECK(loss, {randn({4, 2, 3}, kFloat64)});
}

TEST(CtcLoss, WithoutAnAlignmentItIsInfinite) {
  Tensor x = zeros({2, 3}).requires_grad_();
  const Tensor target = tensor({1, 1}), two = tensor(2);
  const Tensor loss = ctc_loss(x, target, two, two, {.reduction = Reduction::kNone});
  EXPECT_EQ(loss.shape(), Shape{});
  EXPECT_EQ(loss.item<float>(), kInf);
  loss.backward();
  for (float value : x.grad().to_vector<float>()) EXPECT_TRUE(std::isnan(value));
  x.set_grad({});
  ctc_loss(x, target, two, two, {.zero_infinity = true}).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(6));
}

TEST(CtcLoss, NoTimeAndNoLabelsIsCertain) {
  Tensor x = zeros({3, 2, 2}).requires_grad_();
  const Tensor loss = ctc_loss(x, zeros({2, 0}, kInt64), tensor({0, 3}), tensor({0, 0}),
                               {.reduction = Reduction::kNone});
  EXPECT_EQ(loss.to_vector<float>(), (std::vector<float>{0, 0}));
  loss.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(),
            (std::vector<float>{0, 0, -1, 0, 0, 0, -1, 0, 0, 0, -1, 0}));
}

TEST(CtcLoss, ImpossibleLogProbsGiveNoNaN) {
  Tensor x = full({3, 2}, 0.0, kFloat64);
  x.slice(1, 1, 2).slice(0, 0, 1).fill_(-std::numeric_limits<double>::infinity());
  x.requires_grad_();
  const auto loss = ctc_loss(x, tensor({1}), tensor(3), tensor(1));
  EXPECT_TRUE(std::isfinite(loss.item<double>()));
  const auto fused = autograd::grad(loss, {x}, Tensor(), {.retain_graph = true})[0];
  const auto composed = autograd::grad(loss, {x}, Tensor(), {.create_graph = true})[0];
  const auto a = fused.to_vector<double>(), b = composed.to_vector<double>();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-12);
}

}  // namespace
}  // namespace bb
