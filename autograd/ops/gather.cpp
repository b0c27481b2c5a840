#include "bb/autograd/ops/gather.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_indices.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/gather.h"
#include "bb/core/kernels/gather.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using detail::checked_indices;
using detail::Negative;
using detail::Put;

namespace {

void check_same_dtype(const char* op, const Tensor& x, const Tensor& source) {
  if (x.dtype() != source.dtype())
    throw DTypeError(fmt::format("{}: x and source must have one dtype\n  x {}   source {}", op,
                                 describe(x), describe(source)));
}

// A number can stand for a vector of one: 0-d tensors take part in ops along a dim as that.
Tensor at_least_1d(const Tensor& x) { return x.dim() == 0 ? reshape(x, {1}) : x; }

// Throws unless index has x's rank and, but along d, at most x's sizes.
void check_index_shape(const char* op, const Tensor& x, int64_t d, const Tensor& index) {
  bool fits = index.dim() == x.dim();
  for (int64_t i = 0; fits && i < x.dim(); ++i) fits = i == d || index.shape()[i] <= x.shape()[i];
  if (!fits)
    throw ShapeError(
        fmt::format("{}: index must have x's rank and, but along dim {}, at most x's sizes\n"
                    "  x {}   index {}",
                    op, d, x.shape(), index.shape()));
}

// ---- gather and scatter: ranks are equal, indices int64 without gaps and in range.

Tensor gather_along(const Tensor& x, int64_t d, const Tensor& index);

// x, written to at `index` along d, off the tape.
Tensor scattered(Put how, const Tensor& x, int64_t d, const Tensor& index, const Tensor& source) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  detail::copy_elements(y, x);
  detail::scatter_lines(how, y, d, index, source);
  return y;
}

// dy added up where gather_along() read it.
Tensor gather_grad(const Tensor& dy, const Shape& shape, int64_t d, const Tensor& index) {
  Tensor dx = zeros(shape, dy.dtype());
  detail::scatter_lines(Put::kAdd, dx, d, index, dy);
  return record("gather_grad", {dy}, std::move(dx), [d, index = Saved(index)](const Tensor& ddx) {
    return gather_along(ddx, d, *index);
  });
}

Tensor gather_along(const Tensor& x, int64_t d, const Tensor& index) {
  const int64_t unit = size_of(x.dtype());
  Tensor y = Tensor::empty(index.shape(), x.dtype());
  detail::Operand from{static_cast<char*>(x.raw_data()), x.strides()};
  for (int64_t& stride : from.strides) stride *= unit;
  from.strides[d] = 0;
  detail::gather_elements(y, from, index, x.strides()[d] * unit);
  return record("gather", {x}, std::move(y),
                [shape = x.shape(), d, index = Saved(index)](const Tensor& dy) {
                  return gather_grad(dy, shape, d, *index);
                });
}

// scatter() of values (0-d for one and the same).
Tensor scatter_values(const char* op, Put how, const Tensor& x, int64_t d, const Tensor& index,
                      const Tensor& source) {
  return record(op, {x, source}, scattered(how, x, d, index, source),
                [how, op, d, index = Saved(index)](const Tensor& dy, Needs needs) {
                  std::array<Tensor, 2> grads;
                  if (needs[0])
                    grads[0] = how == Put::kAdd
                                   ? dy
                                   : scatter_values(op, how, dy, d, *index, zeros({}, dy.dtype()));
                  if (needs[1]) grads[1] = gather_along(dy, d, *index);
                  return grads;
                });
}

Tensor scatter_checked(const char* op, Put how, const Tensor& x, int64_t dim, const Tensor& index,
                       const Tensor& source) {
  detail::check_defined(op, {{"x", x}, {"index", index}, {"source", source}});
  check_same_dtype(op, x, source);
  const int64_t d = normalize_dim(op, dim, x);
  const Tensor x1 = at_least_1d(x), index1 = at_least_1d(index);
  check_index_shape(op, x1, d, index1);
  Tensor values = at_least_1d(source);
  bool fits = values.dim() == index1.dim();
  for (int64_t i = 0; fits && i < index1.dim(); ++i) fits = values.shape()[i] >= index1.shape()[i];
  if (!fits)
    throw ShapeError(
        fmt::format("{}: source must have index's rank and at least its sizes\n  {}", op,
                    detail::shapes_of({{"x", x}, {"index", index}, {"source", source}})));
  const Tensor places = checked_indices(op, index1, x1.shape()[d], d, x);
  for (int64_t i = 0; i < index1.dim(); ++i)
    if (values.shape()[i] > index1.shape()[i]) values = slice(values, i, 0, index1.shape()[i]);
  return reshape(scatter_values(op, how, x1, d, places, values), x.shape());
}

// ---- By whole slices: index is int64 [n] without gaps and in range, x has at least one dim.

Tensor select_slices(const Tensor& x, int64_t d, const Tensor& index);

// The slice of y at 0 along d, and how far each of `index` lies from it, in elements.
struct Slices {
  Slices(const Tensor& y, int64_t d, const Tensor& index)
      : first{static_cast<char*>(y.raw_data()), y.strides()}, block(y.shape()) {
    for (int64_t& stride : first.strides) stride *= size_of(y.dtype());
    first.strides.erase(d);
    block.erase(d);
    const int64_t step = y.strides()[d];
    if (step == 1) {
      offsets = index;
      return;
    }
    offsets = Tensor::empty(index.shape(), kInt64);
    for (int64_t i = 0; i < index.numel(); ++i)
      offsets.data<int64_t>()[i] = index.data<int64_t>()[i] * step;
  }
  detail::Operand first;
  Shape block;
  Tensor offsets;
};

// Writes source, of y's shape but along d, to y's slices at `index`; y has no gaps.
void put_slices(Put how, const Tensor& y, int64_t d, const Tensor& index, const Tensor& source) {
  const Tensor rows = no_grad([&] { return movedim(source, d, 0).contiguous(); });
  if (how == Put::kAdd && d == 0 && is_floating_point(y.dtype())) {
    visit_floating(y.dtype(), [&]<class T>() {
      const int64_t n = y.shape()[0], width = n == 0 ? 0 : y.numel() / n;
      kernels::scatter_add_rows(rows.data<T>(), index.data<int64_t>(), index.numel(), width,
                                const_cast<T*>(y.data<T>()), n);
    });
    return;
  }
  const Slices slices(y, d, index);
  detail::put_blocks(how, y, slices.first, slices.block, slices.offsets, rows);
}

Tensor select_grad(const Tensor& dy, const Shape& shape, int64_t d, const Tensor& index) {
  Tensor dx = zeros(shape, dy.dtype());
  put_slices(Put::kAdd, dx, d, index, dy);
  return record(
      "index_select_grad", {dy}, std::move(dx),
      [d, index = Saved(index)](const Tensor& ddx) { return select_slices(ddx, d, *index); });
}

Tensor select_slices(const Tensor& x, int64_t d, const Tensor& index) {
  Shape shape = x.shape();
  shape[d] = index.numel();
  Tensor y = Tensor::empty(shape, x.dtype());
  const int64_t unit = size_of(x.dtype());
  if (x.is_contiguous() && x.numel() > 0) {
    int64_t outer = 1, inner = 1;
    for (int64_t i = 0; i < x.dim(); ++i) (i < d ? outer : inner) *= i == d ? 1 : x.shape()[i];
    kernels::gather_rows(static_cast<const char*>(x.raw_data()), outer, inner * x.shape()[d] * unit,
                         inner * unit, inner * unit, index.data<int64_t>(), index.numel(),
                         static_cast<char*>(y.raw_data()));
  } else {
    detail::Operand from{static_cast<char*>(x.raw_data()), x.strides()};
    for (int64_t& stride : from.strides) stride *= unit;
    from.strides[d] = 0;
    Shape line = Shape::filled(x.dim(), 1);
    line[d] = index.numel();
    detail::gather_elements(y, from, index.alias(line, contiguous_strides(line), index.offset()),
                            x.strides()[d] * unit);
  }
  return record("index_select", {x}, std::move(y),
                [shape = x.shape(), d, index = Saved(index)](const Tensor& dy) {
                  return select_grad(dy, shape, d, *index);
                });
}

// The vector of indices of an index_... op.
Tensor slice_indices(const char* op, const Tensor& x1, int64_t d, const Tensor& index,
                     const Tensor& x) {
  if (index.dim() > 1)
    throw ShapeError(fmt::format("{}: index must be a vector or a number\n  x {}   index {}", op,
                                 x.shape(), index.shape()));
  return checked_indices(op, at_least_1d(index), x1.shape()[d], d, x);
}

Tensor put_selected(const char* op, Put how, const Tensor& x, int64_t d, const Tensor& index,
                    const Tensor& source) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  detail::copy_elements(y, x);
  Shape block = x.shape();
  block[d] = index.numel();
  put_slices(how, y, d, index, expand(source.detach(), block));
  return record(op, {x, source}, std::move(y),
                [how, op, d, index = Saved(index)](const Tensor& dy, Needs needs) {
                  std::array<Tensor, 2> grads;
                  if (needs[0])
                    grads[0] = how == Put::kAdd
                                   ? dy
                                   : put_selected(op, how, dy, d, *index, zeros({}, dy.dtype()));
                  if (needs[1]) grads[1] = select_slices(dy, d, *index);
                  return grads;
                });
}

Tensor put_checked(const char* op, Put how, const Tensor& x, int64_t dim, const Tensor& index,
                   const Tensor& source) {
  detail::check_defined(op, {{"x", x}, {"index", index}, {"source", source}});
  check_same_dtype(op, x, source);
  const int64_t d = normalize_dim(op, dim, x);
  const Tensor x1 = at_least_1d(x), values = at_least_1d(source);
  Shape expected = x1.shape();
  if (index.dim() <= 1) expected[d] = index.numel();
  if (values.shape() != expected)
    throw ShapeError(
        fmt::format("{}: source must be {}: x's sizes, and index's along dim {}\n"
                    "  x {}   index {}   source {}",
                    op, expected, d, x.shape(), index.shape(), source.shape()));
  const Tensor places = slice_indices(op, x1, d, index, x);
  return reshape(put_selected(op, how, x1, d, places, values), x.shape());
}

}  // namespace

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  detail::check_defined("gather", {{"x", x}, {"index", index}});
  const int64_t d = normalize_dim("gather", dim, x);
  const Tensor x1 = at_least_1d(x), index1 = at_least_1d(index);
  check_index_shape("gather", x1, d, index1);
  const Tensor places = checked_indices("gather", index1, x1.shape()[d], d, x);
  return reshape(gather_along(x1, d, places), index.shape());
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return scatter_checked("scatter", Put::kSet, x, dim, index, source);
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, Scalar value) {
  detail::check_defined("scatter", {{"x", x}, {"index", index}});
  return scatter(x, dim, index,
                 expand(detail::filled("scatter", {}, value, x.dtype()), index.shape()));
}

Tensor scatter_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return scatter_checked("scatter_add", Put::kAdd, x, dim, index, source);
}

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  detail::check_defined("index_select", {{"x", x}, {"index", index}});
  const int64_t d = normalize_dim("index_select", dim, x);
  const Tensor x1 = at_least_1d(x);
  const Tensor places = slice_indices("index_select", x1, d, index, x);
  if (x.dim() == 0 && places.numel() != 1)
    throw ShapeError(fmt::format("index_select: a 0-d tensor takes one index\n  x {}   index {}",
                                 x.shape(), index.shape()));
  Shape shape = x1.shape();
  shape[d] = places.numel();
  detail::check_result("index_select", shape, x.dtype(), {{"x", x}, {"index", index}});
  const Tensor y = select_slices(x1, d, places);
  return x.dim() == 0 ? reshape(y, {}) : y;
}

Tensor index_add(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source,
                 Scalar alpha) {
  detail::check_defined("index_add", {{"x", x}, {"index", index}, {"source", source}});
  check_same_dtype("index_add", x, source);
  const bool plain = alpha.to_double() == 1;
  return put_checked("index_add", Put::kAdd, x, dim, index,
                     plain ? source : to(source * alpha, x.dtype()));
}

Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  return put_checked("index_copy", Put::kSet, x, dim, index, source);
}

Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, Scalar value) {
  detail::check_defined("index_fill", {{"x", x}, {"index", index}});
  const int64_t d = normalize_dim("index_fill", dim, x);
  const Tensor x1 = at_least_1d(x);
  const Tensor places = slice_indices("index_fill", x1, d, index, x);
  const Tensor fill = detail::filled("index_fill", {}, value, x.dtype());
  return reshape(put_selected("index_fill", Put::kSet, x1, d, places, fill), x.shape());
}

namespace {

// take() for an op of that name, which has `name` for the indices.
Tensor take_for(const char* op, const Tensor& x, const Tensor& index, const char* name) {
  detail::check_defined(op, {{"x", x}, {name, index}});
  const Tensor places =
      checked_indices(op, index, x.numel(), -1, x, Negative::kFromEnd, {.index = name});
  const Tensor line = reshape(x, {x.numel()});
  return reshape(select_slices(line, 0, reshape(places, {places.numel()})), index.shape());
}

}  // namespace

Tensor take(const Tensor& x, const Tensor& index) { return take_for("take", x, index, "index"); }

Tensor take_along_dim(const Tensor& x, const Tensor& indices, int64_t dim) {
  const auto operands = {detail::Role{"x", x}, detail::Role{"indices", indices}};
  detail::check_defined("take_along_dim", operands);
  const int64_t d = normalize_dim("take_along_dim", dim, x);
  if (indices.dim() != x.dim())
    throw ShapeError(
        fmt::format("take_along_dim: x and indices must have one rank\n"
                    "  x {}   indices {}",
                    x.shape(), indices.shape()));
  if (x.dim() == 0) return take_for("take_along_dim", x, indices, "indices");
  Shape other = indices.shape(), shape = x.shape();
  shape[d] = other[d] = 1;
  Shape common = shape;
  if (const int64_t at = detail::broadcast_into(common, other); at > 0)
    detail::throw_no_broadcast("take_along_dim", at, x.size(-at), indices.size(-at),
                               detail::shapes_of(operands));
  common[d] = x.shape()[d];
  const Tensor wide = expand(x, common);
  common[d] = indices.shape()[d];
  const Tensor places = checked_indices("take_along_dim", indices, x.shape()[d], d, x,
                                        Negative::kFromEnd, {.index = "indices"});
  return gather_along(wide, d, expand(places, common));
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices) {
  detail::check_defined("take_along_dim", {{"x", x}, {"indices", indices}});
  return flatten(take_for("take_along_dim", x, indices, "indices"));
}

Tensor Tensor::gather(int64_t dim, const Tensor& index) const {
  return bb::gather(*this, dim, index);
}
Tensor Tensor::scatter(int64_t dim, const Tensor& index, const Tensor& source) const {
  return bb::scatter(*this, dim, index, source);
}
Tensor Tensor::scatter(int64_t dim, const Tensor& index, Scalar value) const {
  return bb::scatter(*this, dim, index, value);
}
Tensor Tensor::scatter_add(int64_t dim, const Tensor& index, const Tensor& source) const {
  return bb::scatter_add(*this, dim, index, source);
}
Tensor Tensor::index_select(int64_t dim, const Tensor& index) const {
  return bb::index_select(*this, dim, index);
}
Tensor Tensor::index_add(int64_t dim, const Tensor& index, const Tensor& source,
                         Scalar alpha) const {
  return bb::index_add(*this, dim, index, source, alpha);
}
Tensor Tensor::index_copy(int64_t dim, const Tensor& index, const Tensor& source) const {
  return bb::index_copy(*this, dim, index, source);
}
Tensor Tensor::index_fill(int64_t dim, const Tensor& index, Scalar value) const {
  return bb::index_fill(*this, dim, index, value);
}
Tensor Tensor::take(const Tensor& index) const { return bb::take(*this, index); }
Tensor Tensor::take_along_dim(const Tensor& indices) const {
  return bb::take_along_dim(*this, indices);
}
Tensor Tensor::take_along_dim(const Tensor& indices, int64_t dim) const {
  return bb::take_along_dim(*this, indices, dim);
}

}  // namespace bb
