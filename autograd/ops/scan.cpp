#include "bb/autograd/ops/scan.h"

#include <array>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/kernels/scan.h"
#include "bb/core/lines.h"
#include "bb/core/strided.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;

namespace {

// From the first element on, or from the last one back.
enum class Order { kForward, kReversed };

Order other(Order order) { return order == Order::kForward ? Order::kReversed : Order::kForward; }

Tensor run(const kernels::LineOp& op, const Tensor& x, int64_t d) {
  Tensor y = Tensor::empty(x.shape(), is_floating_point(x.dtype()) ? x.dtype() : kInt64);
  detail::run_along(op, y, d, std::array{x});
  return y;
}

Tensor cumsum_from(const Tensor& x, int64_t d, Order order) {
  const bool reversed = order == Order::kReversed;
  Tensor y = run(reversed ? kernels::scans().cumsum_reversed : kernels::scans().cumsum, x, d);
  return record(reversed ? "cumsum_reversed" : "cumsum", {x}, std::move(y),
                [d, order](const Tensor& dy) { return cumsum_from(dy, d, other(order)); });
}

// Each element is the one before it, in the order given; the first is `fill`.
Tensor one_before(const Tensor& x, int64_t d, Order order, double fill) {
  Tensor y = full(x.shape(), fill, x.dtype());
  const int64_t n = x.dim() == 0 ? 1 : x.shape()[d];
  if (n > 1 && x.numel() > 0) {
    Shape part = x.shape();
    part[d] = n - 1;
    const int64_t from_second = x.strides()[d], to_second = y.strides()[d];
    const bool forward = order == Order::kForward;
    detail::copy_elements(y.alias(part, y.strides(), y.offset() + (forward ? to_second : 0)),
                          x.alias(part, x.strides(), x.offset() + (forward ? 0 : from_second)));
  }
  return record("one_before", {x}, std::move(y),
                [d, order](const Tensor& dy) { return one_before(dy, d, other(order), 0); });
}

// y[i] = b[i] + a[i] y[before i], in the order given. The gradient g of b is such a recurrence
// itself, from the other end: y[i] reaches the next one by that one's a.
Tensor recurrence(const Tensor& a, const Tensor& b, int64_t d, Order order) {
  const kernels::ScanTable& scans = kernels::scans();
  Tensor y = Tensor::empty(b.shape(), b.dtype());
  detail::run_along(order == Order::kForward ? scans.recurrence : scans.recurrence_reversed, y, d,
                    std::array{a, b});
  const Saved saved = autograd::output_for(a, y);
  return record("recurrence", {a, b}, std::move(y),
                [a = Saved(a), y = saved, d, order](const Tensor& dy, Needs needs) {
                  const Order back = other(order);
                  const Tensor g = recurrence(one_before(*a, d, back, 0), dy, d, back);
                  std::array<Tensor, 2> grads;
                  if (needs[0]) grads[0] = g * one_before(*y, d, order, 0);
                  if (needs[1]) grads[1] = g;
                  return grads;
                });
}

// dx[k] = sum over i >= k of dy[i] (product of x[j], j <= i, j != k)
//       = (product of x[j], j < k) s[k], s[k] = dy[k] + x[k + 1] s[k + 1].
Tensor cumprod_from(const Tensor& x, int64_t d, Order order) {
  const bool reversed = order == Order::kReversed;
  Tensor y = run(reversed ? kernels::scans().cumprod_reversed : kernels::scans().cumprod, x, d);
  return record("cumprod", {x}, std::move(y), [x = Saved(x), d, order](const Tensor& dy) {
    const Tensor factors = *x;
    const Order back = other(order);
    return cumprod_from(one_before(factors, d, order, 1), d, order) *
           recurrence(one_before(factors, d, back, 0), dy, d, back);
  });
}

}  // namespace

Tensor cumsum(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  const int64_t d = normalize_dim("cumsum", dim, x);
  if (dtype) return to(cumsum(to(x, *dtype), d), *dtype);
  return cumsum_from(x, d, Order::kForward);
}

Tensor cumprod(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  const int64_t d = normalize_dim("cumprod", dim, x);
  if (dtype) return to(cumprod(to(x, *dtype), d), *dtype);
  return cumprod_from(x, d, Order::kForward);
}

Tensor detail::product_of_others(const Tensor& x, int64_t d) {
  return cumprod_from(one_before(x, d, Order::kForward, 1), d, Order::kForward) *
         cumprod_from(one_before(x, d, Order::kReversed, 1), d, Order::kReversed);
}

Tensor Tensor::cumsum(int64_t dim, std::optional<DType> dtype) const {
  return bb::cumsum(*this, dim, dtype);
}
Tensor Tensor::cumprod(int64_t dim, std::optional<DType> dtype) const {
  return bb::cumprod(*this, dim, dtype);
}

}  // namespace bb
