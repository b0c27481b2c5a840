#pragma once

#include <optional>

#include "bb/autograd/ops/loss.h"

/// What the losses share.
namespace bb::detail {

/// Throws ValueError for kBatchMean.
void check_reduction(const char* op, Reduction reduction);
/// Mean, sum or the losses themselves.
Tensor reduced(const Tensor& losses, Reduction reduction);

/// Throws ShapeError unless both have one shape, ValueError where one is undefined, DTypeError for
/// a mask.
void check_same_shape(const char* op, const Tensor& x, const char* x_role, const Tensor& target,
                      const char* target_role);

/// A class weight for C classes, off the tape; undefined where there is none. Throws ShapeError
/// unless it is [C], DTypeError unless it has x's dtype.
Tensor checked_class_weight(const char* op, const Tensor& weight, int64_t classes, const Tensor& x);

/// Labels of scores x as int64 without gaps. Throws DTypeError unless they are integers.
Tensor checked_labels(const char* op, const Tensor& target, const Tensor& x);

/// Throws IndexError for a label outside [0, classes) that is not ignore_index, if one is. Returns
/// whether any is ignored. `labels` are of the target's shape.
bool check_label_range(const char* op, const Tensor& labels, int64_t classes, const Tensor& x,
                       std::optional<int64_t> ignore_index = {});
/// That error, for element number `flat`; `exception` follows the range.
[[noreturn]] void throw_label_range(const char* op, const Tensor& labels, int64_t flat,
                                    int64_t classes, const Tensor& x, const char* exception);

}  // namespace bb::detail
