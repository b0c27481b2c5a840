#include "bb/autograd/ops/pointwise.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/tape.h"
#include "bb/core/elementwise.h"

namespace bb {

using autograd::record;
using autograd::Saved;
using kernels::elementwise;

namespace {

// The output, where a gradient that reads it is wanted.
Saved output_if(const Tensor& x, const Tensor& y) {
  return autograd::wants_grad(x) ? Saved::output(y) : Saved();
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
  return record("sqrt", {x}, std::move(y),
                [y = std::move(saved)](const Tensor& dy) { return dy / (*y * 2); });
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

Tensor Tensor::exp() const { return bb::exp(*this); }
Tensor Tensor::log() const { return bb::log(*this); }
Tensor Tensor::sqrt() const { return bb::sqrt(*this); }
Tensor Tensor::tanh() const { return bb::tanh(*this); }
Tensor Tensor::sigmoid() const { return bb::sigmoid(*this); }
Tensor Tensor::relu() const { return bb::relu(*this); }

}  // namespace bb
