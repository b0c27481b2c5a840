#include "bb/autograd/ops/pointwise.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/tape.h"
#include "bb/core/elementwise.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using kernels::elementwise;
using Pair = std::array<Tensor, 2>;

namespace {

// The output, where a gradient that reads it is wanted.
Saved output_if(const Tensor& x, const Tensor& y) {
  return autograd::wants_grad(x) ? Saved::output(y) : Saved();
}

// dy 2 / sqrt(pi) exp(-x^2).
Tensor erf_grad(const Tensor& dy, const Tensor& x) {
  Tensor dx = detail::apply("erf_grad", elementwise().erf_grad, dy, x);
  return record(
      "erf_grad", {dy, x}, std::move(dx),
      [dy = Saved(dy), x = Saved(x)](const Tensor& ddx, Needs needs) {
        const Tensor slope = erf_grad(ddx, *x);
        return Pair{needs[0] ? slope : Tensor(), needs[1] ? slope * *dy * (*x * -2) : Tensor()};
      });
}

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

Tensor gelu_grad(const Tensor& dy, const Tensor& x, GeluApproximate approximate) {
  const bool with_tanh = approximate == GeluApproximate::kTanh;
  Tensor dx = detail::apply(
      "gelu_grad", with_tanh ? elementwise().gelu_tanh_grad : elementwise().gelu_grad, dy, x);
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

Tensor exp(const Tensor& x) {
  Tensor y = detail::apply("exp", elementwise().exp, x);
  Saved saved = output_if(x, y);
  return record("exp", {x}, std::move(y),
                [y = std::move(saved)](const Tensor& dy) { return dy * *y; });
}

Tensor log(const Tensor& x) {
  Tensor y = detail::apply("log", elementwise().log, x);
  return record("log", {x}, std::move(y), [x = Saved(x)](const Tensor& dy) { return dy / *x; });
}

Tensor sqrt(const Tensor& x) {
  Tensor y = detail::apply("sqrt", elementwise().sqrt, x);
  Saved saved = output_if(x, y);
  return record("sqrt", {x}, std::move(y), [y = std::move(saved)](const Tensor& dy) {
    if (is_grad_enabled()) return dy / (*y * 2);
    return detail::apply("sqrt_grad", elementwise().sqrt_grad, dy, *y);
  });
}

Tensor tanh(const Tensor& x) {
  Tensor y = detail::apply("tanh", elementwise().tanh, x);
  Saved saved = output_if(x, y);
  return record("tanh", {x}, std::move(y), [y = std::move(saved)](const Tensor& dy) {
    if (is_grad_enabled()) return dy * (1 - *y * *y);
    return detail::apply("tanh_grad", elementwise().tanh_grad, dy, *y);
  });
}

Tensor sigmoid(const Tensor& x) {
  Tensor y = detail::apply("sigmoid", elementwise().sigmoid, x);
  Saved saved = output_if(x, y);
  return record("sigmoid", {x}, std::move(y), [y = std::move(saved)](const Tensor& dy) {
    if (is_grad_enabled()) return dy * (*y * (1 - *y));
    return detail::apply("sigmoid_grad", elementwise().sigmoid_grad, dy, *y);
  });
}

Tensor erf(const Tensor& x) {
  Tensor y = detail::apply("erf", elementwise().erf, x);
  return record("erf", {x}, std::move(y),
                [x = Saved(x)](const Tensor& dy) { return erf_grad(dy, *x); });
}

Tensor sin(const Tensor& x) {
  Tensor y = detail::apply("sin", elementwise().sin, x);
  return record("sin", {x}, std::move(y), [x = Saved(x)](const Tensor& dy) {
    if (is_grad_enabled()) return dy * cos(*x);
    return detail::apply("sin_grad", elementwise().sin_grad, dy, *x);
  });
}

Tensor cos(const Tensor& x) {
  Tensor y = detail::apply("cos", elementwise().cos, x);
  return record("cos", {x}, std::move(y), [x = Saved(x)](const Tensor& dy) {
    if (is_grad_enabled()) return -(dy * sin(*x));
    return detail::apply("cos_grad", elementwise().cos_grad, dy, *x);
  });
}

Tensor relu_grad(const Tensor& dy, const Tensor& s) {
  Tensor dx = detail::apply("relu_grad", elementwise().relu_grad, dy, s);
  return record("relu_grad", {dy}, std::move(dx),
                [s = Saved(s)](const Tensor& ddx) { return relu_grad(ddx, *s); });
}

Tensor relu(const Tensor& x) {
  Tensor y = detail::apply("relu", elementwise().relu, x);
  Saved saved = output_if(x, y);
  return record("relu", {x}, std::move(y),
                [y = std::move(saved)](const Tensor& dy) { return relu_grad(dy, (*y).detach()); });
}

Tensor gelu(const Tensor& x, const GeluOptions& options) {
  const GeluApproximate approximate = options.approximate;
  const bool with_tanh = approximate == GeluApproximate::kTanh;
  Tensor y = detail::apply("gelu", with_tanh ? elementwise().gelu_tanh : elementwise().gelu, x);
  return record("gelu", {x}, std::move(y), [x = Saved(x), approximate](const Tensor& dy) {
    return gelu_grad(dy, *x, approximate);
  });
}

Tensor Tensor::exp() const { return bb::exp(*this); }
Tensor Tensor::log() const { return bb::log(*this); }
Tensor Tensor::sqrt() const { return bb::sqrt(*this); }
Tensor Tensor::tanh() const { return bb::tanh(*this); }
Tensor Tensor::sigmoid() const { return bb::sigmoid(*this); }
Tensor Tensor::erf() const { return bb::erf(*this); }
Tensor Tensor::sin() const { return bb::sin(*this); }
Tensor Tensor::cos() const { return bb::cos(*this); }
Tensor Tensor::relu() const { return bb::relu(*this); }

}  // namespace bb
