#pragma once

#include "bb/core/tensor.h"

namespace bb::detail {

enum class Negative { kRefused, kFromEnd };

/// `index` as int64 without gaps, ready for a dimension `dim` of size n: with Negative::kFromEnd,
/// negative ones are counted from the end. Throws DTypeError for other dtypes than int64 and int32,
/// IndexError, naming the first index out of range and its position. `x` is what is indexed.
Tensor checked_indices(const char* op, const Tensor& index, int64_t n, int64_t dim, const Tensor& x,
                       Negative negative = Negative::kRefused);

}  // namespace bb::detail
