#include "bb/autograd/ops/margin_loss.h"

#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/distance.h"
#include "bb/autograd/ops/gather.h"
#include "bb/autograd/ops/loss_parts.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {

using detail::check_floating;
using detail::check_same_shape;
using detail::reduced;

namespace {

Tensor above_zero(const Tensor& x) { return clamp(x, 0); }

Tensor zero_like(const Tensor& x) { return zeros({}, x.dtype()); }

// x [N,C] or [C] as rows, and labels of the same leading dim.
struct Rows {
  Tensor x, labels;
  bool one;  // x was [C]
};

Rows rows_of(const char* op, const Tensor& x, const Tensor& target, const Shape& labels_shape) {
  check_floating(op, x);
  if ((x.dim() != 1 && x.dim() != 2) || target.shape() != labels_shape)
    throw ShapeError(
        fmt::format("{}: the target does not fit the scores\n"
                    "  x {} (N,C) or (C)   target {}",
                    op, describe(x), describe(target)));
  const Tensor labels = detail::checked_labels(op, target);
  if (x.dim() == 2) return {x, labels, false};
  return {unsqueeze(x, 0), unsqueeze(labels, 0), true};
}

Tensor rows_reduced(const char* op, const Rows& rows, const Tensor& losses, Reduction reduction) {
  return reduced(op, rows.one ? squeeze(losses, 0) : losses, reduction);
}

}  // namespace

Tensor margin_ranking_loss(const Tensor& x1, const Tensor& x2, const Tensor& target,
                           const MarginOptions& options) {
  check_same_shape("margin_ranking_loss", x1, "x1", x2, "x2");
  check_same_shape("margin_ranking_loss", x1, "x1", target, "target");
  check_floating("margin_ranking_loss", x1, "x1");
  return reduced("margin_ranking_loss", above_zero(target * (x2 - x1) + options.margin),
                 options.reduction);
}

Tensor cosine_embedding_loss(const Tensor& x1, const Tensor& x2, const Tensor& target,
                             const MarginOptions& options) {
  constexpr const char* kName = "cosine_embedding_loss";
  check_same_shape(kName, x1, "x1", x2, "x2");
  check_floating(kName, x1, "x1");
  Shape batch = x1.shape();
  if (x1.dim() > 0) batch.erase(x1.dim() - 1);
  if ((x1.dim() != 1 && x1.dim() != 2) || target.shape() != batch)
    throw ShapeError(
        fmt::format("{}: needs x1 and x2 (N,D) with target (N), or (D) with ()\n"
                    "  x1 {}   target {}",
                    kName, x1.shape(), target.shape()));
  constexpr double kEps = 1e-12;  // PyTorch's
  const Tensor squares1 = sum(x1 * x1, {-1}) + kEps, squares2 = sum(x2 * x2, {-1}) + kEps;
  const Tensor cosine = sum(x1 * x2, {-1}) / sqrt(squares1 * squares2);
  const Tensor zero = zero_like(cosine);
  return reduced(kName,
                 where(eq(target, 1), 1 - cosine, zero) +
                     where(eq(target, -1), above_zero(cosine - options.margin), zero),
                 options.reduction);
}

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target,
                            const HingeEmbeddingOptions& options) {
  broadcast_shapes("hinge_embedding_loss", x.shape(), target.shape());
  check_floating("hinge_embedding_loss", x);
  const Tensor zero = zero_like(x);
  return reduced(
      "hinge_embedding_loss",
      where(ne(target, -1), x, zero) + where(ne(target, 1), above_zero(options.margin - x), zero),
      options.reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginOptions& options) {
  constexpr const char* kName = "triplet_margin_loss";
  check_same_shape(kName, anchor, "anchor", positive, "positive");
  check_same_shape(kName, anchor, "anchor", negative, "negative");
  check_floating(kName, anchor, "anchor");
  const PairwiseDistanceOptions distance{.p = options.p, .eps = options.eps};
  Tensor apart = pairwise_distance(anchor, negative, distance);
  if (options.swap) apart = minimum(apart, pairwise_distance(positive, negative, distance));
  return reduced(kName,
                 above_zero(pairwise_distance(anchor, positive, distance) - apart + options.margin),
                 options.reduction);
}

Tensor soft_margin_loss(const Tensor& x, const Tensor& target, const LossOptions& options) {
  check_same_shape("soft_margin_loss", x, "x", target, "target");
  check_floating("soft_margin_loss", x);
  return reduced("soft_margin_loss", -logsigmoid(x * target), options.reduction);
}

Tensor multi_margin_loss(const Tensor& x, const Tensor& target, const MultiMarginOptions& options) {
  constexpr const char* kName = "multi_margin_loss";
  Shape batch = x.shape();
  if (x.dim() > 0) batch.erase(x.dim() - 1);
  const Rows rows = rows_of(kName, x, target, batch);
  const int64_t classes = rows.x.size(1);
  detail::check_label_range(kName, rows.labels, classes);
  const Tensor weight = detail::checked_class_weight(kName, options.weight, classes, x);
  if (options.p != 1 && options.p != 2)
    throw ValueError(fmt::format("{}: p must be 1 or 2, got {}", kName, options.p));
  const Tensor at = unsqueeze(rows.labels, 1);
  Tensor excess = above_zero(options.margin - gather(rows.x, 1, at) + rows.x);
  if (options.p == 2) excess = excess * excess;
  if (weight.defined()) excess = excess * unsqueeze(index_select(weight, 0, rows.labels), 1);
  const Tensor others = where(ne(arange(classes), at), excess, zero_like(x));
  return rows_reduced(kName, rows, sum(others, {1}) / static_cast<double>(classes),
                      options.reduction);
}

Tensor multilabel_margin_loss(const Tensor& x, const Tensor& target, const LossOptions& options) {
  constexpr const char* kName = "multilabel_margin_loss";
  const Rows rows = rows_of(kName, x, target, x.shape());
  const int64_t samples = rows.x.size(0), classes = rows.x.size(1);
  Tensor counts = zeros({samples, classes}, x.dtype());  // of each label among the targets
  visit_floating(x.dtype(), [&]<class T>() {
    const int64_t* label = rows.labels.data<int64_t>();
    for (int64_t n = 0; n < samples; ++n)
      for (int64_t i = n * classes; i < (n + 1) * classes && label[i] != -1; ++i) {
        if (label[i] < 0 || label[i] >= classes)
          throw IndexError(
              fmt::format("{}: label {} at index {} is out of range for {} classes (0 to {}, or -1 "
                          "at the end)",
                          kName, label[i], i, classes, classes - 1));
        counts.data<T>()[n * classes + label[i]] += 1;
      }
  });
  const Tensor others = eq(counts, 0).to(x.dtype());
  const Tensor excess = above_zero(1 - unsqueeze(rows.x, 2) + unsqueeze(rows.x, 1));
  const Tensor pairs = excess * unsqueeze(counts, 2) * unsqueeze(others, 1);
  return rows_reduced(kName, rows, sum(pairs, {1, 2}) / static_cast<double>(classes),
                      options.reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target,
                                   const MultilabelSoftMarginOptions& options) {
  constexpr const char* kName = "multilabel_soft_margin_loss";
  check_same_shape(kName, x, "x", target, "target");
  check_floating(kName, x);
  if (x.dim() == 0) throw ShapeError(fmt::format("{}: x must be (...,C)\n  x []", kName));
  const Tensor weight = detail::checked_class_weight(kName, options.weight, x.size(-1), x);
  Tensor losses = (1 - target) * x - logsigmoid(x);
  if (weight.defined()) losses = losses * weight;
  return reduced(kName, mean(losses, {-1}), options.reduction);
}

}  // namespace bb
