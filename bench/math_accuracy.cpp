// The largest errors of the elementwise functions, in units in the last place (ulp), against MPFR.
//   math_accuracy [function...]      all functions where none is named
// float32: every one of the 2^32 inputs. The C library's float64 function judges each; the worst
// inputs are judged again by MPFR, whose verdict is printed. float64: 10^7 inputs from a fixed
// seed, judged by the long double function, the worst by MPFR. NaN, infinities and the sign of zero
// must be right everywhere: a wrong one is counted apart.
#include <fmt/format.h>
#include <mpfr.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bb/core/kernels/activation.h"
#include "bb/core/kernels/elementwise.h"
#include "bb/core/parallel.h"

namespace bb {
namespace {

// A number of 300 bits.
class Exact {
 public:
  Exact() { mpfr_init2(value_, 300); }
  explicit Exact(double x) : Exact() { mpfr_set_d(value_, x, MPFR_RNDN); }
  Exact(const Exact& other) : Exact() { mpfr_set(value_, other.value_, MPFR_RNDN); }
  Exact& operator=(const Exact&) = delete;
  ~Exact() { mpfr_clear(value_); }

  template <class F>
  Exact of(F f) const {
    Exact y;
    f(y.value_, value_, MPFR_RNDN);
    return y;
  }
  template <class F>
  Exact with(F f, const Exact& other) const {
    Exact y;
    f(y.value_, value_, other.value_, MPFR_RNDN);
    return y;
  }
  long double rounded() const { return mpfr_get_ld(value_, MPFR_RNDN); }
  // |*this - y| / unit
  double distance(double y, double unit) const {
    const Exact difference = with(mpfr_sub, Exact(y)).with(mpfr_div, Exact(unit));
    return std::abs(mpfr_get_d(difference.value_, MPFR_RNDN));
  }

 private:
  mpfr_t value_;
};
Exact operator+(const Exact& a, const Exact& b) { return a.with(mpfr_add, b); }
Exact operator*(const Exact& a, const Exact& b) { return a.with(mpfr_mul, b); }
Exact operator/(const Exact& a, const Exact& b) { return a.with(mpfr_div, b); }
Exact operator-(const Exact& a) { return a.of(mpfr_neg); }
Exact exp(const Exact& x) { return x.of(mpfr_exp); }
Exact log(const Exact& x) { return x.of(mpfr_log); }
Exact tanh(const Exact& x) { return x.of(mpfr_tanh); }
Exact erf(const Exact& x) { return x.of(mpfr_erf); }
Exact erfc(const Exact& x) { return x.of(mpfr_erfc); }
Exact sin(const Exact& x) { return x.of(mpfr_sin); }
Exact cos(const Exact& x) { return x.of(mpfr_cos); }
Exact sqrt(const Exact& x) { return x.of(mpfr_sqrt); }

using std::cos, std::erf, std::erfc, std::exp, std::log, std::sin, std::sqrt, std::tanh;

double quarter_pi(double) { return std::atan(1.0); }
long double quarter_pi(long double) { return std::atan(1.0L); }
Exact quarter_pi(const Exact&) { return Exact(1).of(mpfr_atan); }

// The functions in any of double, long double and Exact.
template <class N>
N sigmoid(const N& x) {
  return N(1) / (N(1) + exp(-x));
}
template <class N>
N normal(const N& x) {
  return erfc(-x / sqrt(N(2))) / N(2);
}
template <class N>
N gelu_tanh_argument(const N& x) {  // 2 u
  return sqrt(N(2) / quarter_pi(x)) * (x + N(44715) / N(1000000) * x * x * x);
}
// The factor of a probability that is 0 far below 0: at -inf too, gelu is -0.
template <class N>
N factor(const N& x) {
  return x < N(-10000) ? N(-10000) : x;
}
template <>
Exact factor(const Exact& x) {
  return x;
}

struct Function {
  std::string_view name;
  const kernels::Elementwise* op;
  double (*in_double)(const double&);
  long double (*in_long_double)(const long double&);
  Exact (*exactly)(const Exact&);
  double range;  // float64 inputs are taken from +-range too
};

template <class F>
Function function(std::string_view name, const kernels::Elementwise& op, F, double range) {
  return {name,
          &op,
          [](const double& x) { return F()(x); },
          [](const long double& x) { return F()(x); },
          [](const Exact& x) { return F()(x); },
          range};
}

std::vector<Function> functions() {
  const auto& t = kernels::elementwise();
  return {
      function(
          "exp", t.exp, [](const auto& x) { return exp(x); }, 750),
      function(
          "log", t.log, [](const auto& x) { return log(x); }, 10),
      function(
          "tanh", t.tanh, [](const auto& x) { return tanh(x); }, 20),
      function(
          "sigmoid", t.sigmoid, [](const auto& x) { return sigmoid(x); }, 100),
      function(
          "erf", t.erf, [](const auto& x) { return erf(x); }, 6),
      function(
          "sin", t.sin, [](const auto& x) { return sin(x); }, 1e5),
      function(
          "cos", t.cos, [](const auto& x) { return cos(x); }, 1e5),
      function(
          "gelu", kernels::activations().gelu, [](const auto& x) { return factor(x) * normal(x); },
          10),
      function(
          "gelu_tanh", kernels::activations().gelu_tanh,
          [](const auto& x) { return factor(x) * sigmoid(gelu_tanh_argument(x)); }, 10),
  };
}

template <class T>
double unit_of(long double right) {
  const T size = std::abs(static_cast<T>(right));
  if (std::isinf(size)) return static_cast<double>(std::numeric_limits<T>::max()) * 0x1p-23;
  int exponent;
  std::frexp(size, &exponent);
  const double unit = std::ldexp(1.0, exponent - std::numeric_limits<T>::digits);
  return std::max(unit, static_cast<double>(std::numeric_limits<T>::denorm_min()));
}

template <class T>
bool special_is_wrong(T y, long double right) {
  const T rounded = static_cast<T>(right);
  if (std::isnan(rounded) || std::isnan(y)) return std::isnan(rounded) != std::isnan(y);
  if (right == 0) return y != 0 || std::signbit(y) != std::signbit(right);
  return (std::isinf(right) || std::isinf(y)) && y != rounded &&
         std::abs(y) != std::numeric_limits<T>::max() &&
         std::abs(rounded) != std::numeric_limits<T>::max();
}

template <class T>
struct Worst {
  double ulps = 0, relative = 0;
  T at = 0, relative_at = 0;
  int64_t wrong = 0;
  T wrong_at = 0;

  void take(const Worst& other) {
    if (other.ulps > ulps) ulps = other.ulps, at = other.at;
    if (other.relative > relative) relative = other.relative, relative_at = other.relative_at;
    if (other.wrong) wrong += other.wrong, wrong_at = other.wrong_at;
  }
};

template <class T>
std::vector<T> values_of(const Function& f, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  char* data[] = {reinterpret_cast<char*>(y.data()),
                  reinterpret_cast<char*>(const_cast<T*>(x.data()))};
  const int64_t strides[] = {sizeof(T), sizeof(T)};
  (*f.op)[dtype_of<T>](static_cast<int64_t>(x.size()), data, strides);
  return y;
}

template <class T>
Worst<T> judge(const Function& f, const std::vector<T>& x) {
  const std::vector<T> y = values_of(f, x);
  Worst<T> worst;
  for (size_t i = 0; i < x.size(); ++i) {
    using Wide = std::conditional_t<sizeof(T) == 4, double, long double>;
    Wide right;
    if constexpr (sizeof(T) == 4)
      right = f.in_double(x[i]);
    else
      right = f.in_long_double(x[i]);
    if (special_is_wrong<T>(y[i], right)) {
      if (worst.wrong++ == 0) worst.wrong_at = x[i];
      continue;
    }
    if (!std::isfinite(right) || !std::isfinite(y[i])) continue;
    const auto error = static_cast<double>(std::abs(y[i] - right));
    const double ulps = error / unit_of<T>(right);
    if (ulps > worst.ulps) worst.ulps = ulps, worst.at = x[i];
    if (std::abs(right) >= std::numeric_limits<T>::min()) {
      const double relative = error / static_cast<double>(std::abs(right));
      if (relative > worst.relative) worst.relative = relative, worst.relative_at = x[i];
    }
  }
  return worst;
}

template <class T>
void print(const Function& f, const Worst<T>& worst, int64_t count) {
  const Exact right = f.exactly(Exact(worst.at));
  const T y = values_of<T>(f, {worst.at})[0];
  const double ulps = right.distance(y, unit_of<T>(right.rounded()));
  fmt::print("{:15} {}  {:.4g} inputs: {:.3f} ulp at {:a}; relative {:.2e} at {:.9g}; wrong: {}",
             f.name, sizeof(T) == 4 ? "float32" : "float64", static_cast<double>(count), ulps,
             worst.at, worst.relative, worst.relative_at, worst.wrong);
  if (worst.wrong)
    fmt::print(", as at {:a} ({})", worst.wrong_at, values_of<T>(f, {worst.wrong_at})[0]);
  fmt::print("\n");
  std::fflush(stdout);
}

void check_floats(const Function& f) {
  constexpr int64_t kChunk = 1 << 16, kChunks = (int64_t{1} << 32) / kChunk;
  Worst<float> worst;
  std::mutex mutex;
  parallel_for(kChunks, 1e6, [&](int64_t begin, int64_t end) {
    std::vector<float> x(kChunk);
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      for (int64_t i = 0; i < kChunk; ++i)
        x[static_cast<size_t>(i)] = std::bit_cast<float>(static_cast<uint32_t>(chunk * kChunk + i));
      const Worst<float> found = judge(f, x);
      const std::lock_guard lock(mutex);
      worst.take(found);
    }
  });
  print(f, worst, int64_t{1} << 32);
}

void check_doubles(const Function& f) {
  constexpr int64_t kChunk = 1 << 14, kChunks = 640;
  Worst<double> worst;
  std::mutex mutex;
  parallel_for(kChunks, 1e6, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      std::mt19937_64 random(static_cast<uint64_t>(chunk));
      std::uniform_real_distribution<double> in_range(-f.range, f.range);
      std::vector<double> x;
      for (int64_t i = 0; i < kChunk; i += 2) {
        x.push_back(std::bit_cast<double>(random()));
        x.push_back(in_range(random));
      }
      for (double v : {0.0, -0.0, 1.0, HUGE_VAL, -HUGE_VAL, std::nan("")}) x.push_back(v);
      const Worst<double> found = judge(f, x);
      const std::lock_guard lock(mutex);
      worst.take(found);
    }
  });
  print(f, worst, kChunk * kChunks);
}

}  // namespace
}  // namespace bb

int main(int argc, char** argv) {
  for (const bb::Function& f : bb::functions()) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || f.name == argv[i];
    if (!wanted) continue;
    bb::check_doubles(f);
    bb::check_floats(f);
  }
}
