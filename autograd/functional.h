#pragma once

#include <utility>
#include <vector>

#include "bb/autograd/list_function.h"

/// Derivatives of functions, as torch.autograd.functional has them. A function takes one to six
/// tensors or a std::vector<Tensor> and returns a tensor; it is called on copies of the inputs, and
/// no grad() changes. An input that the result does not depend on has zeros. All throw DTypeError
/// for inputs that are not floating point.
namespace bb::autograd {

struct FunctionalOptions {
  bool create_graph = false;  ///< record the result as a function of the inputs
};

struct Vjp {
  Tensor output;                  ///< fn(inputs)
  std::vector<Tensor> gradients;  ///< v^T J, in the shapes of the inputs
};
struct Jvp {
  Tensor output;   ///< fn(inputs)
  Tensor tangent;  ///< J v, in the shape of the output
};

Vjp vjp_list(const ListFunction& fn, const std::vector<Tensor>& inputs, const Tensor& v,
             const FunctionalOptions& options);
Jvp jvp_list(const ListFunction& fn, const std::vector<Tensor>& inputs,
             const std::vector<Tensor>& v, const FunctionalOptions& options);
std::vector<Tensor> jacobian_list(const ListFunction& fn, const std::vector<Tensor>& inputs,
                                  const FunctionalOptions& options);
std::vector<std::vector<Tensor>> hessian_list(const ListFunction& fn,
                                              const std::vector<Tensor>& inputs,
                                              const FunctionalOptions& options);

/// v^T J, J the Jacobian of fn at the inputs; v has the shape of fn's result, undefined is 1 and
/// needs one element.
template <class F>
Vjp vjp(F fn, const std::vector<Tensor>& inputs, const Tensor& v = {},
        const FunctionalOptions& options = {}) {
  return vjp_list(as_list_function(std::move(fn)), inputs, v, options);
}

/// J v; v has a tensor of the shape of each input. Computed by differentiating u^T J, which is
/// linear in u, with respect to u.
template <class F>
Jvp jvp(F fn, const std::vector<Tensor>& inputs, const std::vector<Tensor>& v,
        const FunctionalOptions& options = {}) {
  return jvp_list(as_list_function(std::move(fn)), inputs, v, options);
}

/// For each input, d fn(inputs)[i...] / d input[j...], of shape [i..., j...].
template <class F>
std::vector<Tensor> jacobian(F fn, const std::vector<Tensor>& inputs,
                             const FunctionalOptions& options = {}) {
  return jacobian_list(as_list_function(std::move(fn)), inputs, options);
}
template <class F>
Tensor jacobian(F fn, const Tensor& x, const FunctionalOptions& options = {}) {
  return jacobian_list(as_list_function(std::move(fn)), {x}, options)[0];
}

/// Second derivatives of a function with a result of one element: result[a][b] has
/// d2 fn / d inputs[a][i...] d inputs[b][j...], of shape [i..., j...].
template <class F>
std::vector<std::vector<Tensor>> hessian(F fn, const std::vector<Tensor>& inputs,
                                         const FunctionalOptions& options = {}) {
  return hessian_list(as_list_function(std::move(fn)), inputs, options);
}
template <class F>
Tensor hessian(F fn, const Tensor& x, const FunctionalOptions& options = {}) {
  return hessian_list(as_list_function(std::move(fn)), {x}, options)[0][0];
}

}  // namespace bb::autograd
