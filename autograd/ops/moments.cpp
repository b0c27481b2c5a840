#include "bb/autograd/ops/moments.h"

#include <algorithm>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/reduced_dims.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"

namespace bb {

using autograd::record;
using autograd::Saved;
using detail::Reduced;

namespace {

double divisor(const Reduced& r, const VarOptions& options) {
  return static_cast<double>(std::max<int64_t>(0, r.count - options.correction));
}

// Off the tape.
Tensor variance(const Tensor& x, const Shape& dims, const Reduced& r, double divisor) {
  NoGrad guard;
  const Tensor centred = x - mean(x, dims, true);
  return detail::reduce(kernels::reductions().sum_squares, centred, r, x.dtype()).div_(divisor);
}

// Of a variance's gradient g, reduced dims as 1.
Tensor variance_grad(const Tensor& g, const Tensor& x, const Shape& dims, double divisor) {
  return g * (2 / divisor) * (x - mean(x, dims, true));
}

}  // namespace

Tensor var(const Tensor& x, const Shape& dims, const VarOptions& options) {
  detail::check_floating("var", x);
  const Reduced r("var", x, dims, options.keepdim);
  const double n = divisor(r, options);
  return record("var", {x}, variance(x, dims, r, n),
                [x = Saved(x), dims, n, with_ones = r.with_ones](const Tensor& dy) {
                  return variance_grad(reshape(dy, with_ones), *x, dims, n);
                });
}

Tensor std(const Tensor& x, const Shape& dims, const VarOptions& options) {
  detail::check_floating("std", x);
  const Reduced r("std", x, dims, options.keepdim);
  const double n = divisor(r, options);
  Tensor y = no_grad([&] { return sqrt(variance(x, dims, r, n)); });
  const Saved saved = autograd::output_for(x, y);
  return record("std", {x}, std::move(y),
                [x = Saved(x), y = saved, dims, n, with_ones = r.with_ones](const Tensor& dy) {
                  const Tensor deviation = *y, is_zero = eq(deviation, 0);
                  const Tensor g = where(is_zero, 0.0, dy / (where(is_zero, 1.0, deviation) * 2));
                  return variance_grad(reshape(g, with_ones), *x, dims, n);
                });
}

VarMean var_mean(const Tensor& x, const Shape& dims, const VarOptions& options) {
  detail::check_floating("var_mean", x);
  const Reduced checked("var_mean", x, dims, options.keepdim);
  return {var(x, dims, options), mean(x, dims, options.keepdim)};
}

Tensor Tensor::var(const Shape& dims, const VarOptions& options) const {
  return bb::var(*this, dims, options);
}
Tensor Tensor::std(const Shape& dims, const VarOptions& options) const {
  return bb::std(*this, dims, options);
}

}  // namespace bb
