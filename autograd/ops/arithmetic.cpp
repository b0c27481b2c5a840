#include "bb/autograd/ops/arithmetic.h"

#include <algorithm>
#include <cmath>

#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/check_indices.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using autograd::saved_for;
using autograd::wants_grad;
using kernels::elementwise;
using Pair = std::array<Tensor, 2>;

Tensor add(const Tensor& a, const Tensor& b) {
  Tensor y = detail::apply("add", elementwise().add, a, b);
  return record("add", {a, b}, std::move(y), [](const Tensor& dy) { return Pair{dy, dy}; });
}

Tensor add(const Tensor& a, Scalar b) {
  Tensor y = detail::apply("add", elementwise().add, a, b);
  return record("add", {a}, std::move(y), [](const Tensor& dy) { return dy; });
}

Tensor sub(const Tensor& a, const Tensor& b) {
  detail::check_subtracts("sub", a, b);
  Tensor y = detail::apply("sub", elementwise().sub, a, b);
  return record("sub", {a, b}, std::move(y), [](const Tensor& dy, Needs needs) {
    return Pair{dy, needs[1] ? -dy : Tensor()};
  });
}

Tensor sub(const Tensor& a, Scalar b) {
  detail::check_subtracts("sub", a, b);
  Tensor y = detail::apply("sub", elementwise().sub, a, b);
  return record("sub", {a}, std::move(y), [](const Tensor& dy) { return dy; });
}

Tensor sub(Scalar a, const Tensor& b) {
  detail::check_subtracts("sub", a, b);
  Tensor y = detail::apply("sub", elementwise().sub, a, b);
  return record("sub", {b}, std::move(y), [](const Tensor& dy) { return -dy; });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  Tensor y = detail::apply("mul", elementwise().mul, a, b);
  return record("mul", {a, b}, std::move(y),
                [a = saved_for(b, a), b = saved_for(a, b)](const Tensor& dy, Needs needs) {
                  return Pair{needs[0] ? dy * *b : Tensor(), needs[1] ? dy * *a : Tensor()};
                });
}

Tensor mul(const Tensor& a, Scalar b) {
  Tensor y = detail::apply("mul", elementwise().mul, a, b);
  return record("mul", {a}, std::move(y), [b](const Tensor& dy) { return dy * b; });
}

namespace {

// alpha b, in the dtype of its sum with a.
Tensor scaled(const char* op, const Tensor& a, const Tensor& b, Scalar alpha) {
  detail::check_defined(op, {{"a", a}, {"b", b}});
  const DType dtype = detail::result_type(a, b);
  const bool is_bool = alpha.natural_dtype() == kBool;
  if ((alpha.is_real() && !is_floating_point(dtype)) || (is_bool && dtype != kBool))
    throw ValueError(fmt::format("{}: a {} alpha does not suit a result of {}", op,
                                 is_bool ? "bool" : "real", name(dtype)));
  detail::check_fits(op, alpha, dtype);
  return to(to(b, dtype) * alpha, dtype);
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b, Scalar alpha) {
  return add(a, scaled("add", a, b, alpha));
}

Tensor sub(const Tensor& a, const Tensor& b, Scalar alpha) {
  detail::check_subtracts("sub", a, b);
  return sub(a, scaled("sub", a, b, alpha));
}

// da = dy / b, db = -dy (a / b) / b
Tensor div(const Tensor& a, const Tensor& b) {
  Tensor y = detail::apply("div", elementwise().div, a, b);
  return record(
      "div", {a, b}, std::move(y),
      [a = saved_for(b, a), b = Saved(b)](const Tensor& dy, Needs needs) {
        return Pair{needs[0] ? dy / *b : Tensor(), needs[1] ? -dy * (*a / *b / *b) : Tensor()};
      });
}

Tensor div(const Tensor& a, Scalar b) {
  Tensor y = detail::apply("div", elementwise().div, a, b);
  return record("div", {a}, std::move(y), [b](const Tensor& dy) { return dy / b; });
}

Tensor div(Scalar a, const Tensor& b) {
  Tensor y = detail::apply("div", elementwise().div, a, b);
  return record("div", {b}, std::move(y), [a, b = Saved(b)](const Tensor& dy) {
    const Tensor divisor = *b;
    return -dy * (a / divisor / divisor);
  });
}

Tensor neg(const Tensor& x) {
  detail::check_defined("neg", x);
  if (x.dtype() == kBool)
    throw DTypeError(fmt::format(
        "neg: bool is not supported\n  x {}\n  hint: logical_not() inverts a mask", describe(x)));
  Tensor y = detail::apply("neg", elementwise().neg, x);
  return record("neg", {x}, std::move(y), [](const Tensor& dy) { return -dy; });
}

namespace {

constexpr detail::Names kPowNames{"x", "exponent"};

// exponent * x^(exponent-1), 0 where exponent is 0 whatever x is.
Tensor power_slope(const Tensor& x, const Tensor& exponent) {
  return where(eq(exponent, 0), 0.0, exponent * pow(x, exponent - 1));
}

}  // namespace

Tensor pow(const Tensor& x, const Tensor& exponent) {
  detail::check_defined("pow", {{"x", x}, {"exponent", exponent}});
  Tensor y = detail::apply("pow", elementwise().pow, x, exponent, kPowNames);
  const Saved saved_y = autograd::output_for(exponent, y);
  return record("pow", {x, exponent}, std::move(y),
                [x = Saved(x), e = Saved(exponent), y = saved_y](const Tensor& dy, Needs needs) {
                  Pair grads;
                  if (needs[0]) grads[0] = dy * power_slope(*x, *e);
                  if (needs[1]) {
                    const Tensor slope =
                        where(logical_and(eq(*x, 0), ge(*e, 0)), 0.0, *y * log(*x));
                    grads[1] = dy * slope;
                  }
                  return grads;
                });
}

namespace {

// x, of a dtype that holds the result, to a power that may have a kernel of its own.
Tensor raised(const Tensor& x, Scalar exponent) {
  const double e = exponent.to_double();
  if (e == 2) return detail::apply("pow", elementwise().mul, x, x);
  if (e == -1) return detail::apply("pow", elementwise().div, 1, x);
  if (e == 0.5) return detail::apply("pow", elementwise().sqrt, x);
  if (e == -0.5) return detail::apply("pow", elementwise().rsqrt, x);
  return detail::apply("pow", elementwise().pow, x, exponent, kPowNames);
}

}  // namespace

Tensor pow(const Tensor& x, Scalar exponent) {
  detail::check_defined("pow", x);
  const double e = exponent.to_double();
  const DType dtype = exponent.promote(x.dtype());
  if (!is_floating_point(dtype)) {
    if (e < 0)
      throw ValueError(
          "pow: integers to negative integer powers are not integers\n"
          "  hint: convert the base with to(kFloat32)");
    detail::check_fits("pow", exponent, dtype);
  }
  Tensor y = raised(detail::converted(x, dtype), exponent);
  return record("pow", {x}, std::move(y), [x = Saved(x), e](const Tensor& dy) {
    if (e == 0) return zeros_like(dy);
    if (e == 1) return dy;
    const Tensor base = *x;
    return dy * ((e == 2 ? base : pow(base, e - 1)) * e);
  });
}

Tensor pow(Scalar x, const Tensor& exponent) {
  Tensor y = detail::apply("pow", elementwise().pow, x, exponent, kPowNames);
  const double base = x.to_double();
  const Saved saved_y = autograd::output_for(exponent, y);
  return record("pow", {exponent}, std::move(y),
                [base, e = Saved(exponent), y = saved_y](const Tensor& dy) {
                  if (base == 0) return dy * where(ge(*e, 0), 0.0, *y * std::log(base));
                  return dy * (*y * std::log(base));
                });
}

namespace {

void check_lerp(const Tensor& a, const Tensor& b, const Tensor& weight) {
  if (is_floating_point(a.dtype()) && b.dtype() == a.dtype() && weight.dtype() == a.dtype()) return;
  throw DTypeError(
      fmt::format("lerp: all operands must have one floating-point dtype\n"
                  "  a {}   b {}   weight {}",
                  describe(a), describe(b), describe(weight)));
}

}  // namespace

Tensor lerp(const Tensor& a, const Tensor& b, const Tensor& weight) {
  detail::check_defined("lerp", {{"a", a}, {"b", b}, {"weight", weight}});
  if (weight.dim() == 0 && weight.dtype() != a.dtype() && is_floating_point(a.dtype()))
    return lerp(a, b, weight.to(a.dtype()));
  check_lerp(a, b, weight);
  Tensor y = detail::apply("lerp", elementwise().lerp, {{a, "a"}, {b, "b"}, {weight, "weight"}});
  const Saved saved_a = saved_for(weight, a), saved_b = saved_for(weight, b);
  return record("lerp", {a, b, weight}, std::move(y),
                [a = saved_a, b = saved_b, w = Saved(weight)](const Tensor& dy, Needs needs) {
                  std::array<Tensor, 3> grads;
                  if (needs[0]) grads[0] = dy * (1 - *w);
                  if (needs[1]) grads[1] = dy * *w;
                  if (needs[2]) grads[2] = dy * (*b - *a);
                  return grads;
                });
}

Tensor lerp(const Tensor& a, const Tensor& b, Scalar weight) {
  detail::check_defined("lerp", {{"a", a}, {"b", b}});
  check_lerp(a, b, a);
  Tensor y = detail::apply("lerp", elementwise().lerp, {{a, "a"}, {b, "b"}, {weight, "weight"}});
  return record("lerp", {a, b}, std::move(y),
                [w = weight.to_double()](const Tensor& dy, Needs needs) {
                  return Pair{needs[0] ? dy * (1 - w) : Tensor(), needs[1] ? dy * w : Tensor()};
                });
}

namespace {

[[noreturn]] void throw_zero_divisor(const char* op, const std::string& where,
                                     const std::string& operands) {
  throw ValueError(fmt::format(
      "{}: an integer is divided by 0{}\n  {}\n  hint: convert with to(kFloat32), which gives NaN",
      op, where, operands));
}

// Throws ValueError where integers would be divided by 0, as what 256 is to uint8.
void check_divisor(const char* op, const Tensor& a, const Tensor& b) {
  detail::check_defined(op, {{"a", a}, {"b", b}});
  const DType dtype = detail::result_type(a, b);
  if (is_floating_point(dtype) || dtype == kBool) return;  // bool has no kernel anyway
  const Tensor whole = detail::converted(b.detach(), dtype).to(kInt64).contiguous();
  const int64_t* first = whole.data<int64_t>();
  const int64_t* zero = std::find(first, first + whole.numel(), 0);
  if (zero != first + whole.numel())
    throw_zero_divisor(op, detail::position_text(b.shape(), zero - first) + " of b",
                       detail::text_of({{"a", a}, {"b", b}}));
}
void check_divisor(const char* op, const Tensor& a, Scalar b) {
  detail::check_defined(op, {{"a", a}});
  const DType dtype = b.promote(a.dtype());
  if (is_floating_point(dtype) || dtype == kBool) return;
  if (detail::converted(full({}, b, kInt64), dtype).to(kInt64).item<int64_t>() == 0)
    throw_zero_divisor(op, "", detail::text_of({{"a", a}}));
}

// a - b q, q the rounded a / b, which no change of a or b makes another one, almost everywhere.
Tensor rest(const char* op, const kernels::Elementwise& f, RoundingMode mode, const Tensor& a,
            const Tensor& b) {
  check_divisor(op, a, b);
  Tensor y = detail::apply(op, f, a, b);
  return record(op, {a, b}, std::move(y),
                [a = saved_for(b, a), b = saved_for(b, b), mode](const Tensor& dy, Needs needs) {
                  Pair grads;
                  if (needs[0]) grads[0] = dy;
                  if (needs[1]) grads[1] = -dy * div((*a).detach(), (*b).detach(), mode);
                  return grads;
                });
}

Tensor rest(const char* op, const kernels::Elementwise& f, const Tensor& a, Scalar b) {
  check_divisor(op, a, b);
  Tensor y = detail::apply(op, f, a, b);
  return record(op, {a}, std::move(y), [](const Tensor& dy) { return dy; });
}

const kernels::Elementwise& rounded_quotient(RoundingMode mode) {
  return mode == RoundingMode::kTrunc ? elementwise().div_trunc : elementwise().div_floor;
}

}  // namespace

Tensor div(const Tensor& a, const Tensor& b, RoundingMode rounding_mode) {
  check_divisor("div", a, b);
  Tensor y = detail::apply("div", rounded_quotient(rounding_mode), a, b);
  return record("div", {a, b}, std::move(y), [](const Tensor& dy) {
    const Tensor none = zeros_like(dy);
    return Pair{none, none};
  });
}

Tensor div(const Tensor& a, Scalar b, RoundingMode rounding_mode) {
  check_divisor("div", a, b);
  Tensor y = detail::apply("div", rounded_quotient(rounding_mode), a, b);
  return record("div", {a}, std::move(y), [](const Tensor& dy) { return zeros_like(dy); });
}

Tensor fmod(const Tensor& a, const Tensor& b) {
  return rest("fmod", elementwise().fmod, RoundingMode::kTrunc, a, b);
}
Tensor fmod(const Tensor& a, Scalar b) { return rest("fmod", elementwise().fmod, a, b); }
Tensor remainder(const Tensor& a, const Tensor& b) {
  return rest("remainder", elementwise().remainder, RoundingMode::kFloor, a, b);
}
Tensor remainder(const Tensor& a, Scalar b) {
  return rest("remainder", elementwise().remainder, a, b);
}

Tensor Tensor::fmod(const Tensor& other) const { return bb::fmod(*this, other); }
Tensor Tensor::fmod(Scalar other) const { return bb::fmod(*this, other); }
Tensor Tensor::remainder(const Tensor& other) const { return bb::remainder(*this, other); }
Tensor Tensor::remainder(Scalar other) const { return bb::remainder(*this, other); }
Tensor Tensor::lerp(const Tensor& end, const Tensor& weight) const {
  return bb::lerp(*this, end, weight);
}
Tensor Tensor::lerp(const Tensor& end, Scalar weight) const { return bb::lerp(*this, end, weight); }
Tensor Tensor::add(const Tensor& other) const { return bb::add(*this, other); }
Tensor Tensor::add(Scalar other) const { return bb::add(*this, other); }
Tensor Tensor::add(const Tensor& other, Scalar alpha) const { return bb::add(*this, other, alpha); }
Tensor Tensor::sub(const Tensor& other) const { return bb::sub(*this, other); }
Tensor Tensor::sub(Scalar other) const { return bb::sub(*this, other); }
Tensor Tensor::sub(const Tensor& other, Scalar alpha) const { return bb::sub(*this, other, alpha); }
Tensor Tensor::mul(const Tensor& other) const { return bb::mul(*this, other); }
Tensor Tensor::mul(Scalar other) const { return bb::mul(*this, other); }
Tensor Tensor::div(const Tensor& other) const { return bb::div(*this, other); }
Tensor Tensor::div(Scalar other) const { return bb::div(*this, other); }
Tensor Tensor::div(const Tensor& other, RoundingMode rounding_mode) const {
  return bb::div(*this, other, rounding_mode);
}
Tensor Tensor::div(Scalar other, RoundingMode rounding_mode) const {
  return bb::div(*this, other, rounding_mode);
}
Tensor Tensor::neg() const { return bb::neg(*this); }
Tensor Tensor::pow(const Tensor& exponent) const { return bb::pow(*this, exponent); }
Tensor Tensor::pow(Scalar exponent) const { return bb::pow(*this, exponent); }

}  // namespace bb
