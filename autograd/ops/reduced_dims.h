#pragma once

#include <cstdint>

#include "bb/core/reduction.h"
#include "bb/core/shape.h"

/// What the reducing ops share. Not for users.
namespace bb::detail {

/// Which dims an op reduces, and the shapes that follow. No dims means all.
/// Throws IndexError for a dim out of range, ValueError for one given twice.
struct Reduced {
  Reduced(const char* op, const Tensor& x, const Shape& dims, bool keepdim);

  bool reduces(int64_t d) const { return dims[static_cast<size_t>(d)]; }

  ReducedDims dims{};
  Shape with_ones;  // x's shape with reduced dims as 1
  Shape result;
  int64_t count = 1;  // elements behind each result
};

/// `f` over those dims, of the result's shape.
Tensor reduce(const kernels::Reduction& f, const Tensor& x, const Reduced& r, DType dtype);

/// Throws ValueError where `what` is to be found among no elements.
void check_not_empty(const char* op, const char* what, const Tensor& x, const Reduced& r);

/// A result y, or its gradient, as it lies against x: reduced dims as 1.
Tensor put_back(const Tensor& y, const Reduced& r);

}  // namespace bb::detail
