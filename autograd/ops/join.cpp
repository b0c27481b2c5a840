#include "bb/autograd/ops/join.h"

#include <algorithm>

#include "bb/autograd/ops/parts.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/strided.h"

namespace bb {

using autograd::Needs;
using autograd::record;

namespace {

// cat() has always let tensors of shape [0] pass, as a start for loops.
bool is_left_out(const Tensor& x) { return x.dim() == 1 && x.size(0) == 0; }

// roll() along one dim, 0 <= shift < its size.
Tensor roll_along(const Tensor& x, int64_t shift, int64_t d) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  const int64_t n = x.shape()[d];
  no_grad([&] {
    detail::copy_elements(slice(y, d, shift, n), slice(x, d, 0, n - shift));
    detail::copy_elements(slice(y, d, 0, shift), slice(x, d, n - shift, n));
  });
  return record("roll", {x}, std::move(y), [shift, d, n](const Tensor& dy) {
    return roll_along(dy, shift == 0 ? 0 : n - shift, d);
  });
}

// cat() for an op of that name: `d` is in range, operands() what its errors show.
template <class Text>
Tensor join(const char* op, const std::vector<Tensor>& tensors, int64_t d, const Tensor& first,
            const Text& operands) {
  DType dtype = tensors[0].dtype();
  for (const Tensor& x : tensors) dtype = promote_types(dtype, x.dtype());
  Shape shape = first.shape();
  shape[d] = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (is_left_out(tensors[i])) continue;
    Shape others = tensors[i].shape();
    if (others.rank() == shape.rank()) {
      if (__builtin_add_overflow(shape[d], others[d], &others[d]))
        detail::throw_too_large(op, operands());
      shape[d] = others[d];
    }
    if (others != shape)
      throw ShapeError(
          fmt::format("{}: sizes must agree except at dimension {}\n  {}", op, d, operands()));
  }
  if (!detail::is_possible(shape, dtype)) detail::throw_too_large(op, operands());

  Tensor y = Tensor::empty(shape, dtype);
  std::vector<int64_t> sizes;  // of each tensor along d
  int64_t start = 0;
  no_grad([&] {
    for (const Tensor& x : tensors) {
      sizes.push_back(is_left_out(x) ? 0 : x.shape()[d]);
      detail::copy_elements(slice(y, d, start, start + sizes.back()),
                            is_left_out(x) ? slice(y, d, 0, 0) : x);
      start += sizes.back();
    }
  });
  return record("cat", std::span<const Tensor>(tensors), std::move(y),
                [sizes = std::move(sizes), d, rank = shape.rank()](const Tensor& dy, Needs needs) {
                  std::vector<Tensor> grads(sizes.size());
                  int64_t at = 0;
                  for (size_t i = 0; i < sizes.size(); ++i) {
                    // Of a tensor of shape [0] among larger ones, the gradient is nothing.
                    if (needs[i] && (sizes[i] > 0 || rank == 1))
                      grads[i] = slice(dy, d, at, at + sizes[i]);
                    at += sizes[i];
                  }
                  return grads;
                });
}

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, int64_t dim) {
  if (tensors.empty()) throw ValueError("cat: there is nothing to join");
  detail::check_defined("cat", "tensor", tensors);
  const auto found = std::find_if_not(tensors.begin(), tensors.end(), is_left_out);
  const Tensor& first = found == tensors.end() ? tensors[0] : *found;  // others must agree with it
  const auto operands = [&] { return detail::shapes_of("tensor", tensors); };
  if (first.dim() == 0)
    throw ShapeError(
        fmt::format("cat: 0-d tensors have no dimension to be joined along\n  {}\n"
                    "  hint: use stack()",
                    operands()));
  return join(
      "cat", tensors,
      normalize_dim("cat", dim, first.shape(), first.is(tensors[0]) ? "tensor 0" : "tensor"), first,
      operands);
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t dim) {
  if (tensors.empty()) throw ValueError("stack: there is nothing to join");
  detail::check_defined("stack", "tensor", tensors);
  const auto operands = [&] { return detail::shapes_of("tensor", tensors); };
  const int64_t d = normalize_new_dim("stack", dim, tensors[0].shape(), "tensor 0");
  detail::check_rank("stack", tensors[0].dim() + 1, {{"tensor 0", tensors[0]}});
  std::vector<Tensor> rows;
  for (const Tensor& x : tensors) {
    if (x.shape() != tensors[0].shape())
      throw ShapeError(fmt::format("stack: shapes differ\n  {}", operands()));
    rows.push_back(unsqueeze(x, d));
  }
  return join("stack", rows, d, rows[0], operands);
}

namespace {

// repeat() for an op of that name.
Tensor repeat_for(const char* op, const Tensor& x, const Shape& repeats) {
  const auto operands = [&] { return fmt::format("x {}   repeats {}", x.shape(), repeats); };
  const int64_t added = repeats.rank() - x.dim();
  if (added < 0)
    throw ShapeError(
        fmt::format("{}: a number for each dimension is needed\n  {}\n"
                    "  hint: tile() leaves the first dimensions as they are",
                    op, operands()));
  Shape shape = repeats;
  int64_t copies = 1;  // along the new dims
  bool overflow = false;
  for (int64_t d = 0; d < shape.rank(); ++d) {
    if (repeats[d] < 0)
      throw ValueError(
          fmt::format("{}: {} repeats of dimension {}\n  {}", op, repeats[d], d, operands()));
    overflow |= d < added ? __builtin_mul_overflow(copies, repeats[d], &copies)
                          : __builtin_mul_overflow(shape[d], x.shape()[d - added], &shape[d]);
  }
  if (overflow || !detail::is_possible(shape, x.dtype())) detail::throw_too_large(op, operands());

  Tensor y = contiguous(x);
  int64_t inner = 1;  // elements of y behind one of dimension d
  for (int64_t d = x.dim() - 1; d >= 0; --d) {
    const int64_t n = repeats[d + added];
    const int64_t block = inner * x.shape()[d];
    if (n != 1) {
      const int64_t outer = block == 0 ? 0 : y.numel() / block;
      y = contiguous(expand(reshape(y, {outer, 1, block}), {outer, n, block}));
    }
    inner = block * n;
  }
  if (copies != 1) y = contiguous(expand(reshape(y, {1, inner}), {copies, inner}));
  return reshape(y.shares_storage(x) ? clone(y) : y, shape);
}

}  // namespace

Tensor repeat(const Tensor& x, const Shape& repeats) {
  detail::check_defined("repeat", x);
  return repeat_for("repeat", x, repeats);
}

Tensor tile(const Tensor& x, const Shape& repeats) {
  detail::check_defined("tile", x);
  Shape all = repeats;
  while (all.rank() < x.dim()) all.insert(0, 1);
  return repeat_for("tile", x, all);
}

Tensor flip(const Tensor& x, const Shape& dims) {
  detail::check_defined("flip", x);
  const auto flipped = detail::marked_dims("flip", x, dims);
  Shape strides = x.strides();
  int64_t offset = x.offset();
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (!flipped[static_cast<size_t>(d)] || x.shape()[d] == 0) continue;
    offset += (x.shape()[d] - 1) * strides[d];
    strides[d] = -strides[d];
  }
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  // Tensors have no negative strides; copies read by any.
  if (x.numel() > 0) detail::copy_elements(y, x.alias(x.shape(), strides, offset));
  return record("flip", {x}, std::move(y), [dims](const Tensor& dy) { return flip(dy, dims); });
}

Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims) {
  detail::check_defined("roll", x);
  if (shifts.empty()) throw ValueError(fmt::format("roll: no shift is given\n  x {}", x.shape()));
  if (shifts.rank() == 1 && dims.empty()) return roll(x, shifts[0]);
  if (shifts.rank() != dims.rank())
    throw ShapeError(
        fmt::format("roll: as many shifts as dims are needed\n  x {}   shifts {}   dims {}",
                    x.shape(), shifts, dims));
  if (x.dim() == 0) throw IndexError("roll: a 0-d tensor has no dimension to roll along\n  x []");
  for (int64_t dim : dims) normalize_dim("roll", dim, x);
  Tensor y = x;
  for (int64_t i = 0; i < dims.rank(); ++i) {
    const int64_t d = normalize_dim("roll", dims[i], x);
    const int64_t n = x.shape()[d];
    if (n > 0) y = roll_along(y, (shifts[i] % n + n) % n, d);
  }
  return y.is(x) ? clone(x) : y;
}

Tensor roll(const Tensor& x, int64_t shift, int64_t dim) {
  return roll(x, Shape{shift}, Shape{dim});
}

Tensor roll(const Tensor& x, int64_t shift) {
  detail::check_defined("roll", x);
  return reshape(roll(reshape(x, {x.numel()}), shift, 0), x.shape());
}

Tensor Tensor::repeat(const Shape& repeats) const { return bb::repeat(*this, repeats); }
Tensor Tensor::tile(const Shape& repeats) const { return bb::tile(*this, repeats); }
Tensor Tensor::flip(const Shape& dims) const { return bb::flip(*this, dims); }
Tensor Tensor::roll(int64_t shift) const { return bb::roll(*this, shift); }
Tensor Tensor::roll(int64_t shift, int64_t dim) const { return bb::roll(*this, shift, dim); }
Tensor Tensor::roll(const Shape& shifts, const Shape& dims) const {
  return bb::roll(*this, shifts, dims);
}

}  // namespace bb
