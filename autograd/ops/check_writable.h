#pragma once

#include "bb/core/tensor.h"

namespace bb::detail {

/// Throws ValueError where several elements of x share memory, as those of expanded tensors and of
/// overlapping windows do: a change of them in place has no one right result. And as
/// check_not_inference().
void check_writable(const char* op, const Tensor& x);

}  // namespace bb::detail
