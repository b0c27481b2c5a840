#include "bb/autograd/ops/reduce.h"

#include <limits>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/reduction.h"

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

Tensor sum_values(const Tensor& x, const Reduction& r) {
  const DType dtype = is_floating_point(x.dtype()) ? x.dtype() : kInt64;
  return detail::reduce(kernels::reductions().sum, x, r.reduced, dtype)
      .alias(r.result, contiguous_strides(r.result), 0);
}

// Values and indices along one dim, without it.
MaxResult max_along(const char* op, const Tensor& x, int64_t dim) {
  const int64_t d = normalize_dim(op, dim, x.dim());
  if (x.dim() == 0) return {x.detach().clone(), zeros({}, kInt64)};
  if (x.shape()[d] == 0)
    throw ValueError(fmt::format(
        "{}: no largest element along a dimension of size 0\n  x {}   dim {}", op, x.shape(), dim));
  return detail::reduce_with_places(kernels::reductions().argmax, x, d);
}

// With a dim of size 1 where a reduction took it away.
Tensor put_back(const Tensor& x, int64_t dim) {
  return x.unsqueeze(normalize_dim("max", dim, x.dim() + 1));
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
  const Reduction all("max", x.shape(), {}, false);
  Tensor y = detail::reduce(kernels::reductions().max, x, all.reduced, x.dtype());
  const Saved saved = autograd::wants_grad(x) ? Saved::output(y) : Saved();
  return record("max", {x}, std::move(y), [x = Saved(x), y = saved](const Tensor& dy) {
    const Tensor is_max = eq((*x).detach(), (*y).detach()).to(dy.dtype());
    return dy * (is_max / sum(is_max));
  });
}

MaxResult max(const Tensor& x, int64_t dim, bool keepdim) {
  MaxResult found = max_along("max", x, dim);
  if (x.dim() == 0)
    return {record("max", {x}, found.values, [](const Tensor& dy) { return dy; }), found.indices};
  const Tensor kept = put_back(found.indices, dim);
  Tensor values = keepdim ? put_back(found.values, dim) : std::move(found.values);
  return {record("max", {x}, std::move(values),
                 [shape = x.shape(), dim, keepdim, kept](const Tensor& dy) {
                   const Tensor at = one_hot_along(kept, shape, dim).to(dy.dtype());
                   return (keepdim ? dy : put_back(dy, dim)) * at;
                 }),
          keepdim ? kept : found.indices};
}

Tensor argmax(const Tensor& x) {
  check_not_empty("argmax", x);
  return max_along("argmax", x.detach().flatten(), 0).indices;
}

Tensor argmax(const Tensor& x, int64_t dim, bool keepdim) {
  const Tensor indices = max_along("argmax", x, dim).indices;
  return keepdim && x.dim() > 0 ? put_back(indices, dim) : indices;
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
