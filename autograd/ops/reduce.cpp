#include "bb/autograd/ops/reduce.h"

#include <limits>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/extremum.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduced_dims.h"
#include "bb/autograd/ops/scan.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"

namespace bb {

using autograd::record;
using autograd::Saved;
using detail::Reduced;

namespace {

Tensor sum_values(const Tensor& x, const Reduced& r) {
  const DType dtype = is_floating_point(x.dtype()) ? x.dtype() : kInt64;
  return detail::reduce(kernels::reductions().sum, x, r, dtype);
}

}  // namespace

Tensor sum(const Tensor& x, const Shape& dims, bool keepdim, std::optional<DType> dtype) {
  detail::check_defined("sum", x);
  if (dtype) return to(sum(to(x, *dtype), dims, keepdim), *dtype);
  const Reduced r("sum", x, dims, keepdim);
  return record("sum", {x}, sum_values(x, r),
                [shape = x.shape(), with_ones = r.with_ones](const Tensor& dy) {
                  return expand(reshape(dy, with_ones), shape);
                });
}

Tensor sum(const Tensor& x) { return sum(x, Shape{}); }

Tensor mean(const Tensor& x, const Shape& dims, bool keepdim, std::optional<DType> dtype) {
  detail::check_defined("mean", x);
  if (dtype && !is_floating_point(*dtype))
    throw DTypeError(fmt::format("mean: {} holds no mean\n  x {}", name(*dtype), describe(x)));
  if (dtype) return mean(to(x, *dtype), dims, keepdim);
  detail::check_floating("mean", x);
  const Reduced r("mean", x, dims, keepdim);
  const double scale =
      r.count == 0 ? std::numeric_limits<double>::quiet_NaN() : 1.0 / static_cast<double>(r.count);
  return record("mean", {x}, no_grad([&] { return sum_values(x, r).mul_(scale); }),
                [shape = x.shape(), with_ones = r.with_ones, scale](const Tensor& dy) {
                  return expand(reshape(dy * scale, with_ones), shape);
                });
}

Tensor mean(const Tensor& x) { return mean(x, Shape{}); }

// Each element's slope is the product of the others: of those before it and those behind it.
Tensor prod(const Tensor& x, int64_t dim, bool keepdim, std::optional<DType> dtype) {
  detail::check_defined("prod", x);
  if (dtype) return to(prod(to(x, *dtype), dim, keepdim), *dtype);
  const Reduced r("prod", x, {dim}, keepdim);
  Tensor y = detail::reduce(kernels::reductions().prod, x, r,
                            is_floating_point(x.dtype()) ? x.dtype() : kInt64);
  const int64_t d = normalize_dim("prod", dim, x);
  return record("prod", {x}, std::move(y),
                [x = Saved(x), d, with_ones = r.with_ones](const Tensor& dy) {
                  const Tensor factors = *x;
                  const Tensor others = detail::product_of_others(factors, d);
                  return others * reshape(dy, with_ones);
                });
}

Tensor prod(const Tensor& x) {
  const Reduced r("prod", x, {}, false);
  if (x.requires_grad() && x.dim() != 1) return prod(flatten(x), 0);
  if (x.requires_grad()) return prod(x, 0);
  return detail::reduce(kernels::reductions().prod, x, r,
                        is_floating_point(x.dtype()) ? x.dtype() : kInt64);
}

Tensor logsumexp(const Tensor& x, const Shape& dims, bool keepdim) {
  detail::check_defined("logsumexp", x);
  if (!is_floating_point(x.dtype())) return logsumexp(x.to(kFloat32), dims, keepdim);
  const Reduced r("logsumexp", x, dims, keepdim);
  Tensor y = no_grad([&] {
    if (x.numel() == 0) return full(r.result, -std::numeric_limits<double>::infinity(), x.dtype());
    const Tensor largest = detail::reduce(kernels::reductions().max, x, r, x.dtype());
    const Tensor shift = where(isfinite(largest), largest, 0.0);  // of infinities: none
    Tensor shifted = x - detail::put_back(shift, r);
    return log(sum(exp(shifted), dims, keepdim)).add_(shift);
  });
  const Saved saved = autograd::output_for(x, y);
  return record("logsumexp", {x}, std::move(y),
                [x = Saved(x), y = saved, with_ones = r.with_ones](const Tensor& dy) {
                  return exp(*x - reshape(*y, with_ones)) * reshape(dy, with_ones);
                });
}

namespace {

Tensor of_truths(const char* op, const kernels::Reduction& f, bool of_nothing, const Tensor& x,
                 const Shape& dims, bool keepdim) {
  const Reduced r(op, x, dims, keepdim);
  // uint8 was PyTorch's bool once, and stays itself.
  const DType dtype = x.dtype() == kUInt8 ? kUInt8 : kBool;
  if (x.numel() == 0) return full(r.result, of_nothing, dtype);
  const Tensor truths = x.dtype() == kBool ? x.detach() : ne(x, 0);
  return detail::reduce(f, truths, r, kBool).to(dtype);
}

}  // namespace

Tensor any(const Tensor& x, const Shape& dims, bool keepdim) {
  return of_truths("any", kernels::reductions().max, false, x, dims, keepdim);
}
Tensor all(const Tensor& x, const Shape& dims, bool keepdim) {
  return of_truths("all", kernels::reductions().min, true, x, dims, keepdim);
}

Tensor count_nonzero(const Tensor& x, const Shape& dims) {
  const Reduced r("count_nonzero", x, dims, false);
  return sum_values(ne(x, 0), r);
}

Tensor Tensor::sum() const { return bb::sum(*this); }
Tensor Tensor::sum(const Shape& dims, bool keepdim, std::optional<DType> dtype) const {
  return bb::sum(*this, dims, keepdim, dtype);
}
Tensor Tensor::mean() const { return bb::mean(*this); }
Tensor Tensor::mean(const Shape& dims, bool keepdim, std::optional<DType> dtype) const {
  return bb::mean(*this, dims, keepdim, dtype);
}
Tensor Tensor::prod() const { return bb::prod(*this); }
Tensor Tensor::prod(int64_t dim, bool keepdim, std::optional<DType> dtype) const {
  return bb::prod(*this, dim, keepdim, dtype);
}
Tensor Tensor::logsumexp(const Shape& dims, bool keepdim) const {
  return bb::logsumexp(*this, dims, keepdim);
}
Tensor Tensor::any(const Shape& dims, bool keepdim) const { return bb::any(*this, dims, keepdim); }
Tensor Tensor::all(const Shape& dims, bool keepdim) const { return bb::all(*this, dims, keepdim); }
Tensor Tensor::count_nonzero(const Shape& dims) const { return bb::count_nonzero(*this, dims); }

}  // namespace bb
