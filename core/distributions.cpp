#include <algorithm>
#include <cmath>
#include <vector>

#include "bb/core/checks.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"
#include "bb/core/parallel.h"
#include "bb/core/philox.h"
#include "bb/core/random.h"

/// normal, bernoulli and multinomial of bb/core/random.h: draws whose parameters are tensors.
namespace bb {

using kernels::elementwise;

namespace {

void check_floating(const char* op, const char* role, const Tensor& x) {
  detail::check_defined(op, {{role, x}});
  if (!is_floating_point(x.dtype()))
    throw DTypeError(
        fmt::format("{}: {} must be floating point\n  {} {}", op, role, role, describe(x)));
}

void check_deviations(const Tensor& std) {
  check_floating("normal", "std", std);
  const Tensor wide = detail::converted(std.detach(), kFloat64).contiguous();
  const double* first = wide.data<double>();
  const auto is_bad = [](double value) { return !(value >= 0); };
  const double* found = std::find_if(first, first + wide.numel(), is_bad);
  if (found != first + wide.numel())
    throw ValueError(
        fmt::format("normal: std must not be negative, got {} at position {}\n  std {}", *found,
                    detail::position(std.shape(), found - first), std.shape()));
}

}  // namespace

Tensor normal(const Tensor& mean, const Tensor& std, Generator& generator) {
  check_floating("normal", "mean", mean);
  check_deviations(std);
  const Shape shape = detail::broadcast("normal", {{"mean", mean}, {"std", std}});
  const Tensor z = randn(shape, detail::result_type(mean, std), generator);
  return detail::apply("normal", elementwise().add,
                       detail::apply("normal", elementwise().mul, z, std), mean);
}

Tensor normal(const Tensor& mean, double std, Generator& generator) {
  check_floating("normal", "mean", mean);
  const Tensor z =
      detail::fill_normal("normal", Tensor::empty(mean.shape(), mean.dtype()), 0, std, generator);
  return detail::apply("normal", elementwise().add, z, mean);
}

Tensor normal(double mean, const Tensor& std, Generator& generator) {
  check_deviations(std);
  const Tensor z = randn(std.shape(), std.dtype(), generator);
  return detail::apply("normal", elementwise().add,
                       detail::apply("normal", elementwise().mul, z, std), mean);
}

Tensor normal(double mean, double std, const Shape& shape, Generator& generator) {
  detail::checked_numel("normal", shape, kFloat32);
  return detail::fill_normal("normal", Tensor::empty(shape), mean, std, generator);
}

// Both compare 53 random bits with the probability, so that small ones are right too.
Tensor bernoulli(const Tensor& probabilities, Generator& generator) {
  check_floating("bernoulli", "probabilities", probabilities);
  const Tensor p = detail::converted(probabilities.detach(), kFloat64).contiguous();
  const double* first = p.data<double>();
  const double* last = first + p.numel();
  const double* found =
      std::find_if(first, last, [](double value) { return !(value >= 0 && value <= 1); });
  if (found != last)
    throw ValueError(fmt::format(
        "bernoulli: probabilities must lie in [0, 1], got {} at position {}\n  probabilities {}",
        *found, detail::position(p.shape(), found - first), p.shape()));
  const Tensor u = rand(p.shape(), kFloat64, generator);
  return detail::converted(detail::compare("bernoulli", elementwise().lt, u, p),
                           probabilities.dtype());
}

Tensor bernoulli(const Tensor& x, double p, Generator& generator) {
  detail::check_defined("bernoulli", x);
  if (!(p >= 0 && p <= 1))
    throw ValueError(fmt::format("bernoulli: p must lie in [0, 1], got {}\n  x {}", p, x.shape()));
  const Tensor u = rand(x.shape(), kFloat64, generator);
  return detail::converted(detail::compare("bernoulli", elementwise().lt, u, Scalar(p)), x.dtype());
}

namespace {

// One row of weights: as many as can be drawn, and their sum.
struct Row {
  int64_t positive = 0;
  double sum = 0;
};

Row check_row(const double* weights, int64_t n, int64_t row, const Shape& shape) {
  Row result;
  for (int64_t i = 0; i < n; ++i) {
    if (!(weights[i] >= 0 && std::isfinite(weights[i])))
      throw ValueError(
          fmt::format("multinomial: weights must be finite and not negative, got {} at index {} of "
                      "row {}\n  weights {}",
                      weights[i], i, row, shape));
    result.positive += weights[i] > 0;
    result.sum += weights[i];
  }
  if (result.positive == 0 || !std::isfinite(result.sum))
    throw ValueError(fmt::format("multinomial: the weights of row {} sum to {}\n  weights {}", row,
                                 result.sum, shape));
  return result;
}

// Draw number k of `count` takes random block first + k.
void draw_with_replacement(const double* weights, int64_t n, uint64_t seed, uint64_t first,
                           int64_t count, int64_t* drawn) {
  std::vector<double> sums(static_cast<size_t>(n));
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sums[static_cast<size_t>(i)] = sum += weights[i];
  // Rounding may give u * sum = sum.
  const auto last = std::lower_bound(sums.begin(), sums.end(), sum) - sums.begin();
  for (int64_t k = 0; k < count; ++k) {
    const detail::Block bits = detail::philox(seed, first + static_cast<uint64_t>(k));
    const double u = detail::unit_double(bits.word[0], bits.word[1]);
    // The first sum above u * sum: one that its own weight raised, so not 0.
    const auto found = std::upper_bound(sums.begin(), sums.end(), u * sum) - sums.begin();
    drawn[k] = std::min<int64_t>(found, last);
  }
}

// The least of e / weight, e exponential, are drawn first; compared as logarithms, which neither
// overflow nor lose small weights. Index i takes random block first + i.
void draw_without_replacement(const double* weights, int64_t n, uint64_t seed, uint64_t first,
                              int64_t count, int64_t* drawn) {
  std::vector<std::pair<double, int64_t>> keys;
  for (int64_t i = 0; i < n; ++i) {
    if (weights[i] == 0) continue;
    const detail::Block bits = detail::philox(seed, first + static_cast<uint64_t>(i));
    const double e = -std::log1p(-detail::unit_double(bits.word[0], bits.word[1]));
    keys.emplace_back(std::log(e) - std::log(weights[i]), i);
  }
  std::partial_sort(keys.begin(), keys.begin() + count, keys.end());
  for (int64_t k = 0; k < count; ++k) drawn[k] = keys[static_cast<size_t>(k)].second;
}

}  // namespace

Tensor multinomial(const Tensor& weights, int64_t count, bool replacement, Generator& generator) {
  check_floating("multinomial", "weights", weights);
  if (weights.dim() != 1 && weights.dim() != 2)
    throw ShapeError(fmt::format("multinomial: weights must be [n] or [rows, n]\n  weights {}",
                                 weights.shape()));
  if (count < 1)
    throw ValueError(fmt::format("multinomial: count must be at least 1, got {}\n  weights {}",
                                 count, weights.shape()));
  const bool is_row = weights.dim() == 1;
  const int64_t rows = is_row ? 1 : weights.size(0), n = weights.size(-1);
  const Tensor wide = detail::converted(weights.detach(), kFloat64).contiguous();
  const double* data = wide.data<double>();
  for (int64_t row = 0; row < rows; ++row) {
    const Row checked = check_row(data + row * n, n, row, weights.shape());
    if (!replacement && checked.positive < count)
      throw ValueError(fmt::format(
          "multinomial: {} draws without replacement, but only {} weights of row {} are above 0\n"
          "  weights {}",
          count, checked.positive, row, weights.shape()));
  }
  Tensor drawn = Tensor::empty(is_row ? Shape{count} : Shape{rows, count}, kInt64);
  int64_t* out = drawn.data<int64_t>();
  const int64_t blocks = replacement ? count : n;  // of random numbers, a row
  const uint64_t seed = generator.seed();
  const uint64_t first = generator.reserve(static_cast<uint64_t>(rows * blocks));
  const auto draw = replacement ? draw_with_replacement : draw_without_replacement;
  parallel_for(rows, 40 * static_cast<double>(n + count), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      draw(data + row * n, n, seed, first + static_cast<uint64_t>(row * blocks), count,
           out + row * count);
  });
  return drawn;
}

}  // namespace bb
