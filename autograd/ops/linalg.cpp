#include "bb/autograd/ops/linalg.h"

#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/epilogue_grad.h"
#include "bb/core/kernels/gemm.h"
#include "bb/core/matrix.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using autograd::saved_for;
using autograd::wants_grad;

namespace {

void check_dtypes(const char* op, const Tensor& a, const char* a_role, const Tensor& b,
                  const char* b_role) {
  detail::check_defined(op, {{a_role, a}, {b_role, b}});
  if (a.dtype() == b.dtype() && a.dtype() != kBool) return;
  throw DTypeError(
      fmt::format("{}: both operands must have one dtype, not bool\n"
                  "  {} {}   {} {}\n  hint: convert with to(kFloat32)",
                  op, a_role, describe(a), b_role, describe(b)));
}

// activation(a [m, k] b [k, n] + bias [n]), off the tape.
Tensor product(const Tensor& a, const Tensor& b, const Tensor& bias = {},
               Activation activation = Activation::kNone) {
  const int64_t m = a.size(0), k = a.size(1), n = b.size(1);
  Tensor y = Tensor::empty({m, n}, a.dtype());
  visit_floating(a.dtype(), [&]<class T>() {
    kernels::GemmEpilogue<T> epilogue{.activation = activation};
    if (bias.defined()) epilogue.bias = bias.data<T>();
    kernels::gemm<T>(m, n, k, detail::matrix<T>(a), detail::matrix<T>(b), {y.data<T>(), n, 1},
                     epilogue);
  });
  return y;
}

Tensor matrix_product(const Tensor& a, const Tensor& b);

// The sum over a batch of a_i b_i^T, as one product: a [batch..., m, n], b [batch..., k, n].
Tensor summed_product(const Tensor& a, const Tensor& b) {
  const auto side_by_side = [](const Tensor& x) {
    const int64_t rows = x.size(-2);
    return reshape(movedim(x, -2, 0), {rows, rows == 0 ? 0 : x.numel() / rows});
  };
  return matrix_product(side_by_side(a), mT(side_by_side(b)));
}

// The product of matrices, their batches broadcast, on the tape.
Tensor matrix_product(const Tensor& a, const Tensor& b) {
  const Shape batch = broadcast_shapes("matmul", detail::batch_shape(a), detail::batch_shape(b));
  const Shape shape = detail::with_matrix(batch, a.size(-2), b.size(-1));
  detail::check_result("matmul", shape, a.dtype(), {{"a", a}, {"b", b}});
  Saved saved_a = saved_for(b, a), saved_b = saved_for(a, b);  // a checkpoint may end here
  Tensor y = Tensor::empty(shape, a.dtype());
  detail::multiply(y, a, b);
  return record("matmul", {a, b}, std::move(y),
                [a = std::move(saved_a), b = std::move(saved_b), one_a = a.dim() == 2](
                    const Tensor& dy, Needs needs) {
                  std::array<Tensor, 2> grads;
                  if (needs[0])
                    grads[0] = one_a && dy.dim() > 2 ? summed_product(dy, *b)
                                                     : matrix_product(dy, transpose(*b, -1, -2));
                  if (needs[1]) grads[1] = matrix_product(transpose(*a, -1, -2), dy);
                  return grads;
                });
}

// The gradient dz in front of y = relu(z) and, where wanted, its sum over rows: off the tape, and
// over dy where nobody else sees it.
std::pair<Tensor, Tensor> relu_bias_grad(const Tensor& dy, const Tensor& y, bool bias) {
  Tensor dz = autograd::may_write_over(dy) ? dy : Tensor::empty(y.shape(), y.dtype());
  const Tensor rows = dy.contiguous();
  Tensor dbias = bias ? Tensor::empty({y.size(1)}, y.dtype()) : Tensor();
  visit_floating(y.dtype(), [&]<class T>() {
    kernels::relu_bias_grad<T>(y.size(0), y.size(1), rows.data<T>(), y.data<T>(), dz.data<T>(),
                               bias ? dbias.data<T>() : nullptr);
  });
  return {dz, dbias};
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  check_dtypes("matmul", a, "a", b, "b");
  if (a.dim() == 0 || b.dim() == 0)
    throw ShapeError(
        fmt::format("matmul: operands need at least one dimension\n  a {}   b {}\n"
                    "  hint: use * for numbers",
                    a.shape(), b.shape()));
  const int64_t inner = b.dim() == 1 ? b.size(0) : b.size(-2);
  if (a.size(-1) != inner)
    throw ShapeError(
        fmt::format("matmul: inner sizes differ: {} and {}\n  a {}   b {}\n"
                    "  hint: a.size(-1) must equal b.size(-2)",
                    a.size(-1), inner, a.shape(), b.shape()));
  if (a.dim() > 2 && b.dim() > 2) detail::broadcast("matmul", {{"a", a}, {"b", b}}, 2);
  if (a.dim() == 1) {
    const Tensor y = matmul(unsqueeze(a, 0), b);
    return squeeze(y, b.dim() == 1 ? 0 : -2);
  }
  if (b.dim() == 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);
  if (a.dim() == 2 || b.dim() != 2) return matrix_product(a, b);
  const Shape batch = detail::batch_shape(a);  // one product of all of a's rows
  const Tensor rows = reshape(a, {batch.numel() * a.size(-2), inner});
  return reshape(matrix_product(rows, b), detail::with_matrix(batch, a.size(-2), b.size(1)));
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Activation activation) {
  check_dtypes("linear", x, "x", weight, "weight");
  if (weight.dim() != 2 || x.dim() == 0 || x.size(-1) != weight.size(1))
    throw ShapeError(
        fmt::format("linear: x's last size must be weight.size(1)\n"
                    "  x {}   weight {} (out, in)",
                    x.shape(), weight.shape()));
  if (bias.defined()) {
    check_dtypes("linear", x, "x", bias, "bias");
    if (bias.shape() != Shape{weight.size(0)})
      throw ShapeError(
          fmt::format("linear: bias must be [{}], weight.size(0)\n"
                      "  bias {}   weight {} (out, in)",
                      weight.size(0), bias.shape(), weight.shape()));
  }
  Shape shape = x.shape();
  shape[shape.rank() - 1] = weight.size(0);
  detail::check_result("linear", shape, x.dtype(), {{"x", x}, {"weight", weight}});
  if (!is_floating_point(x.dtype())) {  // no kernel does it in one pass
    Tensor y = matmul(x, transpose(weight, 0, 1));
    if (bias.defined()) y = y + bias;
    return activation == Activation::kNone ? y : relu(y);
  }
  if (x.dim() != 2) {
    const int64_t rows =
        x.size(-1) == 0
            ? Shape(std::span<const int64_t>(x.shape().begin(), x.shape().end() - 1)).numel()
            : x.numel() / x.size(-1);
    return reshape(linear(reshape(x, {rows, x.size(-1)}), weight, bias, activation), shape);
  }
  Saved saved_x = saved_for(weight, x), saved_weight = saved_for(x, weight);
  const Tensor plain_bias = bias.defined() ? bias.detach().contiguous() : bias;
  Tensor y = product(x, transpose(weight.detach(), 0, 1), plain_bias, activation);
  const bool wanted = wants_grad(x) || wants_grad(weight) || (bias.defined() && wants_grad(bias));
  Saved result = activation != Activation::kNone && wanted ? Saved::output(y) : Saved();
  return record("linear", {x, weight, bias}, std::move(y),
                [x = std::move(saved_x), weight = std::move(saved_weight), y = std::move(result)](
                    const Tensor& dy, Needs needs) {
                  Tensor dz = dy, dbias;
                  if (y.defined() && is_grad_enabled())
                    dz = relu_grad(dy, (*y).detach());
                  else if (y.defined())
                    std::tie(dz, dbias) = relu_bias_grad(dy, *y, needs[2]);
                  std::array<Tensor, 3> grads;
                  if (needs[1]) grads[1] = matmul(transpose(dz, 0, 1), *x);  // x may go then
                  if (needs[0]) grads[0] = matmul(dz, *weight);
                  if (needs[2]) grads[2] = dbias.defined() ? dbias : sum(dz, {0});
                  return grads;
                });
}

Tensor Tensor::matmul(const Tensor& other) const { return bb::matmul(*this, other); }

}  // namespace bb
