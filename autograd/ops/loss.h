#pragma once

#include "bb/core/tensor.h"

/// Losses of numbers against numbers. x and target have one shape: a target is not broadcast, which
/// hides mistakes. All are differentiable (twice) in both. They throw ShapeError, DTypeError where
/// operands do not fit, ValueError for options out of range.
namespace bb {

/// What becomes of the losses of a batch. The mean over nothing is NaN. kBatchMean is the sum
/// divided by the first size, for kl_div() alone.
enum class Reduction { kMean, kSum, kNone, kBatchMean };

struct LossOptions {
  Reduction reduction = Reduction::kMean;
};

/// Mean squared error: (x - target)^2.
Tensor mse_loss(const Tensor& x, const Tensor& target, const LossOptions& options = {});

/// |x - target|. The gradient is 0 where they are equal.
Tensor l1_loss(const Tensor& x, const Tensor& target, const LossOptions& options = {});

struct SmoothL1Options {
  Reduction reduction = Reduction::kMean;
  double beta = 1;  ///< 0 gives l1_loss()
};

/// With d = |x - target|: d^2 / (2 beta) where d < beta, else d - beta / 2.
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, const SmoothL1Options& options = {});

struct HuberOptions {
  Reduction reduction = Reduction::kMean;
  double delta = 1;
};

/// With d = |x - target|: d^2 / 2 where d < delta, else delta (d - delta / 2).
Tensor huber_loss(const Tensor& x, const Tensor& target, const HuberOptions& options = {});

struct GaussianNllOptions {
  bool full = false;  ///< with the constant, log(2 pi) / 2
  double eps = 1e-6;  ///< the least variance; a smaller one counts as it, but keeps its gradient
  Reduction reduction = Reduction::kMean;
};

/// The negative logarithm of a normal density: (log(var) + (x - target)^2 / var) / 2. var has x's
/// shape, or that with a last size of 1 or without the last. Throws ValueError for a negative var.
Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& var,
                         const GaussianNllOptions& options = {});

struct PoissonNllOptions {
  bool log_input = true;
  bool full = false;  ///< with Stirling's approximation of log(target!), where target > 1
  double eps = 1e-8;
  Reduction reduction = Reduction::kMean;
};

/// The negative logarithm of a Poisson probability: exp(x) - target x, or x - target log(x + eps)
/// where x is not a logarithm.
Tensor poisson_nll_loss(const Tensor& x, const Tensor& target,
                        const PoissonNllOptions& options = {});

}  // namespace bb
