#pragma once

#include <string>

#include "bb/core/tensor.h"

namespace bb::detail {

enum class Negative { kRefused, kFromEnd };

/// What errors call the indices and what is indexed.
struct IndexNames {
  const char* index = "index";
  const char* x = "x";
};

/// `index` as int64 without gaps, ready for a dimension `dim` of size n (-1: x flattened): with
/// Negative::kFromEnd, negative ones are counted from the end. Throws DTypeError for other dtypes
/// than int64 and int32, IndexError, naming the first index out of range and its position.
Tensor checked_indices(const char* op, const Tensor& index, int64_t n, int64_t dim, const Tensor& x,
                       Negative negative = Negative::kRefused, const IndexNames& names = {});

/// Element number `flat` of a tensor in words: " at position [0, 2]"; nothing for a 0-d one.
std::string position_text(const Shape& shape, int64_t flat);

}  // namespace bb::detail
