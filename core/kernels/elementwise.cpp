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

// An op on floating-point numbers is a formula of vectors, on the others one of single elements:
// what it takes is a tag of the vectors, then the inputs. cost_ns is measured: of one float in
// 64K, on one core.
ElementwiseTable make_table() {
  ElementwiseTable t;
  t.add = binary([](auto, auto a, auto b) { return hn::Add(a, b); }, 0.11)
              .integers([](auto a, auto b) { return wrapping(a, b, std::plus<>()); })
              .booleans([](bool a, bool b) { return a || b; });
  t.sub =
      binary([](auto, auto a, auto b) { return hn::Sub(a, b); }, 0.11).integers([](auto a, auto b) {
        return wrapping(a, b, std::minus<>());
      });
  t.mul = binary([](auto, auto a, auto b) { return hn::Mul(a, b); }, 0.11)
              .integers([](auto a, auto b) { return wrapping(a, b, std::multiplies<>()); })
              .booleans([](bool a, bool b) { return a && b; });
  t.div = binary([](auto, auto a, auto b) { return hn::Div(a, b); }, 0.2);
  t.pow = binary_elements([](auto a, auto b) { return std::pow(a, b); }, 15)
              .integers([](auto a, auto b) { return integer_pow(a, b); });

  t.neg = unary([](auto, auto x) { return hn::Neg(x); }, 0.08).integers([](auto x) {
    return wrapping(decltype(x){0}, x, std::minus<>());
  });
  t.exp = unary([](auto d, auto x) { return math::Exp(d, x); }, 0.3);
  t.log = unary([](auto d, auto x) { return math::Log(d, x); }, 0.4);
  t.sqrt = unary([](auto, auto x) { return hn::Sqrt(x); }, 0.25);
  t.tanh = unary([](auto d, auto x) { return math::Tanh(d, x); }, 0.5);
  t.sigmoid = unary([](auto d, auto x) { return math::Sigmoid(d, x); }, 0.4);
  t.erf = unary([](auto d, auto x) { return math::Erf(d, x); }, 0.6);
  t.sin = unary([](auto d, auto x) { return math::Sin(d, x); }, 0.4);
  t.cos = unary([](auto d, auto x) { return math::Cos(d, x); }, 0.4);
  t.gelu = unary([](auto d, auto x) { return math::Gelu(d, x); }, 0.6);
  t.gelu_tanh = unary([](auto d, auto x) { return math::GeluTanh(d, x); }, 0.5);
  t.relu = unary([](auto d, auto x) { return hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x); }, 0.08)
               .integers([](auto x) { return std::max(x, decltype(x){0}); });

  t.tanh_grad = binary(
      [](auto d, auto dy, auto y) { return hn::Mul(dy, hn::NegMulAdd(y, y, hn::Set(d, 1))); },
      0.11);
  t.sigmoid_grad = binary(
      [](auto d, auto dy, auto y) { return hn::Mul(dy, hn::Mul(y, hn::Sub(hn::Set(d, 1), y))); },
      0.11);
  t.relu_grad = binary(
      [](auto d, auto dy, auto s) { return hn::IfThenZeroElse(hn::Le(s, hn::Zero(d)), dy); }, 0.11);
  t.sqrt_grad = binary([](auto, auto dy, auto y) { return hn::Div(dy, hn::Add(y, y)); }, 0.2);
  t.erf_grad =
      binary([](auto d, auto dy, auto x) { return hn::Mul(dy, math::ErfSlope(d, x)); }, 0.4);
  t.sin_grad = binary([](auto d, auto dy, auto x) { return hn::Mul(dy, math::Cos(d, x)); }, 0.4);
  t.cos_grad =
      binary([](auto d, auto dy, auto x) { return hn::Neg(hn::Mul(dy, math::Sin(d, x))); }, 0.4);
  t.gelu_grad =
      binary([](auto d, auto dy, auto x) { return hn::Mul(dy, math::GeluSlope(d, x)); }, 0.6);
  t.gelu_tanh_grad =
      binary([](auto d, auto dy, auto x) { return hn::Mul(dy, math::GeluTanhSlope(d, x)); }, 0.6);

  t.eq = comparison([](auto, auto a, auto b) { return hn::Eq(a, b); });
  t.ne = comparison([](auto, auto a, auto b) { return hn::Ne(a, b); });
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

HWY_EXPORT(make_table);

const ElementwiseTable& elementwise() {
  static const ElementwiseTable table = HWY_DYNAMIC_DISPATCH(make_table)();
  return table;
}

}  // namespace bb::kernels
#endif
