#include "bb/autograd/ops/softmax.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/kernels/softmax.h"

namespace bb {

using autograd::record;
using autograd::Saved;

namespace {

// x with `dim` last and no gaps, as the row kernels read it; rows_back undoes the swap.
Tensor to_rows(const Tensor& x, int64_t dim) { return transpose(x, dim, -1).contiguous(); }
Tensor rows_back(const Tensor& y, int64_t dim) { return transpose(y, dim, -1).contiguous(); }

// A row kernel of one input along dim, off the tape.
template <class Kernel>
Tensor run(const Tensor& x, int64_t dim, const Kernel& kernel) {
  NoGrad guard;
  const Tensor rows = to_rows(x, dim);
  Tensor y = Tensor::empty(rows.shape(), x.dtype());
  const int64_t n = x.dim() == 0 ? 1 : rows.size(-1);
  visit_floating(x.dtype(), [&]<class T>() {
    kernel(rows.data<T>(), n == 0 ? 0 : rows.numel() / n, n, y.data<T>());
  });
  return rows_back(y, dim);
}

// The same for a gradient: of dy and the op's output y.
template <class Kernel>
Tensor run_grad(const Tensor& dy, const Tensor& y, int64_t dim, const Kernel& kernel) {
  const Tensor rows_y = to_rows(y, dim);
  return run(dy, dim, [&]<class T>(const T* rows, int64_t count, int64_t n, T* dx) {
    kernel(rows, rows_y.data<T>(), count, n, dx);
  });
}

Tensor floating(const Tensor& x) { return is_floating_point(x.dtype()) ? x : to(x, kFloat32); }

}  // namespace

Tensor softmax(const Tensor& input, int64_t dim) {
  const Tensor x = floating(input);
  const int64_t d = normalize_dim("softmax", dim, x.dim());
  Tensor y = run(x, d, []<class T>(const T* rows, int64_t count, int64_t n, T* out) {
    kernels::softmax_rows(rows, count, n, out);
  });
  const Saved saved = autograd::wants_grad(x) ? Saved::output(y) : Saved();
  return record("softmax", {x}, std::move(y), [y = saved, d](const Tensor& dy) {
    const Tensor s = *y;
    if (is_grad_enabled()) return s * (dy - sum(dy * s, {d}, true));
    return run_grad(dy, s, d, [](auto... args) { kernels::softmax_grad_rows(args...); });
  });
}

Tensor log_softmax(const Tensor& input, int64_t dim) {
  const Tensor x = floating(input);
  const int64_t d = normalize_dim("log_softmax", dim, x.dim());
  Tensor y = run(x, d, []<class T>(const T* rows, int64_t count, int64_t n, T* out) {
    kernels::log_softmax_rows(rows, count, n, out);
  });
  const Saved saved = autograd::wants_grad(x) ? Saved::output(y) : Saved();
  return record("log_softmax", {x}, std::move(y), [y = saved, d](const Tensor& dy) {
    const Tensor l = *y;
    if (is_grad_enabled()) return dy - exp(l) * sum(dy, {d}, true);
    return run_grad(dy, l, d, [](auto... args) { kernels::log_softmax_grad_rows(args...); });
  });
}

Tensor Tensor::softmax(int64_t dim) const { return bb::softmax(*this, dim); }
Tensor Tensor::log_softmax(int64_t dim) const { return bb::log_softmax(*this, dim); }

}  // namespace bb
