// The vector functions against the C library in a higher precision, all over their range, and at
// the values where vector code tends to go wrong. bench/math_accuracy.cpp goes over every float.
#include "bb/core/kernels/elementwise.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "bb/core/kernels/activation.h"

namespace bb::kernels {
namespace {

template <class T>
std::vector<T> run(const Elementwise& f, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  char* data[] = {reinterpret_cast<char*>(y.data()),
                  const_cast<char*>(reinterpret_cast<const char*>(x.data()))};
  const int64_t strides[] = {sizeof(T), sizeof(T)};
  f[dtype_of<T>](static_cast<int64_t>(x.size()), data, strides);
  return y;
}

// A gradient kernel's slope: its result where dy is 1.
template <class T>
std::vector<T> run_slope(const Elementwise& f, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  const T one = 1;
  char* data[] = {reinterpret_cast<char*>(y.data()),
                  const_cast<char*>(reinterpret_cast<const char*>(&one)),
                  const_cast<char*>(reinterpret_cast<const char*>(x.data()))};
  const int64_t strides[] = {sizeof(T), 0, sizeof(T)};
  f[dtype_of<T>](static_cast<int64_t>(x.size()), data, strides);
  return y;
}

// Every 4099th float, which meets all exponents, both signs, NaNs and subnormals.
std::vector<float> all_floats() {
  std::vector<float> x;
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 4099)
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  return x;
}

std::vector<double> some_doubles() {
  std::vector<double> x;
  for (double magnitude = 1e-310; magnitude < 1e308; magnitude *= 1.0173)
    for (double sign : {1.0, -1.0}) x.push_back(sign * magnitude);
  for (double v = -750; v < 750; v += 0.037) x.push_back(v);
  return x;
}

// Distance in units of the last place of the right value's type.
template <class T>
double ulps(T actual, long double right) {
  const T rounded = static_cast<T>(right);
  if (std::isnan(rounded)) return std::isnan(actual) ? 0 : 1e9;
  if (rounded == actual) return 0;
  if (std::isinf(rounded) || std::isinf(actual) || std::isnan(actual)) {
    // One step across the largest finite number is one ulp.
    return std::nextafter(rounded, actual) == actual ? 1 : 1e9;
  }
  const T size = std::abs(rounded);
  const T unit = std::max(std::nextafter(size, std::numeric_limits<T>::infinity()) - size,
                          std::numeric_limits<T>::denorm_min());
  return static_cast<double>(std::abs(static_cast<long double>(actual) - right) / unit);
}

template <class T>
void expect_within(double most, const Elementwise& f, const std::vector<T>& x,
                   long double (*right)(long double)) {
  const std::vector<T> y = run(f, x);
  double worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = ulps(y[i], right(x[i]));
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  EXPECT_LE(worst, most) << "at " << x[at] << ": got " << y[at] << ", right "
                         << static_cast<T>(right(x[at]));
}

long double right_exp(long double x) { return std::exp(x); }
long double right_log(long double x) { return std::log(x); }
long double right_tanh(long double x) { return std::tanh(x); }
long double right_sigmoid(long double x) { return 1 / (1 + std::exp(-x)); }
long double right_erf(long double x) { return std::erf(x); }
long double right_sin(long double x) { return std::sin(x); }
long double right_cos(long double x) { return std::cos(x); }
long double right_exp2(long double x) { return std::exp2(x); }
long double right_expm1(long double x) { return std::expm1(x); }
long double right_log1p(long double x) { return std::log1p(x); }
long double right_log2(long double x) { return std::log2(x); }
long double right_log10(long double x) { return std::log10(x); }
long double right_rsqrt(long double x) { return 1 / std::sqrt(x); }
long double right_tan(long double x) { return std::tan(x); }
long double right_asin(long double x) { return std::asin(x); }
long double right_acos(long double x) { return std::acos(x); }
long double right_atan(long double x) { return std::atan(x); }
long double right_sinh(long double x) { return std::sinh(x); }
long double right_cosh(long double x) { return std::cosh(x); }

template <class T>
void expect_two_ulps(const std::vector<T>& x) {
  const auto& f = elementwise();
  expect_within(2, f.exp, x, right_exp);
  expect_within(2, f.log, x, right_log);
  expect_within(2, f.tanh, x, right_tanh);
  expect_within(2, f.sigmoid, x, right_sigmoid);
  expect_within(2, f.erf, x, right_erf);
  expect_within(2, f.sin, x, right_sin);
  expect_within(2, f.cos, x, right_cos);
  expect_within(2, f.exp2, x, right_exp2);
  expect_within(2, f.expm1, x, right_expm1);
  expect_within(2, f.log1p, x, right_log1p);
  expect_within(2, f.log2, x, right_log2);
  expect_within(2, f.log10, x, right_log10);
  expect_within(2, f.rsqrt, x, right_rsqrt);
  expect_within(2, f.tan, x, right_tan);
  expect_within(2, f.asin, x, right_asin);
  expect_within(2, f.acos, x, right_acos);
  expect_within(2, f.atan, x, right_atan);
  expect_within(2, f.sinh, x, right_sinh);
  expect_within(2, f.cosh, x, right_cosh);
}

TEST(Math, Float32FunctionsAreWithinTwoUlps) { expect_two_ulps(all_floats()); }
TEST(Math, Float64FunctionsAreWithinTwoUlps) { expect_two_ulps(some_doubles()); }

// Next to multiples of pi/2, where most of the angle cancels: the worst float64 (Muller, Elementary
// functions), and those that lie next to the first multiples.
TEST(Math, AnglesNextToMultiplesOfHalfPi) {
  std::vector<double> x{0x1.6ac5b262ca1ffp+849, 0x1.c463abeccb2bbp+1, 0x1.1e6ce94dad3p+20,
                        1.7976931348623157e308};
  std::vector<float> narrow{0x1.ddb3d8p+17f, 0x1.5f0abcp+98f, 3.4028234e38f, 65535.9f, 65536.1f};
  for (int k = 1; k < 100000; k += k < 100 ? 1 : 97) {
    x.push_back(k * 1.5707963267948966);
    narrow.push_back(static_cast<float>(x.back()));
  }
  for (const Elementwise* f : {&elementwise().sin, &elementwise().cos}) {
    const auto right = f == &elementwise().sin ? right_sin : right_cos;
    expect_within(2, *f, x, right);
    expect_within(2, *f, narrow, right);
  }
}

// Errors of gelu and of the gradients by their size: no result is lost far below 0, where
// x (1 + erf) / 2 as written would be 0 or a rounding error.
template <class T>
void expect_relative(double most, const std::vector<T>& y, const std::vector<T>& x,
                     long double (*right)(long double)) {
  for (size_t i = 0; i < x.size(); ++i) {
    const long double expected = right(x[i]);
    if (std::abs(expected) < std::numeric_limits<T>::min()) continue;
    ASSERT_NEAR(static_cast<double>(y[i] / expected), 1, most) << "at " << x[i];
  }
}

long double normal(long double x) { return std::erfc(-x / std::sqrt(2.0L)) / 2; }
long double density(long double x) { return std::exp(-x * x / 2) / std::sqrt(8 * std::atan(1.0L)); }
long double right_gelu(long double x) { return x * normal(x); }
long double right_erf_slope(long double x) { return std::exp(-x * x) / std::sqrt(std::atan(1.0L)); }
long double tanh_argument(long double x) {
  return std::sqrt(2 / std::atan(1.0L)) * (x + 0.044715L * x * x * x);
}
long double right_gelu_tanh(long double x) { return x / (1 + std::exp(-tanh_argument(x))); }

// With tanh, the error of the exponent, up to 104 (745), shows in the result.
template <class T>
void expect_gelu(double most, double most_with_tanh) {
  std::vector<T> x;
  for (double v = -37; v < 37; v += 0.00731) x.push_back(static_cast<T>(v));
  expect_relative(most, run(activations().gelu, x), x, right_gelu);
  expect_relative(most_with_tanh, run(activations().gelu_tanh, x), x, right_gelu_tanh);
  expect_relative(most, run_slope(elementwise().erf_grad, x), x, right_erf_slope);
  const std::vector<T> slope = run_slope(activations().gelu_grad, x);
  for (size_t i = 0; i < x.size(); ++i) {  // of two terms, which cancel at -0.75
    const long double first = normal(x[i]), second = x[i] * density(x[i]);
    const auto size = static_cast<double>(std::max(first, std::abs(second)));
    if (size < std::numeric_limits<T>::min()) continue;
    ASSERT_NEAR(slope[i], static_cast<double>(first + second), most * size) << "at " << x[i];
  }
}

TEST(Math, GeluKeepsItsSmallResults) {
  expect_gelu<float>(1e-6, 2e-5);
  expect_gelu<double>(2e-15, 4e-13);
}

// What others would lose: e^x - 1 and log(1 + x) next to 0, and the powers of 2 and 10.
template <class T>
void expect_exact_powers() {
  const auto& f = elementwise();
  const auto one = [](const Elementwise& op, T x) { return run<T>(op, {x})[0]; };
  for (int k = std::numeric_limits<T>::min_exponent - 1; k < std::numeric_limits<T>::max_exponent;
       ++k) {
    const T power = std::ldexp(T{1}, k);
    EXPECT_EQ(one(f.exp2, static_cast<T>(k)), power);
    EXPECT_EQ(one(f.log2, power), static_cast<T>(k));
  }
  T power = 1;
  for (int k = 0; k <= (sizeof(T) == 4 ? 10 : 22); ++k, power *= 10)  // exact so far
    EXPECT_EQ(one(f.log10, power), static_cast<T>(k));
  for (T x : {T(1e-30), T(-1e-30), std::numeric_limits<T>::denorm_min()}) {
    EXPECT_EQ(one(f.expm1, x), x);
    EXPECT_EQ(one(f.log1p, x), x);
  }
}

TEST(Math, PowersAndSmallArgumentsAreExact) {
  expect_exact_powers<float>();
  expect_exact_powers<double>();
}

long double right_silu(long double x) { return x / (1 + std::exp(-x)); }
long double right_softplus(long double x) { return x > 40 ? x : std::log1p(std::exp(x)); }
long double right_logsigmoid(long double x) { return -right_softplus(-x); }
long double right_mish(long double x) { return x * std::tanh(right_softplus(x)); }

// Within a few units of the last place wherever e^x is a normal number: none overflows for large
// inputs or loses its small results far below 0.
template <class T>
void expect_activations(const std::vector<T>& all) {
  const auto& g = activations();
  std::vector<T> x;
  const T lowest = std::log(std::numeric_limits<T>::min());
  for (T value : all)
    if (value > lowest && value < std::numeric_limits<T>::max() / 8) x.push_back(value);
  const T most = 4 * std::numeric_limits<T>::epsilon();
  expect_relative(most, run(g.silu, x), x, right_silu);
  expect_relative(most, run(g.logsigmoid, x), x, right_logsigmoid);
  expect_relative(2 * most, run(g.mish, x), x, right_mish);
}

TEST(Math, ActivationsKeepTheirSmallResults) {
  expect_activations(all_floats());
  expect_activations(some_doubles());
}

template <class T>
void expect_special_values() {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const auto one = [](const Elementwise& f, T x) { return run<T>(f, {x})[0]; };
  const auto& f = elementwise();
  const auto& g = activations();
  for (const Elementwise* op : {&f.exp, &f.log, &f.sqrt, &f.tanh, &f.sigmoid, &g.relu, &f.neg,
                                &f.erf, &f.sin, &f.cos, &g.gelu, &g.gelu_tanh})
    EXPECT_TRUE(std::isnan(one(*op, nan)));
  EXPECT_EQ(one(f.exp, inf), inf);
  EXPECT_EQ(one(f.exp, -inf), T{0});
  EXPECT_EQ(one(f.exp, -T{0}), T{1});
  EXPECT_EQ(one(f.log, inf), inf);
  EXPECT_EQ(one(f.log, T{0}), -inf);
  EXPECT_EQ(one(f.log, -T{0}), -inf);
  EXPECT_TRUE(std::isnan(one(f.log, T{-1})));
  EXPECT_TRUE(std::isnan(one(f.log, -inf)));
  EXPECT_EQ(one(f.tanh, inf), T{1});
  EXPECT_EQ(one(f.tanh, -inf), T{-1});
  EXPECT_EQ(one(f.sigmoid, inf), T{1});
  EXPECT_EQ(one(f.sigmoid, -inf), T{0});
  EXPECT_EQ(one(f.erf, inf), T{1});
  EXPECT_EQ(one(f.erf, -inf), T{-1});
  for (const Elementwise* op : {&f.tanh, &f.erf, &f.sin, &g.gelu, &g.gelu_tanh}) {
    EXPECT_EQ(one(*op, -T{0}), T{0});
    EXPECT_TRUE(std::signbit(one(*op, -T{0})));
    EXPECT_FALSE(std::signbit(one(*op, T{0})));
  }
  EXPECT_EQ(one(f.cos, -T{0}), T{1});
  for (const Elementwise* op : {&f.sin, &f.cos})
    for (T x : {inf, -inf}) EXPECT_TRUE(std::isnan(one(*op, x)));
  for (const Elementwise* op : {&g.gelu, &g.gelu_tanh}) {
    EXPECT_EQ(one(*op, inf), inf);
    EXPECT_EQ(one(*op, -inf), T{0});
  }
  const auto slope = [](const Elementwise& op, T x) { return run_slope<T>(op, {x})[0]; };
  for (const Elementwise* op : {&g.gelu_grad, &g.gelu_tanh_grad}) {
    EXPECT_EQ(slope(*op, inf), T{1});
    EXPECT_EQ(slope(*op, std::numeric_limits<T>::max()), T{1});
    EXPECT_EQ(slope(*op, -inf), T{0});
    EXPECT_TRUE(std::isnan(slope(*op, nan)));
  }
  EXPECT_EQ(slope(f.erf_grad, -inf), T{0});
  EXPECT_TRUE(std::isnan(slope(f.erf_grad, nan)));
  for (const Elementwise* op : {&f.exp2, &f.expm1, &f.log1p, &f.log2, &f.log10, &f.rsqrt, &f.tan,
                                &f.asin, &f.acos, &f.atan, &f.sinh, &f.cosh, &f.abs, &f.floor,
                                &g.silu, &g.logsigmoid, &g.mish, &g.hardswish, &g.hardsigmoid})
    EXPECT_TRUE(std::isnan(one(*op, nan)));
  EXPECT_EQ(one(f.exp2, inf), inf);
  EXPECT_EQ(one(f.exp2, -inf), T{0});
  EXPECT_EQ(one(f.expm1, inf), inf);
  EXPECT_EQ(one(f.expm1, -inf), T{-1});
  EXPECT_EQ(one(f.log1p, inf), inf);
  EXPECT_EQ(one(f.log1p, T{-1}), -inf);
  EXPECT_TRUE(std::isnan(one(f.log1p, T{-2})));
  EXPECT_EQ(one(f.log2, T{0}), -inf);
  EXPECT_EQ(one(f.log2, inf), inf);
  EXPECT_TRUE(std::isnan(one(f.log2, T{-1})));
  for (const Elementwise* op : {&f.expm1, &f.log1p, &f.tan, &f.asin, &f.atan, &f.sinh, &f.floor,
                                &f.ceil, &f.round, &f.trunc}) {
    EXPECT_EQ(one(*op, -T{0}), T{0});
    EXPECT_TRUE(std::signbit(one(*op, -T{0})));
    EXPECT_FALSE(std::signbit(one(*op, T{0})));
  }
  EXPECT_EQ(one(f.round, T(2.5)), T{2});
  EXPECT_EQ(one(f.round, T(-3.5)), T{-4});
  EXPECT_EQ(one(f.sign, nan), T{0});
  EXPECT_TRUE(std::isnan(one(f.sqrt, T{-1})));
  EXPECT_EQ(one(g.relu, -inf), T{0});
  EXPECT_EQ(one(g.relu, inf), inf);
}

TEST(Math, SpecialValues) {
  expect_special_values<float>();
  expect_special_values<double>();
}

}  // namespace
}  // namespace bb::kernels
