#include "bb/autograd/ops/softmax.h"

#include <array>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/kernels/softmax.h"
#include "bb/core/lines.h"

namespace bb {

using autograd::record;
using autograd::Saved;

namespace {

// op along d.
Tensor run(const kernels::LineOp& op, const Tensor& x, int64_t d) {
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  detail::run_along(op, y, d, std::array{x});
  return y;
}
Tensor run(const kernels::LineOp& op, const Tensor& dy, const Tensor& y, int64_t d) {
  Tensor dx = Tensor::empty(y.shape(), y.dtype());
  detail::run_along(op, dx, d, std::array{dy, y});
  return dx;
}

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim) {
  detail::check_floating("softmax", x);
  const int64_t d = normalize_dim("softmax", dim, x);
  Tensor y = run(kernels::softmax().softmax, x, d);
  const Saved saved = autograd::output_for(x, y);
  return record("softmax", {x}, std::move(y), [y = saved, d](const Tensor& dy) {
    const Tensor s = *y;
    if (is_grad_enabled()) return s * (dy - sum(dy * s, {d}, true));
    return run(kernels::softmax().softmax_grad, dy, s, d);
  });
}

Tensor log_softmax(const Tensor& x, int64_t dim) {
  detail::check_floating("log_softmax", x);
  const int64_t d = normalize_dim("log_softmax", dim, x);
  Tensor y = run(kernels::softmax().log_softmax, x, d);
  const Saved saved = autograd::output_for(x, y);
  return record("log_softmax", {x}, std::move(y), [y = saved, d](const Tensor& dy) {
    const Tensor l = *y;
    if (is_grad_enabled()) return dy - exp(l) * sum(dy, {d}, true);
    return run(kernels::softmax().log_softmax_grad, dy, l, d);
  });
}

Tensor Tensor::softmax(int64_t dim) const { return bb::softmax(*this, dim); }
Tensor Tensor::log_softmax(int64_t dim) const { return bb::log_softmax(*this, dim); }

}  // namespace bb
