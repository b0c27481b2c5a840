#include "bb/core/reduction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "bb/bb.h"

namespace bb::detail {
namespace {

using kernels::reductions;

class Reductions : public ::testing::Test {
 protected:
  ~Reductions() override { set_num_threads(before_); }
  const int before_ = num_threads();
};

// Elements of x as doubles, by the index of what is kept and then in the order of the reduced dims.
std::vector<std::vector<double>> groups(const Tensor& x, const ReducedDims& reduced) {
  const Tensor copy = x.to(kFloat64).contiguous();
  int64_t count = 1;
  for (int64_t d = 0; d < x.dim(); ++d)
    if (!reduced[static_cast<size_t>(d)]) count *= x.shape()[d];
  std::vector<std::vector<double>> result(static_cast<size_t>(count));
  const double* data = copy.data<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    int64_t rest = i, group = 0, factor = 1;
    for (int64_t d = x.dim() - 1; d >= 0; --d) {
      const int64_t at = rest % x.shape()[d];
      rest /= x.shape()[d];
      if (reduced[static_cast<size_t>(d)]) continue;
      group += at * factor;
      factor *= x.shape()[d];
    }
    result[static_cast<size_t>(group)].push_back(data[i]);
  }
  return result;
}

using Reference = std::function<double(const std::vector<double>&)>;

void expect_reduced(const kernels::Reduction& f, const Tensor& x, const ReducedDims& reduced,
                    DType dtype, const Reference& reference, double relative) {
  const Tensor y = reduce(f, x, reduced, dtype);
  EXPECT_TRUE(y.is_contiguous());
  EXPECT_EQ(y.dtype(), dtype);
  const auto actual = y.to(kFloat64).to_vector<double>();
  const auto expected = groups(x, reduced);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    const double right = reference(expected[i]);
    double size = 1 + std::abs(right);
    for (double value : expected[i]) size += std::abs(value);
    ASSERT_NEAR(actual[i], right, relative * size)
        << fmt::format("result {}, x {} with strides {}", i, x.shape(), x.strides());
  }
}

double sum_of(const std::vector<double>& x) {
  double sum = 0;
  for (double value : x) sum += value;
  return sum;
}
double sum_of_squares(const std::vector<double>& x) {
  double sum = 0;
  for (double value : x) sum += value * value;
  return sum;
}
double max_of(const std::vector<double>& x) { return *std::max_element(x.begin(), x.end()); }
double min_of(const std::vector<double>& x) { return *std::min_element(x.begin(), x.end()); }

// Views of all kinds: permuted, with gaps, repeated.
std::vector<Tensor> views(const Tensor& x) {
  std::vector<Tensor> result;
  Shape order{0, 1, 2, 3};
  do {
    const Tensor view = x.permute(order);
    result.push_back(view);
    result.push_back(view.slice(1, 0, view.size(1), 2).slice(3, 1, view.size(3)));
  } while (std::next_permutation(order.begin(), order.end()));
  result.push_back(x.slice(0, 0, 1).expand({4, x.size(1), x.size(2), x.size(3)}));
  result.push_back(x.slice(3, 0, 1).expand({x.size(0), x.size(1), x.size(2), 9}));
  return result;
}

std::vector<ReducedDims> all_choices() {
  std::vector<ReducedDims> result;
  for (unsigned mask = 0; mask < 16; ++mask) {
    ReducedDims reduced{};
    for (size_t d = 0; d < 4; ++d) reduced[d] = ((mask >> d) & 1) != 0;
    result.push_back(reduced);
  }
  return result;
}

TEST_F(Reductions, OverAnyDimsOfAnyStrides) {
  manual_seed(1);
  for (const Shape& shape : {Shape{3, 5, 2, 19}, Shape{2, 40, 3, 70}})
    for (const Tensor& x : views(randn(shape)))
      for (const ReducedDims& reduced : all_choices()) {
        expect_reduced(reductions().sum, x, reduced, kFloat32, sum_of, 1e-6);
        expect_reduced(reductions().max, x, reduced, kFloat32, max_of, 0);
      }
}

TEST_F(Reductions, OfEachFormulaAndDType) {
  manual_seed(2);
  const Tensor base = randn({4, 33, 2, 50}) * 5.0;
  ReducedDims rows{false, false, false, true}, columns{false, true, false, false};
  for (const ReducedDims& reduced : {rows, columns, ReducedDims{true, true, true, true}}) {
    for (DType dtype : {kFloat32, kFloat64}) {
      const Tensor x = base.to(dtype);
      const double e = dtype == kFloat32 ? 1e-6 : 1e-14;
      expect_reduced(reductions().sum, x, reduced, dtype, sum_of, e);
      expect_reduced(reductions().sum_squares, x, reduced, dtype, sum_of_squares, 30 * e);
      const auto prod = [](const std::vector<double>& values) {
        double product = 1;
        for (double value : values) product *= value;
        return product;
      };
      expect_reduced(reductions().prod, x / 30.0 + 1.0, reduced, dtype, prod, 10 * e);
    }
    for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64}) {
      const Tensor x = base.pow(2).to(dtype);
      expect_reduced(reductions().max, x, reduced, dtype, max_of, 0);
      expect_reduced(reductions().min, x, reduced, dtype, min_of, 0);
      if (!is_floating_point(dtype))
        expect_reduced(reductions().sum, x, reduced, kInt64, sum_of, 0);
    }
  }
}

TEST_F(Reductions, OfNothingGiveTheNeutralElement) {
  const Tensor x = zeros({3, 0, 2});
  const ReducedDims middle{false, true, false};
  EXPECT_EQ(reduce(reductions().sum, x, middle, kFloat32).to_vector<float>(),
            std::vector<float>(6, 0));
  EXPECT_EQ(reduce(reductions().prod, x, middle, kFloat32).to_vector<float>(),
            std::vector<float>(6, 1));
  EXPECT_EQ(reduce(reductions().sum, x, {true, false, false}, kFloat32).shape(), (Shape{0, 2}));
  EXPECT_EQ(reduce(reductions().max, x, middle, kFloat32).to_vector<float>()[0],
            -std::numeric_limits<float>::infinity());
}

TEST_F(Reductions, TheSameBitsForAnyNumberOfThreads) {
  manual_seed(3);
  const Tensor wide = randn({700, 1100}), tall = randn({90000, 11}), cube = randn({20, 300, 40});
  const auto all = [&] {
    std::vector<float> bits;
    for (const Tensor& x : {wide, tall, wide.t(), wide.slice(1, 0, 1100, 3), cube.transpose(1, 2)})
      for (int64_t d = -1; d < x.dim(); ++d) {
        ReducedDims reduced{};
        for (int64_t i = 0; i < x.dim(); ++i) reduced[static_cast<size_t>(i)] = d < 0 || i == d;
        const Tensor y = reduce(reductions().sum, x, reduced, kFloat32);
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

TEST_F(Reductions, GapsDoNotChangeTheBits) {
  manual_seed(4);
  const Tensor gaps = randn({50, 6000}).slice(1, 0, 6000, 2).slice(0, 0, 50, 3);
  for (int64_t d : {0, 1})
    EXPECT_EQ(gaps.sum(d).to_vector<float>(), gaps.contiguous().sum(d).to_vector<float>());
}

TEST_F(Reductions, ErrorsOfLongSumsGrowLikeTheLogarithm) {
  const int64_t n = 1 << 22;
  const Tensor x = full({n}, 0.1, kFloat32);
  const double exact = static_cast<double>(n) * static_cast<double>(0.1f);
  EXPECT_NEAR(sum(x).item<double>(), exact, exact * 1e-6);
  EXPECT_NEAR(sum(x.view({n / 4, 4}), {0}).to_vector<float>()[1], exact / 4, exact * 1e-6);
  EXPECT_NEAR(sum(x.view({n / 64, 64}), {0}).to_vector<float>()[1], exact / 64, exact / 64 * 1e-6);
}

TEST_F(Reductions, IntegerSumsWrap) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(sum(tensor({most, int64_t{1}})).item<int64_t>(), std::numeric_limits<int64_t>::min());
}

// ---- Places

void expect_picked(const Tensor& x, int64_t dim, bool largest) {
  const MaxResult found =
      reduce_with_places(largest ? reductions().argmax : reductions().argmin, x, dim);
  ReducedDims reduced{};
  reduced[static_cast<size_t>(dim)] = true;
  const auto lines = groups(x, reduced);
  const auto values = found.values.to(kFloat64).to_vector<double>();
  const auto places = found.indices.to_vector<int64_t>();
  ASSERT_EQ(values.size(), lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    size_t best = 0;
    for (size_t j = 1; j < lines[i].size() && !std::isnan(lines[i][best]); ++j) {
      const double a = lines[i][j], b = lines[i][best];
      if (std::isnan(a) || (largest ? a > b : a < b)) best = j;
    }
    ASSERT_EQ(places[i], static_cast<int64_t>(best)) << fmt::format("{} along {}", x.shape(), dim);
    if (std::isnan(lines[i][best]))
      ASSERT_TRUE(std::isnan(values[i]));
    else
      ASSERT_EQ(values[i], lines[i][best]);
  }
}

TEST_F(Reductions, PicksTheFirstOfTheBest) {
  manual_seed(5);
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64})
    for (const Shape& shape : {Shape{7, 5}, Shape{3, 700}, Shape{700, 3}, Shape{300, 40},
                               Shape{2, 9000}, Shape{9000, 20}, Shape{1, 1}}) {
      const Tensor x = (rand(shape) * 50.0).to(dtype);  // many ties
      for (bool largest : {true, false})
        for (int64_t dim : {0, 1}) {
          expect_picked(x, dim, largest);
          expect_picked(x.t(), dim, largest);
          expect_picked(x.slice(0, 0, shape[0], 2), dim, largest);
        }
    }
}

TEST_F(Reductions, PicksTheFirstNaN) {
  manual_seed(6);
  for (const Shape& shape : {Shape{5, 9}, Shape{3, 2000}, Shape{2000, 30}, Shape{2, 20000}}) {
    Tensor x = randn(shape);
    for (int64_t i = 0; i < x.numel(); i += x.numel() / 7 + 1)
      x.data<float>()[(i * 31 + 17) % x.numel()] = std::numeric_limits<float>::quiet_NaN();
    for (int64_t dim : {0, 1}) {
      expect_picked(x, dim, true);
      expect_picked(x, dim, false);
    }
    const auto nan = reduce(reductions().max, x, {true, true}, kFloat32);
    EXPECT_TRUE(std::isnan(nan.item<float>()));
  }
}

TEST_F(Reductions, LinesOfInfinitiesHaveAPlace) {
  const float inf = std::numeric_limits<float>::infinity();
  for (int64_t n : {1, 20, 3000}) {
    expect_picked(full({n, 20}, -inf, kFloat32), 0, true);
    expect_picked(full({20, n}, -inf, kFloat32), 1, true);
    expect_picked(full({20, n}, inf, kFloat32), 1, false);
  }
}

}  // namespace
}  // namespace bb::detail
