#include <array>
#include <optional>
#include <type_traits>

#include "bb/autograd/mutation.h"
#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/check_writable.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/gather.h"
#include "bb/autograd/ops/mask.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/scan.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/triangle.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"
#include "bb/core/strided.h"

/// Tensor's in-place methods: counted by the storage's version and, where a gradient is wanted,
/// recorded as the out-of-place op whose result the tensor then is (bb/autograd/mutation.h).
namespace bb {

using kernels::elementwise;

namespace {

template <class Operand>
bool wants_grad(const Operand& operand) {
  if constexpr (std::is_same_v<Operand, Tensor>)
    return operand.requires_grad();
  else
    return false;
}

// The operand as it is before x changes.
template <class Operand>
Operand kept_from(const Tensor& x, const Operand& operand) {
  if constexpr (std::is_same_v<Operand, Tensor>)
    if (operand.defined() && operand.shares_storage(x)) return operand.clone();
  return operand;
}

// fn(), an op out of place, whose errors shall name the one in place.
template <class Fn>
Tensor by_name(const char* op, const Fn& fn) {
  try {
    return fn();
  } catch (Error& error) {
    error.rename_op(op);
    throw;
  }
}

// x becomes out_of_place(x, operand); f is the kernel that computes it.
template <class Operand>
Tensor& change(const char* op, const kernels::Elementwise& f,
               Tensor (*out_of_place)(const Tensor&, Operand), Tensor& x,
               std::type_identity_t<Operand> operand) {
  detail::check_writable(op, x);
  if (autograd::records_mutation(x, wants_grad(operand))) {
    autograd::check_mutable(op, x);
    detail::check_in_place(op, f, x, operand);
    autograd::mutate(
        x, bb::to(out_of_place(autograd::before_mutation(x), kept_from(x, operand)), x.dtype()));
    return x;
  }
  detail::apply_in_place(op, f, x, operand);
  return autograd::finish_unrecorded(op, x);
}

// x becomes out_of_place(x); f is the kernel that computes it.
Tensor& change(const char* op, const kernels::Elementwise& f, Tensor (*out_of_place)(const Tensor&),
               Tensor& x) {
  detail::check_writable(op, x);
  if (autograd::records_mutation(x)) {
    autograd::check_mutable(op, x);
    autograd::mutate(x, out_of_place(autograd::before_mutation(x)));
    return x;
  }
  detail::apply_in_place(op, f, x);
  return autograd::finish_unrecorded(op, x);
}

// x, which was `before`, becomes y.
Tensor& take_over(const char* op, Tensor& x, const Tensor& before, const Tensor& y, bool recorded) {
  detail::check_in_place(op, x, y);
  if (!recorded) {
    detail::copy_elements(x, y);
    return autograd::finish_unrecorded(op, x);
  }
  Tensor now = bb::to(y, x.dtype());
  if (!is_floating_point(y.dtype()))  // truths: steps, whose gradient is 0
    now = autograd::record(op, {before}, now, [](const Tensor& dy) { return zeros_like(dy); });
  autograd::mutate(x, now);
  return x;
}

// x becomes out_of_place(x, operands...), which is computed beside it. Overloads are told apart by
// their operands: replace<Scalar>("fmod_", bb::fmod, x, 2).
template <class... Operands>
Tensor& replace(const char* op, Tensor (*out_of_place)(const Tensor&, Operands...), Tensor& x,
                std::type_identity_t<Operands>... operands) {
  detail::check_writable(op, x);
  const bool recorded = autograd::records_mutation(x, (wants_grad(operands) || ...));
  if (recorded) autograd::check_mutable(op, x);
  const Tensor before = recorded ? autograd::before_mutation(x) : x;
  const Tensor y = by_name(op, [&] { return out_of_place(before, kept_from(x, operands)...); });
  return take_over(op, x, before, y, recorded);
}

}  // namespace

Tensor& Tensor::fill_(Scalar value) {
  detail::check_defined("fill_", *this);
  detail::check_not_inference("fill_", *this);
  detail::check_fits("fill_", value, dtype());
  if (autograd::records_mutation(*this)) {
    autograd::check_mutable("fill_", *this);
    const auto no_gradient = [](const Tensor& dy) { return zeros_like(dy); };
    autograd::mutate(*this,
                     autograd::record("fill_", {*this}, full_like(*this, value), no_gradient));
    return *this;
  }
  detail::fill_elements(*this, value);
  return autograd::finish_unrecorded("fill_", *this);
}

Tensor& Tensor::copy_(const Tensor& source) {
  detail::check_writable("copy_", *this);
  const auto operands = {detail::Role{"tensor", *this}, detail::Role{"source", source}};
  detail::check_defined("copy_", operands);
  if (detail::broadcast("copy_", operands) != shape())
    throw ShapeError(
        fmt::format("copy_: the source does not fit\n  {}", detail::shapes_of(operands)));
  const bool same_place = raw_data() == source.raw_data() && strides() == source.strides();
  const bool overlaps = shares_storage(source) && !same_place;
  if (autograd::records_mutation(*this, source.requires_grad() && is_floating_point(dtype()))) {
    autograd::check_mutable("copy_", *this);
    const Tensor y = bb::to(bb::expand(kept_from(*this, source), shape()), dtype());
    autograd::mutate(*this, autograd::record("copy_", {*this, y}, y.detach(), [](const Tensor& dy) {
      return std::array{zeros_like(dy), dy};
    }));
    return *this;
  }
  detail::copy_elements(*this, overlaps ? source.detach().clone() : source);
  return autograd::finish_unrecorded("copy_", *this);
}

Tensor& Tensor::add_(const Tensor& b) {
  return change<const Tensor&>("add_", elementwise().add, bb::add, *this, b);
}
Tensor& Tensor::sub_(const Tensor& b) {
  detail::check_subtracts("sub_", *this, b);
  return change<const Tensor&>("sub_", elementwise().sub, bb::sub, *this, b);
}
Tensor& Tensor::mul_(const Tensor& b) {
  return change<const Tensor&>("mul_", elementwise().mul, bb::mul, *this, b);
}
Tensor& Tensor::div_(const Tensor& b) {
  return change<const Tensor&>("div_", elementwise().div, bb::div, *this, b);
}
Tensor& Tensor::add_(Scalar b) {
  return change<Scalar>("add_", elementwise().add, bb::add, *this, b);
}
Tensor& Tensor::sub_(Scalar b) {
  detail::check_subtracts("sub_", *this, b);
  return change<Scalar>("sub_", elementwise().sub, bb::sub, *this, b);
}
Tensor& Tensor::mul_(Scalar b) {
  return change<Scalar>("mul_", elementwise().mul, bb::mul, *this, b);
}
Tensor& Tensor::div_(Scalar b) {
  return change<Scalar>("div_", elementwise().div, bb::div, *this, b);
}

Tensor& Tensor::neg_() { return change("neg_", elementwise().neg, bb::neg, *this); }
Tensor& Tensor::abs_() { return change("abs_", elementwise().abs, bb::abs, *this); }
Tensor& Tensor::sqrt_() { return change("sqrt_", elementwise().sqrt, bb::sqrt, *this); }
Tensor& Tensor::rsqrt_() { return change("rsqrt_", elementwise().rsqrt, bb::rsqrt, *this); }
Tensor& Tensor::exp_() { return change("exp_", elementwise().exp, bb::exp, *this); }
Tensor& Tensor::log_() { return change("log_", elementwise().log, bb::log, *this); }
Tensor& Tensor::sin_() { return change("sin_", elementwise().sin, bb::sin, *this); }
Tensor& Tensor::cos_() { return change("cos_", elementwise().cos, bb::cos, *this); }
Tensor& Tensor::tanh_() { return change("tanh_", elementwise().tanh, bb::tanh, *this); }
Tensor& Tensor::sigmoid_() { return change("sigmoid_", elementwise().sigmoid, bb::sigmoid, *this); }

Tensor& Tensor::sign_() { return replace("sign_", bb::sign, *this); }
Tensor& Tensor::square_() { return replace("square_", bb::square, *this); }
Tensor& Tensor::reciprocal_() { return replace("reciprocal_", bb::reciprocal, *this); }
Tensor& Tensor::exp2_() { return replace("exp2_", bb::exp2, *this); }
Tensor& Tensor::expm1_() { return replace("expm1_", bb::expm1, *this); }
Tensor& Tensor::log2_() { return replace("log2_", bb::log2, *this); }
Tensor& Tensor::log10_() { return replace("log10_", bb::log10, *this); }
Tensor& Tensor::log1p_() { return replace("log1p_", bb::log1p, *this); }
Tensor& Tensor::erf_() { return replace("erf_", bb::erf, *this); }
Tensor& Tensor::tan_() { return replace("tan_", bb::tan, *this); }
Tensor& Tensor::asin_() { return replace("asin_", bb::asin, *this); }
Tensor& Tensor::acos_() { return replace("acos_", bb::acos, *this); }
Tensor& Tensor::atan_() { return replace("atan_", bb::atan, *this); }
Tensor& Tensor::sinh_() { return replace("sinh_", bb::sinh, *this); }
Tensor& Tensor::cosh_() { return replace("cosh_", bb::cosh, *this); }
Tensor& Tensor::relu_() { return replace("relu_", bb::relu, *this); }
Tensor& Tensor::silu_() { return replace("silu_", bb::silu, *this); }
Tensor& Tensor::floor_() { return replace("floor_", bb::floor, *this); }
Tensor& Tensor::ceil_() { return replace("ceil_", bb::ceil, *this); }
Tensor& Tensor::round_() { return replace("round_", bb::round, *this); }
Tensor& Tensor::trunc_() { return replace("trunc_", bb::trunc, *this); }
Tensor& Tensor::logical_not_() { return replace("logical_not_", bb::logical_not, *this); }
Tensor& Tensor::bitwise_not_() { return replace("bitwise_not_", bb::bitwise_not, *this); }

Tensor& Tensor::add_(const Tensor& b, Scalar alpha) {
  return replace<const Tensor&, Scalar>("add_", bb::add, *this, b, alpha);
}
Tensor& Tensor::sub_(const Tensor& b, Scalar alpha) {
  return replace<const Tensor&, Scalar>("sub_", bb::sub, *this, b, alpha);
}
Tensor& Tensor::div_(const Tensor& b, RoundingMode mode) {
  return replace<const Tensor&, RoundingMode>("div_", bb::div, *this, b, mode);
}
Tensor& Tensor::div_(Scalar b, RoundingMode mode) {
  return replace<Scalar, RoundingMode>("div_", bb::div, *this, b, mode);
}
Tensor& Tensor::pow_(const Tensor& exponent) {
  return replace<const Tensor&>("pow_", bb::pow, *this, exponent);
}
Tensor& Tensor::pow_(Scalar exponent) { return replace<Scalar>("pow_", bb::pow, *this, exponent); }
Tensor& Tensor::fmod_(const Tensor& b) {
  return replace<const Tensor&>("fmod_", bb::fmod, *this, b);
}
Tensor& Tensor::fmod_(Scalar b) { return replace<Scalar>("fmod_", bb::fmod, *this, b); }
Tensor& Tensor::remainder_(const Tensor& b) {
  return replace<const Tensor&>("remainder_", bb::remainder, *this, b);
}
Tensor& Tensor::remainder_(Scalar b) {
  return replace<Scalar>("remainder_", bb::remainder, *this, b);
}
Tensor& Tensor::atan2_(const Tensor& x) { return replace("atan2_", bb::atan2, *this, x); }
Tensor& Tensor::round_(int64_t decimals) {
  return replace<int64_t>("round_", bb::round, *this, decimals);
}
Tensor& Tensor::lerp_(const Tensor& end, const Tensor& weight) {
  return replace<const Tensor&, const Tensor&>("lerp_", bb::lerp, *this, end, weight);
}
Tensor& Tensor::lerp_(const Tensor& end, Scalar weight) {
  return replace<const Tensor&, Scalar>("lerp_", bb::lerp, *this, end, weight);
}
Tensor& Tensor::clamp_(std::optional<Scalar> min, std::optional<Scalar> max) {
  using Bound = std::optional<Scalar>;
  return replace<Bound, Bound>("clamp_", bb::clamp, *this, min, max);
}
Tensor& Tensor::clamp_(const Tensor& min, const Tensor& max) {
  return replace<const Tensor&, const Tensor&>("clamp_", bb::clamp, *this, min, max);
}
Tensor& Tensor::leaky_relu_(double negative_slope) {
  return replace("leaky_relu_", bb::leaky_relu, *this, negative_slope);
}
Tensor& Tensor::elu_(double alpha) { return replace("elu_", bb::elu, *this, alpha); }
Tensor& Tensor::hardtanh_(double min_val, double max_val) {
  return replace("hardtanh_", bb::hardtanh, *this, min_val, max_val);
}

Tensor& Tensor::eq_(const Tensor& b) { return replace<const Tensor&>("eq_", bb::eq, *this, b); }
Tensor& Tensor::eq_(Scalar b) { return replace<Scalar>("eq_", bb::eq, *this, b); }
Tensor& Tensor::ne_(const Tensor& b) { return replace<const Tensor&>("ne_", bb::ne, *this, b); }
Tensor& Tensor::ne_(Scalar b) { return replace<Scalar>("ne_", bb::ne, *this, b); }
Tensor& Tensor::lt_(const Tensor& b) { return replace<const Tensor&>("lt_", bb::lt, *this, b); }
Tensor& Tensor::lt_(Scalar b) { return replace<Scalar>("lt_", bb::lt, *this, b); }
Tensor& Tensor::le_(const Tensor& b) { return replace<const Tensor&>("le_", bb::le, *this, b); }
Tensor& Tensor::le_(Scalar b) { return replace<Scalar>("le_", bb::le, *this, b); }
Tensor& Tensor::gt_(const Tensor& b) { return replace<const Tensor&>("gt_", bb::gt, *this, b); }
Tensor& Tensor::gt_(Scalar b) { return replace<Scalar>("gt_", bb::gt, *this, b); }
Tensor& Tensor::ge_(const Tensor& b) { return replace<const Tensor&>("ge_", bb::ge, *this, b); }
Tensor& Tensor::ge_(Scalar b) { return replace<Scalar>("ge_", bb::ge, *this, b); }
Tensor& Tensor::logical_and_(const Tensor& b) {
  return replace("logical_and_", bb::logical_and, *this, b);
}
Tensor& Tensor::logical_or_(const Tensor& b) {
  return replace("logical_or_", bb::logical_or, *this, b);
}
Tensor& Tensor::logical_xor_(const Tensor& b) {
  return replace("logical_xor_", bb::logical_xor, *this, b);
}
Tensor& Tensor::bitwise_and_(const Tensor& b) {
  return replace("bitwise_and_", bb::bitwise_and, *this, b);
}
Tensor& Tensor::bitwise_or_(const Tensor& b) {
  return replace("bitwise_or_", bb::bitwise_or, *this, b);
}
Tensor& Tensor::bitwise_xor_(const Tensor& b) {
  return replace("bitwise_xor_", bb::bitwise_xor, *this, b);
}

Tensor& Tensor::cumsum_(int64_t dim) {
  return replace("cumsum_", bb::cumsum, *this, dim, std::nullopt);
}
Tensor& Tensor::cumprod_(int64_t dim) {
  return replace("cumprod_", bb::cumprod, *this, dim, std::nullopt);
}
Tensor& Tensor::tril_(int64_t diagonal) { return replace("tril_", bb::tril, *this, diagonal); }
Tensor& Tensor::triu_(int64_t diagonal) { return replace("triu_", bb::triu, *this, diagonal); }
Tensor& Tensor::masked_fill_(const Tensor& mask, Scalar value) {
  return replace<const Tensor&, Scalar>("masked_fill_", bb::masked_fill, *this, mask, value);
}
Tensor& Tensor::masked_fill_(const Tensor& mask, const Tensor& value) {
  return replace<const Tensor&, const Tensor&>("masked_fill_", bb::masked_fill, *this, mask, value);
}
Tensor& Tensor::masked_scatter_(const Tensor& mask, const Tensor& source) {
  return replace("masked_scatter_", bb::masked_scatter, *this, mask, source);
}
Tensor& Tensor::scatter_(int64_t dim, const Tensor& index, const Tensor& source) {
  return replace<int64_t, const Tensor&, const Tensor&>("scatter_", bb::scatter, *this, dim, index,
                                                        source);
}
Tensor& Tensor::scatter_(int64_t dim, const Tensor& index, Scalar value) {
  return replace<int64_t, const Tensor&, Scalar>("scatter_", bb::scatter, *this, dim, index, value);
}
Tensor& Tensor::scatter_add_(int64_t dim, const Tensor& index, const Tensor& source) {
  return replace("scatter_add_", bb::scatter_add, *this, dim, index, source);
}
Tensor& Tensor::index_add_(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha) {
  return replace("index_add_", bb::index_add, *this, dim, index, source, alpha);
}
Tensor& Tensor::index_copy_(int64_t dim, const Tensor& index, const Tensor& source) {
  return replace("index_copy_", bb::index_copy, *this, dim, index, source);
}
Tensor& Tensor::index_fill_(int64_t dim, const Tensor& index, Scalar value) {
  return replace("index_fill_", bb::index_fill, *this, dim, index, value);
}

}  // namespace bb
