// Reductions of integers and bools, of nothing, and how their errors grow.
#include "bb/autograd/ops/reduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "bb/autograd/testing.h"
#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

using Whole = std::vector<int64_t>;
Whole whole(const Tensor& x) { return x.to(kInt64).to_vector<int64_t>(); }

TEST(Reduce, IntegersAndBools) {
  for (DType dtype : {kUInt8, kInt32, kInt64}) {
    const Tensor x = tensor({{3, 0, 2}, {1, 5, 5}}, dtype);
    EXPECT_EQ(x.prod(1).dtype(), kInt64);
    EXPECT_EQ(whole(x.prod(1)), (Whole{0, 25}));
    EXPECT_EQ(whole(x.prod()), Whole{0});
    EXPECT_EQ(whole(x.cumprod(1)), (Whole{3, 0, 0, 1, 5, 25}));
    EXPECT_EQ(x.cumprod(0).dtype(), kInt64);
    for (const auto& [y, expected] :
         std::vector<std::pair<Tensor, Whole>>{{x.min(), {0}},
                                               {x.amin(1), {0, 1}},
                                               {x.amax({0, 1}), {5}},
                                               {x.median(), {2}},
                                               {x.median(1).values, {2, 5}},
                                               {x.min(0).values, {1, 0, 2}}}) {
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_EQ(whole(y), expected);
    }
    EXPECT_EQ(whole(x.median(1).indices), (Whole{2, 1})) << "the first of equal ones";
    EXPECT_EQ(whole(x.argmin(1)), (Whole{1, 0}));
    EXPECT_EQ(whole(x.any(1)), (Whole{1, 1}));
    EXPECT_EQ(whole(x.all(1)), (Whole{0, 1}));
    EXPECT_EQ(x.all().dtype(), dtype == kUInt8 ? kUInt8 : kBool);
    EXPECT_EQ(whole(x.count_nonzero({1})), (Whole{2, 3}));
    EXPECT_EQ(x.logsumexp(0).dtype(), kFloat32);
  }
  const Tensor b = tensor({true, false, true});
  EXPECT_EQ(whole(b.prod()), Whole{0});
  EXPECT_EQ(b.prod().dtype(), kInt64);
  EXPECT_EQ(whole(b.cumprod(0)), (Whole{1, 0, 0}));
  EXPECT_EQ(b.amax().dtype(), kBool);
  EXPECT_EQ(whole(b.amin()), Whole{0});
  EXPECT_TRUE(b.any().item<bool>());
  EXPECT_FALSE(b.all().item<bool>());
}

TEST(Reduce, IntegerProductsWrap) {
  const Tensor x = full({65}, 2);
  EXPECT_EQ(whole(x.prod()), Whole{0});
  EXPECT_EQ(whole(x.slice(0, 0, 63).prod()), Whole{std::numeric_limits<int64_t>::min()});
}

TEST(Reduce, OfNothing) {
  const Tensor x = ones({2, 0});
  EXPECT_EQ(x.prod().item<float>(), 1);
  EXPECT_EQ(x.prod(1).to_vector<float>(), (std::vector<float>{1, 1}));
  EXPECT_EQ(whole(x.any(1)), (Whole{0, 0}));
  EXPECT_EQ(whole(x.all(1)), (Whole{1, 1}));
  EXPECT_EQ(x.logsumexp(1).to_vector<float>()[1], -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(x.var().item<float>()));
  EXPECT_EQ(x.norm().item<float>(), 0);
  EXPECT_EQ(x.norm(3, {1}).to_vector<float>(), (std::vector<float>{0, 0}));
  const Tensor leaf = ones({2, 0}).requires_grad_();
  (leaf.prod(1).sum() + leaf.cumprod(1).sum() + leaf.logsumexp({1}).exp().sum()).backward();
  EXPECT_EQ(leaf.grad().shape(), (Shape{2, 0}));
}

TEST(Reduce, MedianOfManyLinesForAnyNumberOfThreads) {
  manual_seed(3);
  const Tensor x = randn({40, 301, 3});
  const int before = num_threads();
  const auto alone = [&] {
    set_num_threads(1);
    return x.median(1);
  }();
  set_num_threads(4);
  const auto shared = x.median(1);
  set_num_threads(before);
  EXPECT_EQ(alone.values.to_vector<float>(), shared.values.to_vector<float>());
  EXPECT_EQ(whole(alone.indices), whole(shared.indices));
  std::vector<float> line = x.slice(0, 7, 8).slice(2, 1, 2).contiguous().to_vector<float>();
  std::sort(line.begin(), line.end());
  EXPECT_EQ(alone.values.contiguous().to_vector<float>()[7 * 3 + 1], line[150]);
}

// Zeros at every place, several at once: gradients that divide by an element would be NaN there.
TEST(Reduce, ProductsAreDifferentiableThreeTimesAtZeros) {
  for (const Tensor& x :
       {tensor({0.0, 1.5, -2.0}, kFloat64), tensor({1.5, 0.0, -2.0, 0.0}, kFloat64),
        tensor({1.5, -2.0, 0.0}, kFloat64), tensor({0.0, 0.0, 0.0}, kFloat64)}) {
    const auto gradient = [](auto f) {
      return [f](const Tensor& v) {
        const GradMode recording(true);  // finite differences call this without recording
        const Tensor at = v.requires_grad() ? v : v.detach().requires_grad_();
        return autograd::grad(f(at).sum(), {at}, {}, {.create_graph = true})[0];
      };
    };
    const auto product = [](const Tensor& v) { return prod(v, 0); };
    const auto products = [](const Tensor& v) { return cumprod(v, 0) * cumprod(v, 0); };
    EXPECT_GRADGRADCHECK(gradient(product), std::vector<Tensor>{x});
    EXPECT_GRADGRADCHECK(gradient(products), std::vector<Tensor>{x});
  }
}

// ---- Accuracy

// Relative to sums of the elements' sizes, in units of float32's rounding error.
double error_in_units(double actual, double right, double size) {
  return std::abs(actual - right) / (size * 0x1p-24);
}

struct Totals {
  double sum = 0, size = 0, squares = 0;
};

// Errors of results over n random elements, each along rows or along columns: of lines that lie
// side by side, the worst one's.
struct Errors {
  double sum = 0, mean = 0, norm = 0, var = 0;
};

Errors errors(int64_t n, bool columns) {
  const int64_t lines = columns ? 16 : 1;
  manual_seed(static_cast<uint64_t>(n));
  // Of one sign, and large against their spread: errors of sums add up, those of a variance that
  // subtracted squares would be its whole size.
  const Tensor x = columns ? rand({n, lines}) + 10.0 : rand({lines, n}) + 10.0;
  const int64_t dim = columns ? 0 : 1;
  const auto sums = x.sum(dim).to_vector<float>(), means = x.mean(dim).to_vector<float>();
  const auto norms = x.norm(2, {dim}).to_vector<float>();
  const auto vars = x.var(dim, {.correction = 0}).to_vector<float>();
  const float* data = x.data<float>();
  Errors worst;
  for (int64_t line = 0; line < lines; ++line) {
    const auto at = [&](int64_t i) {
      return static_cast<double>(data[columns ? i * lines + line : line * n + i]);
    };
    long double sum = 0, squares = 0, deviations = 0;
    for (int64_t i = 0; i < n; ++i) {
      sum += at(i);
      squares += at(i) * at(i);
    }
    const double mean = static_cast<double>(sum / n);
    for (int64_t i = 0; i < n; ++i) deviations += (at(i) - mean) * (at(i) - mean);
    const auto l = static_cast<size_t>(line);
    const auto worse = [](double& so_far, float actual, double right) {
      so_far = std::max(so_far, error_in_units(static_cast<double>(actual), right, right));
    };
    worse(worst.sum, sums[l], static_cast<double>(sum));
    worse(worst.mean, means[l], mean);
    worse(worst.norm, norms[l], static_cast<double>(std::sqrt(squares)));
    worse(worst.var, vars[l], static_cast<double>(deviations / n));
  }
  return worst;
}

// Added one after the other, 2^24 such numbers lose thousands of units. Blocks of some 32 and pairs
// of these lose little more for each doubling.
TEST(Reduce, Float32ErrorsGrowNoFasterThanLogN) {
  for (bool columns : {false, true}) {
    for (int64_t log = 8; log <= (columns ? 20 : 24); log += 4) {
      const Errors e = errors(int64_t{1} << log, columns);
      const double most = 3 + static_cast<double>(log) / 8;
      EXPECT_LE(e.sum, most) << "of 2^" << log;
      EXPECT_LE(e.mean, most) << "of 2^" << log;
      EXPECT_LE(e.norm, most) << "of 2^" << log;
      EXPECT_LE(e.var, most) << "of 2^" << log;
    }
  }
}

// The yardstick itself: a sum in order fails it.
TEST(Reduce, SumsInOrderLoseMore) {
  manual_seed(1 << 22);
  const auto x = (rand({1 << 22}) + 10.0).to_vector<float>();
  float in_order = 0;
  double right = 0;
  for (float value : x) {
    in_order += value;
    right += static_cast<double>(value);
  }
  EXPECT_GT(error_in_units(static_cast<double>(in_order), right, right), 50);
}

TEST(Reduce, VarianceFarFromZero) {
  // Squares minus the squared mean would leave nothing of it in float32.
  const Tensor x = tensor({10000.0, 10001.0, 10002.0, 10003.0});
  EXPECT_FLOAT_EQ(x.var().item<float>(), 5.0f / 3);
  EXPECT_FLOAT_EQ(x.std(0, {.correction = 0}).item<float>(), std::sqrt(1.25f));
}

TEST(Reduce, LogsumexpDoesNotOverflow) {
  const Tensor x = tensor({1000.0, 1000.0, -1000.0});
  EXPECT_FLOAT_EQ(x.logsumexp(0).item<float>(), 1000 + std::log(2.0f));
  EXPECT_FLOAT_EQ((-x - 2000.0).logsumexp(0).item<float>(), -1000);
}

TEST(ReducedDType, ConvertsElementsFirst) {
  const Tensor x = tensor({1.75, 2.5, 3.0}), u = tensor({200, 100}, kUInt8);
  const Tensor i = tensor({1, 2});
  for (const auto& [y, dtype, expected] : std::vector<std::tuple<Tensor, DType, Whole>>{
           {x.sum(0, false, kInt64), kInt64, {6}},  // elements lose their fractions first
           {sum(u, {}, false, kUInt8), kUInt8, {44}},
           {sum(i, {0}, true, kInt32), kInt32, {3}},
           {sum(tensor({1, -1}), {}, false, kBool), kBool, {1}},
           {i.mean({}, false, kFloat64), kFloat64, {1}},
           {x.prod(0, false, kInt64), kInt64, {6}},
           {i.prod(0, true, kFloat64), kFloat64, {2}},
           {u.cumsum(0, kUInt8), kUInt8, {200, 44}},
           {x.cumsum(0, kInt32), kInt32, {1, 3, 6}},
           {i.cumprod(0, kFloat32), kFloat32, {1, 2}}}) {
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(whole(y), expected);
  }
  const Tensor many = full({1 << 20}, 0.1);
  EXPECT_NEAR(sum(many, {}, false, kFloat64).item<double>(), (1 << 20) * double{0.1f}, 1e-6);
  Tensor leaf = tensor({1.0, 2.0}).requires_grad_();
  leaf.prod(0, false, kFloat64).backward();
  EXPECT_EQ(leaf.grad().to_vector<float>(), (std::vector<float>{2, 1}));
  expect_error<DTypeError>([&] { i.mean({}, false, kInt64); },
                           "mean: int64 holds no mean\n  x int64 [2]");
}

TEST(Extrema, OfTwoTensorsElementByElement) {
  const Tensor a = tensor({1, 5, 3}), b = tensor({4, 2, 3});
  EXPECT_EQ(whole(max(a, b)), (Whole{4, 5, 3}));
  EXPECT_EQ(whole(min(a, b)), (Whole{1, 2, 3}));
  EXPECT_EQ(whole(a.max(tensor(2))), (Whole{2, 5, 3}));
  EXPECT_EQ(whole(a.min(tensor(2))), (Whole{1, 2, 2}));
}

}  // namespace
}  // namespace bb
