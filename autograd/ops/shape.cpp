#include "bb/autograd/ops/shape.h"

#include <algorithm>

#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/view_grad.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"
#include "bb/core/strided.h"

namespace bb {

using autograd::record;
using autograd::record_view;

namespace {

// `shape` with its -1 replaced by what x's elements leave for it.
Shape infer_shape(const char* op, const Tensor& x, const Shape& shape) {
  detail::check_defined(op, x);
  const auto fail = [&](const std::string& why) {
    throw ShapeError(fmt::format("{}: {}\n  x {}   shape {}", op, why, x.shape(), shape));
  };
  Shape result = shape;
  int64_t unknown = -1, known = 1;
  bool too_large = false;
  for (int64_t d = 0; d < shape.rank(); ++d) {
    if (shape[d] == -1) {
      if (unknown >= 0) fail("only one size may be -1");
      unknown = d;
    } else if (shape[d] < 0) {
      fail(fmt::format("size {} at dimension {} is negative", shape[d], d));
    } else {
      too_large |= __builtin_mul_overflow(known, shape[d], &known);
    }
  }
  const int64_t n = x.numel();
  if (!too_large && unknown >= 0 && known > 0 && n % known == 0) result[unknown] = n / known;
  const bool fits = !too_large && (unknown >= 0 ? result[unknown] >= 0 : known == n);
  if (!fits) fail(fmt::format("{} elements do not fit the shape", n));
  return result;
}

// Strides with which x's elements, where they are, take `shape`; false where there are none.
bool view_strides(const Tensor& x, const Shape& shape, Shape& strides) {
  strides = contiguous_strides(shape);
  if (x.numel() == 0 || x.is_contiguous()) return true;
  // Walk both shapes from the last dimension, block by block of equally many elements; within
  // a block x must step evenly.
  int64_t to = shape.rank() - 1;
  int64_t block_stride = x.dim() > 0 ? x.strides()[x.dim() - 1] : 1;
  int64_t block = 1, filled = 1;
  for (int64_t from = x.dim() - 1; from >= 0; --from) {
    block *= x.shape()[from];
    const bool ends =
        from == 0 || (x.shape()[from - 1] != 1 && x.strides()[from - 1] != block * block_stride);
    if (!ends) continue;
    while (to >= 0 && (filled < block || shape[to] == 1)) {
      strides[to] = filled * block_stride;
      filled *= shape[to];
      --to;
    }
    if (filled != block) return false;
    if (from > 0) {
      block_stride = x.strides()[from - 1];
      block = filled = 1;
    }
  }
  return to == -1;
}

Tensor as_view(const char* op, const Tensor& x, const Shape& shape, const Shape& strides) {
  return record_view(op, x, x.alias(shape, strides, x.offset()),
                     [before = x.shape()](const Tensor& dy) { return reshape(dy, before); });
}

// view(), reshape() and so on for an op of that name.

Tensor view_for(const char* op, const Tensor& x, const Shape& shape) {
  const Shape result = infer_shape(op, x, shape);
  Shape strides;
  if (!view_strides(x, result, strides))
    throw ShapeError(
        fmt::format("{}: the strides do not allow this shape without a copy\n"
                    "  x {} with strides {}   shape {}\n"
                    "  hint: use reshape()",
                    op, x.shape(), x.strides(), result));
  return as_view("view", x, result, strides);
}

Tensor reshape_for(const char* op, const Tensor& x, const Shape& shape) {
  const Shape result = infer_shape(op, x, shape);
  Shape strides;
  if (view_strides(x, result, strides)) return as_view("reshape", x, result, strides);
  detail::check_result(op, result, x.dtype(), {{"x", x}});
  return as_view("reshape", clone(x), result, contiguous_strides(result));
}

Tensor transpose_for(const char* op, const Tensor& x, int64_t dim0, int64_t dim1) {
  const int64_t a = normalize_dim(op, dim0, x);
  const int64_t b = normalize_dim(op, dim1, x);
  Shape shape = x.shape(), strides = x.strides();
  if (x.dim() > 0) {
    std::swap(shape[a], shape[b]);
    std::swap(strides[a], strides[b]);
  }
  return record_view("transpose", x, x.alias(shape, strides, x.offset()),
                     [a, b](const Tensor& dy) { return transpose(dy, a, b); });
}

Tensor expand_for(const char* op, const Tensor& x, const Shape& shape) {
  detail::check_defined(op, x);
  const int64_t added = shape.rank() - x.dim();
  Shape result = shape, strides = Shape::filled(shape.rank(), 0);
  bool fits = added >= 0;
  for (int64_t d = 0; fits && d < shape.rank(); ++d) {
    if (d < added) {
      fits = shape[d] >= 0;
      continue;
    }
    const int64_t size = x.shape()[d - added];
    if (shape[d] == -1 || shape[d] == size) {
      result[d] = size;
      strides[d] = x.strides()[d - added];
    } else {
      fits = size == 1 && shape[d] >= 0;
    }
  }
  if (!fits)
    throw ShapeError(
        fmt::format("{}: only dimensions of size 1 can be repeated, and new ones "
                    "come first\n  x {}   shape {}",
                    op, x.shape(), shape));
  // A view takes no memory: its elements must be countable, whatever their bytes.
  if (!detail::is_possible(result, kBool))
    detail::throw_too_large(op, fmt::format("x {}   shape {}", x.shape(), shape));
  return record_view("expand", x, x.alias(result, strides, x.offset()),
                     [](const Tensor& dy) { return dy; });
}

}  // namespace

Tensor view(const Tensor& x, const Shape& shape) { return view_for("view", x, shape); }
Tensor reshape(const Tensor& x, const Shape& shape) { return reshape_for("reshape", x, shape); }

Tensor flatten(const Tensor& x, int64_t start_dim, int64_t end_dim) {
  const int64_t start = normalize_dim("flatten", start_dim, x);
  const int64_t end = normalize_dim("flatten", end_dim, x);
  if (start > end)
    throw ShapeError(
        fmt::format("flatten: start_dim must not come after end_dim\n"
                    "  x {}   start_dim {}   end_dim {}",
                    x.shape(), start_dim, end_dim));
  if (x.dim() == 0) return reshape(x, {1});
  Shape shape;
  for (int64_t d = 0; d < start; ++d) shape.push_back(x.shape()[d]);
  int64_t merged = 1;
  for (int64_t d = start; d <= end; ++d) merged *= x.shape()[d];
  shape.push_back(merged);
  for (int64_t d = end + 1; d < x.dim(); ++d) shape.push_back(x.shape()[d]);
  return reshape(x, shape);
}

Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1) {
  return transpose_for("transpose", x, dim0, dim1);
}

Tensor swapaxes(const Tensor& x, int64_t axis0, int64_t axis1) {
  return transpose_for("swapaxes", x, axis0, axis1);
}

Tensor t(const Tensor& x) {
  detail::check_defined("t", x);
  if (x.dim() > 2)
    throw ShapeError(
        fmt::format("t: needs at most 2 dimensions\n  x {}\n"
                    "  hint: use mT() for batches of matrices",
                    x.shape()));
  return x.dim() < 2 ? x : transpose(x, 0, 1);
}

Tensor mT(const Tensor& x) {
  detail::check_defined("mT", x);
  if (x.dim() < 2)
    throw ShapeError(fmt::format("mT: needs at least 2 dimensions\n  x {}", x.shape()));
  return transpose(x, -2, -1);
}

Tensor permute(const Tensor& x, const Shape& dims) {
  detail::check_defined("permute", x);
  if (dims.rank() != x.dim())
    throw ShapeError(fmt::format("permute: {} dims given for a tensor of {}\n  x {}   dims {}",
                                 dims.rank(), x.dim(), x.shape(), dims));
  detail::marked_dims("permute", x, dims);
  Shape inverse = dims, shape = dims, strides = dims;
  for (int64_t i = 0; i < dims.rank(); ++i) {
    const int64_t from = normalize_dim("permute", dims[i], x);
    inverse[from] = i;
    shape[i] = x.shape()[from];
    strides[i] = x.strides()[from];
  }
  return record_view("permute", x, x.alias(shape, strides, x.offset()),
                     [inverse](const Tensor& dy) { return permute(dy, inverse); });
}

Tensor movedim(const Tensor& x, const Shape& source, const Shape& destination) {
  detail::check_defined("movedim", x);
  const auto operands = [&] {
    return fmt::format("x {}   source {}   destination {}", x.shape(), source, destination);
  };
  if (source.rank() != destination.rank())
    throw ShapeError(
        fmt::format("movedim: as many sources as destinations are needed\n  {}", operands()));
  Shape order = Shape::filled(x.dim(), -1);  // by place in the result, the dim of x
  std::array<bool, Shape::kMaxRank> moves{};
  for (int64_t i = 0; i < source.rank(); ++i) {
    const int64_t from = normalize_dim("movedim", source[i], x);
    const int64_t to = normalize_dim("movedim", destination[i], x);
    if (x.dim() == 0) return x;
    if (std::exchange(moves[static_cast<size_t>(from)], true) || order[to] >= 0)
      throw ValueError(fmt::format("movedim: a dim is given twice\n  {}", operands()));
    order[to] = from;
  }
  int64_t rest = 0;
  for (int64_t& from : order) {
    if (from >= 0) continue;
    while (moves[static_cast<size_t>(rest)]) ++rest;
    from = rest++;
  }
  return permute(x, order);
}

Tensor movedim(const Tensor& x, int64_t source, int64_t destination) {
  return movedim(x, Shape{source}, Shape{destination});
}

Tensor squeeze(const Tensor& x, const Shape& dims) {
  detail::check_defined("squeeze", x);
  const auto named = detail::marked_dims("squeeze", x, dims);
  Shape shape, strides;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (named[static_cast<size_t>(d)] && x.shape()[d] == 1) continue;
    shape.push_back(x.shape()[d]);
    strides.push_back(x.strides()[d]);
  }
  return shape.rank() == x.dim() ? x : as_view("squeeze", x, shape, strides);
}

Tensor squeeze(const Tensor& x) {
  detail::check_defined("squeeze", x);
  Shape all;
  for (int64_t d = 0; d < x.dim(); ++d) all.push_back(d);
  return squeeze(x, all);
}

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  detail::check_defined("unsqueeze", x);
  const int64_t d = normalize_new_dim("unsqueeze", dim, x.shape());
  detail::check_rank("unsqueeze", x.dim() + 1, {{"x", x}});
  Shape shape = x.shape(), strides = x.strides();
  strides.insert(d, d < shape.rank() ? shape[d] * strides[d] : 1);
  shape.insert(d, 1);
  return as_view("unsqueeze", x, shape, strides);
}

Tensor unflatten(const Tensor& x, int64_t dim, const Shape& sizes) {
  detail::check_defined("unflatten", x);
  if (x.dim() == 0)
    throw ShapeError(fmt::format(
        "unflatten: a 0-d tensor has no dimension to unflatten\n  x []   sizes {}", sizes));
  const int64_t d = normalize_dim("unflatten", dim, x);
  int64_t known = 1, unknown = -1;
  bool fits = !sizes.empty();
  for (int64_t i = 0; i < sizes.rank(); ++i) {
    if (sizes[i] == -1 && unknown < 0)
      unknown = i;
    else
      fits = fits && sizes[i] >= 0 && !__builtin_mul_overflow(known, sizes[i], &known);
  }
  const int64_t n = x.shape()[d];
  fits = fits && (unknown < 0 ? known == n : known > 0 && n % known == 0);
  if (!fits)
    throw ShapeError(
        fmt::format("unflatten: {} elements do not fit the sizes\n  x {}   dim {}   sizes {}", n,
                    x.shape(), dim, sizes));
  detail::check_rank("unflatten", x.dim() - 1 + sizes.rank(), {{"x", x}});
  // Each part of an evenly stepped dim steps evenly: a view for any strides.
  Shape shape = x.shape(), strides = x.strides();
  int64_t step = strides[d];
  shape.erase(d);
  strides.erase(d);
  for (int64_t i = sizes.rank() - 1; i >= 0; --i) {
    shape.insert(d, i == unknown ? n / known : sizes[i]);
    strides.insert(d, step);
    step *= shape[d];
  }
  return as_view("unflatten", x, shape, strides);
}

Tensor expand(const Tensor& x, const Shape& shape) { return expand_for("expand", x, shape); }

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  return expand_for("broadcast_to", x, shape);
}

std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors) {
  constexpr const char* kName = "broadcast_tensors";
  Shape shape;
  const auto operands = [&] { return detail::shapes_of("tensor", tensors); };
  detail::check_defined(kName, "tensor", tensors);
  for (const Tensor& x : tensors)
    if (const int64_t dim = detail::broadcast_into(shape, x.shape()); dim > 0)
      detail::throw_no_broadcast(kName, dim, shape[shape.rank() - dim], x.size(-dim), operands());
  if (!detail::is_possible(shape, kBool)) detail::throw_too_large(kName, operands());
  std::vector<Tensor> result;
  for (const Tensor& x : tensors) result.push_back(expand(x, shape));
  return result;
}

Tensor view_as(const Tensor& x, const Tensor& other) {
  detail::check_defined("view_as", {{"x", x}, {"other", other}});
  return view_for("view_as", x, other.shape());
}
Tensor reshape_as(const Tensor& x, const Tensor& other) {
  detail::check_defined("reshape_as", {{"x", x}, {"other", other}});
  return reshape_for("reshape_as", x, other.shape());
}
Tensor expand_as(const Tensor& x, const Tensor& other) {
  detail::check_defined("expand_as", {{"x", x}, {"other", other}});
  return expand_for("expand_as", x, other.shape());
}

Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t end, int64_t step) {
  detail::check_defined("slice", x);
  if (x.dim() == 0) throw ShapeError("slice: a 0-d tensor cannot be sliced\n  x []");
  const int64_t d = normalize_dim("slice", dim, x);
  if (step <= 0)
    throw ValueError(fmt::format("slice: step {} is not positive\n  x {}{}", step, x.shape(),
                                 step < 0 ? "\n  hint: flip() turns the order round" : ""));
  const int64_t n = x.shape()[d];
  const auto clamped = [n](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); };
  const int64_t first = clamped(start), last = std::max(first, clamped(end));
  Shape shape = x.shape(), strides = x.strides();
  shape[d] = last == first ? 0 : (last - first - 1) / step + 1;
  // With one element or none the step does not matter, and may be too large to multiply.
  if (shape[d] > 1) strides[d] *= step;
  const int64_t offset = x.offset() + (shape[d] > 0 ? first * x.strides()[d] : 0);
  return record_view("slice", x, x.alias(shape, strides, offset),
                     [before = x.shape(), d, first, step](const Tensor& dy) {
                       // With one element or none the step may be too large to multiply.
                       const int64_t count = dy.shape()[d], by = count > 1 ? step : 1;
                       const int64_t stop = count == 0 ? first : first + (count - 1) * by + 1;
                       return detail::pull_view("slice_grad", dy, before, [=](const Tensor& t) {
                         return slice(t, d, first, stop, by);
                       });
                     });
}

Tensor contiguous(const Tensor& x) {
  detail::check_defined("contiguous", x);
  return x.is_contiguous() ? x : clone(x);
}

Tensor clone(const Tensor& x) {
  detail::check_defined("clone", x);
  detail::check_result("clone", x.shape(), x.dtype(), {{"x", x}});
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  detail::copy_elements(y, x);
  return record("clone", {x}, std::move(y), [](const Tensor& dy) { return dy; });
}

Tensor to(const Tensor& x, DType dtype) {
  detail::check_defined("to", x);
  if (x.dtype() == dtype) return x;
  Tensor y = detail::converted(x, dtype);
  if (!is_floating_point(dtype)) return y;
  return record("to", {x}, std::move(y), [](const Tensor& dy) { return dy; });
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Shape dims;
  const int64_t added = x.dim() - shape.rank();
  for (int64_t d = 0; d < x.dim(); ++d)
    if (d < added || (shape[d - added] == 1 && x.shape()[d] != 1)) dims.push_back(d);
  return reshape(dims.empty() ? x : sum(x, dims, true), shape);
}

Tensor Tensor::view(const Shape& shape) const { return bb::view(*this, shape); }
Tensor Tensor::reshape(const Shape& shape) const { return bb::reshape(*this, shape); }
Tensor Tensor::flatten(int64_t start_dim, int64_t end_dim) const {
  return bb::flatten(*this, start_dim, end_dim);
}
Tensor Tensor::transpose(int64_t dim0, int64_t dim1) const {
  return bb::transpose(*this, dim0, dim1);
}
Tensor Tensor::swapaxes(int64_t axis0, int64_t axis1) const {
  return bb::swapaxes(*this, axis0, axis1);
}
Tensor Tensor::t() const { return bb::t(*this); }
Tensor Tensor::mT() const { return bb::mT(*this); }
Tensor Tensor::permute(const Shape& dims) const { return bb::permute(*this, dims); }
Tensor Tensor::movedim(int64_t source, int64_t destination) const {
  return bb::movedim(*this, source, destination);
}
Tensor Tensor::movedim(const Shape& source, const Shape& destination) const {
  return bb::movedim(*this, source, destination);
}
Tensor Tensor::squeeze() const { return bb::squeeze(*this); }
Tensor Tensor::squeeze(const Shape& dims) const { return bb::squeeze(*this, dims); }
Tensor Tensor::unsqueeze(int64_t dim) const { return bb::unsqueeze(*this, dim); }
Tensor Tensor::unflatten(int64_t dim, const Shape& sizes) const {
  return bb::unflatten(*this, dim, sizes);
}
Tensor Tensor::expand(const Shape& shape) const { return bb::expand(*this, shape); }
Tensor Tensor::expand_as(const Tensor& other) const { return bb::expand_as(*this, other); }
Tensor Tensor::broadcast_to(const Shape& shape) const { return bb::broadcast_to(*this, shape); }
Tensor Tensor::view_as(const Tensor& other) const { return bb::view_as(*this, other); }
Tensor Tensor::reshape_as(const Tensor& other) const { return bb::reshape_as(*this, other); }
Tensor Tensor::slice(int64_t dim, int64_t start, int64_t end, int64_t step) const {
  return bb::slice(*this, dim, start, end, step);
}
Tensor Tensor::contiguous() const { return bb::contiguous(*this); }
Tensor Tensor::clone() const { return bb::clone(*this); }
Tensor Tensor::to(DType dtype) const { return bb::to(*this, dtype); }

}  // namespace bb
