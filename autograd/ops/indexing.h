#pragma once

#include <concepts>
#include <optional>
#include <variant>
#include <vector>

#include "bb/core/scalar.h"
#include "bb/core/tensor.h"

/// What `x.index({...})` takes, an entry for each dimension, as Python's x[...] does:
///   using namespace bb::indexing;
///   x.index({0, Slice(1, 3), Ellipsis, None, rows})     // x[0, 1:3, ..., None, rows]
namespace bb::indexing {

/// A new dimension of size 1; in a Slice, an end left open.
inline constexpr struct NoneType {
} None;
/// As many whole dimensions as the other entries leave.
inline constexpr struct EllipsisType {
} Ellipsis;

/// Elements start, start + step, ... below stop of a dimension; negative ends count from its end,
/// and ends beyond it are cut, as in Python. step > 0.
struct Slice {
  struct End : std::optional<int64_t> {
    End(NoneType) {}
    template <std::integral T>
    End(T value) : std::optional<int64_t>(static_cast<int64_t>(value)) {}
  };
  Slice(End start_ = None, End stop_ = None, int64_t step_ = 1)
      : start(start_), stop(stop_), step(step_) {}
  End start, stop;
  int64_t step;
};

/// One entry: a number (takes its dimension away), a Slice, None, Ellipsis, a bool or a tensor.
class Index {
 public:
  template <std::integral T>
  Index(T number) {
    if constexpr (std::same_as<T, bool>)
      value = number;
    else
      value = static_cast<int64_t>(number);
  }
  Index(Slice slice) : value(slice) {}
  Index(NoneType none) : value(none) {}
  Index(EllipsisType ellipsis) : value(ellipsis) {}
  Index(const Tensor& tensor) : value(tensor) {}

  std::variant<int64_t, bool, Slice, NoneType, EllipsisType, Tensor> value;
};

}  // namespace bb::indexing

namespace bb {

/// x[indices], by PyTorch's rules. Numbers, slices, None and Ellipsis alone give a view. A tensor
/// of int64 or int32 picks along its dimension, negative ones from the end; a bool tensor picks,
/// from as many dimensions as it has, where it is set. All such tensors broadcast together to a
/// shape, which takes the place of their dimensions where these are neighbours, else comes first;
/// the result is then a copy. Differentiable (twice). Throws IndexError for too many entries and
/// indices out of range, ShapeError where masks do not fit or indices do not broadcast, DTypeError,
/// ValueError for a second Ellipsis or a step below 1.
Tensor index(const Tensor& x, const std::vector<indexing::Index>& indices);

/// x, but with `value`, broadcast, in the place of x[indices], or added to it if accumulate. Where
/// places are named more than once, the last value stays; accumulate adds them all, in their order.
/// Where indices has tensors, value must have x's dtype (DTypeError), else it is converted.
/// Differentiable (twice) in x and value. Throws as index() does, and ShapeError where value does
/// not broadcast to x[indices].
Tensor index_put(const Tensor& x, const std::vector<indexing::Index>& indices, const Tensor& value,
                 bool accumulate = false);
Tensor index_put(const Tensor& x, const std::vector<indexing::Index>& indices, Scalar value,
                 bool accumulate = false);

}  // namespace bb
