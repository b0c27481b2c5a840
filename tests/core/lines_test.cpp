// Softmax, its gradients and cumulative results along every dim of tensors of all kinds of strides.
#include "bb/core/lines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "bb/bb.h"
#include "bb/core/kernels/scan.h"
#include "bb/core/kernels/softmax.h"

namespace bb::detail {
namespace {

class AlongDim : public ::testing::Test {
 protected:
  ~AlongDim() override { set_num_threads(before_); }
  const int before_ = num_threads();
};

using Line = std::vector<double>;
// What a line of the output is, from those of the inputs.
using Reference = std::function<Line(const Line&, const Line&)>;

Line softmax_of(const Line& x, const Line&) {
  const double most = *std::max_element(x.begin(), x.end());
  Line y;
  double sum = 0;
  for (double value : x) y.push_back(std::exp(value - most)), sum += y.back();
  for (double& value : y) value /= sum;
  return y;
}
Line log_softmax_of(const Line& x, const Line& none) {
  Line y = softmax_of(x, none);
  const double most = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (double value : x) sum += std::exp(value - most);
  for (size_t i = 0; i < x.size(); ++i) y[i] = x[i] - most - std::log(sum);
  return y;
}
Line softmax_grad_of(const Line& dy, const Line& y) {
  double dot = 0;
  Line dx;
  for (size_t i = 0; i < y.size(); ++i) dot += dy[i] * y[i];
  for (size_t i = 0; i < y.size(); ++i) dx.push_back(y[i] * (dy[i] - dot));
  return dx;
}
Line log_softmax_grad_of(const Line& dy, const Line& y) {
  double sum = 0;
  Line dx;
  for (double value : dy) sum += value;
  for (size_t i = 0; i < y.size(); ++i) dx.push_back(dy[i] - std::exp(y[i]) * sum);
  return dx;
}
Line cumsum_of(const Line& x, const Line&) {
  Line y;
  double sum = 0;
  for (double value : x) y.push_back(sum += value);
  return y;
}
Line cumprod_of(const Line& x, const Line&) {
  Line y;
  double product = 1;
  for (double value : x) y.push_back(product *= value);
  return y;
}
Reference reversed(const Reference& f) {
  return [f](const Line& x, const Line& none) {
    Line y = f(Line(x.rbegin(), x.rend()), none);
    std::reverse(y.begin(), y.end());
    return y;
  };
}

Line line_of(const double* x, int64_t n, int64_t step) {
  Line result;
  for (int64_t i = 0; i < n; ++i) result.push_back(x[i * step]);
  return result;
}

void expect_along(const kernels::LineOp& op, DType dtype, int64_t dim,
                  const std::vector<Tensor>& inputs, const Reference& reference, double error) {
  const Shape& shape = inputs[0].shape();
  const Tensor y = Tensor::empty(shape, dtype);
  run_along(op, y, dim, inputs);
  const Tensor actual = y.to(kFloat64);
  const Tensor a = inputs[0].to(kFloat64).contiguous(), b = inputs.back().to(kFloat64).contiguous();
  const int64_t n = shape[dim], step = y.strides()[dim];
  for (int64_t first = 0; first < y.numel(); ++first) {
    if (first / step % n != 0) continue;
    const Line expected = reference(line_of(a.data<double>() + first, n, step),
                                    line_of(b.data<double>() + first, n, step));
    const Line got = line_of(actual.data<double>() + first, n, step);
    double size = 0;
    for (double value : expected) size = std::max(size, std::abs(value));
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], expected[i], error * std::max(size, 0.1))
          << fmt::format("element {} of line {} along {} of {}", i, first, dim, shape);
  }
}

struct Case {
  const kernels::LineOp* op;
  Reference reference;
  size_t inputs;
};
std::vector<Case> cases() {
  const auto& s = kernels::softmax();
  const auto& c = kernels::scans();
  return {{&s.softmax, softmax_of, 1},
          {&s.log_softmax, log_softmax_of, 1},
          {&s.softmax_grad, softmax_grad_of, 2},
          {&s.log_softmax_grad, log_softmax_grad_of, 2},
          {&c.cumsum, cumsum_of, 1},
          {&c.cumsum_reversed, reversed(cumsum_of), 1},
          {&c.cumprod, cumprod_of, 1},
          {&c.cumprod_reversed, reversed(cumprod_of), 1}};
}

TEST_F(AlongDim, EachOpOnAnyStrides) {
  manual_seed(1);
  for (DType dtype : {kFloat32, kFloat64})
    for (const Case& c : cases())
      for (const Shape& shape : {Shape{3, 5, 20}, Shape{2, 70, 3}, Shape{1, 17, 300}}) {
        const Tensor x = -rand(shape, dtype) * 2.0, other = -rand(shape, dtype);
        const double error = dtype == kFloat32 ? 1e-5 : 1e-13;
        for (int64_t d = 0; d < 3; ++d) {
          const auto check = [&](const Tensor& first, const Tensor& second) {
            std::vector<Tensor> inputs{first, second};
            inputs.resize(c.inputs);
            expect_along(*c.op, dtype, d, inputs, c.reference, error);
          };
          check(x, other);
          check(x, other.transpose(0, 2).contiguous().transpose(0, 2));
          check(x.transpose(0, 2), other.transpose(0, 2));
          check(x.permute({1, 2, 0}), other.permute({1, 2, 0}).contiguous());
          check(x.slice(1, 0, shape[1], 2), other.slice(1, 0, shape[1], 2));
          check(x.slice(2, 1, shape[2], 2), other.slice(2, 1, shape[2], 2));
          check(x.slice(1, 0, 1).expand(shape), other);
        }
      }
}

TEST_F(AlongDim, LongLinesKeepTheirPrecision) {
  manual_seed(2);
  const Tensor x = randn({2, 100000});
  expect_along(kernels::softmax().log_softmax, kFloat32, 1, {x}, log_softmax_of, 2e-6);
  expect_along(kernels::softmax().softmax, kFloat32, 1, {x}, softmax_of, 2e-6);
  expect_along(kernels::scans().cumsum, kFloat32, 1, {rand({2, 100000})}, cumsum_of, 2e-5);
}

TEST_F(AlongDim, IntegersAreConvertedOnTheWay) {
  const Tensor x = tensor({3, 1, 2}, kInt32);
  EXPECT_EQ(cumsum(x, 0).to_vector<int64_t>(), (std::vector<int64_t>{3, 4, 6}));
  EXPECT_EQ(cumsum(ones({70, 20}, kBool), 0).to_vector<int64_t>()[69 * 20], 70);
  EXPECT_EQ(cumsum(ones({20, 70}, kUInt8), 1).to_vector<int64_t>()[69], 70);
}

TEST_F(AlongDim, SoftmaxOfFarApartNumbers) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (DType dtype : {kFloat32, kFloat64})
    for (int64_t n : {3, 16, 40}) {
      Tensor x = full({n, 20}, -inf, dtype);
      for (int64_t j = 0; j < 20; ++j)
        x.slice(0, j % n, j % n + 1).slice(1, j, j + 1).fill_(j * 50.0);
      x.slice(0, 0, 1).slice(1, 5, 6).fill_(nan);
      x.slice(1, 6, 7).fill_(-inf);
      for (const bool rows : {false, true}) {
        const Tensor y = rows ? softmax(x.t().contiguous(), 1).t() : softmax(x, 0);
        const auto values = y.to(kFloat64).to_vector<double>();
        for (int64_t i = 0; i < n; ++i)
          for (int64_t j = 0; j < 20; ++j) {
            const double value = values[static_cast<size_t>(i * 20 + j)];
            if (j == 5 || j == 6)
              EXPECT_TRUE(std::isnan(value)) << i << " " << j;
            else
              EXPECT_EQ(value, i == j % n ? 1.0 : 0.0) << i << " " << j;
          }
      }
    }
}

// exp(x - max) over its whole range; then a sum, a division and a product.
TEST_F(AlongDim, SoftmaxOfTwoIsExactToAFewUlp) {
  const int64_t n = 20000;
  Tensor x = zeros({n, 2});
  for (int64_t i = 0; i < n; ++i) x.data<float>()[2 * i] = -87.0f * static_cast<float>(i) / n;
  const auto y = softmax(x, 1).to_vector<float>();
  for (int64_t i = 0; i < n; ++i) {
    const double e = std::exp(static_cast<double>(x.data<float>()[2 * i]));
    const double expected = e / (1 + e);
    EXPECT_NEAR(y[static_cast<size_t>(2 * i)], expected, expected * 3.6e-7) << i;
  }
}

TEST_F(AlongDim, TheSameBitsForAnyNumberOfThreads) {
  manual_seed(3);
  const Tensor x = randn({300, 500});
  const auto all = [&] {
    std::vector<float> bits;
    for (const Tensor& view : {x, x.t(), x.slice(1, 0, 500, 2)})
      for (int64_t d : {0, 1})
        for (const Tensor& y : {softmax(view, d), log_softmax(view, d), cumsum(view, d)}) {
          const auto values = y.to_vector<float>();
          bits.insert(bits.end(), values.begin(), values.end());
        }
    return bits;
  };
  set_num_threads(1);
  const auto expected = all();
  for (int threads = 2; threads <= 8; ++threads) {
    set_num_threads(threads);
    EXPECT_EQ(all(), expected) << threads << " threads";
  }
}

}  // namespace
}  // namespace bb::detail
