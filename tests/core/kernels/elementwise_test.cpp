// exp, log, tanh and sigmoid against the C library in a higher precision, all over their range, and
// at the values where vector code tends to go wrong.
#include "bb/core/kernels/elementwise.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

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

TEST(Elementwise, Float32FunctionsAreWithinTwoUlps) {
  const auto x = all_floats();
  expect_within(2, elementwise().exp, x, right_exp);
  expect_within(2, elementwise().log, x, right_log);
  expect_within(2, elementwise().tanh, x, right_tanh);
  expect_within(2, elementwise().sigmoid, x, right_sigmoid);
}

TEST(Elementwise, Float64FunctionsAreWithinTwoUlps) {
  const auto x = some_doubles();
  expect_within(2, elementwise().exp, x, right_exp);
  expect_within(2, elementwise().log, x, right_log);
  expect_within(2, elementwise().tanh, x, right_tanh);
  expect_within(2, elementwise().sigmoid, x, right_sigmoid);
}

template <class T>
void expect_special_values() {
  const T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const auto one = [](const Elementwise& f, T x) { return run<T>(f, {x})[0]; };
  const auto& f = elementwise();
  for (const Elementwise* op : {&f.exp, &f.log, &f.sqrt, &f.tanh, &f.sigmoid, &f.relu, &f.neg})
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
  EXPECT_TRUE(std::signbit(one(f.tanh, -T{0})));
  EXPECT_EQ(one(f.sigmoid, inf), T{1});
  EXPECT_EQ(one(f.sigmoid, -inf), T{0});
  EXPECT_TRUE(std::isnan(one(f.sqrt, T{-1})));
  EXPECT_EQ(one(f.relu, -inf), T{0});
  EXPECT_EQ(one(f.relu, inf), inf);
}

TEST(Elementwise, SpecialValues) {
  expect_special_values<float>();
  expect_special_values<double>();
}

// A row's rest after whole vectors goes through other code: every length gives the same elements.
TEST(Elementwise, EveryLengthGivesTheSameElements) {
  std::vector<float> x(67);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 0.37f - 12;
  const std::vector<float> whole = run(elementwise().exp, x);
  for (size_t n = 0; n < x.size(); ++n) {
    const std::vector<float> part =
        run(elementwise().exp, std::vector<float>(x.begin(), x.begin() + static_cast<long>(n)));
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin())) << n;
  }
}

}  // namespace
}  // namespace bb::kernels
