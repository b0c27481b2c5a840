#include "bb/autograd/ops/margin_loss.h"

#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/gather.h"
#include "bb/autograd/ops/loss_parts.h"
#include "bb/autograd/ops/norm.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {

using detail::check_floating;
using detail::check_reduction;
using detail::check_same_shape;
using detail::reduced;

namespace {

Tensor above_zero(const Tensor& x) { return clamp(x, 0); }

Tensor zero_like(const Tensor& x) { return zeros({}, x.dtype()); }

// x [N,C] or [C] as rows, and labels of the same leading dim.
struct Rows {
  Tensor x, labels;
  Tensor plain;  // the labels in the target's shape
  bool one;      // x was [C]
};

Rows rows_of(const char* op, const Tensor& x, const Tensor& target, const Shape& labels_shape) {
  check_floating(op, x);
  if ((x.dim() != 1 && x.dim() != 2) || target.shape() != labels_shape)
    throw ShapeError(
        fmt::format("{}: the target does not fit the scores\n"
                    "  x {} (N,C) or (C)   target {}",
                    op, describe(x), describe(target)));
  const Tensor labels = detail::checked_labels(op, target, x);
  if (x.dim() == 2) return {x, labels, labels, false};
  return {unsqueeze(x, 0), unsqueeze(labels, 0), labels, true};
}

Tensor rows_reduced(const Rows& rows, const Tensor& losses, Reduction reduction) {
  return reduced(rows.one ? squeeze(losses, 0) : losses, reduction);
}

}  // namespace

Tensor margin_ranking_loss(const Tensor& x1, const Tensor& x2, const Tensor& target,
                           const MarginOptions& options) {
  check_same_shape("margin_ranking_loss", x1, "x1", x2, "x2");
  check_reduction("margin_ranking_loss", options.reduction);
  check_same_shape("margin_ranking_loss", x1, "x1", target, "target");
  check_floating("margin_ranking_loss", x1, "x1");
  return reduced(above_zero(target * (x2 - x1) + options.margin), options.reduction);
}

Tensor cosine_embedding_loss(const Tensor& x1, const Tensor& x2, const Tensor& target,
                             const MarginOptions& options) {
  constexpr const char* kName = "cosine_embedding_loss";
  check_same_shape(kName, x1, "x1", x2, "x2");
  check_reduction(kName, options.reduction);
  check_floating(kName, x1, "x1");
  check_floating(kName, x2, "x2");
  detail::check_defined(kName, {{"x1", x1}, {"x2", x2}, {"target", target}});
  Shape batch = x1.shape();
  if (x1.dim() > 0) batch.erase(x1.dim() - 1);
  if ((x1.dim() != 1 && x1.dim() != 2) || target.shape() != batch)
    throw ShapeError(
        fmt::format("{}: needs x1 and x2 (N,D) with target (N), or (D) with ()\n"
                    "  x1 {}   x2 {}   target {}",
                    kName, x1.shape(), x2.shape(), target.shape()));
  constexpr double kEps = 1e-12;  // PyTorch's
  const Tensor squares1 = sum(x1 * x1, {-1}) + kEps, squares2 = sum(x2 * x2, {-1}) + kEps;
  const Tensor cosine = sum(x1 * x2, {-1}) / sqrt(squares1 * squares2);
  const Tensor zero = zero_like(cosine);
  return reduced(where(eq(target, 1), 1 - cosine, zero) +
                     where(eq(target, -1), above_zero(cosine - options.margin), zero),
                 options.reduction);
}

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target,
                            const HingeEmbeddingOptions& options) {
  const auto operands = {detail::Role{"x", x}, detail::Role{"target", target}};
  detail::check_defined("hinge_embedding_loss", operands);
  detail::broadcast("hinge_embedding_loss", operands);
  check_reduction("hinge_embedding_loss", options.reduction);
  check_floating("hinge_embedding_loss", x);
  const Tensor zero = zero_like(x);
  return reduced(
      where(ne(target, -1), x, zero) + where(ne(target, 1), above_zero(options.margin - x), zero),
      options.reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginOptions& options) {
  constexpr const char* kName = "triplet_margin_loss";
  check_same_shape(kName, anchor, "anchor", positive, "positive");
  check_reduction(kName, options.reduction);
  check_same_shape(kName, anchor, "anchor", negative, "negative");
  check_floating(kName, anchor, "anchor");
  check_floating(kName, positive, "positive");
  check_floating(kName, negative, "negative");
  if (anchor.dim() == 0)
    throw ShapeError(
        fmt::format("{}: needs vectors\n  anchor []   positive []   negative []", kName));
  const auto distance = [&](const Tensor& a, const Tensor& b) {
    return detail::norm_for(kName, a - b + options.eps, options.p, {-1}, false);
  };
  Tensor apart = distance(anchor, negative);
  if (options.swap) apart = minimum(apart, distance(positive, negative));
  return reduced(above_zero(distance(anchor, positive) - apart + options.margin),
                 options.reduction);
}

Tensor soft_margin_loss(const Tensor& x, const Tensor& target, const LossOptions& options) {
  check_same_shape("soft_margin_loss", x, "x", target, "target");
  check_reduction("soft_margin_loss", options.reduction);
  check_floating("soft_margin_loss", x);
  return reduced(-logsigmoid(x * target), options.reduction);
}

Tensor multi_margin_loss(const Tensor& x, const Tensor& target, const MultiMarginOptions& options) {
  constexpr const char* kName = "multi_margin_loss";
  detail::check_defined(kName, {{"x", x}, {"target", target}});
  Shape batch = x.shape();
  if (x.dim() > 0) batch.erase(x.dim() - 1);
  const Rows rows = rows_of(kName, x, target, batch);
  check_reduction(kName, options.reduction);
  const int64_t classes = rows.x.size(1);
  detail::check_label_range(kName, rows.plain, classes, x);
  const Tensor weight = detail::checked_class_weight(kName, options.weight, classes, x);
  if (options.p != 1 && options.p != 2)
    throw ValueError(
        fmt::format("{}: p must be 1 or 2, got {}\n  x {}", kName, options.p, x.shape()));
  const Tensor at = unsqueeze(rows.labels, 1);
  Tensor excess = above_zero(options.margin - gather(rows.x, 1, at) + rows.x);
  if (options.p == 2) excess = excess * excess;
  if (weight.defined()) excess = excess * unsqueeze(index_select(weight, 0, rows.labels), 1);
  const Tensor others = where(ne(arange(classes), at), excess, zero_like(x));
  return rows_reduced(rows, sum(others, {1}) / static_cast<double>(classes), options.reduction);
}

Tensor multilabel_margin_loss(const Tensor& x, const Tensor& target, const LossOptions& options) {
  constexpr const char* kName = "multilabel_margin_loss";
  detail::check_defined(kName, {{"x", x}, {"target", target}});
  const Rows rows = rows_of(kName, x, target, x.shape());
  check_reduction(kName, options.reduction);
  const int64_t samples = rows.x.size(0), classes = rows.x.size(1);
  Tensor counts = zeros({samples, classes}, x.dtype());  // of each label among the targets
  visit_floating(x.dtype(), [&]<class T>() {
    const int64_t* label = rows.labels.data<int64_t>();
    for (int64_t n = 0; n < samples; ++n)
      for (int64_t i = n * classes; i < (n + 1) * classes && label[i] != -1; ++i) {
        if (label[i] < 0 || label[i] >= classes)
          detail::throw_label_range(kName, rows.plain, i, classes, x, ", or -1 at the end");
        counts.data<T>()[n * classes + label[i]] += 1;
      }
  });
  const Tensor others = eq(counts, 0).to(x.dtype());
  const Tensor excess = above_zero(1 - unsqueeze(rows.x, 2) + unsqueeze(rows.x, 1));
  const Tensor pairs = excess * unsqueeze(counts, 2) * unsqueeze(others, 1);
  return rows_reduced(rows, sum(pairs, {1, 2}) / static_cast<double>(classes), options.reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target,
                                   const MultilabelSoftMarginOptions& options) {
  constexpr const char* kName = "multilabel_soft_margin_loss";
  check_same_shape(kName, x, "x", target, "target");
  check_reduction(kName, options.reduction);
  check_floating(kName, x);
  if (x.dim() == 0) throw ShapeError(fmt::format("{}: x must be (...,C)\n  x []", kName));
  const Tensor weight = detail::checked_class_weight(kName, options.weight, x.size(-1), x);
  Tensor losses = (1 - target) * x - logsigmoid(x);
  if (weight.defined()) losses = losses * weight;
  return reduced(mean(losses, {-1}), options.reduction);
}

}  // namespace bb
