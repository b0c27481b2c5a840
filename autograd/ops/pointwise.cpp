#include "bb/autograd/ops/pointwise.h"

#include <cmath>
#include <numbers>

#include "bb/autograd/ops/apply_over.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using kernels::elementwise;
using Pair = std::array<Tensor, 2>;

namespace {

// dy 2 / sqrt(pi) exp(-x^2).
Tensor erf_grad(const Tensor& dy, const Tensor& x) {
  Tensor dx = detail::apply("erf_grad", elementwise().erf_grad, dy, x);
  return record(
      "erf_grad", {dy, x}, std::move(dx),
      [dy = Saved(dy), x = Saved(x)](const Tensor& ddx, Needs needs) {
        const Tensor slope = erf_grad(ddx, *x);
        return Pair{needs[0] ? slope : Tensor(), needs[1] ? slope * *dy * (*x * -2) : Tensor()};
      });
}

// An op whose gradient is 0.
Tensor step(const char* name, const kernels::Elementwise& f, const Tensor& x) {
  Tensor y = detail::apply(name, f, x);
  return record(name, {x}, std::move(y), [](const Tensor& dy) { return zeros_like(dy); });
}

// A step of floating-point numbers; whole ones are copied.
Tensor round_by(const char* name, const kernels::Elementwise& f, const Tensor& x) {
  detail::check_defined(name, x);
  if (is_floating_point(x.dtype())) return step(name, f, x);
  if (x.dtype() == kBool)
    throw DTypeError(fmt::format(
        "{}: bool is not supported\n  x {}\n  hint: convert with to(kInt64)", name, describe(x)));
  return x.clone();
}

}  // namespace

Tensor abs(const Tensor& x) {
  Tensor y = detail::apply("abs", elementwise().abs, x);
  return record("abs", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return dy * sign((*x).detach()); });
}

Tensor sign(const Tensor& x) { return step("sign", elementwise().sign, x); }

Tensor square(const Tensor& x) {
  detail::check_defined("square", x);
  if (x.dtype() == kBool) return square(x.to(kInt64));
  Tensor y = detail::apply("square", elementwise().mul, x, x);
  return record("square", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return dy * (*x * 2); });
}

Tensor sqrt(const Tensor& x) {
  Tensor y = detail::apply("sqrt", elementwise().sqrt, x);
  Saved saved = autograd::output_for(x, y);
  return record("sqrt", {x}, std::move(y), [y = std::move(saved)](const Tensor& dy) {
    if (is_grad_enabled()) return dy / (*y * 2);
    return detail::apply_over("sqrt_grad", elementwise().sqrt_grad, dy, *y);
  });
}

Tensor rsqrt(const Tensor& x) {
  Tensor y = detail::apply("rsqrt", elementwise().rsqrt, x);
  Saved saved = autograd::output_for(x, y);
  return record("rsqrt", {x}, std::move(y), [y = std::move(saved)](const Tensor& dy) {
    const Tensor r = *y;
    return dy * (r * r * r * -0.5);
  });
}

Tensor reciprocal(const Tensor& x) {
  Tensor y = detail::apply("reciprocal", elementwise().div, 1, x, {"1", "x"});
  Saved saved = autograd::output_for(x, y);
  return record("reciprocal", {x}, std::move(y), [y = std::move(saved)](const Tensor& dy) {
    const Tensor r = *y;
    return -dy * (r * r);
  });
}

// ---- Powers and logarithms

Tensor exp(const Tensor& x) {
  Tensor y = detail::apply("exp", elementwise().exp, x);
  Saved saved = autograd::output_for(x, y);
  return record("exp", {x}, std::move(y),
                [y = std::move(saved)](const Tensor& dy) { return dy * *y; });
}

Tensor exp2(const Tensor& x) {
  Tensor y = detail::apply("exp2", elementwise().exp2, x);
  Saved saved = autograd::output_for(x, y);
  return record("exp2", {x}, std::move(y),
                [y = std::move(saved)](const Tensor& dy) { return dy * (*y * std::numbers::ln2); });
}

Tensor expm1(const Tensor& x) {
  Tensor y = detail::apply("expm1", elementwise().expm1, x);
  Saved saved = autograd::output_for(x, y);
  return record("expm1", {x}, std::move(y),
                [y = std::move(saved)](const Tensor& dy) { return dy * (*y + 1); });
}

Tensor log(const Tensor& x) {
  Tensor y = detail::apply("log", elementwise().log, x);
  return record("log", {x}, std::move(y), [x = Saved(x)](const Tensor& dy) { return dy / *x; });
}

Tensor log2(const Tensor& x) {
  Tensor y = detail::apply("log2", elementwise().log2, x);
  return record("log2", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return dy / (*x * std::numbers::ln2); });
}

Tensor log10(const Tensor& x) {
  Tensor y = detail::apply("log10", elementwise().log10, x);
  return record("log10", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return dy / (*x * std::numbers::ln10); });
}

Tensor log1p(const Tensor& x) {
  Tensor y = detail::apply("log1p", elementwise().log1p, x);
  return record("log1p", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return dy / (*x + 1); });
}

// ---- Sigmoids

Tensor tanh(const Tensor& x) {
  Tensor y = detail::apply("tanh", elementwise().tanh, x);
  Saved saved = autograd::output_for(x, y);
  return record("tanh", {x}, std::move(y), [y = std::move(saved)](const Tensor& dy) {
    if (is_grad_enabled()) return dy * (1 - *y * *y);
    return detail::apply_over("tanh_grad", elementwise().tanh_grad, dy, *y);
  });
}

Tensor sinh(const Tensor& x) {
  Tensor y = detail::apply("sinh", elementwise().sinh, x);
  return record("sinh", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return dy * cosh(*x); });
}

Tensor cosh(const Tensor& x) {
  Tensor y = detail::apply("cosh", elementwise().cosh, x);
  return record("cosh", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return dy * sinh(*x); });
}

Tensor sigmoid(const Tensor& x) {
  Tensor y = detail::apply("sigmoid", elementwise().sigmoid, x);
  Saved saved = autograd::output_for(x, y);
  return record("sigmoid", {x}, std::move(y), [y = std::move(saved)](const Tensor& dy) {
    if (is_grad_enabled()) return dy * (*y * (1 - *y));
    return detail::apply_over("sigmoid_grad", elementwise().sigmoid_grad, dy, *y);
  });
}

Tensor erf(const Tensor& x) {
  Tensor y = detail::apply("erf", elementwise().erf, x);
  return record("erf", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return erf_grad(dy, *x); });
}

// ---- Angles

Tensor sin(const Tensor& x) {
  Tensor y = detail::apply("sin", elementwise().sin, x);
  return record("sin", {x}, std::move(y), [x = Saved(x)](const Tensor& dy) {
    if (is_grad_enabled()) return dy * cos(*x);
    return detail::apply_over("sin_grad", elementwise().sin_grad, dy, *x);
  });
}

Tensor cos(const Tensor& x) {
  Tensor y = detail::apply("cos", elementwise().cos, x);
  return record("cos", {x}, std::move(y), [x = Saved(x)](const Tensor& dy) {
    if (is_grad_enabled()) return -(dy * sin(*x));
    return detail::apply_over("cos_grad", elementwise().cos_grad, dy, *x);
  });
}

Tensor tan(const Tensor& x) {
  Tensor y = detail::apply("tan", elementwise().tan, x);
  Saved saved = autograd::output_for(x, y);
  return record("tan", {x}, std::move(y),
                [y = std::move(saved)](const Tensor& dy) { return dy * (*y * *y + 1); });
}

Tensor asin(const Tensor& x) {
  Tensor y = detail::apply("asin", elementwise().asin, x);
  return record("asin", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return dy * rsqrt(1 - *x * *x); });
}

Tensor acos(const Tensor& x) {
  Tensor y = detail::apply("acos", elementwise().acos, x);
  return record("acos", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return -dy * rsqrt(1 - *x * *x); });
}

Tensor atan(const Tensor& x) {
  Tensor y = detail::apply("atan", elementwise().atan, x);
  return record("atan", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return dy / (*x * *x + 1); });
}

Tensor atan2(const Tensor& y, const Tensor& x) {
  Tensor angle = detail::apply("atan2", elementwise().atan2, y, x, {"y", "x"});
  return record("atan2", {y, x}, std::move(angle),
                [y = Saved(y), x = Saved(x)](const Tensor& dy, Needs needs) {
                  const Tensor square = *x * *x + *y * *y, is_origin = eq(square, 0);
                  const Tensor part = where(is_origin, 0.0, dy / where(is_origin, 1.0, square));
                  return Pair{needs[0] ? part * *x : Tensor(), needs[1] ? -part * *y : Tensor()};
                });
}

// ---- Whole numbers

Tensor floor(const Tensor& x) { return round_by("floor", elementwise().floor, x); }
Tensor ceil(const Tensor& x) { return round_by("ceil", elementwise().ceil, x); }
Tensor round(const Tensor& x) { return round_by("round", elementwise().round, x); }
Tensor round(const Tensor& x, int64_t decimals) {
  detail::check_floating("round", x);
  const double scale = std::pow(10.0, std::abs(static_cast<double>(decimals)));
  if (decimals == 0) return round(x);
  return decimals > 0 ? round(x * scale) / scale : round(x / scale) * scale;
}
Tensor trunc(const Tensor& x) { return round_by("trunc", elementwise().trunc, x); }

Tensor Tensor::abs() const { return bb::abs(*this); }
Tensor Tensor::sign() const { return bb::sign(*this); }
Tensor Tensor::square() const { return bb::square(*this); }
Tensor Tensor::sqrt() const { return bb::sqrt(*this); }
Tensor Tensor::rsqrt() const { return bb::rsqrt(*this); }
Tensor Tensor::reciprocal() const { return bb::reciprocal(*this); }
Tensor Tensor::exp() const { return bb::exp(*this); }
Tensor Tensor::exp2() const { return bb::exp2(*this); }
Tensor Tensor::expm1() const { return bb::expm1(*this); }
Tensor Tensor::log() const { return bb::log(*this); }
Tensor Tensor::log2() const { return bb::log2(*this); }
Tensor Tensor::log10() const { return bb::log10(*this); }
Tensor Tensor::log1p() const { return bb::log1p(*this); }
Tensor Tensor::tanh() const { return bb::tanh(*this); }
Tensor Tensor::sinh() const { return bb::sinh(*this); }
Tensor Tensor::cosh() const { return bb::cosh(*this); }
Tensor Tensor::sigmoid() const { return bb::sigmoid(*this); }
Tensor Tensor::erf() const { return bb::erf(*this); }
Tensor Tensor::sin() const { return bb::sin(*this); }
Tensor Tensor::cos() const { return bb::cos(*this); }
Tensor Tensor::tan() const { return bb::tan(*this); }
Tensor Tensor::asin() const { return bb::asin(*this); }
Tensor Tensor::acos() const { return bb::acos(*this); }
Tensor Tensor::atan() const { return bb::atan(*this); }
Tensor Tensor::floor() const { return bb::floor(*this); }
Tensor Tensor::ceil() const { return bb::ceil(*this); }
Tensor Tensor::round() const { return bb::round(*this); }
Tensor Tensor::round(int64_t decimals) const { return bb::round(*this, decimals); }
Tensor Tensor::trunc() const { return bb::trunc(*this); }
Tensor Tensor::atan2(const Tensor& x) const { return bb::atan2(*this, x); }

}  // namespace bb
