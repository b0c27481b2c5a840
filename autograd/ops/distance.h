#pragma once

#include "bb/core/tensor.h"

/// Lengths, and angles between vectors, along one dim. Operands are floating point (DTypeError) and
/// broadcast (ShapeError). Differentiable (twice); the gradient of the length of a zero vector is
/// 0.
namespace bb {

struct NormalizeOptions {
  double p = 2;
  int64_t dim = 1;
  double eps = 1e-12;
};

/// x / max(norm(x), eps): vectors of length 1, by the p-norm. Throws IndexError for a dim out of
/// range.
Tensor normalize(const Tensor& x, const NormalizeOptions& options = {});

/// x1 . x2 / (max(|x1|, eps) max(|x2|, eps)), without `dim`. Throws IndexError for a dim out of
/// range.
Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim = 1, double eps = 1e-8);

struct PairwiseDistanceOptions {
  double p = 2;
  double eps = 1e-6;  ///< added to each difference
  bool keepdim = false;
};

/// The p-norm of x1 - x2 + eps, along the last dim.
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2,
                         const PairwiseDistanceOptions& options = {});

}  // namespace bb
