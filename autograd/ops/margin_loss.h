#pragma once

#include "bb/autograd/ops/loss.h"

/// Losses that ask for a margin: between distances, scores or classes. They throw ShapeError,
/// DTypeError where operands do not fit. Differentiable (twice) in all but the targets.
namespace bb {

struct MarginOptions {
  double margin = 0;
  Reduction reduction = Reduction::kMean;
};

/// max(0, -target (x1 - x2) + margin): target 1 where x1 shall be the larger, else -1. One shape.
Tensor margin_ranking_loss(const Tensor& x1, const Tensor& x2, const Tensor& target,
                           const MarginOptions& options = {});

/// Of the cosine c of x1 and x2 [N,D] (or [D]): 1 - c where target [N] (or []) is 1,
/// max(0, c - margin) where it is -1.
Tensor cosine_embedding_loss(const Tensor& x1, const Tensor& x2, const Tensor& target,
                             const MarginOptions& options = {});

struct HingeEmbeddingOptions {
  double margin = 1;
  Reduction reduction = Reduction::kMean;
};

/// x where target is 1, max(0, margin - x) where it is -1. They broadcast.
Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target,
                            const HingeEmbeddingOptions& options = {});

struct TripletMarginOptions {
  double margin = 1;
  double p = 2;       ///< of the norm
  double eps = 1e-6;  ///< added to differences
  bool swap = false;  ///< takes the positive's distance to the negative where that is smaller
  Reduction reduction = Reduction::kMean;
};

/// max(0, d(anchor, positive) - d(anchor, negative) + margin), d = pairwise_distance(); [..., D].
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginOptions& options = {});

/// log(1 + exp(-target x)), targets 1 and -1, exact for every x. One shape.
Tensor soft_margin_loss(const Tensor& x, const Tensor& target, const LossOptions& options = {});

struct MultiMarginOptions {
  int64_t p = 1;  ///< 1 or 2
  double margin = 1;
  Tensor weight = {};  ///< [C], a constant: of each class
  Reduction reduction = Reduction::kMean;
};

/// Sum over the classes i other than the target t of max(0, margin - x[t] + x[i])^p, times
/// weight[t], / C. x [N,C] (or [C]), target integer [N] (or []). Throws IndexError for a label
/// outside [0, C), ValueError for another p.
Tensor multi_margin_loss(const Tensor& x, const Tensor& target,
                         const MultiMarginOptions& options = {});

/// Sum over target classes t and others i of max(0, 1 - x[t] + x[i]), / C. x [N,C] (or [C]); target
/// integer, of its shape: labels up to the first -1. Throws IndexError for other labels outside
/// [0, C).
Tensor multilabel_margin_loss(const Tensor& x, const Tensor& target,
                              const LossOptions& options = {});

struct MultilabelSoftMarginOptions {
  Tensor weight = {};  ///< [C], a constant: of each class
  Reduction reduction = Reduction::kMean;
};

/// The mean over classes (the last dim) of binary_cross_entropy_with_logits(). One shape [..., C].
Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target,
                                   const MultilabelSoftMarginOptions& options = {});

}  // namespace bb
