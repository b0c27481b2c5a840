#pragma once

#include <span>

#include "bb/core/kernels/lines.h"
#include "bb/core/tensor.h"

namespace bb::detail {

/// Runs an op along `dim` (0 <= dim < rank, or 0 for a 0-d y): y contiguous, the one or two inputs
/// of y's shape, with any strides and any dtype that converts to y's. Lines are worked on as they
/// lie in y, rows or columns; inputs that lie otherwise are gathered block by block, never whole.
void run_along(const kernels::LineOp& op, const Tensor& y, int64_t dim,
               std::span<const Tensor> inputs);

}  // namespace bb::detail
