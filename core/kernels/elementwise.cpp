#include "bb/core/kernels/elementwise.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/elementwise.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ---- Formulas: one for all lanes of d

struct Add {
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::Add(a, b);
  }
};
struct Sub {
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::Sub(a, b);
  }
};
struct Mul {
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::Mul(a, b);
  }
};
struct Div {
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::Div(a, b);
  }
};
struct Neg {
  template <class D, class V>
  V operator()(D, V x) const {
    return hn::Neg(x);
  }
};
struct Exp {
  template <class D, class V>
  V operator()(D d, V x) const {
    return math::Exp(d, x);
  }
};
struct Log {
  template <class D, class V>
  V operator()(D d, V x) const {
    return math::Log(d, x);
  }
};
struct Sqrt {
  template <class D, class V>
  V operator()(D, V x) const {
    return hn::Sqrt(x);
  }
};
struct Tanh {
  template <class D, class V>
  V operator()(D d, V x) const {
    return math::Tanh(d, x);
  }
};
struct Sigmoid {
  template <class D, class V>
  V operator()(D d, V x) const {
    return math::Sigmoid(d, x);
  }
};
struct Relu {
  template <class D, class V>
  V operator()(D d, V x) const {
    return hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x);
  }
};
struct SigmoidGrad {
  template <class D, class V>
  V operator()(D d, V dy, V s) const {
    return hn::Mul(dy, hn::Mul(s, hn::Sub(hn::Set(d, 1), s)));
  }
};
struct TanhGrad {
  template <class D, class V>
  V operator()(D d, V dy, V t) const {
    return hn::Mul(dy, hn::NegMulAdd(t, t, hn::Set(d, 1)));
  }
};
struct ReluGrad {
  template <class D, class V>
  V operator()(D d, V dy, V s) const {
    return hn::IfThenZeroElse(hn::Le(s, hn::Zero(d)), dy);
  }
};

// ---- Rows: any strides, the formula applied to whole vectors

constexpr int64_t kBlock = 256;  // elements gathered at a time where strides are not 0 or 1

template <class T>
void gather(int64_t n, const char* from, int64_t stride, T* to) {
  for (int64_t i = 0; i < n; ++i) to[i] = *reinterpret_cast<const T*>(from + i * stride);
}
template <class T>
void scatter(int64_t n, const T* from, char* to, int64_t stride) {
  for (int64_t i = 0; i < n; ++i) *reinterpret_cast<T*>(to + i * stride) = from[i];
}

// Applies op to n elements of one input; the rest after whole vectors goes through a padded one.
template <class Op, class T>
void apply(int64_t n, const T* x, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Op op;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(op(d, hn::LoadU(d, x + i)), d, y + i);
  if (i == n) return;
  HWY_ALIGN T rest[HWY_MAX_BYTES / sizeof(T)] = {};
  std::copy(x + i, x + n, rest);
  hn::Store(op(d, hn::Load(d, rest)), d, rest);
  std::copy(rest, rest + (n - i), y + i);
}

// The same for two inputs, each an array (step 1) or one value (step 0).
template <class Op, int kStepA, int kStepB, class T>
void apply(int64_t n, const T* a, const T* b, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const Op op;
  const auto one_a = hn::Set(d, *a), one_b = hn::Set(d, *b);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto va = kStepA ? hn::LoadU(d, a + i) : one_a;
    const auto vb = kStepB ? hn::LoadU(d, b + i) : one_b;
    hn::StoreU(op(d, va, vb), d, y + i);
  }
  if (i == n) return;
  HWY_ALIGN T rest_a[HWY_MAX_BYTES / sizeof(T)] = {};
  HWY_ALIGN T rest_b[HWY_MAX_BYTES / sizeof(T)] = {};
  if (kStepA) std::copy(a + i, a + n, rest_a);
  if (kStepB) std::copy(b + i, b + n, rest_b);
  const auto va = kStepA ? hn::Load(d, rest_a) : one_a;
  const auto vb = kStepB ? hn::Load(d, rest_b) : one_b;
  hn::Store(op(d, va, vb), d, rest_a);
  std::copy(rest_a, rest_a + (n - i), y + i);
}

template <class T>
const T* at(const char* data) {
  return reinterpret_cast<const T*>(data);
}
template <class T>
T* at(char* data) {
  return reinterpret_cast<T*>(data);
}

template <class Op, class T>
void unary_row(int64_t n, char* const* data, const int64_t* strides) {
  constexpr int64_t kUnit = sizeof(T);
  if (strides[0] == kUnit && strides[1] == kUnit) {
    apply<Op>(n, at<T>(data[1]), at<T>(data[0]));
    return;
  }
  HWY_ALIGN T block[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t count = std::min(kBlock, n - i);
    gather(count, data[1] + i * strides[1], strides[1], block);
    apply<Op>(count, block, block);
    scatter(count, block, data[0] + i * strides[0], strides[0]);
  }
}

template <class Op, class T>
void binary_row(int64_t n, char* const* data, const int64_t* strides) {
  constexpr int64_t kUnit = sizeof(T);
  if (strides[0] == kUnit && n > 0) {
    T* y = at<T>(data[0]);
    const T *a = at<T>(data[1]), *b = at<T>(data[2]);
    if (strides[1] == kUnit && strides[2] == kUnit) return apply<Op, 1, 1>(n, a, b, y);
    if (strides[1] == kUnit && strides[2] == 0) return apply<Op, 1, 0>(n, a, b, y);
    if (strides[1] == 0 && strides[2] == kUnit) return apply<Op, 0, 1>(n, a, b, y);
  }
  HWY_ALIGN T block_a[kBlock], block_b[kBlock];
  for (int64_t i = 0; i < n; i += kBlock) {
    const int64_t count = std::min(kBlock, n - i);
    gather(count, data[1] + i * strides[1], strides[1], block_a);
    gather(count, data[2] + i * strides[2], strides[2], block_b);
    apply<Op, 1, 1>(count, block_a, block_b, block_a);
    scatter(count, block_a, data[0] + i * strides[0], strides[0]);
  }
}

// ---- Plain loops, for integers and what has no vector formula

template <class R, class T, class F>
void unary_loop(int64_t n, char* const* data, const int64_t* strides, const F& f) {
  for (int64_t i = 0; i < n; ++i)
    *at<R>(data[0] + i * strides[0]) = f(*at<T>(data[1] + i * strides[1]));
}
template <class R, class T, class F>
void binary_loop(int64_t n, char* const* data, const int64_t* strides, const F& f) {
  if (strides[0] == sizeof(R) && strides[1] == sizeof(T) && strides[2] == sizeof(T)) {
    R* y = at<R>(data[0]);
    const T *a = at<T>(data[1]), *b = at<T>(data[2]);
    for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    *at<R>(data[0] + i * strides[0]) =
        f(*at<T>(data[1] + i * strides[1]), *at<T>(data[2] + i * strides[2]));
}

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

template <class T, class F>
void integer_row(int64_t n, char* const* data, const int64_t* strides) {
  binary_loop<T, T>(n, data, strides, [](T a, T b) { return wrapping(a, b, F()); });
}

template <class T, class F>
void compare_row(int64_t n, char* const* data, const int64_t* strides) {
  binary_loop<bool, T>(n, data, strides, F());
}

template <class T>
void where_row(int64_t n, char* const* data, const int64_t* strides) {
  for (int64_t i = 0; i < n; ++i)
    *at<T>(data[0] + i * strides[0]) = *at<bool>(data[1] + i * strides[1])
                                           ? *at<T>(data[2] + i * strides[2])
                                           : *at<T>(data[3] + i * strides[3]);
}

template <class T>
void pow_row(int64_t n, char* const* data, const int64_t* strides) {
  binary_loop<T, T>(n, data, strides, [](T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return std::pow(a, b);
    else
      return integer_pow(a, b);
  });
}

// ---- The table

template <class Op>
Elementwise unary(double cost_ns) {
  return {{nullptr, nullptr, nullptr, nullptr, unary_row<Op, float>, unary_row<Op, double>},
          cost_ns};
}
template <class Op>
Elementwise binary(double cost_ns) {
  return {{nullptr, nullptr, nullptr, nullptr, binary_row<Op, float>, binary_row<Op, double>},
          cost_ns};
}
template <class Op, class F>
Elementwise arithmetic(Row on_bool) {
  return {{on_bool, integer_row<uint8_t, F>, integer_row<int32_t, F>, integer_row<int64_t, F>,
           binary_row<Op, float>, binary_row<Op, double>},
          0.2};
}
template <template <class> class F>
Elementwise comparison() {
  return {{compare_row<bool, F<bool>>, compare_row<uint8_t, F<uint8_t>>,
           compare_row<int32_t, F<int32_t>>, compare_row<int64_t, F<int64_t>>,
           compare_row<float, F<float>>, compare_row<double, F<double>>},
          0.3};
}

void or_row(int64_t n, char* const* data, const int64_t* strides) {
  binary_loop<bool, bool>(n, data, strides, std::logical_or<bool>());
}
void and_row(int64_t n, char* const* data, const int64_t* strides) {
  binary_loop<bool, bool>(n, data, strides, std::logical_and<bool>());
}
template <class T>
void neg_row(int64_t n, char* const* data, const int64_t* strides) {
  unary_loop<T, T>(n, data, strides, [](T x) { return wrapping(T{0}, x, std::minus<>()); });
}
template <class T>
void relu_row(int64_t n, char* const* data, const int64_t* strides) {
  unary_loop<T, T>(n, data, strides, [](T x) { return std::max(x, T{0}); });
}

ElementwiseTable make_table() {
  ElementwiseTable t;
  t.add = arithmetic<Add, std::plus<>>(or_row);
  t.sub = arithmetic<Sub, std::minus<>>(nullptr);
  t.mul = arithmetic<Mul, std::multiplies<>>(and_row);
  t.div = binary<Div>(0.3);
  t.pow = {{nullptr, pow_row<uint8_t>, pow_row<int32_t>, pow_row<int64_t>, pow_row<float>,
            pow_row<double>},
           15};
  t.neg = {{nullptr, neg_row<uint8_t>, neg_row<int32_t>, neg_row<int64_t>, unary_row<Neg, float>,
            unary_row<Neg, double>},
           0.15};
  t.exp = unary<Exp>(0.6);
  t.log = unary<Log>(0.8);
  t.sqrt = unary<Sqrt>(0.4);
  t.tanh = unary<Tanh>(0.9);
  t.sigmoid = unary<Sigmoid>(0.8);
  t.relu = {{nullptr, relu_row<uint8_t>, relu_row<int32_t>, relu_row<int64_t>,
             unary_row<Relu, float>, unary_row<Relu, double>},
            0.15};
  t.sigmoid_grad = binary<SigmoidGrad>(0.2);
  t.tanh_grad = binary<TanhGrad>(0.2);
  t.relu_grad = binary<ReluGrad>(0.2);
  t.eq = comparison<std::equal_to>();
  t.ne = comparison<std::not_equal_to>();
  t.lt = comparison<std::less>();
  t.le = comparison<std::less_equal>();
  t.gt = comparison<std::greater>();
  t.ge = comparison<std::greater_equal>();
  t.where = {{where_row<bool>, where_row<uint8_t>, where_row<int32_t>, where_row<int64_t>,
              where_row<float>, where_row<double>},
             0.5};
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
