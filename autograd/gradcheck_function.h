#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "bb/autograd/gradcheck.h"

/// The function that gradcheck looks at, as numbers along a line.
namespace bb::autograd {

/// Random numbers in [-1, 1], at least 0.1 from 0.
Tensor random_weights(const Shape& shape, DType dtype, std::mt19937_64& random);

/// v . fn(x) for fixed cotangents v, near a point.
class Objective {
 public:
  /// Throws DTypeError where no output is floating point.
  Objective(const ListFunction& fn, const std::vector<Tensor>& inputs, std::mt19937_64& random);

  const std::vector<Tensor>& outputs() const { return outputs_; }
  const std::vector<Tensor>& cotangents() const { return cotangents_; }
  const std::vector<Tensor>& point() const { return point_; }
  bool has_float32() const { return has_float32_; }

  /// v . (fn(x + a u) - fn(x + b u)), u along one element of an input, or along `direction` there.
  double difference(size_t input, int64_t element, double a, double b);
  double difference(size_t input, const Tensor& direction, double a, double b);

 private:
  std::vector<Tensor> call();
  double weighted_difference(const std::vector<Tensor>& high, const std::vector<Tensor>& low) const;

  const ListFunction& fn_;
  std::vector<Tensor> point_;  // copies, off the tape
  std::vector<Tensor> outputs_;
  std::vector<Tensor> cotangents_;  // undefined for outputs that are not floating point
  bool has_float32_ = false;
};

/// All that is known of one input's derivatives.
struct Derivatives {
  Tensor analytic;  // float64, flat; undefined where backward gave none
  std::vector<double> numeric;
  double epsilon, atol, rtol;

  double allowed(int64_t i) const { return allowed_for(numeric[static_cast<size_t>(i)]); }
  double allowed_for(double value) const { return atol + rtol * (value < 0 ? -value : value); }
  double analytic_at(int64_t i) const {
    return analytic.defined() ? analytic.data<double>()[i] : 0;
  }
};

/// Why the derivatives of element `i` differ: central differences again with smaller steps, one
/// side at a time, and the rounding noise of the function, from a table of differences (after More
/// and Wild, "Estimating computational noise", SIAM J. Sci. Comput. 2011).
GradcheckVerdict diagnose(Objective& objective, size_t input, int64_t i, const Derivatives& d);

/// What the errors of a wrong gradient look like, of an input of `shape`.
std::string remark_on(const Derivatives& d, const Shape& shape);

}  // namespace bb::autograd
