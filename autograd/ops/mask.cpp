#include "bb/autograd/ops/mask.h"

#include <array>

#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/indexing.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {
namespace {

// The shape that x and mask broadcast to.
Shape masked_shape(const char* op, const Tensor& x, const Tensor& mask) {
  const auto operands = {detail::Role{"x", x}, detail::Role{"mask", mask}};
  detail::check_defined(op, operands);
  if (mask.dtype() != kBool)
    throw DTypeError(fmt::format("{}: the mask must be bool\n  {}\n  hint: compare, as mask != 0",
                                 op, detail::text_of(operands)));
  return detail::broadcast(op, operands);
}

}  // namespace

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  masked_shape("masked_fill", x, mask);
  detail::check_defined("masked_fill", {{"x", x}, {"mask", mask}, {"value", value}});
  if (value.dim() != 0)
    throw ShapeError(
        fmt::format("masked_fill: the value must be 0-d\n  x {}   value {}\n"
                    "  hint: where() takes a tensor of values",
                    x.shape(), value.shape()));
  visit(value.dtype(),
        [&]<class T>() { detail::check_fits("masked_fill", value.item<T>(), x.dtype()); });
  return where(mask, to(value, x.dtype()), x);
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, Scalar value) {
  detail::check_defined("masked_fill", {{"x", x}, {"mask", mask}});
  return masked_fill(x, mask, detail::filled("masked_fill", {}, value, x.dtype()));
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  const Shape shape = masked_shape("masked_select", x, mask);
  return index(expand(x, shape), {expand(mask, shape)});
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  const Shape shape = masked_shape("masked_scatter", x, mask);
  detail::check_defined("masked_scatter", {{"x", x}, {"mask", mask}, {"source", source}});
  if (x.dtype() != source.dtype())
    throw DTypeError(
        fmt::format("masked_scatter: x and source must have one dtype\n"
                    "  x {}   source {}",
                    describe(x), describe(source)));
  const Tensor places = nonzero(expand(mask, shape));
  const int64_t count = places.size(0);
  if (source.numel() < count)
    throw ShapeError(fmt::format(
        "masked_scatter: {} places are set, but source has {} elements\n  {}", count,
        source.numel(), detail::shapes_of({{"x", x}, {"mask", mask}, {"source", source}})));
  return index_put(expand(x, shape), {expand(mask, shape)},
                   slice(reshape(source, {source.numel()}), 0, 0, count));
}

Tensor nonzero(const Tensor& x) {
  detail::check_defined("nonzero", x);
  const Tensor flags = contiguous(ne(x.detach(), 0));
  const bool* set = flags.data<bool>();
  const int64_t n = flags.numel(), rank = x.dim();
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += set[i];
  Tensor places = Tensor::empty({count, rank}, kInt64);
  int64_t* place = places.data<int64_t>();
  // Row by row of the last dimension; the index of a row moves as an odometer does.
  const int64_t width = rank == 0 ? 1 : x.size(-1);
  std::array<int64_t, Shape::kMaxRank> at{};
  for (int64_t row = 0; width > 0 && row < n / width; ++row) {
    for (int64_t j = 0; j < width; ++j) {
      if (!set[row * width + j]) continue;
      for (int64_t d = 0; d + 1 < rank; ++d) *place++ = at[static_cast<size_t>(d)];
      if (rank > 0) *place++ = j;
    }
    for (int64_t d = rank - 2; d >= 0; --d) {
      if (++at[static_cast<size_t>(d)] < x.shape()[d]) break;
      at[static_cast<size_t>(d)] = 0;
    }
  }
  return places;
}

Tensor argwhere(const Tensor& x) {
  detail::check_defined("argwhere", x);
  return nonzero(x);
}

Tensor Tensor::masked_fill(const Tensor& mask, Scalar value) const {
  return bb::masked_fill(*this, mask, value);
}
Tensor Tensor::masked_fill(const Tensor& mask, const Tensor& value) const {
  return bb::masked_fill(*this, mask, value);
}
Tensor Tensor::masked_select(const Tensor& mask) const { return bb::masked_select(*this, mask); }
Tensor Tensor::masked_scatter(const Tensor& mask, const Tensor& source) const {
  return bb::masked_scatter(*this, mask, source);
}
Tensor Tensor::nonzero() const { return bb::nonzero(*this); }
Tensor Tensor::argwhere() const { return bb::argwhere(*this); }

}  // namespace bb
