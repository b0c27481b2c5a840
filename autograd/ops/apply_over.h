#pragma once

#include "bb/autograd/tape.h"
#include "bb/core/elementwise.h"

namespace bb::detail {

/// f(dy, x) for a pullback that reads the gradient dy no more: written over dy where nobody else
/// sees it. Off the tape; of dy's shape and dtype.
inline Tensor apply_over(const char* op, const kernels::Elementwise& f, const Tensor& dy,
                         const Tensor& x) {
  if (!autograd::may_write_over(dy)) return apply(op, f, dy, x);
  apply_in_place(op, f, dy, x);
  return dy;
}

}  // namespace bb::detail
