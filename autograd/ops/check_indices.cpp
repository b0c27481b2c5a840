#include "bb/autograd/ops/check_indices.h"

#include "bb/core/elementwise.h"
#include "bb/core/error.h"
#include "bb/core/kernels/gather.h"

namespace bb::detail {
namespace {

// Element number `flat` of `shape` in words: " at position [0, 2]".
std::string position(const Shape& shape, int64_t flat) {
  if (shape.empty()) return "";
  Shape place = shape;
  for (int64_t d = shape.rank() - 1; d >= 0; --d) {
    place[d] = flat % shape[d];
    flat /= shape[d];
  }
  return fmt::format(" at position {}", place);
}

}  // namespace

Tensor checked_indices(const char* op, const Tensor& index, int64_t n, int64_t dim, const Tensor& x,
                       Negative negative) {
  if (index.dtype() != kInt64 && index.dtype() != kInt32)
    throw DTypeError(fmt::format("{}: indices must be int64 or int32\n  index {}   x {}", op,
                                 describe(index), describe(x)));
  const bool from_end = negative == Negative::kFromEnd;
  Tensor places = converted(index.detach(), kInt64);
  if (!places.is_contiguous()) places = places.alias().clone();
  const auto bad_at = [&](int64_t i) {
    throw IndexError(fmt::format(
        "{}: index {}{} is out of range for dimension {} of size {} ({} to {} allowed)\n"
        "  x {}   index {}",
        op, places.data<int64_t>()[i], position(index.shape(), i), dim, n, from_end ? -n : 0, n - 1,
        x.shape(), index.shape()));
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
