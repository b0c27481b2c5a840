#include "bb/autograd/functional.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/join.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb::autograd {
namespace {

// What fn is called on: copies, recorded where the result is to be a function of the inputs.
std::vector<Tensor> arguments(const char* op, const std::vector<Tensor>& inputs,
                              bool create_graph) {
  std::vector<Tensor> result;
  for (const Tensor& x : inputs) {
    if (!is_floating_point(x.dtype()))
      throw DTypeError(fmt::format("{}: an input is not floating point: {}", op, describe(x)));
    Tensor own = create_graph && x.requires_grad() ? x.clone() : x.detach().clone();
    result.push_back(own.requires_grad() ? own : own.requires_grad_());
  }
  return result;
}

Tensor call(const char* op, const ListFunction& fn, const std::vector<Tensor>& x) {
  std::vector<Tensor> outputs = fn(x);
  if (outputs.size() != 1)
    throw ValueError(
        fmt::format("{}: the function must return one tensor, it returned {}", op, outputs.size()));
  return outputs[0];
}

// v^T J for a result that may not depend on all inputs, or on none.
std::vector<Tensor> pulled_back(const Tensor& y, const std::vector<Tensor>& x, const Tensor& v,
                                const BackwardOptions& options) {
  std::vector<Tensor> gradients(x.size());
  if (y.requires_grad()) gradients = grad(y, x, v, options);
  for (size_t i = 0; i < x.size(); ++i)
    if (!gradients[i].defined()) gradients[i] = zeros_like(x[i]);
  return gradients;
}

Tensor plain(const Tensor& x, const FunctionalOptions& options) {
  return options.create_graph ? x : x.detach();
}

Shape joined(const Shape& a, const Shape& b) {
  Shape both = a;
  for (int64_t size : b) both.push_back(size);
  return both;
}

// d y[i...] / d x[j...] for each x, a row for each element of y.
std::vector<Tensor> rows_of_jacobians(const Tensor& y, const std::vector<Tensor>& x,
                                      bool create_graph) {
  std::vector<std::vector<Tensor>> rows(x.size());
  for (int64_t i = 0; i < y.numel(); ++i) {
    Tensor unit = zeros({y.numel()}, y.dtype());
    unit.slice(0, i, i + 1).fill_(1);
    const auto row = pulled_back(y, x, view(unit, y.shape()),
                                 {.retain_graph = true, .create_graph = create_graph});
    for (size_t a = 0; a < x.size(); ++a) rows[a].push_back(row[a]);
  }
  std::vector<Tensor> result;
  for (size_t a = 0; a < x.size(); ++a) {
    const Shape shape = joined(y.shape(), x[a].shape());
    result.push_back(rows[a].empty() ? zeros(shape, x[a].dtype()) : reshape(stack(rows[a]), shape));
  }
  return result;
}

}  // namespace

Vjp vjp_list(const ListFunction& fn, const std::vector<Tensor>& inputs, const Tensor& v,
             const FunctionalOptions& options) {
  GradMode recording(true);
  const auto x = arguments("vjp", inputs, options.create_graph);
  const Tensor y = call("vjp", fn, x);
  return {plain(y, options), pulled_back(y, x, v, {.create_graph = options.create_graph})};
}

Jvp jvp_list(const ListFunction& fn, const std::vector<Tensor>& inputs,
             const std::vector<Tensor>& v, const FunctionalOptions& options) {
  if (v.size() != inputs.size())
    throw ValueError(fmt::format("jvp: {} tangents for {} inputs", v.size(), inputs.size()));
  for (size_t i = 0; i < v.size(); ++i)
    if (v[i].shape() != inputs[i].shape())
      throw ShapeError(
          fmt::format("jvp: a tangent differs from its input in shape\n"
                      "  tangent {} {}   input {}",
                      i, v[i].shape(), inputs[i].shape()));
  GradMode recording(true);
  const auto x = arguments("jvp", inputs, options.create_graph);
  const Tensor y = call("jvp", fn, x);
  Tensor u = zeros_like(y).requires_grad_();
  const auto pulled = pulled_back(y, x, u, {.create_graph = true});
  Tensor product = zeros({}, y.dtype());
  for (size_t i = 0; i < x.size(); ++i) product = product + sum(pulled[i] * v[i]);
  const auto tangent = pulled_back(product, {u}, {}, {.create_graph = options.create_graph});
  return {plain(y, options), plain(tangent[0], options)};
}

std::vector<Tensor> jacobian_list(const ListFunction& fn, const std::vector<Tensor>& inputs,
                                  const FunctionalOptions& options) {
  GradMode recording(true);
  const auto x = arguments("jacobian", inputs, options.create_graph);
  auto result = rows_of_jacobians(call("jacobian", fn, x), x, options.create_graph);
  for (Tensor& j : result) j = plain(j, options);
  return result;
}

std::vector<std::vector<Tensor>> hessian_list(const ListFunction& fn,
                                              const std::vector<Tensor>& inputs,
                                              const FunctionalOptions& options) {
  GradMode recording(true);
  const auto x = arguments("hessian", inputs, options.create_graph);
  const Tensor y = call("hessian", fn, x);
  if (y.numel() != 1)
    throw ShapeError(
        fmt::format("hessian: the function must return one element, it returned {}", y.shape()));
  const auto first = pulled_back(reshape(y, {}), x, {}, {.create_graph = true});
  std::vector<std::vector<Tensor>> result;
  for (const Tensor& gradient : first) {
    result.push_back(rows_of_jacobians(gradient, x, options.create_graph));
    for (Tensor& h : result.back()) h = plain(h, options);
  }
  return result;
}

}  // namespace bb::autograd
