#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bb/autograd/list_function.h"

namespace bb {

/// What a check of gradients found. At a kink, a jump of the derivative at the point or within
/// epsilon of it, there is no derivative to compare with: choose other inputs.
enum class GradcheckVerdict {
  kPassed,
  kWrongGradient,      ///< backward gives something else than the derivative
  kKink,               ///< the function bends at the point, or within epsilon of it
  kNotDeterministic,   ///< two calls on the same inputs, or two backward passes, differ
  kChangesInputs,      ///< the function writes to its inputs
  kUndefinedGradient,  ///< backward gives no gradient, or NaN or infinity, where there is one; or
                       ///< the function itself is NaN or infinite
  kPrecisionTooLow,    ///< rounding errors of the function are as large as the difference seen
};

/// "passed", "wrong gradient", ...
std::string to_string(GradcheckVerdict verdict);

struct GradcheckOptions {
  /// Half the distance of the two points of a central difference. Where epsilon, atol and rtol are
  /// not given, they are 1e-6, 1e-6, 1e-4 for float64 inputs and 1e-2, 1e-3, 1e-2 for float32 ones,
  /// or where an output is float32.
  std::optional<double> epsilon = {};
  /// |analytic - numeric| may be atol + rtol |numeric|.
  std::optional<double> atol = {};
  std::optional<double> rtol = {};
  /// One random direction for each input instead of each element: for large inputs. An input that
  /// fails is then looked at element by element.
  bool fast = false;
  /// Of the random cotangents and directions. The library's generators are not touched.
  uint64_t seed = 0;
};

/// The element of one input where the two derivatives lie furthest apart, by
/// |analytic - numeric| / (atol + rtol |numeric|).
struct GradcheckInput {
  size_t input = 0;
  std::vector<int64_t> index = {};  ///< of the element; empty for a direction
  double analytic = 0;
  double numeric = 0;
  double absolute_error = 0;
  double relative_error = 0;  ///< absolute_error / max(|analytic|, |numeric|)
  bool passed = true;
  GradcheckVerdict verdict = GradcheckVerdict::kPassed;
  std::string remark = {};  ///< what the errors look like: "the gradient is transposed", ...
};

struct GradcheckReport {
  bool passed = true;
  GradcheckVerdict verdict = GradcheckVerdict::kPassed;  ///< the gravest of all inputs
  std::vector<GradcheckInput> inputs;  ///< one for each input that is differentiated
  std::string text;                    ///< all of it, for people

  explicit operator bool() const { return passed; }
};

namespace autograd {
GradcheckReport gradcheck_list(const ListFunction& fn, const std::vector<Tensor>& inputs,
                               const GradcheckOptions& options);
GradcheckReport gradgradcheck_list(const ListFunction& fn, const std::vector<Tensor>& inputs,
                                   const GradcheckOptions& options);
}  // namespace autograd

/// Compares the gradient that backward gives with central differences: for random cotangents v, one
/// for each output, and each element x_i of each floating-point input,
///   d(v . fn(x)) / dx_i  against  (v . fn(x + epsilon e_i) - v . fn(x - epsilon e_i)) / (2
///   epsilon).
/// fn takes one to six tensors, or a const std::vector<Tensor>&, and returns a tensor or a
/// std::vector of them. Inputs of other dtypes are passed through, outputs of other dtypes left
/// out. Where the two differ, a closer look tells why (GradcheckVerdict).
///   GradcheckReport report = gradcheck([](const Tensor& x) { return x.exp(); }, {randn({3},
///   kFloat64)});
/// Throws ValueError without a floating-point input, DTypeError without a floating-point output.
template <class F>
GradcheckReport gradcheck(F fn, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {}) {
  return autograd::gradcheck_list(autograd::as_list_function(std::move(fn)), inputs, options);
}

/// gradcheck() of the gradient itself, as a function of the inputs and of the cotangents: shows
/// that every pullback is differentiable and right. atol is 1e-5 for float64 where not given.
template <class F>
GradcheckReport gradgradcheck(F fn, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options = {}) {
  return autograd::gradgradcheck_list(autograd::as_list_function(std::move(fn)), inputs, options);
}

}  // namespace bb
