#pragma once

#include "bb/core/kernels/reduce.h"
#include "bb/core/tensor.h"

/// From tensors to reduction kernels: any dims, any strides, converted on the way, on as many
/// threads as pay. What a result is computed from is cut and joined in an order that follows from
/// shape, strides and reduced dims alone, never from threads; without gaps or with them makes no
/// difference, the order of dims in memory does.
namespace bb::detail {

/// By dim, whether it is reduced.
using ReducedDims = std::array<bool, Shape::kMaxRank>;

/// f over the reduced dims of x, computed in `dtype`. Returns [the other dims], contiguous.
Tensor reduce(const kernels::Reduction& f, const Tensor& x, const ReducedDims& reduced,
              DType dtype);

/// The same for one dim that is not empty, with the places along it (int64) that f picks.
MaxResult reduce_with_places(const kernels::Reduction& f, const Tensor& x, int64_t dim);

}  // namespace bb::detail
