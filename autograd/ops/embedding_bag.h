#pragma once

#include <optional>

#include "bb/core/tensor.h"

namespace bb {

enum class BagMode : uint8_t { kSum, kMean, kMax };

struct EmbeddingBagOptions {
  BagMode mode = BagMode::kMean;
  Tensor offsets = {};               ///< integer [B]: where each bag begins in 1-d indices
  Tensor per_sample_weights = {};    ///< of indices' shape, weight's dtype: factors; kSum only
  bool include_last_offset = false;  ///< offsets [B+1] end with the number of indices
  std::optional<int64_t> padding_idx =
      {};  ///< an index that counts for nothing; negative from the end
};

/// Rows of a table brought together bag by bag, as torch.nn.functional.embedding_bag.
///   y[b] = sum, mean or largest (by element) of weight[indices[i]] over bag b; 0 for an empty one
/// weight [V,D]; indices integer [N] with offsets, or [B,N] where each row is a bag. Returns [B,D].
/// Differentiable (twice) in weight and per_sample_weights. Throws ShapeError, DTypeError,
/// IndexError for an index outside [0, V), ValueError for offsets that do not ascend from 0 to at
/// most N.
Tensor embedding_bag(const Tensor& indices, const Tensor& weight,
                     const EmbeddingBagOptions& options = {});

}  // namespace bb
