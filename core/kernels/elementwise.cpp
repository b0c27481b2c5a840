#include "bb/core/kernels/elementwise.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <type_traits>
#include <utility>

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/elementwise.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/elementwise_row-inl.h"
#include "bb/core/kernels/erf-inl.h"
#include "bb/core/kernels/math-inl.h"
#include "bb/core/kernels/trig-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Integer arithmetic wraps, as in PyTorch, without signed overflow.
template <class T, class F>
T wrapping(T a, T b, const F& f) {
  using U = std::make_unsigned_t<T>;
  return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b)));
}

template <class T>
T integer_pow(T base, T exponent) {
  using U = std::make_unsigned_t<T>;
  U result = 1, factor = static_cast<U>(base);
  for (auto e = static_cast<U>(exponent); e != 0; e >>= 1) {
    if (e & 1) result = static_cast<U>(result * factor);
    factor = static_cast<U>(factor * factor);
  }
  return static_cast<T>(result);
}

// Highway has no such comparison of integers.
template <class D, class V>
auto less_or_equal(D, V a, V b) {
  if constexpr (std::is_floating_point_v<hn::TFromD<D>>)
    return hn::Le(a, b);
  else
    return hn::Not(hn::Lt(b, a));
}

// On floating-point numbers an op is a formula of vectors: of their tag, then the inputs. On
// integers and bools it may be one of single elements. The costs are measured: ns of one float in
// 64K, on one core.
ElementwiseTable make_table() {
  ElementwiseTable t;
  t.add = binary(0.12, [](auto, auto a, auto b) { return hn::Add(a, b); });
  integers(t.add, [](auto a, auto b) { return wrapping(a, b, std::plus<>()); });
  booleans(t.add, [](bool a, bool b) { return a || b; });
  t.sub = binary(0.12, [](auto, auto a, auto b) { return hn::Sub(a, b); });
  integers(t.sub, [](auto a, auto b) { return wrapping(a, b, std::minus<>()); });
  t.mul = binary(0.12, [](auto, auto a, auto b) { return hn::Mul(a, b); });
  integers(t.mul, [](auto a, auto b) { return wrapping(a, b, std::multiplies<>()); });
  booleans(t.mul, [](bool a, bool b) { return a && b; });
  t.div = binary(0.13, [](auto, auto a, auto b) { return hn::Div(a, b); });
  t.pow.cost_ns = 7;
  floats(t.pow, [](auto a, auto b) { return std::pow(a, b); });
  integers(t.pow, [](auto a, auto b) { return integer_pow(a, b); });

  t.neg = unary(0.08, [](auto, auto x) { return hn::Neg(x); });
  integers(t.neg, [](auto x) { return wrapping(decltype(x){0}, x, std::minus<>()); });
  t.exp = unary(0.18, [](auto d, auto x) { return math::Exp(d, x); });
  t.log = unary(0.36, [](auto d, auto x) { return math::Log(d, x); });
  t.sqrt = unary(0.17, [](auto, auto x) { return hn::Sqrt(x); });
  t.tanh = unary(0.4, [](auto d, auto x) { return math::Tanh(d, x); });
  t.sigmoid = unary(0.39, [](auto d, auto x) { return math::Sigmoid(d, x); });
  t.erf = unary(0.59, [](auto d, auto x) { return math::Erf(d, x); });
  t.sin = unary(0.33, [](auto d, auto x) { return math::Sin(d, x); });
  t.cos = unary(0.32, [](auto d, auto x) { return math::Cos(d, x); });
  t.gelu = unary(0.6, [](auto d, auto x) { return math::Gelu(d, x); });
  t.gelu_tanh = unary(0.51, [](auto d, auto x) { return math::GeluTanh(d, x); });
  t.relu =
      unary(0.08, [](auto d, auto x) { return hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x); });
  integers(t.relu, [](auto x) { return std::max(x, decltype(x){0}); });

  t.tanh_grad = binary(0.13, [](auto d, auto dy, auto y) {
    return hn::Mul(dy, hn::NegMulAdd(y, y, hn::Set(d, 1)));
  });
  t.sigmoid_grad = binary(0.13, [](auto d, auto dy, auto y) {
    return hn::Mul(dy, hn::Mul(y, hn::Sub(hn::Set(d, 1), y)));
  });
  t.relu_grad = binary(
      0.13, [](auto d, auto dy, auto s) { return hn::IfThenZeroElse(hn::Le(s, hn::Zero(d)), dy); });
  t.sqrt_grad = binary(0.13, [](auto, auto dy, auto y) { return hn::Div(dy, hn::Add(y, y)); });
  t.erf_grad =
      binary(0.29, [](auto d, auto dy, auto x) { return hn::Mul(dy, math::ErfSlope(d, x)); });
  t.sin_grad = binary(0.38, [](auto d, auto dy, auto x) { return hn::Mul(dy, math::Cos(d, x)); });
  t.cos_grad =
      binary(0.38, [](auto d, auto dy, auto x) { return hn::Neg(hn::Mul(dy, math::Sin(d, x))); });
  t.gelu_grad =
      binary(0.62, [](auto d, auto dy, auto x) { return hn::Mul(dy, math::GeluSlope(d, x)); });
  t.gelu_tanh_grad =
      binary(0.66, [](auto d, auto dy, auto x) { return hn::Mul(dy, math::GeluTanhSlope(d, x)); });

  t.eq = comparison([](auto, auto a, auto b) { return hn::Eq(a, b); });
  // Not hn::Ne, which is false for NaN.
  t.ne = comparison([](auto, auto a, auto b) { return hn::Not(hn::Eq(a, b)); });
  t.lt = comparison([](auto, auto a, auto b) { return hn::Lt(a, b); });
  t.le = comparison([](auto d, auto a, auto b) { return less_or_equal(d, a, b); });
  t.gt = comparison([](auto, auto a, auto b) { return hn::Gt(a, b); });
  t.ge = comparison([](auto d, auto a, auto b) { return less_or_equal(d, b, a); });
  t.where = choice([](auto, auto mask, auto a, auto b) { return hn::IfThenElse(mask, a, b); });
  return t;
}

}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

const ElementwiseTable& elementwise() {
  static const ElementwiseTable table = BB_DISPATCH(make_table)();
  return table;
}

}  // namespace bb::kernels
#endif
