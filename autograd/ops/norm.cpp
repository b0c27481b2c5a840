#include "bb/autograd/ops/norm.h"

#include <cmath>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/reduced_dims.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {

using autograd::record;
using autograd::Saved;
using detail::Reduced;

namespace {

// Off the tape.
Tensor norm_values(const Tensor& x, double p, const Reduced& r) {
  NoGrad guard;
  const kernels::ReduceTable& reductions = kernels::reductions();
  const auto reduce = [&](const kernels::Reduction& f, const Tensor& of) {
    return detail::reduce(f, of, r, x.dtype());
  };
  if (p == 2) return sqrt(reduce(reductions.sum_squares, x));
  if (p == 1) return reduce(reductions.sum, abs(x));
  if (p == 0) return reduce(reductions.sum, ne(x, 0));
  if (std::isinf(p)) return reduce(p > 0 ? reductions.max : reductions.min, abs(x));
  return pow(reduce(reductions.sum, pow(abs(x), p)), 1 / p);
}

// f(x), where x is not 0, else 0: not even f's derivative is seen at 0.
template <class F>
Tensor but_at_zero(const Tensor& x, const F& f) {
  const Tensor is_zero = eq(x, 0);
  return where(is_zero, 0.0, f(where(is_zero, 1.0, x)));
}

// dy and the norm y with reduced dims as 1.
Tensor norm_grad(const Tensor& dy, const Tensor& x, const Tensor& y, double p, const Shape& dims) {
  if (p == 0) return zeros_like(x);
  if (p == 1) return dy * sign(x.detach());
  if (p == 2) return x * but_at_zero(y, [&](const Tensor& length) { return dy / length; });
  if (std::isinf(p)) {
    const Tensor size = abs(x.detach());
    const Tensor share = eq(size, y.detach()).to(dy.dtype());
    // NaN equals nothing: its gradient is 0, not 0 / 0.
    return dy * (sign(x.detach()) * share / clamp(sum(share, dims, true), 1));
  }
  const Tensor of_x =
      but_at_zero(x, [&](const Tensor& z) { return sign(z.detach()) * pow(abs(z), p - 1); });
  return of_x * but_at_zero(y, [&](const Tensor& length) { return dy * pow(length, 1 - p); });
}

}  // namespace

Tensor detail::norm_for(const char* op, const Tensor& x, double p, const Shape& dims,
                        bool keepdim) {
  check_floating(op, x);
  if (std::isnan(p)) throw ValueError(fmt::format("{}: p is NaN\n  x {}", op, x.shape()));
  const Reduced r(op, x, dims, keepdim);
  if (p < 0 || std::isinf(p)) check_not_empty(op, fmt::format("norm of order {}", p).c_str(), x, r);
  Tensor y = norm_values(x, p, r);
  const Saved saved = autograd::output_for(x, y);
  return record("norm", {x}, std::move(y),
                [x = Saved(x), y = saved, p, dims, with_ones = r.with_ones](const Tensor& dy) {
                  return norm_grad(reshape(dy, with_ones), *x, reshape(*y, with_ones), p, dims);
                });
}

Tensor norm(const Tensor& x, double p, const Shape& dims, bool keepdim) {
  return detail::norm_for("norm", x, p, dims, keepdim);
}

Tensor norm(const Tensor& x, double p) { return norm(x, p, {}); }

Tensor Tensor::norm(double p) const { return bb::norm(*this, p); }
Tensor Tensor::norm(double p, const Shape& dims, bool keepdim) const {
  return bb::norm(*this, p, dims, keepdim);
}

}  // namespace bb
