#include "bb/autograd/ops/check_indices.h"

#include "bb/core/checks.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"
#include "bb/core/kernels/gather.h"

namespace bb::detail {

std::string position_text(const Shape& shape, int64_t flat) {
  return shape.empty() ? "" : fmt::format(" at position {}", position(shape, flat));
}

Tensor checked_indices(const char* op, const Tensor& index, int64_t n, int64_t dim, const Tensor& x,
                       Negative negative, const IndexNames& names) {
  check_defined(op, {{names.x, x}, {names.index, index}});
  if (index.dtype() != kInt64 && index.dtype() != kInt32)
    throw DTypeError(fmt::format("{}: indices must be int64 or int32\n  {}", op,
                                 text_of({{names.x, x}, {names.index, index}})));
  check_result(op, index.shape(), kInt64, {{names.x, x}, {names.index, index}});
  const bool from_end = negative == Negative::kFromEnd;
  Tensor places = converted(index.detach(), kInt64);
  if (!places.is_contiguous()) places = places.alias().clone();
  const auto bad_at = [&](int64_t i) {
    const std::string where = dim < 0 ? fmt::format("the {} elements", n)
                                      : fmt::format("dimension {} of size {}", dim, n);
    throw IndexError(fmt::format("{}: index {}{} is out of range for {} ({} to {} allowed)\n  {}",
                                 op, places.data<int64_t>()[i], position_text(index.shape(), i),
                                 where, from_end ? -n : 0, n - 1,
                                 shapes_of({{names.x, x}, {names.index, index}})));
  };
  const int64_t bad = kernels::first_out_of_range(places.data<int64_t>(), places.numel(), n);
  if (bad < 0) return places;
  if (!from_end) bad_at(bad);
  Tensor wrapped = Tensor::empty(index.shape(), kInt64);
  const int64_t* from = places.data<int64_t>();
  int64_t* to = wrapped.data<int64_t>();
  for (int64_t i = 0; i < wrapped.numel(); ++i) {
    if (from[i] < -n || from[i] >= n) bad_at(i);
    to[i] = from[i] < 0 ? from[i] + n : from[i];
  }
  return wrapped;
}

}  // namespace bb::detail
