#pragma once

#include "bb/autograd/ops/loss.h"

/// Losses of scores or probabilities against classes. They throw ShapeError, DTypeError where
/// operands do not fit, IndexError for a label outside [0, C). Differentiable (twice).
namespace bb {

struct CrossEntropyOptions {
  Tensor weight = {};           ///< [C], a constant: of each class
  int64_t ignore_index = -100;  ///< labels that count for nothing
  Reduction reduction = Reduction::kMean;
  double label_smoothing = 0;  ///< share of the target spread evenly over all classes, in [0, 1]
};

/// Cross-entropy of scores (logits) against classes, as torch.nn.functional.cross_entropy.
/// Class indices: target integer [N, ...]:  loss[i] = -log softmax(x[i])[target[i]] *
/// weight[target[i]]; the mean is by the sum of those weights.
/// Probabilities: target floating point, of x's shape: loss[i] = -sum over c of target[i,c] log
/// softmax(x[i])[c] weight[c].
/// x [N, C, ...], or [C] with a target [] or [C]. Result 0-d, or target's [N, ...] for kNone.
/// Differentiable in x, and in a target of probabilities.
Tensor cross_entropy(const Tensor& x, const Tensor& target,
                     const CrossEntropyOptions& options = {});

struct NllOptions {
  Tensor weight = {};           ///< [C], a constant: of each class
  int64_t ignore_index = -100;  ///< labels that count for nothing
  Reduction reduction = Reduction::kMean;
};

/// The same for x that are logarithms of probabilities, such as log_softmax() gives:
/// loss[i] = -x[i, target[i]] * weight[target[i]].
Tensor nll_loss(const Tensor& x, const Tensor& target, const NllOptions& options = {});

struct BinaryCrossEntropyOptions {
  Tensor weight = {};  ///< a constant that broadcasts to x
  Reduction reduction = Reduction::kMean;
};

/// Cross-entropy of probabilities x against targets in [0, 1], of x's shape:
///   -(target log(x) + (1 - target) log(1 - x)) * weight, the logarithms at least -100
/// Throws ValueError for an x outside [0, 1].
Tensor binary_cross_entropy(const Tensor& x, const Tensor& target,
                            const BinaryCrossEntropyOptions& options = {});

struct BinaryCrossEntropyWithLogitsOptions {
  Tensor weight = {};      ///< a constant that broadcasts to x
  Tensor pos_weight = {};  ///< a constant that broadcasts to x: of the target's part
  Reduction reduction = Reduction::kMean;
};

/// binary_cross_entropy() of sigmoid(x), exact for every x:
///   -(pos_weight target log(sigmoid(x)) + (1 - target) log(1 - sigmoid(x))) * weight
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsOptions& options = {});

struct KlDivOptions {
  Reduction reduction = Reduction::kMean;  ///< kBatchMean is the divergence's own definition
  bool log_target = false;                 ///< target holds logarithms too
};

/// Kullback-Leibler divergence from x, logarithms of probabilities, to target of x's shape:
/// target (log(target) - x), 0 where target is 0.
Tensor kl_div(const Tensor& x, const Tensor& target, const KlDivOptions& options = {});

}  // namespace bb
