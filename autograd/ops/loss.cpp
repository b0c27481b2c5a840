#include "bb/autograd/ops/loss.h"

#include <cmath>
#include <numbers>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/loss_parts.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {

using detail::check_floating;
using detail::check_reduction;
using detail::check_same_shape;
using detail::reduced;

namespace {

// Throws DTypeError where x - target is not floating point.
void check_difference(const char* op, const Tensor& x, const Tensor& target) {
  if (!is_floating_point(promote_types(x.dtype(), target.dtype())))
    throw DTypeError(
        fmt::format("{}: x or target must be floating point\n  {}\n"
                    "  hint: convert with to(kFloat32)",
                    op, detail::text_of({{"x", x}, {"target", target}})));
}

// d^2 / 2 where |d| < delta, else delta (|d| - delta / 2): one formula, that an infinite d does not
// make NaN.
Tensor huber(const Tensor& d, double delta) {
  const Tensor near = clamp(d, -delta, delta);
  return near * (d - near * 0.5);
}

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& target, const LossOptions& options) {
  check_same_shape("mse_loss", x, "x", target, "target");
  check_reduction("mse_loss", options.reduction);
  check_difference("mse_loss", x, target);
  const Tensor difference = x - target;
  return reduced(difference * difference, options.reduction);
}

Tensor l1_loss(const Tensor& x, const Tensor& target, const LossOptions& options) {
  check_same_shape("l1_loss", x, "x", target, "target");
  check_reduction("l1_loss", options.reduction);
  // Distances of integers have no mean, but a sum.
  if (options.reduction == Reduction::kMean || x.dtype() == kBool || target.dtype() == kBool)
    check_difference("l1_loss", x, target);
  return reduced(abs(x - target), options.reduction);
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, const SmoothL1Options& options) {
  check_same_shape("smooth_l1_loss", x, "x", target, "target");
  check_reduction("smooth_l1_loss", options.reduction);
  check_floating("smooth_l1_loss", x);
  const double beta = options.beta;
  if (!(beta >= 0))
    throw ValueError(
        fmt::format("smooth_l1_loss: beta must not be negative, got {}\n  x {}", beta, x.shape()));
  if (beta == 0) return reduced(abs(x - target), options.reduction);
  return reduced(huber(x - target, beta) * (1 / beta), options.reduction);
}

Tensor huber_loss(const Tensor& x, const Tensor& target, const HuberOptions& options) {
  check_same_shape("huber_loss", x, "x", target, "target");
  check_reduction("huber_loss", options.reduction);
  check_floating("huber_loss", x);
  const double delta = options.delta;
  if (!(delta > 0))
    throw ValueError(
        fmt::format("huber_loss: delta must be positive, got {}\n  x {}", delta, x.shape()));
  return reduced(huber(x - target, delta), options.reduction);
}

Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& var,
                         const GaussianNllOptions& options) {
  constexpr const char* kName = "gaussian_nll_loss";
  check_same_shape(kName, x, "x", target, "target");
  check_reduction(kName, options.reduction);
  check_floating(kName, x);
  check_floating(kName, var, "var");
  Tensor variance = var;
  Shape one = x.shape(), without = x.shape();
  if (x.dim() > 0) {
    one[x.dim() - 1] = 1;
    without.erase(x.dim() - 1);
  }
  if (x.dim() > 0 && var.shape() == without && var.shape() != x.shape())
    variance = unsqueeze(var, -1);
  else if (var.shape() != x.shape() && var.shape() != one)
    throw ShapeError(
        fmt::format("{}: var must have x's shape, or that with a last size of 1 or without it\n"
                    "  x {}   var {}",
                    kName, x.shape(), var.shape()));
  if (!(options.eps > 0))
    throw ValueError(
        fmt::format("{}: eps must be positive, got {}\n  x {}", kName, options.eps, x.shape()));
  const Tensor given = variance.detach();
  if (lt(given, 0).to(kInt64).sum().item<int64_t>() > 0)
    throw ValueError(fmt::format("{}: a variance is negative\n  var {}", kName, describe(var)));
  variance = variance + (clamp(given, options.eps) - given);
  const Tensor d = x - target;
  Tensor losses = (log(variance) + d * d / variance) * 0.5;
  if (options.full) losses = losses + 0.5 * std::log(2 * std::numbers::pi);
  return reduced(losses, options.reduction);
}

Tensor poisson_nll_loss(const Tensor& x, const Tensor& target, const PoissonNllOptions& options) {
  constexpr const char* kName = "poisson_nll_loss";
  check_same_shape(kName, x, "x", target, "target");
  check_reduction(kName, options.reduction);
  check_floating(kName, x);
  Tensor losses = options.log_input ? exp(x) - target * x : x - target * log(x + options.eps);
  if (options.full) {
    // Where target <= 1 there is no such term; a 1 in its place keeps the gradients finite there.
    const Tensor counts = gt(target.detach(), 1);
    const Tensor n = where(counts, target, ones({}, target.dtype()));
    const Tensor stirling = n * log(n) - n + log(n * (2 * std::numbers::pi)) * 0.5;
    losses = losses + where(counts, stirling, zeros({}, target.dtype()));
  }
  return reduced(losses, options.reduction);
}

}  // namespace bb
