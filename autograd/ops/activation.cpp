#include "bb/autograd/ops/activation.h"

#include <cmath>

#include "bb/autograd/ops/apply_over.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/recompute.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"
#include "bb/core/kernels/activation.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using detail::check_floating;
using kernels::activations;
using Pair = std::array<Tensor, 2>;

// Gradients that are 0, dy or dy times a number, piece by piece, are ops themselves: linear in dy
// and flat in x, so that each is its own pullback. The others are one kernel where nothing asks for
// a second derivative, and a formula of differentiable ops where something does.

Tensor relu_grad(const Tensor& dy, const Tensor& s) {
  Tensor dx = detail::apply("relu_grad", activations().relu_grad, dy, s);
  return record("relu_grad", {dy}, std::move(dx),
                [s = Saved(s)](const Tensor& ddx) { return relu_grad(ddx, *s); });
}

Tensor detail::pull_relu(const Tensor& dy, const Tensor& s) {
  if (is_grad_enabled()) return relu_grad(dy, s.detach());
  return apply_over("relu_grad", activations().relu_grad, dy, s);
}

Tensor relu(const Tensor& x) {
  const auto compute = [](const Tensor& from) {
    return detail::apply("relu", activations().relu, from);
  };
  Tensor y = compute(x);
  const bool again = autograd::wants_grad(x) && autograd::is_recomputed(x);
  Saved saved = again ? Saved(x) : autograd::output_for(x, y);  // either tells where dy passes
  y = record("relu", {x}, std::move(y),
             [s = std::move(saved)](const Tensor& dy) { return detail::pull_relu(dy, *s); });
  if (again) autograd::recompute(y, {x}, compute);
  return y;
}

namespace {

// Records y = compute(x), whose pullback saves x: who saves y need not keep it too.
template <class Compute, class Pullback>
Tensor record_beside_x(const char* name, const Tensor& x, const Compute& compute,
                       Pullback&& pullback) {
  Tensor y = record(name, {x}, compute(x), std::forward<Pullback>(pullback));
  autograd::recompute(y, {x}, compute);
  return y;
}
// The same for y = kernel(x).
template <class Pullback>
Tensor record_beside_x(const char* name, const Tensor& x, const kernels::Elementwise& kernel,
                       Pullback&& pullback) {
  const auto compute = [name, &kernel](const Tensor& from) {
    return detail::apply(name, kernel, from);
  };
  return record_beside_x(name, x, compute, std::forward<Pullback>(pullback));
}

}  // namespace

// ---- Of pieces

namespace {

// A bound that lets whole numbers stay whole where it is.
Scalar bound(double value) {
  const bool is_whole = std::abs(value) < 0x1p53 && std::trunc(value) == value;
  return is_whole ? Scalar(static_cast<int64_t>(value)) : Scalar(value);
}

// dy where x > 0, else dy slope.
Tensor leaky_relu_grad(const Tensor& dy, const Tensor& x, double slope) {
  Tensor dx =
      detail::apply("leaky_relu_grad", activations().leaky_relu_grad, {dy, x, Scalar(slope)});
  return record("leaky_relu_grad", {dy}, std::move(dx), [x = Saved(x), slope](const Tensor& ddx) {
    return leaky_relu_grad(ddx, *x, slope);
  });
}

}  // namespace

Tensor hardtanh(const Tensor& x, double min_val, double max_val) {
  detail::check_defined("hardtanh", x);
  if (!(min_val <= max_val))
    throw ValueError(fmt::format("hardtanh: min_val {} is above max_val {}\n  x {}", min_val,
                                 max_val, x.shape()));
  return clamp(x, bound(min_val), bound(max_val));
}

Tensor relu6(const Tensor& x) {
  detail::check_defined("relu6", x);
  return clamp(x, 0, 6);
}

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  check_floating("leaky_relu", x);
  const auto compute = [negative_slope](const Tensor& from) {
    return detail::apply("leaky_relu", activations().leaky_relu, from, Scalar(negative_slope),
                         {"x", "negative_slope"});
  };
  return record_beside_x("leaky_relu", x, compute,
                         [x = Saved(x), negative_slope](const Tensor& dy) {
                           return leaky_relu_grad(dy, (*x).detach(), negative_slope);
                         });
}

namespace {

// dy where x > 0, else dy w; w broadcasts to x.
Tensor prelu_grad(const Tensor& dy, const Tensor& x, const Tensor& w) {
  Tensor dx = detail::apply("prelu_grad", activations().leaky_relu_grad, {dy, x, w});
  return record("prelu_grad", {dy, w}, std::move(dx),
                [dy = Saved(dy), x = Saved(x), w = Saved(w)](const Tensor& ddx, Needs needs) {
                  Pair grads;
                  if (needs[0]) grads[0] = prelu_grad(ddx, *x, *w);
                  if (needs[1]) grads[1] = where(gt(*x, 0), 0.0, ddx * *dy);
                  return grads;
                });
}

// weight, to be broadcast over x: along dim 1 where it has several elements.
Tensor over_channels(const Tensor& weight, const Tensor& x) {
  const int64_t channels = x.dim() >= 2 ? x.size(1) : 1;
  const bool fits = weight.numel() == 1 || (weight.dim() == 1 && weight.numel() == channels);
  if (weight.dim() > 1 || !fits)
    throw ShapeError(
        fmt::format("prelu: weight must have one element, or one for each of x's {} channels\n"
                    "  x {} (N,C,...)   weight {}",
                    channels, x.shape(), weight.shape()));
  if (weight.numel() == 1) return reshape(weight, {});
  Shape shape = Shape::filled(x.dim(), 1);
  shape[1] = channels;
  return reshape(weight, shape);
}

}  // namespace

Tensor prelu(const Tensor& x, const Tensor& weight) {
  detail::check_defined("prelu", {{"x", x}, {"weight", weight}});
  check_floating("prelu", x);
  if (weight.dtype() != x.dtype())
    throw DTypeError(fmt::format("prelu: x and weight must have one dtype\n  x {}   weight {}",
                                 describe(x), describe(weight)));
  const Tensor w = over_channels(weight, x);
  Tensor y = detail::apply("prelu", activations().leaky_relu, x, w, {"x", "weight"});
  return record("prelu", {x, w}, std::move(y),
                [x = Saved(x), w = Saved(w)](const Tensor& dy, Needs needs) {
                  Pair grads;
                  if (needs[0]) grads[0] = prelu_grad(dy, (*x).detach(), *w);
                  if (needs[1]) grads[1] = where(gt(*x, 0), 0.0, dy * *x);
                  return grads;
                });
}

Tensor hardsigmoid(const Tensor& x) {
  check_floating("hardsigmoid", x);
  return record_beside_x(
      "hardsigmoid", x, activations().hardsigmoid, [x = Saved(x)](const Tensor& dy) {
        if (!is_grad_enabled())
          return detail::apply_over("hardsigmoid_grad", activations().hardsigmoid_grad, dy, *x);
        return where(lt(abs((*x).detach()), 3), dy / 6, 0.0);
      });
}

Tensor hardswish(const Tensor& x) {
  check_floating("hardswish", x);
  return record_beside_x("hardswish", x, activations().hardswish, [x = Saved(x)](const Tensor& dy) {
    const Tensor at = *x;
    if (!is_grad_enabled())
      return detail::apply_over("hardswish_grad", activations().hardswish_grad, dy, at);
    const Tensor rising = where(lt(at, 3), dy * (at / 3 + 0.5), dy);
    return where(le(at, -3), 0.0, rising);
  });
}

// ---- Of exponentials

namespace {

constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
constexpr double kSeluScale = 1.0507009873554804934193349852946;

Tensor scaled_elu(const char* name, const Tensor& x, double alpha, double scale) {
  check_floating(name, x);
  const auto compute = [name, alpha, scale](const Tensor& from) {
    return detail::apply(name, activations().elu, {from, Scalar(alpha), Scalar(scale)});
  };
  return record_beside_x(name, x, compute, [x = Saved(x), alpha, scale](const Tensor& dy) {
    const Tensor at = *x;
    if (!is_grad_enabled())
      return detail::apply("elu_grad", activations().elu_grad,
                           {dy, at, Scalar(alpha), Scalar(scale)});
    return dy * where(le(at, 0), exp(at) * (alpha * scale), scale);
  });
}

}  // namespace

Tensor elu(const Tensor& x, double alpha) { return scaled_elu("elu", x, alpha, 1); }

Tensor selu(const Tensor& x) { return scaled_elu("selu", x, kSeluAlpha, kSeluScale); }

namespace {

// As the kernels have it: infinities as finite numbers, which a slope of 0 makes no NaN of.
Tensor bounded(const Tensor& x) { return clamp(x, -1000, 1000); }

}  // namespace

Tensor silu(const Tensor& x) {
  check_floating("silu", x);
  return record_beside_x("silu", x, activations().silu, [x = Saved(x)](const Tensor& dy) {
    if (!is_grad_enabled()) return detail::apply_over("silu_grad", activations().silu_grad, dy, *x);
    const Tensor at = bounded(*x);
    const Tensor s = sigmoid(at);
    return dy * (s * (at * (1 - s) + 1));
  });
}

Tensor softplus(const Tensor& x, const SoftplusOptions& options) {
  check_floating("softplus", x);
  const auto [beta, threshold] = options;
  const auto compute = [beta = beta, threshold = threshold](const Tensor& from) {
    return detail::apply("softplus", activations().softplus,
                         {from, Scalar(beta), Scalar(threshold)});
  };
  return record_beside_x("softplus", x, compute,
                         [x = Saved(x), beta = beta, threshold = threshold](const Tensor& dy) {
                           const Tensor at = *x;
                           if (!is_grad_enabled())
                             return detail::apply("softplus_grad", activations().softplus_grad,
                                                  {dy, at, Scalar(beta), Scalar(threshold)});
                           const Tensor z = at * beta;
                           return dy * where(gt(z, threshold), 1.0, sigmoid(z));
                         });
}

Tensor logsigmoid(const Tensor& x) {
  check_floating("logsigmoid", x);
  return record_beside_x(
      "logsigmoid", x, activations().logsigmoid, [x = Saved(x)](const Tensor& dy) {
        if (!is_grad_enabled())
          return detail::apply_over("logsigmoid_grad", activations().logsigmoid_grad, dy, *x);
        return dy * sigmoid(-*x);
      });
}

Tensor mish(const Tensor& x) {
  check_floating("mish", x);
  return record_beside_x("mish", x, activations().mish, [x = Saved(x)](const Tensor& dy) {
    if (!is_grad_enabled()) return detail::apply_over("mish_grad", activations().mish_grad, dy, *x);
    const Tensor at = bounded(*x);
    const Tensor t = tanh(softplus(at));
    return dy * (t + at * sigmoid(at) * (1 - t * t));
  });
}

// ---- gelu

namespace {

// d2/dx2 of gelu: exp(-x^2 / 2) (2 - x^2) / sqrt(2 pi).
Tensor gelu_curvature(const Tensor& x) {
  const Tensor square = x * x;
  return exp(square * -0.5) * (2 - square) * 0.3989422804014327;
}

// The same of x s(v), s the sigmoid and v = kFirst x + kThird x^3:
// s (1 - s) (2 v' + x ((1 - 2 s) v'^2 + v'')).
Tensor gelu_tanh_curvature(const Tensor& x) {
  constexpr double kFirst = 1.5957691216057308, kThird = kFirst * 0.044715;  // 2 sqrt(2 / pi)
  const Tensor square = x * x;
  const Tensor s = sigmoid(x * (square * kThird + kFirst));
  const Tensor slope = square * (3 * kThird) + kFirst;
  return s * (1 - s) * (slope * 2 + x * ((1 - s * 2) * slope * slope + x * (6 * kThird)));
}

const kernels::Elementwise& gelu_grad_kernel(GeluApproximate approximate) {
  return approximate == GeluApproximate::kTanh ? activations().gelu_tanh_grad
                                               : activations().gelu_grad;
}

Tensor gelu_grad(const Tensor& dy, const Tensor& x, GeluApproximate approximate) {
  Tensor dx = detail::apply("gelu_grad", gelu_grad_kernel(approximate), dy, x);
  return record("gelu_grad", {dy, x}, std::move(dx),
                [dy = Saved(dy), x = Saved(x), approximate](const Tensor& ddx, Needs needs) {
                  Pair grads;
                  if (needs[0]) grads[0] = gelu_grad(ddx, *x, approximate);
                  if (needs[1])
                    grads[1] = ddx * *dy *
                               (approximate == GeluApproximate::kTanh ? gelu_tanh_curvature(*x)
                                                                      : gelu_curvature(*x));
                  return grads;
                });
}

}  // namespace

Tensor gelu(const Tensor& x, const GeluOptions& options) {
  check_floating("gelu", x);
  const GeluApproximate approximate = options.approximate;
  const bool with_tanh = approximate == GeluApproximate::kTanh;
  const kernels::Elementwise& kernel = with_tanh ? activations().gelu_tanh : activations().gelu;
  return record_beside_x("gelu", x, kernel, [x = Saved(x), approximate](const Tensor& dy) {
    if (is_grad_enabled()) return gelu_grad(dy, *x, approximate);
    return detail::apply_over("gelu_grad", gelu_grad_kernel(approximate), dy, *x);
  });
}

Tensor Tensor::relu() const { return bb::relu(*this); }

}  // namespace bb
