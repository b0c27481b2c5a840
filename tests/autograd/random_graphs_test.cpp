// Expressions drawn at random, shapes and ops alike, against finite differences.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "bb/autograd/testing.h"
#include "bb/bb.h"

namespace bb {
namespace {

constexpr int kExpressions = 1000;
constexpr int64_t kMaxElements = 24;  // of a value
constexpr double kMaxSize = 30;       // of an element

using Values = std::vector<Tensor>;
using Step = std::function<Tensor(const Values&)>;

// Random choices of one expression.
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed) {}
  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  double real(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() >> 11) * 0x1p-53;
  }
  Tensor tensor(const Shape& shape) {
    Tensor x = Tensor::empty(shape, kFloat64);
    for (int64_t i = 0; i < x.numel(); ++i) x.data<double>()[i] = real(-1.5, 1.5);
    return x;
  }
  Shape shape() {
    Shape result;
    for (int64_t rank = below(4); rank > 0; --rank)
      result.push_back(below(4) == 0 ? 1 : 1 + below(3));
    return result;
  }
  // A value made so far, late ones more often.
  size_t value(size_t count) {
    return static_cast<size_t>(
        std::max(below(static_cast<int64_t>(count)), below(static_cast<int64_t>(count))));
  }

 private:
  std::mt19937_64 random_;
};

using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);

const std::vector<Unary> kUnary{
    [](const Tensor& x) { return sin(x); },
    [](const Tensor& x) { return cos(x); },
    [](const Tensor& x) { return tanh(x); },
    [](const Tensor& x) { return sigmoid(x); },
    [](const Tensor& x) { return exp(x * 0.3); },
    [](const Tensor& x) { return expm1(x * 0.3); },
    [](const Tensor& x) { return log(square(x) + 1); },
    [](const Tensor& x) { return log1p(square(x)); },
    [](const Tensor& x) { return sqrt(square(x) + 0.5); },
    [](const Tensor& x) { return rsqrt(square(x) + 0.5); },
    [](const Tensor& x) { return reciprocal(square(x) + 1); },
    [](const Tensor& x) { return erf(x); },
    [](const Tensor& x) { return atan(x); },
    [](const Tensor& x) { return asin(tanh(x) * 0.9); },
    [](const Tensor& x) { return square(x); },
    [](const Tensor& x) { return -x; },
    [](const Tensor& x) { return abs(x); },
    [](const Tensor& x) { return relu(x); },
    [](const Tensor& x) { return leaky_relu(x, 0.1); },
    [](const Tensor& x) { return softplus(x); },
    [](const Tensor& x) { return silu(x); },
    [](const Tensor& x) { return gelu(x); },
    [](const Tensor& x) { return mish(x); },
    [](const Tensor& x) { return elu(x); },
    [](const Tensor& x) { return pow(square(x) + 1, 0.7); },
    [](const Tensor& x) { return clamp(x, -0.7, 0.9); },
    [](const Tensor& x) { return x.sum(); },
    [](const Tensor& x) { return x.mean(); },
    [](const Tensor& x) { return x.reshape({-1}); },
    [](const Tensor& x) { return x.reshape({-1}).cumsum(0); },
    [](const Tensor& x) { return x.transpose(0, -1); },
    [](const Tensor& x) {
      return x.unsqueeze(0).expand({2, -1, -1});
    },
    [](const Tensor& x) {
      return x.contiguous().view({1, -1}).t();
    },
};
const std::vector<Binary> kBinary{
    [](const Tensor& a, const Tensor& b) { return a + b; },
    [](const Tensor& a, const Tensor& b) { return a - b; },
    [](const Tensor& a, const Tensor& b) { return a * b; },
    [](const Tensor& a, const Tensor& b) { return a / (square(b) + 1); },
    [](const Tensor& a, const Tensor& b) { return atan2(a, square(b) + 0.5); },
    [](const Tensor& a, const Tensor& b) { return maximum(a, b); },
    [](const Tensor& a, const Tensor& b) { return minimum(a, b); },
    [](const Tensor& a, const Tensor& b) { return where(gt(a, b), a * 2, b); },
    [](const Tensor& a, const Tensor& b) { return lerp(a, b, 0.3); },
    [](const Tensor& a, const Tensor& b) { return pow(square(a) + 1, tanh(b)); },
    [](const Tensor& a, const Tensor& b) { return matmul(a, b); },
    [](const Tensor& a, const Tensor& b) { return matmul(a, b.transpose(-1, -2)); },
    [](const Tensor& a, const Tensor& b) { return outer(a.reshape({-1}), b.reshape({-1})); },
    [](const Tensor& a, const Tensor& b) {
      Tensor c = a * 1;  // a change in place, recorded
      c.mul_(b).add_(a);
      return c;
    },
};
// Along a dim, by number from the back.
using AlongDim = Tensor (*)(const Tensor&, int64_t dim);
const std::vector<AlongDim> kAlongDim{
    [](const Tensor& x, int64_t d) { return x.sum(d); },
    [](const Tensor& x, int64_t d) { return x.mean(d, true); },
    [](const Tensor& x, int64_t d) { return x.prod(d); },
    [](const Tensor& x, int64_t d) { return x.max(d).values; },
    [](const Tensor& x, int64_t d) { return amin(x, {d}, true); },
    [](const Tensor& x, int64_t d) { return logsumexp(x, {d}); },
    [](const Tensor& x, int64_t d) { return softmax(x, d); },
    [](const Tensor& x, int64_t d) { return log_softmax(x, d); },
    [](const Tensor& x, int64_t d) { return cumsum(x, d); },
    [](const Tensor& x, int64_t d) { return flip(x, {d}); },
    [](const Tensor& x, int64_t d) { return x.slice(d, 1, 9); },
    [](const Tensor& x, int64_t d) { return x.select(d, 0); },
    [](const Tensor& x, int64_t d) { return x.unsqueeze(d); },
    [](const Tensor& x, int64_t d) {
      return cat({x, sin(x)}, d);
    },
    [](const Tensor& x, int64_t d) {
      return stack({x, cos(x)}, d);
    },
    [](const Tensor& x, int64_t d) { return sort(x, d).values; },
    [](const Tensor& x, int64_t d) { return roll(x, {1}, {d}); },
};

class Expression {
 public:
  explicit Expression(uint64_t seed) : draw_(seed) {
    for (int64_t leaves = 1 + draw_.below(3); leaves > 0; --leaves)
      inputs.push_back(draw_.tensor(draw_.shape()));
    Values values = inputs;
    const int64_t steps = 2 + draw_.below(9);
    for (int tries = 0; static_cast<int64_t>(steps_.size()) < steps && tries < 200; ++tries) {
      const Step step = draw_step(values.size());
      try {
        const Tensor y = no_grad([&] { return step(values); });
        if (!fits(y)) continue;
        values.push_back(y);
        steps_.push_back(step);
      } catch (const Error&) {
        // Shapes or dims that do not fit: another draw.
      }
    }
  }

  Tensor operator()(const Values& x) const {
    Values values = x;
    for (const Step& step : steps_) values.push_back(step(values));
    return values.back();
  }
  size_t size() const { return steps_.size(); }

  Values inputs;

 private:
  static bool fits(const Tensor& y) {
    if (y.numel() == 0 || y.numel() > kMaxElements || y.dim() > 4) return false;
    for (double value : y.to_vector<double>())
      if (!(std::abs(value) < kMaxSize)) return false;
    return true;
  }

  Step draw_step(size_t count) {
    const size_t a = draw_.value(count), b = draw_.value(count);
    switch (draw_.below(3)) {
      case 0:
        return [a, op = kUnary[pick(kUnary.size())]](const Values& x) { return op(x[a]); };
      case 1:
        return
            [a, b, op = kBinary[pick(kBinary.size())]](const Values& x) { return op(x[a], x[b]); };
      default:
        return [a, d = -1 - draw_.below(3),
                op = kAlongDim[pick(kAlongDim.size())]](const Values& x) { return op(x[a], d); };
    }
  }
  size_t pick(size_t n) { return static_cast<size_t>(draw_.below(static_cast<int64_t>(n))); }

  Draw draw_;
  std::vector<Step> steps_;
};

TEST(RandomGraphs, GradientsAreTheDerivatives) {
  size_t steps = 0;
  for (int seed = 0; seed < kExpressions; ++seed) {
    const Expression expression(static_cast<uint64_t>(seed));
    steps += expression.size();
    SCOPED_TRACE(fmt::format("seed {}", seed));
    EXPECT_GRADCHECK([&](const Values& x) { return expression(x); }, expression.inputs,
                     {.seed = static_cast<uint64_t>(seed)});
  }
  EXPECT_GT(steps, static_cast<size_t>(kExpressions) * 4);
}

TEST(RandomGraphs, SecondGradientsAreTheDerivativesOfTheFirst) {
  for (int seed = 0; seed < kExpressions; seed += 5) {
    const Expression expression(static_cast<uint64_t>(seed));
    SCOPED_TRACE(fmt::format("seed {}", seed));
    EXPECT_GRADGRADCHECK([&](const Values& x) { return expression(x); }, expression.inputs);
  }
}

}  // namespace
}  // namespace bb
