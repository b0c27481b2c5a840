#include "bb/autograd/ops/parts.h"

#include <algorithm>

#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/view_grad.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"

namespace bb {

using autograd::record;
using autograd::record_view;

namespace {

int64_t part_dim(const char* op, const Tensor& x, int64_t dim) {
  detail::check_defined(op, x);
  if (x.dim() == 0) throw ShapeError(fmt::format("{}: a 0-d tensor has no parts\n  x []", op));
  return normalize_dim(op, dim, x);
}

struct Windows {
  int64_t dim, size, step;
};

Tensor unfold(const Tensor& x, const Windows& w);

// The gradient of unfold(): each element of x takes the sum over the windows that show it.
Tensor unfold_grad(const Tensor& dy, const Shape& shape, const Windows& w) {
  Tensor dx = zeros(shape, dy.dtype());
  const int64_t count = dy.size(w.dim);
  no_grad([&] {
    if (count <= w.size) {  // window by window, or place by place within them all
      for (int64_t i = 0; i < count; ++i)
        narrow(dx, w.dim, i * w.step, w.size).add_(movedim(select(dy, w.dim, i), -1, w.dim));
    } else {
      for (int64_t i = 0; i < w.size; ++i)
        slice(dx, w.dim, i, i + (count - 1) * w.step + 1, w.step).add_(select(dy, -1, i));
    }
  });
  return record("unfold_grad", {dy}, std::move(dx),
                [w](const Tensor& ddx) { return unfold(ddx, w); });
}

Tensor unfold(const Tensor& x, const Windows& w) {
  Shape shape = x.shape(), strides = x.strides();
  shape[w.dim] = (shape[w.dim] - w.size) / w.step + 1;
  shape.push_back(w.size);
  strides.push_back(strides[w.dim]);
  if (shape[w.dim] > 1) strides[w.dim] *= w.step;
  return record_view(
      "unfold", x, x.alias(shape, strides, x.offset()),
      [before = x.shape(), w](const Tensor& dy) { return unfold_grad(dy, before, w); });
}

}  // namespace

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  const int64_t d = part_dim("select", x, dim);
  const int64_t n = x.shape()[d];
  if (index < -n || index >= n)
    throw IndexError(
        fmt::format("select: index {} is out of range for dimension {} of size {} ({} to {} "
                    "allowed)\n  x {}",
                    index, d, n, -n, n - 1, x.shape()));
  const int64_t i = index < 0 ? index + n : index;
  Shape shape = x.shape(), strides = x.strides();
  const int64_t offset = x.offset() + i * strides[d];
  shape.erase(d);
  strides.erase(d);
  return record_view(
      "select", x, x.alias(shape, strides, offset), [before = x.shape(), d, i](const Tensor& dy) {
        return detail::pull_view("select_grad", dy, before,
                                 [d, i](const Tensor& t) { return select(t, d, i); });
      });
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  const int64_t d = part_dim("narrow", x, dim);
  const int64_t n = x.shape()[d];
  if (length < 0)
    throw ValueError(fmt::format("narrow: length {} is negative\n  x {}", length, x.shape()));
  const int64_t first = start < 0 ? start + n : start;
  if (first < 0 || first > n || length > n - first)
    throw IndexError(
        fmt::format("narrow: start {} and length {} leave dimension {} of size {}\n  x {}", start,
                    length, d, n, x.shape()));
  return slice(x, d, first, first + length);
}

std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int64_t dim) {
  const int64_t d = part_dim("split", x, dim);
  const int64_t n = x.shape()[d];
  int64_t total = 0;
  bool fits = true;
  for (int64_t size : sizes)
    fits = fits && size >= 0 && !__builtin_add_overflow(total, size, &total);
  if (!fits || total != n)
    throw ShapeError(fmt::format(
        "split: the sizes must be 0 or more and add up to {}\n  x {}   dim {}   sizes [{}]", n,
        x.shape(), dim, fmt::join(sizes, ", ")));
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    parts.push_back(slice(x, d, start, start + size));
    start += size;
  }
  return parts;
}

std::vector<Tensor> Tensor::split_evenly(int64_t size, int64_t dim) const {
  const int64_t d = part_dim("split", *this, dim);
  const int64_t n = shape()[d];
  if (size < 0 || (size == 0 && n > 0))
    throw ValueError(fmt::format("split: size {} does not split dimension {} of size {}\n  x {}",
                                 size, d, n, shape()));
  std::vector<Tensor> parts;
  int64_t start = 0;
  do {  // one part, empty, of nothing
    const int64_t length = std::min(size, n - start);
    parts.push_back(bb::slice(*this, d, start, start + length));
    start += length;
  } while (start < n);
  return parts;
}

std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  const int64_t d = part_dim("chunk", x, dim), n = x.shape()[d];
  if (chunks <= 0)
    throw ValueError(
        fmt::format("chunk: chunks must be at least 1, got {}\n  x {}", chunks, x.shape()));
  if (n == 0) return split(x, std::vector<int64_t>(static_cast<size_t>(chunks), 0), d);
  return split(x, (n - 1) / chunks + 1, d);
}

std::vector<Tensor> unbind(const Tensor& x, int64_t dim) {
  const int64_t d = part_dim("unbind", x, dim);
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < x.shape()[d]; ++i) parts.push_back(select(x, d, i));
  return parts;
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  detail::check_defined("diagonal", x);
  if (x.dim() < 2)
    throw ShapeError(fmt::format("diagonal: needs at least 2 dimensions\n  x {}", x.shape()));
  const int64_t a = normalize_dim("diagonal", dim1, x);
  const int64_t b = normalize_dim("diagonal", dim2, x);
  if (a == b)
    throw ShapeError(fmt::format("diagonal: dim1 {} and dim2 {} are one dimension\n  x {}", dim1,
                                 dim2, x.shape()));
  Shape shape = x.shape(), strides = x.strides();
  const int64_t rows = shape[a], columns = shape[b];
  // Beyond -rows and columns every diagonal is empty; cut there, the sums below stay in range.
  const int64_t k = std::clamp(offset, -rows, columns);
  const int64_t n =
      std::max<int64_t>(0, k >= 0 ? std::min(rows, columns - k) : std::min(rows + k, columns));
  const int64_t start = n == 0 ? 0 : k >= 0 ? k * strides[b] : -k * strides[a];
  const int64_t step = strides[a] + strides[b];
  for (int64_t d : {std::max(a, b), std::min(a, b)}) {
    shape.erase(d);
    strides.erase(d);
  }
  shape.push_back(n);
  strides.push_back(step);
  return record_view("diagonal", x, x.alias(shape, strides, x.offset() + start),
                     [before = x.shape(), k, a, b](const Tensor& dy) {
                       return detail::pull_view(
                           "diagonal_grad", dy, before,
                           [k, a, b](const Tensor& t) { return diagonal(t, k, a, b); });
                     });
}

Tensor Tensor::unfold(int64_t dim, int64_t size, int64_t step) const {
  detail::check_defined("unfold", *this);
  const int64_t d = normalize_dim("unfold", dim, *this);
  const int64_t n = this->dim() == 0 ? 1 : shape()[d];
  const auto fail = [&](const std::string& why) {
    throw ValueError(fmt::format("unfold: {}\n  x {}   dim {}   size {}   step {}", why, shape(),
                                 dim, size, step));
  };
  if (size < 0 || size > n) fail(fmt::format("size must be 0 to {}, what dimension {} has", n, d));
  if (step < 1) fail("step must be at least 1");
  if (this->dim() == 0) return bb::select(bb::unfold(reshape({1}), {0, size, step}), 0, 0);
  detail::check_rank("unfold", this->dim() + 1, {{"x", *this}});
  return bb::unfold(*this, {d, size, step});
}

Tensor Tensor::select(int64_t dim, int64_t index) const { return bb::select(*this, dim, index); }
Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  return bb::narrow(*this, dim, start, length);
}
std::vector<Tensor> Tensor::split(const std::vector<int64_t>& sizes, int64_t dim) const {
  return bb::split(*this, sizes, dim);
}
std::vector<Tensor> Tensor::chunk(int64_t chunks, int64_t dim) const {
  return bb::chunk(*this, chunks, dim);
}
std::vector<Tensor> Tensor::unbind(int64_t dim) const { return bb::unbind(*this, dim); }
Tensor Tensor::diagonal(int64_t offset, int64_t dim1, int64_t dim2) const {
  return bb::diagonal(*this, offset, dim1, dim2);
}

}  // namespace bb
