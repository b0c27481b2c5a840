#pragma once

#include "bb/core/tensor.h"

/// Noise for training. x itself unless training. All draw from the default generator, are
/// differentiable (twice), and throw ValueError unless 0 <= p <= 1, DTypeError unless x is floating
/// point.
namespace bb {

/// Each element 0 with probability p, else x / (1 - p), so that the mean stays (Srivastava et al.,
/// JMLR 2014).
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

/// The same for whole channels. x [N,C,L], or [C,L] without a batch. Throws ShapeError.
Tensor dropout1d(const Tensor& x, double p = 0.5, bool training = true);
/// x [N,C,H,W], or [N,C,L].
Tensor dropout2d(const Tensor& x, double p = 0.5, bool training = true);
/// x [N,C,D,H,W], or [C,D,H,W] without a batch.
Tensor dropout3d(const Tensor& x, double p = 0.5, bool training = true);

/// Each element with probability p what selu() gives far below 0, then all scaled and shifted so
/// that mean 0 and variance 1 stay (Klambauer et al., Self-normalizing neural networks, arXiv
/// 1706.02515).
Tensor alpha_dropout(const Tensor& x, double p = 0.5, bool training = true);

}  // namespace bb
