#include "bb/autograd/ops/clamp.h"

#include <algorithm>
#include <array>
#include <limits>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using kernels::elementwise;
using Pair = std::array<Tensor, 2>;

namespace {

// dy where a > b, half of it where they are equal, else 0. Linear in dy, flat in a and b.
Tensor larger_grad(const Tensor& dy, const Tensor& a, const Tensor& b) {
  Tensor da = detail::apply("larger_grad", elementwise().larger_grad, {dy, a, b});
  return record("larger_grad", {dy}, std::move(da),
                [a = Saved(a), b = Saved(b)](const Tensor& g) { return larger_grad(g, *a, *b); });
}

// Which of a and b is taken: the larger one or the smaller.
enum class Taken { kLarger, kSmaller };

Tensor take(const char* name, Taken taken, const Tensor& a, const Tensor& b,
            detail::Names names = {}) {
  Tensor y = detail::apply(
      name, taken == Taken::kLarger ? elementwise().maximum : elementwise().minimum, a, b, names);
  return record(name, {a, b}, std::move(y),
                [a = Saved(a), b = Saved(b), taken](const Tensor& dy, Needs needs) {
                  Tensor above = (*a).detach(), below = (*b).detach();
                  if (taken == Taken::kSmaller) std::swap(above, below);
                  return Pair{needs[0] ? larger_grad(dy, above, below) : Tensor(),
                              needs[1] ? larger_grad(dy, below, above) : Tensor()};
                });
}

[[noreturn]] void throw_no_bound(detail::Operands operands) {
  throw ValueError(fmt::format("clamp: at least one of min and max must be given\n  {}",
                               detail::text_of(operands)));
}

// A whole bound as a number of x's dtype: what lies beyond its range bounds nothing, and may lie
// there on its own side alone.
Scalar in_range(Scalar bound, Taken taken, DType dtype) {
  if (bound.is_real() || is_floating_point(dtype)) return bound;
  return visit(dtype, [&]<class T>() {
    const auto least = static_cast<int64_t>(std::numeric_limits<T>::lowest());
    const auto most = static_cast<int64_t>(std::numeric_limits<T>::max());
    const auto whole = bound.to<int64_t>();
    const bool is_min = taken == Taken::kLarger;
    if (is_min ? whole > most : whole < least)
      throw ValueError(fmt::format("clamp: {} {} is {} all numbers of {}", is_min ? "min" : "max",
                                   whole, is_min ? "above" : "below", name(dtype)));
    return Scalar(std::clamp(whole, least, most));
  });
}

// dy where min < x < max, else 0.
Tensor inside_grad(const Tensor& dy, const Tensor& x, Scalar min, Scalar max) {
  Tensor dx = detail::apply("inside_grad", elementwise().inside_grad, {dy, x, min, max});
  return record("inside_grad", {dy}, std::move(dx), [x = Saved(x), min, max](const Tensor& ddx) {
    return inside_grad(ddx, *x, min, max);
  });
}

Tensor clamp_one(const Tensor& x, Taken taken, Scalar bound) {
  const bool is_min = taken == Taken::kLarger;
  Tensor y = detail::apply("clamp", is_min ? elementwise().maximum : elementwise().minimum, x,
                           in_range(bound, taken, x.dtype()));
  return record("clamp", {x}, std::move(y), [x = Saved(x), is_min, bound](const Tensor& dy) {
    const Tensor at = (*x).detach();
    return where(is_min ? gt(at, bound) : lt(at, bound), dy, 0.0);
  });
}

}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) { return take("maximum", Taken::kLarger, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return take("minimum", Taken::kSmaller, a, b); }

Tensor clamp(const Tensor& x, std::optional<Scalar> min, std::optional<Scalar> max) {
  detail::check_defined("clamp", x);
  if (!min && !max) throw_no_bound({{"x", x}});
  if (x.dtype() == kBool) return clamp(x.to(kInt64), min, max);
  if (!max) return clamp_one(x, Taken::kLarger, *min);
  if (!min) return clamp_one(x, Taken::kSmaller, *max);
  Tensor y = detail::apply(
      "clamp", elementwise().clamp,
      {x, in_range(*min, Taken::kLarger, x.dtype()), in_range(*max, Taken::kSmaller, x.dtype())});
  return record("clamp", {x}, std::move(y), [x = Saved(x), min, max](const Tensor& dy) {
    return inside_grad(dy, (*x).detach(), *min, *max);
  });
}

Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max) {
  detail::check_defined("clamp", x);
  if (!min.defined() && !max.defined()) throw_no_bound({{"x", x}, {"min", min}, {"max", max}});
  if (!max.defined()) return take("clamp", Taken::kLarger, x, min, {"x", "min"});
  if (!min.defined()) return take("clamp", Taken::kSmaller, x, max, {"x", "max"});
  Tensor y = detail::apply("clamp", elementwise().clamp, {{x, "x"}, {min, "min"}, {max, "max"}});
  return record("clamp", {x, min, max}, std::move(y),
                [x = Saved(x), min = Saved(min), max = Saved(max)](const Tensor& dy, Needs needs) {
                  const Tensor at = (*x).detach(), low = (*min).detach(), high = (*max).detach();
                  const Tensor crossed = gt(low, high);
                  std::array<Tensor, 3> grads;
                  if (needs[0]) {
                    const Tensor on_one = logical_xor(eq(at, low), eq(at, high));
                    const Tensor outside =
                        logical_or(logical_or(lt(at, low), gt(at, high)), crossed);
                    grads[0] = where(outside, 0.0, where(on_one, dy * 0.5, dy));
                  }
                  // A bound that x lies on shares the gradient, unless the other bound is there
                  // too.
                  const auto of_bound = [&](const Tensor& bound, const Tensor& taken) {
                    const Tensor on_it = logical_and(eq(at, bound), lt(low, high));
                    return where(taken, dy, where(on_it, dy * 0.5, 0.0));
                  };
                  if (needs[1]) grads[1] = of_bound(low, logical_and(lt(at, low), le(low, high)));
                  if (needs[2]) grads[2] = of_bound(high, logical_or(gt(at, high), crossed));
                  return grads;
                });
}

Tensor Tensor::maximum(const Tensor& other) const { return bb::maximum(*this, other); }
Tensor Tensor::minimum(const Tensor& other) const { return bb::minimum(*this, other); }
Tensor Tensor::clamp(std::optional<Scalar> min, std::optional<Scalar> max) const {
  return bb::clamp(*this, min, max);
}
Tensor Tensor::clamp(const Tensor& min, const Tensor& max) const {
  return bb::clamp(*this, min, max);
}

}  // namespace bb
