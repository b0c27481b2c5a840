#pragma once

#include "bb/core/tensor.h"

/// Variances and standard deviations over one dim, several or, of an empty list, all. The reduced
/// dims leave the shape, or stay with size 1 if keepdim. Floating point only (DTypeError).
/// Differentiable (twice). They throw IndexError for a dim out of range, ValueError for one given
/// twice.
namespace bb {

/// sum (x - mean)^2 / max(0, count - correction), the mean subtracted first, so that a large mean
/// costs no accuracy; NaN for one element with correction 1.
///   Tensor v = var(x, {0}, {.correction = 0, .keepdim = true});
Tensor var(const Tensor& x, const Shape& dims = {}, const VarOptions& options = {});
/// sqrt(var). The gradient where it is 0 is 0.
Tensor std(const Tensor& x, const Shape& dims = {}, const VarOptions& options = {});

struct VarMean {
  Tensor var;
  Tensor mean;
};

/// Both of var and mean.
VarMean var_mean(const Tensor& x, const Shape& dims = {}, const VarOptions& options = {});

}  // namespace bb
