#pragma once

#include <optional>

#include "bb/autograd/ops/loss.h"

/// What the losses share.
namespace bb::detail {

/// Mean, sum or the losses themselves. Throws ValueError for kBatchMean.
Tensor reduced(const char* op, const Tensor& losses, Reduction reduction);

/// Throws ShapeError unless both have one shape.
void check_same_shape(const char* op, const Tensor& x, const char* x_role, const Tensor& target,
                      const char* target_role);

/// A class weight for C classes, off the tape; undefined where there is none. Throws ShapeError
/// unless it is [C], DTypeError unless it has x's dtype.
Tensor checked_class_weight(const char* op, const Tensor& weight, int64_t classes, const Tensor& x);

/// Labels as int64 without gaps. Throws DTypeError unless they are integers.
Tensor checked_labels(const char* op, const Tensor& target);

/// Throws IndexError for a label outside [0, classes) that is not ignore_index, if one is. Returns
/// whether any is ignored.
bool check_label_range(const char* op, const Tensor& labels, int64_t classes,
                       std::optional<int64_t> ignore_index = {});

}  // namespace bb::detail
