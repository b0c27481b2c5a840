#include "bb/autograd/ops/triangle.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "bb/autograd/ops/parts.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/view_grad.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"
#include "bb/core/parallel.h"

namespace bb {

using autograd::record;

namespace {

// tril(x, diagonal), or, if upper, triu(x, diagonal).
Tensor triangle(const char* op, const Tensor& x, int64_t diagonal, bool upper) {
  detail::check_defined(op, x);
  if (x.dim() < 2)
    throw ShapeError(fmt::format("{}: needs at least 2 dimensions\n  x {}", op, x.shape()));
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  detail::copy_elements(y, x);
  const int64_t rows = x.size(-2), columns = x.size(-1), unit = size_of(x.dtype());
  const int64_t k = std::clamp(diagonal, -rows - 1, columns + 1);
  char* data = static_cast<char*>(y.raw_data());
  const int64_t lines = columns == 0 ? 0 : y.numel() / columns;
  parallel_for(lines, 2 + 0.02 * static_cast<double>(columns * unit),
               [&](int64_t begin, int64_t end) {
                 for (int64_t r = begin; r < end; ++r) {
                   // Column i + k is the last that tril keeps and the first that triu keeps.
                   const int64_t edge = r % rows + k + (upper ? 0 : 1);
                   const int64_t cut = std::clamp<int64_t>(edge, 0, columns);
                   const int64_t from = upper ? 0 : cut, to = upper ? cut : columns;
                   std::memset(data + (r * columns + from) * unit, 0,
                               static_cast<size_t>((to - from) * unit));
                 }
               });
  return record(op, {x}, std::move(y), [op, diagonal, upper](const Tensor& dy) {
    return triangle(op, dy, diagonal, upper);
  });
}

// diag_embed() for an op of that name.
Tensor diag_embed_for(const char* op, const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  detail::check_defined(op, x);
  if (x.dim() == 0) throw ShapeError(fmt::format("{}: a 0-d tensor is no diagonal\n  x []", op));
  const int64_t a = normalize_new_dim(op, dim1, x.shape());
  const int64_t b = normalize_new_dim(op, dim2, x.shape());
  if (a == b)
    throw ShapeError(fmt::format("{}: dim1 {} and dim2 {} are one dimension of the result\n  x {}",
                                 op, dim1, dim2, x.shape()));
  detail::check_rank(op, x.dim() + 1, {{"x", x}});
  int64_t side = 0;
  const bool fits = offset != std::numeric_limits<int64_t>::min() &&
                    !__builtin_add_overflow(x.shape().back(), std::abs(offset), &side);
  Shape shape = x.shape();
  shape.erase(shape.rank() - 1);
  shape.insert(std::min(a, b), side);
  shape.insert(std::max(a, b), side);
  if (!fits || !detail::is_possible(shape, x.dtype()))
    detail::throw_too_large(op, fmt::format("x {}   offset {}", x.shape(), offset));
  // The gradient of diagonal(), and the other way round.
  return detail::view_grad("diag_embed", x, shape,
                           [offset, a, b](const Tensor& t) { return diagonal(t, offset, a, b); });
}

}  // namespace

Tensor tril(const Tensor& x, int64_t diagonal) { return triangle("tril", x, diagonal, false); }
Tensor triu(const Tensor& x, int64_t diagonal) { return triangle("triu", x, diagonal, true); }

Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  return diag_embed_for("diag_embed", x, offset, dim1, dim2);
}

Tensor diag(const Tensor& x, int64_t diagonal) {
  detail::check_defined("diag", x);
  if (x.dim() == 1) return diag_embed_for("diag", x, diagonal, -2, -1);
  if (x.dim() == 2) return clone(bb::diagonal(x, diagonal));
  throw ShapeError(
      fmt::format("diag: x must be a vector or a matrix\n  x {}\n"
                  "  hint: use diag_embed() or diagonal() for batches",
                  x.shape()));
}

Tensor trace(const Tensor& x) {
  detail::check_defined("trace", x);
  if (x.dim() != 2) throw ShapeError(fmt::format("trace: x must be a matrix\n  x {}", x.shape()));
  return sum(diagonal(x));
}

Tensor Tensor::tril(int64_t diagonal) const { return bb::tril(*this, diagonal); }
Tensor Tensor::triu(int64_t diagonal) const { return bb::triu(*this, diagonal); }
Tensor Tensor::diag(int64_t diagonal) const { return bb::diag(*this, diagonal); }
Tensor Tensor::diag_embed(int64_t offset, int64_t dim1, int64_t dim2) const {
  return bb::diag_embed(*this, offset, dim1, dim2);
}
Tensor Tensor::trace() const { return bb::trace(*this); }

}  // namespace bb
