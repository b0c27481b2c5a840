#include "bb/autograd/ops/reduce.h"

#include <limits>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/reduce.h"

namespace bb {

using autograd::record;
using autograd::Saved;

namespace {

// Which dims an op reduces, and the shapes that follow.
struct Reduction {
  Reduction(const char* op, const Shape& x, const Shape& dims, bool keepdim) {
    if (dims.empty()) reduced.fill(true);
    for (int64_t dim : dims) {
      const auto d = static_cast<size_t>(normalize_dim(op, dim, x.rank()));
      if (std::exchange(reduced[d], true))
        throw ValueError(fmt::format("{}: dim {} is given twice in {}", op, dim, dims));
    }
    for (int64_t d = 0; d < x.rank(); ++d) {
      if (!reduces(d)) {
        kept.push_back(x[d]);
        with_ones.push_back(x[d]);
        continue;
      }
      count *= x[d];
      with_ones.push_back(1);
    }
    result = keepdim ? with_ones : kept;
  }
  bool reduces(int64_t d) const { return reduced[static_cast<size_t>(d)]; }

  std::array<bool, Shape::kMaxRank> reduced{};
  Shape kept;       // sizes that stay
  Shape with_ones;  // x's shape with reduced dims as 1
  Shape result;
  int64_t count = 1;  // elements behind each result
};

// x, off the tape, as [outer, n, inner] without gaps, n the reduced dims: as it lies where these
// are neighbours, else a copy with them last.
struct Blocks {
  Blocks(const Tensor& x, const Reduction& r) {
    int64_t first = -1, last = -1, reduced = 0;
    for (int64_t d = 0; d < x.dim(); ++d) {
      if (!r.reduces(d)) continue;
      if (first < 0) first = d;
      last = d;
      ++reduced;
    }
    n = r.count;
    if (reduced == 0 || last - first + 1 == reduced) {
      data = x.detach().contiguous();
      const int64_t end = reduced == 0 ? x.dim() : first;
      for (int64_t d = 0; d < end; ++d) outer *= x.shape()[d];
      for (int64_t d = last + 1; reduced > 0 && d < x.dim(); ++d) inner *= x.shape()[d];
      return;
    }
    Shape order;
    for (int64_t d = 0; d < x.dim(); ++d)
      if (!r.reduces(d)) order.push_back(d);
    for (int64_t d = 0; d < x.dim(); ++d)
      if (r.reduces(d)) order.push_back(d);
    data = x.detach().permute(order).contiguous();
    outer = r.kept.numel();
  }
  Tensor data;
  int64_t outer = 1, n = 1, inner = 1;
};

Tensor sum_values(const Tensor& x, const Reduction& r) {
  const Tensor input = is_floating_point(x.dtype()) ? x : x.detach().to(kInt64);
  const Blocks blocks(input, r);
  Tensor y = Tensor::empty(r.result, input.dtype());
  if (input.dtype() == kInt64) {
    const int64_t* from = blocks.data.data<int64_t>();
    int64_t* to = y.data<int64_t>();
    for (int64_t o = 0; o < blocks.outer; ++o)
      for (int64_t j = 0; j < blocks.inner; ++j) {
        uint64_t total = 0;  // wraps, as integer arithmetic does elsewhere
        for (int64_t i = 0; i < blocks.n; ++i)
          total += static_cast<uint64_t>(from[(o * blocks.n + i) * blocks.inner + j]);
        to[o * blocks.inner + j] = static_cast<int64_t>(total);
      }
    return y;
  }
  visit_floating(x.dtype(), [&]<class T>() {
    const T* from = blocks.data.data<T>();
    if (blocks.inner == 1)
      kernels::sum_rows(from, blocks.outer, blocks.n, y.data<T>());
    else
      kernels::sum_columns(from, blocks.outer, blocks.n, blocks.inner, y.data<T>());
  });
  return y;
}

// Values and indices along one dim, both kept with size 1.
MaxResult max_along(const char* op, const Tensor& x, int64_t dim) {
  const int64_t d = normalize_dim(op, dim, x.dim());
  const int64_t n = x.dim() == 0 ? 1 : x.shape()[d];
  if (n == 0)
    throw ValueError(fmt::format(
        "{}: no largest element along a dimension of size 0\n  x {}   dim {}", op, x.shape(), dim));
  const Tensor rows = x.dim() == 0 ? x.detach() : x.detach().transpose(d, -1).contiguous();
  Shape shape = rows.shape();
  if (shape.rank() > 0) shape[shape.rank() - 1] = 1;
  Tensor values = Tensor::empty(shape, x.dtype());
  Tensor indices = Tensor::empty(shape, kInt64);
  visit(x.dtype(), [&]<class T>() {
    kernels::max_rows(rows.data<T>(), shape.numel(), n, values.data<T>(), indices.data<int64_t>());
  });
  if (x.dim() == 0) return {values, indices};
  return {values.transpose(d, -1), indices.transpose(d, -1)};
}

// Without the dim of size 1 that a reduction left, unless keepdim.
Tensor drop(const Tensor& x, int64_t dim, bool keepdim) {
  return keepdim ? x.contiguous() : x.squeeze(dim).contiguous();
}

// bool, of `shape`: true at `indices` along dim.
Tensor one_hot_along(const Tensor& indices, const Shape& shape, int64_t dim) {
  const int64_t d = normalize_dim("max", dim, shape.rank());
  Shape line = Shape::filled(shape.rank(), 1);
  line[d] = shape[d];
  return eq(arange(shape[d]).reshape(line), indices);
}

void check_not_empty(const char* op, const Tensor& x) {
  if (x.numel() == 0)
    throw ValueError(
        fmt::format("{}: an empty tensor has no largest element\n  x {}", op, x.shape()));
}

}  // namespace

Tensor sum(const Tensor& x, const Shape& dims, bool keepdim) {
  const Reduction r("sum", x.shape(), dims, keepdim);
  return record("sum", {x}, sum_values(x, r),
                [shape = x.shape(), with_ones = r.with_ones](const Tensor& dy) {
                  return expand(reshape(dy, with_ones), shape);
                });
}

Tensor sum(const Tensor& x) { return sum(x, Shape{}); }

Tensor mean(const Tensor& x, const Shape& dims, bool keepdim) {
  if (!is_floating_point(x.dtype()))
    throw DTypeError(
        fmt::format("mean: needs floating point\n  x {}\n"
                    "  hint: convert with to(kFloat32)",
                    describe(x)));
  const Reduction r("mean", x.shape(), dims, keepdim);
  const double scale =
      r.count == 0 ? std::numeric_limits<double>::quiet_NaN() : 1.0 / static_cast<double>(r.count);
  return record("mean", {x}, no_grad([&] { return sum_values(x, r).mul_(scale); }),
                [shape = x.shape(), with_ones = r.with_ones, scale](const Tensor& dy) {
                  return expand(reshape(dy * scale, with_ones), shape);
                });
}

Tensor mean(const Tensor& x) { return mean(x, Shape{}); }

Tensor max(const Tensor& x) {
  check_not_empty("max", x);
  Tensor y = max_along("max", x.detach().flatten(), 0).values.reshape({});
  const Saved saved = autograd::wants_grad(x) ? Saved::output(y) : Saved();
  return record("max", {x}, std::move(y), [x = Saved(x), y = saved](const Tensor& dy) {
    const Tensor is_max = eq((*x).detach(), (*y).detach()).to(dy.dtype());
    return dy * (is_max / sum(is_max));
  });
}

MaxResult max(const Tensor& x, int64_t dim, bool keepdim) {
  const MaxResult found = max_along("max", x, dim);
  if (x.dim() == 0)
    return {record("max", {x}, found.values, [](const Tensor& dy) { return dy; }), found.indices};
  Tensor values = drop(found.values, dim, keepdim);
  return {record("max", {x}, std::move(values),
                 [shape = x.shape(), dim, keepdim, indices = found.indices](const Tensor& dy) {
                   const Tensor at = one_hot_along(indices, shape, dim).to(dy.dtype());
                   return (keepdim ? dy : dy.unsqueeze(dim)) * at;
                 }),
          drop(found.indices, dim, keepdim)};
}

Tensor argmax(const Tensor& x) {
  check_not_empty("argmax", x);
  return max_along("argmax", x.detach().flatten(), 0).indices.reshape({});
}

Tensor argmax(const Tensor& x, int64_t dim, bool keepdim) {
  const Tensor indices = max_along("argmax", x, dim).indices;
  return x.dim() == 0 ? indices : drop(indices, dim, keepdim);
}

Tensor Tensor::sum() const { return bb::sum(*this); }
Tensor Tensor::sum(const Shape& dims, bool keepdim) const { return bb::sum(*this, dims, keepdim); }
Tensor Tensor::mean() const { return bb::mean(*this); }
Tensor Tensor::mean(const Shape& dims, bool keepdim) const {
  return bb::mean(*this, dims, keepdim);
}
Tensor Tensor::max() const { return bb::max(*this); }
MaxResult Tensor::max(int64_t dim, bool keepdim) const { return bb::max(*this, dim, keepdim); }
Tensor Tensor::argmax() const { return bb::argmax(*this); }
Tensor Tensor::argmax(int64_t dim, bool keepdim) const { return bb::argmax(*this, dim, keepdim); }

}  // namespace bb
