#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "bb/autograd/list_function.h"

namespace bb {

struct GradcheckOptions {
  double epsilon = 1e-6;  ///< half the distance of the two points of a central difference
  double atol = 1e-6;     ///< |analytic - numeric| may be atol + rtol |numeric|
  double rtol = 1e-4;
};

/// The element of one input where the two derivatives lie furthest apart, by
/// |analytic - numeric| / (atol + rtol |numeric|).
struct GradcheckInput {
  size_t input = 0;
  std::vector<int64_t> index;  ///< of the element
  double analytic = 0;
  double numeric = 0;
  double absolute_error = 0;
  double relative_error = 0;  ///< absolute_error / max(|analytic|, |numeric|)
  bool passed = true;
};

struct GradcheckReport {
  bool passed = true;
  std::vector<GradcheckInput> inputs;  ///< one for each input that is differentiated
  std::string text;                    ///< all of it, for people

  explicit operator bool() const { return passed; }
};

namespace autograd {

using GradcheckFunction = ListFunction;

/// gradcheck() for a function of a list of tensors.
GradcheckReport gradcheck_list(const GradcheckFunction& fn, const std::vector<Tensor>& inputs,
                               const GradcheckOptions& options);
GradcheckReport gradgradcheck_list(const GradcheckFunction& fn, const std::vector<Tensor>& inputs,
                                   const GradcheckOptions& options);

}  // namespace autograd

/// Compares the gradient that backward gives with central differences: for a random cotangent v and
/// each element x_i of each float64 input,
///   d(v . fn(x)) / dx_i  against  (v . fn(x + epsilon e_i) - v . fn(x - epsilon e_i)) / (2
///   epsilon).
/// fn takes one to four tensors, or a const std::vector<Tensor>&, and returns a float64 tensor;
/// inputs of other dtypes are passed through and not differentiated.
///   GradcheckReport report = gradcheck([](const Tensor& x) { return x.exp(); }, {randn({3},
///   kFloat64)});
/// Throws ValueError without a float64 input, DTypeError for a result that is not float64.
template <class F>
GradcheckReport gradcheck(F fn, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {}) {
  return autograd::gradcheck_list(autograd::as_list_function(std::move(fn)), inputs, options);
}

/// gradcheck() of the gradient itself, as a function of the inputs and of the cotangent: shows that
/// every pullback is differentiable and right.
template <class F>
GradcheckReport gradgradcheck(F fn, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options = {}) {
  return autograd::gradgradcheck_list(autograd::as_list_function(std::move(fn)), inputs, options);
}

}  // namespace bb
