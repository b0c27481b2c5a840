#pragma once

#include <optional>

#include "bb/core/tensor.h"

namespace bb {

struct EmbeddingOptions {
  /// A row of weight that takes no gradient; a negative one counts from the end.
  std::optional<int64_t> padding_idx;
};

/// Rows of a table: result[..., j] = weight[indices[...], j], as torch.nn.functional.embedding.
/// indices of any shape, int64 or int32 (DTypeError); weight [n, width] (ShapeError); result
/// [indices' shape, width]. Differentiable (twice) in weight; gradients of a row asked for several
/// times are added in the order of the indices. Throws IndexError for indices outside [0, n).
Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options = {});

/// int64 [x's shape, num_classes], 1 where the last index is x's value, else 0. num_classes -1 is
/// the largest value + 1. Throws DTypeError unless x is int64 or int32, IndexError for a value
/// outside [0, num_classes), ValueError for an empty x without num_classes.
Tensor one_hot(const Tensor& x, int64_t num_classes = -1);

}  // namespace bb
