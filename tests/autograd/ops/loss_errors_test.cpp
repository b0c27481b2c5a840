// What losses say of operands that do not fit.
#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

TEST(LossErrors, TargetsOfAnotherShape) {
  const Tensor x = ones({3, 1}), t = ones({3});
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"mse_loss", [&] { mse_loss(x, t); }},
           {"l1_loss", [&] { l1_loss(x, t); }},
           {"smooth_l1_loss", [&] { smooth_l1_loss(x, t); }},
           {"huber_loss", [&] { huber_loss(x, t); }},
           {"gaussian_nll_loss", [&] { gaussian_nll_loss(x, t, x); }},
           {"poisson_nll_loss", [&] { poisson_nll_loss(x, t); }},
           {"binary_cross_entropy", [&] { binary_cross_entropy(x, t); }},
           {"binary_cross_entropy_with_logits", [&] { binary_cross_entropy_with_logits(x, t); }},
           {"kl_div", [&] { kl_div(x, t); }},
           {"soft_margin_loss", [&] { soft_margin_loss(x, t); }},
           {"multilabel_soft_margin_loss", [&] { multilabel_soft_margin_loss(x, t); }}})
    expect_error<ShapeError>(fn, name +
                                     ": x and target differ in shape\n  x [3, 1]   target [3]\n"
                                     "  hint: reshape or expand the target");
  expect_error<ShapeError>([&] { margin_ranking_loss(x, x, t); },
                           "margin_ranking_loss: x1 and target differ in shape\n"
                           "  x1 [3, 1]   target [3]\n  hint: reshape or expand the target");
  EXPECT_THROW(margin_ranking_loss(x, t, x), ShapeError);
  EXPECT_THROW(triplet_margin_loss(x, x, t), ShapeError);
  EXPECT_THROW(triplet_margin_loss(x, t, x), ShapeError);
  expect_error<ShapeError>([&] { hinge_embedding_loss(t, ones({4})); },
                           "hinge_embedding_loss: shapes do not broadcast: at dimension 1 from the "
                           "end they are 3 and 4\n"
                           "  x [3]   target [4]\n  hint: sizes must be equal, or one of them 1");
}

TEST(LossErrors, DTypes) {
  const Tensor x = ones({3}, kInt64);
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"smooth_l1_loss", [&] { smooth_l1_loss(x, x); }},
           {"huber_loss", [&] { huber_loss(x, x); }},
           {"gaussian_nll_loss", [&] { gaussian_nll_loss(x, x, x); }},
           {"poisson_nll_loss", [&] { poisson_nll_loss(x, x); }},
           {"binary_cross_entropy", [&] { binary_cross_entropy(x, x); }},
           {"binary_cross_entropy_with_logits", [&] { binary_cross_entropy_with_logits(x, x); }},
           {"kl_div", [&] { kl_div(x, x); }},
           {"hinge_embedding_loss", [&] { hinge_embedding_loss(x, x); }},
           {"soft_margin_loss", [&] { soft_margin_loss(x, x); }},
           {"multi_margin_loss", [&] { multi_margin_loss(x, tensor(0)); }},
           {"multilabel_margin_loss", [&] { multilabel_margin_loss(x, x); }},
           {"multilabel_soft_margin_loss", [&] { multilabel_soft_margin_loss(x, x); }},
           {"nll_loss", [&] { nll_loss(x, tensor(0)); }}})
    expect_error<DTypeError>(fn, name +
                                     ": needs floating point\n  x int64 [3]\n"
                                     "  hint: convert with to(kFloat32)");
  expect_error<DTypeError>([&] { margin_ranking_loss(x, x, x); },
                           "margin_ranking_loss: needs floating point\n  x1 int64 [3]\n"
                           "  hint: convert with to(kFloat32)");
  expect_error<DTypeError>(
      [] {
        cross_entropy(ones({3, 4}, kInt64), tensor({0, 1, 2}));
      },
      "cross_entropy: needs floating point\n  x int64 [3, 4]\n"
      "  hint: convert with to(kFloat32)");
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"mse_loss", [&] { mse_loss(x, x); }}, {"l1_loss", [&] { l1_loss(x, x); }}})
    expect_error<DTypeError>(fn, name +
                                     ": x or target must be floating point\n"
                                     "  x int64 [3]   target int64 [3]\n"
                                     "  hint: convert with to(kFloat32)");
  EXPECT_EQ(l1_loss(x, x + 2, {.reduction = Reduction::kSum}).item<int64_t>(), 6);
  EXPECT_EQ(mse_loss(x, ones({3})).dtype(), kFloat32);
  expect_error<DTypeError>([&] { triplet_margin_loss(ones({3}), ones({3}), x); },
                           "triplet_margin_loss: needs floating point\n  negative int64 [3]\n"
                           "  hint: convert with to(kFloat32)");
  expect_error<DTypeError>(
      [] {
        cross_entropy(ones({3, 4}), ones({3}, kBool));
      },
      "cross_entropy: labels must be integers\n  x float32 [3, 4]   target bool [3]");
  expect_error<DTypeError>(
      [] {
        nll_loss(ones({3, 4}), ones({3}));
      },
      "nll_loss: labels must be integers\n  x float32 [3, 4]   target float32 [3]");
  EXPECT_THROW(multi_margin_loss(ones({3, 4}), ones({3})), DTypeError);
}

TEST(LossErrors, NumbersOutOfRange) {
  const Tensor x = ones({2});
  expect_error<ValueError>([&] { smooth_l1_loss(x, x, {.beta = -1}); },
                           "smooth_l1_loss: beta must not be negative, got -1\n  x [2]");
  expect_error<ValueError>([&] { huber_loss(x, x, {.delta = 0}); },
                           "huber_loss: delta must be positive, got 0\n  x [2]");
  expect_error<ValueError>([&] { gaussian_nll_loss(x, x, x, {.eps = 0}); },
                           "gaussian_nll_loss: eps must be positive, got 0\n  x [2]");
  expect_error<ValueError>(
      [&] {
        gaussian_nll_loss(x, x, tensor({1.0, -1.0}));
      },
      "gaussian_nll_loss: a variance is negative\n  var float32 [2]");
  expect_error<ShapeError>(
      [&] { gaussian_nll_loss(x, x, ones({3})); },
      "gaussian_nll_loss: var must have x's shape, or that with a last size of 1 or without it\n"
      "  x [2]   var [3]");
  expect_error<ValueError>([&] { mse_loss(x, x, {.reduction = Reduction::kBatchMean}); },
                           "mse_loss: Reduction::kBatchMean is for kl_div alone");
  expect_error<ShapeError>([] { kl_div(ones({}), ones({}), {.reduction = Reduction::kBatchMean}); },
                           "kl_div: Reduction::kBatchMean needs a first dimension\n  x []");
  expect_error<ValueError>([&] { binary_cross_entropy(x * 2, x); },
                           "binary_cross_entropy: x must lie in [0, 1]\n  x float32 [2]\n"
                           "  hint: binary_cross_entropy_with_logits takes scores of any size");
  EXPECT_THROW(binary_cross_entropy(x * std::nan(""), x), ValueError);
}

TEST(LossErrors, CrossEntropy) {
  const Tensor x = ones({3, 4});
  expect_error<IndexError>(
      [&] {
        cross_entropy(x, tensor({0, 4, 1}));
      },
      "cross_entropy: label 4 at position [1] is out of range for 4 classes (0 to 3)\n"
      "  x [3, 4]   target [3]");
  expect_error<IndexError>(
      [] {
        cross_entropy(ones({2, 3, 2}), tensor({{0, 1}, {2, 3}}));
      },
      "cross_entropy: label 3 at position [1, 1] is out of range for 3 classes (0 to 2)\n"
      "  x [2, 3, 2]   target [2, 2]");
  EXPECT_THROW(cross_entropy(x, tensor({0, -1, 1})), IndexError);
  expect_error<ShapeError>(
      [&] {
        cross_entropy(x, tensor({0, 1}));
      },
      "cross_entropy: the target does not fit the scores\n"
      "  x float32 [3, 4] (N,C,...)   target int64 [2] (integer (N,...), or "
      "probabilities of x's shape and dtype)");
  EXPECT_THROW(cross_entropy(x, ones({3, 5})), ShapeError);
  EXPECT_THROW(cross_entropy(x, ones({3, 4}, kFloat64)), ShapeError);
  EXPECT_THROW(cross_entropy(ones({}), tensor(0)), ShapeError);
  EXPECT_THROW(cross_entropy(ones({2, 3, 4}), zeros({2, 3}, kInt64)), ShapeError);
  const Tensor labels = tensor({0, 1, 2});
  expect_error<ShapeError>([&] { cross_entropy(x, labels, {.weight = ones({3})}); },
                           "cross_entropy: weight must be [4], one for each class\n"
                           "  weight [3]   x [3, 4]");
  expect_error<DTypeError>([&] { cross_entropy(x, labels, {.weight = ones({4}, kFloat64)}); },
                           "cross_entropy: weight must have x's dtype\n"
                           "  weight float64 [4]   x float32 [3, 4]");
  expect_error<ValueError>([&] { cross_entropy(x, labels, {.label_smoothing = 1.5}); },
                           "cross_entropy: label_smoothing must lie in [0, 1], got 1.5\n"
                           "  x [3, 4]   target [3]");
  expect_error<ValueError>([&] { cross_entropy(x, x, {.ignore_index = 0}); },
                           "cross_entropy: ignore_index is for labels, not for probabilities\n"
                           "  x float32 [3, 4]   target float32 [3, 4]");
}

TEST(LossErrors, NllLoss) {
  expect_error<ShapeError>(
      [] {
        nll_loss(ones({3, 4}), tensor({0, 1}));
      },
      "nll_loss: the target does not fit the scores\n"
      "  x float32 [3, 4] (N,C,...)   target int64 [2] (integer (N,...))");
  expect_error<IndexError>(
      [] {
        nll_loss(ones({2, 4}), tensor({0, 4}));
      },
      "nll_loss: label 4 at position [1] is out of range for 4 classes (0 to 3)\n"
      "  x [2, 4]   target [2]");
  EXPECT_THROW(nll_loss(ones({2, 4}), tensor({0, 1}), {.weight = ones({2})}), ShapeError);
}

TEST(LossErrors, WeightsThatDoNotBroadcast) {
  const Tensor x = ones({2, 3});
  expect_error<ShapeError>(
      [&] {
        binary_cross_entropy(x, x, {.weight = ones({4, 2, 3})});
      },
      "binary_cross_entropy: weight must broadcast to x\n"
      "  weight [4, 2, 3]   x [2, 3]");
  EXPECT_THROW(binary_cross_entropy_with_logits(x, x, {.pos_weight = ones({2})}), ShapeError);
  EXPECT_THROW(multilabel_soft_margin_loss(x, x, {.weight = ones({2})}), ShapeError);
}

TEST(LossErrors, MarginLosses) {
  const Tensor x = ones({2, 3});
  expect_error<ShapeError>([&] { cosine_embedding_loss(x, x, ones({3})); },
                           "cosine_embedding_loss: needs x1 and x2 (N,D) with target (N), or (D) "
                           "with ()\n  x1 [2, 3]   x2 [2, 3]   target [3]");
  EXPECT_THROW(cosine_embedding_loss(x, ones({3}), ones({2})), ShapeError);
  EXPECT_THROW(cosine_embedding_loss(ones({}), ones({}), ones({})), ShapeError);
  expect_error<ShapeError>([&] { multi_margin_loss(x, tensor({0})); },
                           "multi_margin_loss: the target does not fit the scores\n"
                           "  x float32 [2, 3] (N,C) or (C)   target int64 [1]");
  expect_error<IndexError>(
      [&] {
        multi_margin_loss(x, tensor({0, 3}));
      },
      "multi_margin_loss: label 3 at position [1] is out of range for 3 classes (0 to 2)\n"
      "  x [2, 3]   target [2]");
  expect_error<ValueError>(
      [&] {
        multi_margin_loss(x, tensor({0, 1}), {.p = 3});
      },
      "multi_margin_loss: p must be 1 or 2, got 3\n  x [2, 3]");
  expect_error<IndexError>(
      [&] {
        multilabel_margin_loss(ones({3}), tensor({0, 3, -1}));
      },
      "multilabel_margin_loss: label 3 at position [1] is out of range for 3 classes (0 to 2, or "
      "-1 "
      "at the end)\n  x [3]   target [3]");
  EXPECT_THROW(multilabel_margin_loss(x, tensor({0, 1})), ShapeError);
  EXPECT_THROW(multi_margin_loss(ones({}), tensor(0)), ShapeError);
  EXPECT_THROW(multilabel_soft_margin_loss(ones({}), ones({})), ShapeError);
}

TEST(DistanceErrors, Operands) {
  expect_error<DTypeError>(
      [] {
        normalize(ones({2, 3}, kInt64));
      },
      "normalize: needs floating point\n  x int64 [2, 3]\n"
      "  hint: convert with to(kFloat32)");
  expect_error<DTypeError>(
      [] {
        cosine_similarity(ones({2, 3}), ones({2, 3}, kInt64));
      },
      "cosine_similarity: needs floating point\n  x2 int64 [2, 3]\n"
      "  hint: convert with to(kFloat32)");
  expect_error<ValueError>(
      [] {
        pairwise_distance(ones({2, 0}), ones({2, 0}), {.p = -1});
      },
      "pairwise_distance: an empty tensor has no norm of order -1\n  x [2, 0]");
  expect_error<ValueError>(
      [] { triplet_margin_loss(ones({2}), ones({2}), ones({2}), {.p = std::nan("")}); },
      "triplet_margin_loss: p is NaN\n  x [2]");
  EXPECT_THROW(pairwise_distance(ones({2, 3}, kInt64), ones({2, 3})), DTypeError);
  expect_error<IndexError>(
      [] {
        normalize(ones({2, 3}), {.dim = 2});
      },
      "normalize: dim 2 is out of range for a tensor of 2 dimensions (-2 to 1 allowed)\n  x [2, "
      "3]");
  EXPECT_THROW(cosine_similarity(ones({2, 3}), ones({2, 3}), 2), IndexError);
  expect_error<ShapeError>(
      [] {
        cosine_similarity(ones({2, 3}), ones({2, 4}));
      },
      "cosine_similarity: shapes do not broadcast: at dimension 1 from the "
      "end they are 3 and 4\n  x1 [2, 3]   x2 [2, 4]\n"
      "  hint: sizes must be equal, or one of them 1");
  expect_error<ShapeError>([] { cosine_similarity(ones({}), ones({}), 0); },
                           "cosine_similarity: numbers have no angle\n  x1 []   x2 []");
  expect_error<ShapeError>([] { pairwise_distance(ones({}), ones({})); },
                           "pairwise_distance: needs vectors\n  x1 []   x2 []\n"
                           "  hint: use abs(x1 - x2) for numbers");
}

TEST(CtcErrors, Operands) {
  const Tensor x = zeros({4, 2, 3}), labels = tensor({{1, 2}, {2, 1}});
  const Tensor inputs = tensor({4, 4}), targets = tensor({2, 2});
  expect_error<ShapeError>(
      [&] { ctc_loss(x, labels, tensor({4}), targets); },
      "ctc_loss: needs log_probs (T,N,C), targets (N,S) or all in one, and lengths (N); or "
      "log_probs (T,C)\n"
      "  log_probs float32 [4, 2, 3]   targets int64 [2, 2]   input_lengths int64 [1]   "
      "target_lengths int64 [2]");
  expect_error<DTypeError>(
      [&] {
        ctc_loss(x, ones({2, 2}), inputs, targets);
      },
      "ctc_loss: log_probs must be floating point, targets and lengths integers\n"
      "  log_probs float32 [4, 2, 3]   targets float32 [2, 2]   input_lengths int64 [2]   "
      "target_lengths int64 [2]");
  expect_error<IndexError>([&] { ctc_loss(x, labels, inputs, targets, {.blank = 3}); },
                           "ctc_loss: blank 3 is out of range for 3 classes (0 to 2)\n"
                           "  log_probs [4, 2, 3]   targets [2, 2]");
  expect_error<IndexError>(
      [&] { ctc_loss(x, labels + 1, inputs, targets); },
      "ctc_loss: label 3 at position [0, 1] is out of range for 3 classes (0 to 2)\n"
      "  log_probs [4, 2, 3]   targets [2, 2]");
  expect_error<ValueError>([&] { ctc_loss(x, labels, inputs, targets, {.blank = 1}); },
                           "ctc_loss: label 1 at position [0, 0] is the blank\n"
                           "  log_probs [4, 2, 3]   targets [2, 2]");
  expect_error<ValueError>(
      [&] {
        ctc_loss(x, labels, tensor({4, 5}), targets);
      },
      "ctc_loss: the input length 5 of sample 1 is not in [0, 4]\n"
      "  log_probs [4, 2, 3]   targets [2, 2]");
  expect_error<ValueError>(
      [&] {
        ctc_loss(x, labels, inputs, tensor({3, 1}));
      },
      "ctc_loss: the target length 3 of sample 0 is not in [0, 2]\n"
      "  log_probs [4, 2, 3]   targets [2, 2]");
  expect_error<ValueError>(
      [&] {
        ctc_loss(x, tensor({1, 2, 1}), inputs, targets);
      },
      "ctc_loss: target lengths add up to 4, but there are 3 targets\n"
      "  log_probs [4, 2, 3]   targets [3]");
  EXPECT_THROW(ctc_loss(x, labels, inputs, tensor({-1, 2})), ValueError);
  EXPECT_THROW(ctc_loss(zeros({4}), labels, inputs, targets), ShapeError);
}

}  // namespace
}  // namespace bb
