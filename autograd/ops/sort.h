#pragma once

#include <optional>

#include "bb/core/tensor.h"

/// Elements by their order. NaN counts as the largest, and equal elements keep their order: every
/// sort is stable. Negative dims count from the end; a dim out of range throws IndexError.
namespace bb {

/// Values and, for each, its index along the sorted dim (int64).
struct SortResult {
  Tensor values;
  Tensor indices;
};

/// x with each line along dim in rising, or falling, order. The values are differentiable (twice).
/// `stable` is for PyTorch's sake: it is stable without.
SortResult sort(const Tensor& x, int64_t dim = -1, bool descending = false, bool stable = false);
/// The indices alone.
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false, bool stable = false);
/// The k largest, or smallest, elements along dim; the best first, whether `sorted` or not. The
/// values are differentiable (twice). Throws ValueError unless 0 <= k <= the size of dim.
SortResult topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true,
                bool sorted = true);

struct UniqueOptions {
  bool sorted = true;  // they always are
  bool return_inverse = false;
  bool return_counts = false;
  /// Of whole slices along this dim, in the place of elements.
  std::optional<int64_t> dim = {};
};

/// values [n]; inverse, of x's shape, with x = values[inverse]; counts [n]. Of slices along a dim:
/// values has n of them, and inverse is [size of dim]. Indices and counts are int64, and undefined
/// where they were not asked for.
struct UniqueResult {
  Tensor values;
  Tensor inverse;
  Tensor counts;
};

/// The different elements of x, or slices, in rising order (of slices, by their first difference);
/// each NaN is one of its own. Not differentiable. Throws IndexError for a dim out of range,
/// ValueError for slices without an element.
///   auto [values, inverse, counts] = unique(x, {.return_inverse = true, .return_counts = true});
UniqueResult unique(const Tensor& x, const UniqueOptions& options = {});
/// The same for neighbours alone, in the order of x: of equal ones in a row, the first.
UniqueResult unique_consecutive(const Tensor& x, const UniqueOptions& options = {});

/// Where each value would go in the sorted sequence so that it stays sorted: before equal elements,
/// or behind them if `right`. int64 of values' shape. The sequence is a vector, or has values'
/// shape but along the last dim (ShapeError), whose lines are then searched one by one. It must be
/// sorted, which is not checked.
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, bool right = false);
/// Of one number (0-d), in a vector.
Tensor searchsorted(const Tensor& sorted_sequence, Scalar value, bool right = false);
/// searchsorted(boundaries, x, right): the bucket that each element is in. boundaries is a vector.
Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool right = false);
Tensor bucketize(Scalar x, const Tensor& boundaries, bool right = false);

}  // namespace bb
