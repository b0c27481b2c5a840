#pragma once

#include "bb/core/tensor.h"

namespace bb {

/// Each element 0 with probability p, else x / (1 - p), so that the mean stays (Srivastava et al.,
/// JMLR 2014); x itself unless training. Draws from the default generator.
/// Differentiable (twice). Throws ValueError unless 0 <= p <= 1.
Tensor dropout(const Tensor& x, double p = 0.5, bool training = true);

}  // namespace bb
