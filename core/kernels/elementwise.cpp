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
#include "bb/core/kernels/exp_log-inl.h"
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

// Without its fraction where the exponent is negative; 0 for base 0 too.
template <class T>
T integer_pow(T base, T exponent) {
  using U = std::make_unsigned_t<T>;
  if (std::is_signed_v<T> && exponent < 0) {
    if (base == 1) return 1;
    if (static_cast<U>(base) != static_cast<U>(-1)) return 0;
    return exponent % 2 == 0 ? T{1} : base;
  }
  U result = 1, factor = static_cast<U>(base);
  for (auto e = static_cast<U>(exponent); e != 0; e >>= 1) {
    if (e & 1) result = static_cast<U>(result * factor);
    factor = static_cast<U>(factor * factor);
  }
  return static_cast<T>(result);
}

// a / b towards 0; 0 where b is 0. The smallest integer by -1 wraps.
template <class T>
T integer_div(T a, T b) {
  if (b == 0) return 0;
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return wrapping(T{0}, a, std::minus<>());
  return static_cast<T>(a / b);
}
// a - b trunc(a / b); 0 where that would trap: where b is 0, and the smallest integer by -1.
template <class T>
T integer_fmod(T a, T b) {
  const bool traps = b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1));
  return traps ? T{0} : static_cast<T>(a % b);
}
// a - b floor(a / b) from a - b trunc(a / b).
template <class T>
T with_sign_of(T b, T rest) {
  return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
}

// a / b downwards, by what fmod() leaves: the quotient itself may round up to a whole number.
template <class T>
T floor_div(T a, T b) {
  if (b == 0) return a / b;
  const T rest = std::fmod(a, b);
  T quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
  return quotient == 0 ? std::copysign(T{0}, a / b) : std::round(quotient);
}

// NaN if either is.
template <class V>
V larger(V a, V b) {
  return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
}
template <class V>
V smaller(V a, V b) {
  return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
}

// Of floating-point numbers for which there is no formula of vectors.
template <class F>
void one_by_one(Elementwise& entry, double cost_ns, F f) {
  entry.cost_ns = cost_ns;
  floats(entry, f);
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
  one_by_one(t.pow, 7, [](auto a, auto b) { return std::pow(a, b); });
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
  t.expm1 = unary(0.3, [](auto d, auto x) { return math::Expm1(d, x); });
  t.exp2 = unary(0.2, [](auto d, auto x) { return math::Exp2(d, x); });
  t.log1p = unary(0.5, [](auto d, auto x) { return math::Log1p(d, x); });
  t.log2 = unary(0.36, [](auto d, auto x) { return math::Log<2>(d, x); });
  t.rsqrt = unary(0.3, [](auto d, auto x) { return hn::Div(hn::Set(d, 1), hn::Sqrt(x)); });
  t.log10 = unary(0.4, [](auto d, auto x) { return math::Log<10>(d, x); });
  one_by_one(t.tan, 12, [](auto x) { return std::tan(x); });
  t.sinh = unary(0.6, [](auto d, auto x) { return math::Sinh(d, x); });
  t.cosh = unary(0.3, [](auto d, auto x) { return math::Cosh(d, x); });
  one_by_one(t.asin, 8, [](auto x) { return std::asin(x); });
  one_by_one(t.acos, 8, [](auto x) { return std::acos(x); });
  one_by_one(t.atan, 10, [](auto x) { return std::atan(x); });
  one_by_one(t.atan2, 15, [](auto a, auto b) { return std::atan2(a, b); });

  t.abs = unary(0.08, [](auto, auto x) { return hn::Abs(x); });
  integers(t.abs, [](auto x) { return x < 0 ? wrapping(decltype(x){0}, x, std::minus<>()) : x; });
  t.sign = unary(0.1, [](auto d, auto x) {
    const auto zero = hn::Zero(d), one = hn::Set(d, 1);
    return hn::IfThenElse(hn::Lt(x, zero), hn::Neg(one), hn::IfThenElseZero(hn::Gt(x, zero), one));
  });
  integers(t.sign, [](auto x) { return static_cast<decltype(x)>((x > 0) - (x < 0)); });
  booleans(t.sign, [](bool x) { return x; });
  // The sign is x's; without vectors, Highway loses that of zeros.
  t.floor = unary(0.08, [](auto, auto x) { return hn::CopySign(hn::Floor(x), x); });
  t.ceil = unary(0.08, [](auto, auto x) { return hn::CopySign(hn::Ceil(x), x); });
  t.round = unary(0.08, [](auto, auto x) { return hn::CopySign(hn::Round(x), x); });
  t.trunc = unary(0.08, [](auto, auto x) { return hn::CopySign(hn::Trunc(x), x); });

  t.maximum = binary(0.13, [](auto, auto a, auto b) { return larger(a, b); });
  integers(t.maximum, [](auto a, auto b) { return std::max(a, b); });
  booleans(t.maximum, [](bool a, bool b) { return a || b; });
  t.minimum = binary(0.13, [](auto, auto a, auto b) { return smaller(a, b); });
  integers(t.minimum, [](auto a, auto b) { return std::min(a, b); });
  booleans(t.minimum, [](bool a, bool b) { return a && b; });
  t.clamp =
      ternary(0.15, [](auto, auto x, auto min, auto max) { return smaller(larger(x, min), max); });
  integers(t.clamp, [](auto x, auto min, auto max) { return std::min(std::max(x, min), max); });
  t.lerp = ternary(0.17, [](auto d, auto a, auto b, auto w) {
    const auto one = hn::Set(d, 1), distance = hn::Sub(b, a);
    return hn::IfThenElse(hn::Lt(hn::Abs(w), hn::Set(d, 0.5f)), hn::MulAdd(w, distance, a),
                          hn::NegMulAdd(distance, hn::Sub(one, w), b));
  });
  t.div_trunc = binary(0.13, [](auto, auto a, auto b) {
    const auto quotient = hn::Div(a, b);
    return hn::CopySign(hn::Trunc(quotient), quotient);
  });
  integers(t.div_trunc, [](auto a, auto b) { return integer_div(a, b); });
  one_by_one(t.div_floor, 9, [](auto a, auto b) { return floor_div(a, b); });
  integers(t.div_floor, [](auto a, auto b) {
    const auto rest = integer_fmod(a, b);
    const bool below = rest != 0 && (rest < 0) != (b < 0);
    return static_cast<decltype(a)>(integer_div(a, b) - (below ? 1 : 0));
  });
  one_by_one(t.fmod, 8, [](auto a, auto b) { return std::fmod(a, b); });
  integers(t.fmod, [](auto a, auto b) { return integer_fmod(a, b); });
  one_by_one(t.remainder, 9, [](auto a, auto b) { return with_sign_of(b, std::fmod(a, b)); });
  integers(t.remainder, [](auto a, auto b) { return with_sign_of(b, integer_fmod(a, b)); });

  integers(t.bit_and, [](auto a, auto b) { return static_cast<decltype(a)>(a & b); });
  booleans(t.bit_and, [](bool a, bool b) { return a && b; });
  integers(t.bit_or, [](auto a, auto b) { return static_cast<decltype(a)>(a | b); });
  booleans(t.bit_or, [](bool a, bool b) { return a || b; });
  integers(t.bit_xor, [](auto a, auto b) { return static_cast<decltype(a)>(a ^ b); });
  booleans(t.bit_xor, [](bool a, bool b) { return a != b; });
  integers(t.bit_not, [](auto x) { return static_cast<decltype(x)>(~x); });
  booleans(t.bit_not, [](bool x) { return !x; });

  t.tanh_grad = binary(0.13, [](auto d, auto dy, auto y) {
    return hn::Mul(dy, hn::NegMulAdd(y, y, hn::Set(d, 1)));
  });
  t.sigmoid_grad = binary(0.13, [](auto d, auto dy, auto y) {
    return hn::Mul(dy, hn::Mul(y, hn::Sub(hn::Set(d, 1), y)));
  });
  t.sqrt_grad = binary(0.13, [](auto, auto dy, auto y) { return hn::Div(dy, hn::Add(y, y)); });
  t.erf_grad =
      binary(0.29, [](auto d, auto dy, auto x) { return hn::Mul(dy, math::ErfSlope(d, x)); });
  t.sin_grad = binary(0.38, [](auto d, auto dy, auto x) { return hn::Mul(dy, math::Cos(d, x)); });
  t.cos_grad =
      binary(0.38, [](auto d, auto dy, auto x) { return hn::Neg(hn::Mul(dy, math::Sin(d, x))); });
  t.larger_grad = ternary(0.18, [](auto d, auto dy, auto a, auto b) {
    const auto shared = hn::IfThenElse(hn::Eq(a, b), hn::Mul(dy, hn::Set(d, 0.5f)), dy);
    return hn::IfThenZeroElse(hn::Lt(a, b), shared);
  });
  t.inside_grad = quaternary(0.15, [](auto, auto dy, auto x, auto min, auto max) {
    return hn::IfThenElseZero(hn::And(hn::Gt(x, min), hn::Lt(x, max)), dy);
  });

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
