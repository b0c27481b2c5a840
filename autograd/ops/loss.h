#pragma once

#include "bb/core/tensor.h"

/// Losses. They throw ShapeError, DTypeError where operands do not fit.
namespace bb {

/// What becomes of the losses of a batch. The mean over nothing is NaN.
enum class Reduction { kMean, kSum, kNone };

struct LossOptions {
  Reduction reduction = Reduction::kMean;
};

/// Cross-entropy of scores (logits) against classes, as torch.nn.functional.cross_entropy.
/// Class indices: target integer [N]:          loss[i] = -log softmax(x[i])[target[i]].
/// Probabilities: target floating point [N,C]: loss[i] = -sum over c of target[i,c] log
/// softmax(x[i])[c]. x [N, C], or [C] with a target [] or [C]. Result 0-d, or [N] ([]) for kNone.
/// Differentiable (twice) in x, and in a target of probabilities.
/// Throws IndexError for a label outside [0, C).
Tensor cross_entropy(const Tensor& x, const Tensor& target, const LossOptions& options = {});

/// Mean squared error: (x - target)^2, reduced. target has x's shape (ShapeError; it is not
/// broadcast, which hides mistakes). Differentiable (twice) in both.
Tensor mse_loss(const Tensor& x, const Tensor& target, const LossOptions& options = {});

}  // namespace bb
