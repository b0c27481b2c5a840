#include <algorithm>
#include <cmath>

#include "bb/autograd/gradcheck_function.h"

namespace bb::autograd {
namespace {

// The standard deviation of the rounding errors in v . fn(x): third differences of a smooth
// function over small steps vanish, those of noise grow like sqrt(20). Their median is not moved by
// the few that lie across a kink.
double noise_at(Objective& objective, size_t input, int64_t i, double step) {
  constexpr int kPoints = 17;
  std::vector<double> table;
  for (int k = 0; k < kPoints; ++k)
    table.push_back(objective.difference(input, i, (k - kPoints / 2) * step, 0));
  for (int order = 0; order < 3; ++order) {
    for (size_t k = 0; k + 1 < table.size(); ++k) table[k] = table[k + 1] - table[k];
    table.pop_back();
  }
  for (double& difference : table) difference = std::abs(difference);
  std::nth_element(table.begin(), table.begin() + 7, table.end());
  return table[7] / (0.6745 * std::sqrt(20.0));
}

// Larger steps show rounding that smaller ones fall between.
double noise(Objective& objective, size_t input, int64_t i, double epsilon) {
  double sigma = noise_at(objective, input, i, epsilon / 2);
  for (const double step : {8 * epsilon, 64 * epsilon})
    if (step < 1) sigma = std::max(sigma, noise_at(objective, input, i, step));
  return sigma;
}

bool close(double a, double b, double allowed) { return std::abs(a - b) <= allowed; }

struct Counts {
  int64_t all = 0, right = 0, opposite = 0;
};

}  // namespace

GradcheckVerdict diagnose(Objective& objective, size_t input, int64_t i, const Derivatives& d) {
  const double analytic = d.analytic_at(i), numeric = d.numeric[static_cast<size_t>(i)];
  if (!std::isfinite(numeric) || !std::isfinite(analytic))
    return GradcheckVerdict::kUndefinedGradient;

  const double sigma = noise(objective, input, i, d.epsilon);
  const double error = std::abs(analytic - numeric);
  // Of a quotient of two noisy values 2 epsilon apart, at five standard deviations.
  const double rounding = 5 * sigma / (std::sqrt(2.0) * d.epsilon);
  if (rounding > d.allowed(i) && error <= rounding + d.allowed(i))
    return GradcheckVerdict::kPrecisionTooLow;

  for (const double shrink : {16.0, 256.0}) {
    const double step = d.epsilon / shrink;
    const double from_noise = 5 * sigma / step;
    const double above = objective.difference(input, i, step, 0) / step;
    const double below = objective.difference(input, i, 0, -step) / step;
    const double central = (above + below) / 2;
    const double allowed = d.allowed_for(central) + from_noise;
    // The smaller step no longer sees what the larger one did.
    if (close(central, analytic, allowed) && error > 4 * from_noise) return GradcheckVerdict::kKink;
    // A jump at the point itself: any value between the two sides is a subgradient.
    const double jump = std::abs(above - below);
    const double low = std::min(above, below), high = std::max(above, below);
    if (jump > 4 * (d.allowed_for(high) + from_noise) && analytic >= low - allowed &&
        analytic <= high + allowed)
      return GradcheckVerdict::kKink;
  }
  return d.analytic.defined() ? GradcheckVerdict::kWrongGradient
                              : GradcheckVerdict::kUndefinedGradient;
}

std::string remark_on(const Derivatives& d, const Shape& shape) {
  if (!d.analytic.defined())
    return "backward gives no gradient, but the function depends on this input: it is off the tape "
           "(detach(), no_grad(), item())";
  const auto n = static_cast<int64_t>(d.numeric.size());
  const auto numeric = [&](int64_t i) { return d.numeric[static_cast<size_t>(i)]; };
  Counts counts;
  int64_t largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(numeric(i)) || !std::isfinite(d.analytic_at(i))) return {};
    ++counts.all;
    const double allowed = 2 * d.allowed(i);
    counts.right += close(d.analytic_at(i), numeric(i), allowed);
    counts.opposite +=
        !close(numeric(i), 0, allowed) && close(d.analytic_at(i), -numeric(i), allowed);
    if (std::abs(d.analytic_at(i)) > std::abs(d.analytic_at(largest))) largest = i;
  }
  if (counts.opposite == n) return "the sign is wrong everywhere";
  if (counts.opposite > 0 && counts.opposite + counts.right == n)
    return fmt::format("the sign is wrong in {} of {} elements", counts.opposite, n);
  if (d.analytic_at(largest) == 0) return "the gradient is zero, the derivative is not";

  const double factor = numeric(largest) / d.analytic_at(largest);
  bool is_multiple = n > 1;
  for (int64_t i = 0; i < n; ++i)
    is_multiple &= close(factor * d.analytic_at(i), numeric(i), 4 * d.allowed(i));
  if (is_multiple)
    return fmt::format(
        "the derivative is {:.6g} times the gradient everywhere: a factor is missing", factor);

  if (shape.rank() == 2 && shape[0] > 1 && shape[1] > 1) {
    bool is_transposed = true;
    for (int64_t r = 0; r < shape[0]; ++r)
      for (int64_t c = 0; c < shape[1]; ++c) {
        const int64_t i = r * shape[1] + c;
        is_transposed &= close(d.analytic_at(c * shape[0] + r), numeric(i), 2 * d.allowed(i));
      }
    if (is_transposed) return "the gradient is transposed";
  }
  if (counts.right > 0) return fmt::format("{} of {} elements are wrong", n - counts.right, n);
  return "no factor, sign or transposition explains it: a term is missing, or a branch is off the "
         "tape (detach(), no_grad())";
}

}  // namespace bb::autograd
