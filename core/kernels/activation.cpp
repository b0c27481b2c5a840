#include "bb/core/kernels/activation.h"

#include <algorithm>

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/activation.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/elementwise_row-inl.h"
#include "bb/core/kernels/erf-inl.h"
#include "bb/core/kernels/exp_log-inl.h"
#include "bb/core/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// min(max(x + 3, 0), 6)
template <class D, class V>
V ramp(D d, V x) {
  const V three = hn::Set(d, 3), six = hn::Set(d, 6);
  return math::AtMost(math::AtLeast(hn::Add(x, three), hn::Zero(d)), six);
}

// s + x s (1 - s), s = sigmoid(x)
template <class D, class V>
V silu_slope(D d, V x) {
  const V one = hn::Set(d, 1), s = math::Sigmoid(d, x);
  return hn::Mul(s, hn::MulAdd(math::Bounded(d, x), hn::Sub(one, s), one));
}

// The costs are measured: ns of one float in 64K, on one core.
ActivationTable make_table() {
  ActivationTable t;
  t.relu =
      unary(0.08, [](auto d, auto x) { return hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x); });
  integers(t.relu, [](auto x) { return std::max(x, decltype(x){0}); });
  t.relu_grad = binary(
      0.13, [](auto d, auto dy, auto s) { return hn::IfThenZeroElse(hn::Le(s, hn::Zero(d)), dy); });

  t.gelu = unary(0.6, [](auto d, auto x) { return math::Gelu(d, x); });
  t.gelu_tanh = unary(0.51, [](auto d, auto x) { return math::GeluTanh(d, x); });
  t.gelu_grad =
      binary(0.62, [](auto d, auto dy, auto x) { return hn::Mul(dy, math::GeluSlope(d, x)); });
  t.gelu_tanh_grad =
      binary(0.66, [](auto d, auto dy, auto x) { return hn::Mul(dy, math::GeluTanhSlope(d, x)); });

  t.silu = unary(0.4, [](auto d, auto x) {
    return hn::Mul(math::AtLeast(x, hn::Set(d, -1000)), math::Sigmoid(d, x));
  });
  t.silu_grad = binary(0.45, [](auto d, auto dy, auto x) { return hn::Mul(dy, silu_slope(d, x)); });
  t.mish = unary(0.4, [](auto d, auto x) { return math::Mish(d, x); });
  t.mish_grad =
      binary(0.5, [](auto d, auto dy, auto x) { return hn::Mul(dy, math::MishSlope(d, x)); });

  t.softplus = ternary(0.8, [](auto d, auto x, auto beta, auto threshold) {
    const auto z = hn::Mul(x, beta);
    return hn::IfThenElse(hn::Gt(z, threshold), x, hn::Div(math::Softplus(d, z), beta));
  });
  t.softplus_grad = quaternary(0.5, [](auto d, auto dy, auto x, auto beta, auto threshold) {
    const auto z = hn::Mul(x, beta);
    return hn::IfThenElse(hn::Gt(z, threshold), dy, hn::Mul(dy, math::Sigmoid(d, z)));
  });
  t.logsigmoid = unary(0.8, [](auto d, auto x) { return hn::Neg(math::Softplus(d, hn::Neg(x))); });
  t.logsigmoid_grad = binary(
      0.45, [](auto d, auto dy, auto x) { return hn::Mul(dy, math::Sigmoid(d, hn::Neg(x))); });

  t.elu = ternary(0.4, [](auto d, auto x, auto alpha, auto scale) {
    const auto below = hn::Mul(math::Expm1(d, x), alpha);
    return hn::Mul(hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, below), scale);
  });
  t.elu_grad = quaternary(0.35, [](auto d, auto dy, auto x, auto alpha, auto scale) {
    const auto below = hn::Mul(math::Exp(d, x), alpha);
    const auto slope = hn::IfThenElse(hn::Le(x, hn::Zero(d)), below, hn::Set(d, 1));
    return hn::Mul(dy, hn::Mul(slope, scale));
  });
  t.leaky_relu = binary(0.1, [](auto d, auto x, auto slope) {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, hn::Mul(x, slope));
  });
  t.leaky_relu_grad = ternary(0.14, [](auto d, auto dy, auto x, auto slope) {
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), dy, hn::Mul(dy, slope));
  });

  t.hardsigmoid = unary(0.1, [](auto d, auto x) { return hn::Div(ramp(d, x), hn::Set(d, 6)); });
  t.hardsigmoid_grad = binary(0.15, [](auto d, auto dy, auto x) {
    const auto inside = hn::Lt(hn::Abs(x), hn::Set(d, 3));
    return hn::IfThenElseZero(inside, hn::Div(dy, hn::Set(d, 6)));
  });
  t.hardswish =
      unary(0.12, [](auto d, auto x) { return hn::Div(hn::Mul(x, ramp(d, x)), hn::Set(d, 6)); });
  // 0, then x / 3 + 1/2 from -3 to 3, then 1.
  t.hardswish_grad = binary(0.15, [](auto d, auto dy, auto x) {
    const auto three = hn::Set(d, 3);
    const auto slope = hn::Add(hn::Div(x, three), hn::Set(d, 0.5f));
    const auto rising = hn::IfThenElse(hn::Lt(x, three), hn::Mul(dy, slope), dy);
    return hn::IfThenZeroElse(hn::Le(x, hn::Neg(three)), rising);
  });
  return t;
}

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

const ActivationTable& activations() {
  static const ActivationTable table = BB_DISPATCH(make_table)();
  return table;
}

}  // namespace bb::kernels
#endif
