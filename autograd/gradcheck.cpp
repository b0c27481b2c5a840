#include "bb/autograd/gradcheck.h"

#include <cmath>
#include <iterator>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/random.h"

namespace bb::autograd {
namespace {

std::vector<int64_t> unravel(int64_t position, const Shape& shape) {
  std::vector<int64_t> index(static_cast<size_t>(shape.rank()));
  for (int64_t d = shape.rank() - 1; d >= 0; --d) {
    index[static_cast<size_t>(d)] = position % shape[d];
    position /= shape[d];
  }
  return index;
}

// Fixed numbers in [-1, 1), away from 0: the check must not change the caller's random stream.
Tensor cotangent(const Shape& shape) {
  Tensor v = Tensor::empty(shape, kFloat64);
  for (int64_t i = 0; i < v.numel(); ++i) {
    const double fraction = std::fmod(0.7548776662466927 * static_cast<double>(i + 1), 1.0);
    v.data<double>()[i] = fraction < 0.5 ? -1 + fraction : fraction;
  }
  return v;
}

// Copies of the inputs, float64 ones as leaves; `fn` sees nothing of the caller's graph.
std::vector<Tensor> make_leaves(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> leaves;
  for (const Tensor& x : inputs) {
    leaves.push_back(x.detach().clone());
    if (x.dtype() == kFloat64) leaves.back().requires_grad_();
  }
  return leaves;
}

Tensor call(const GradcheckFunction& fn, const std::vector<Tensor>& inputs) {
  Tensor y = fn(inputs).at(0);
  if (y.dtype() != kFloat64)
    throw DTypeError(
        fmt::format("gradcheck: the function must return float64\n  result {}\n"
                    "  hint: pass inputs made with kFloat64",
                    describe(y)));
  return y;
}

class Comparison {
 public:
  Comparison(size_t input, const GradcheckOptions& options) : options_(options) {
    worst_.input = input;
  }

  void add(int64_t position, const Shape& shape, double analytic, double numeric) {
    const double error = std::abs(analytic - numeric);
    const double allowed = options_.atol + options_.rtol * std::abs(numeric);
    const bool passed = error <= allowed;  // false for NaN
    const double severity =
        std::isnan(error) ? std::numeric_limits<double>::infinity() : error / allowed;
    if (any_ && severity <= severity_) return;
    any_ = true;
    severity_ = severity;
    const double scale = std::max(std::abs(analytic), std::abs(numeric));
    worst_.index = unravel(position, shape);
    worst_.analytic = analytic;
    worst_.numeric = numeric;
    worst_.absolute_error = error;
    worst_.relative_error = scale == 0 ? 0 : error / scale;
    worst_.passed = passed;
  }
  const GradcheckInput& worst() const { return worst_; }

 private:
  const GradcheckOptions& options_;
  GradcheckInput worst_;
  double severity_ = 0;
  bool any_ = false;
};

void describe_input(const GradcheckInput& worst, const Tensor& x, std::string& text) {
  fmt::format_to(std::back_inserter(text),
                 "  input {} {}: {} at [{}]: analytic {:.9g}, numeric {:.9g}, error {:.3g} "
                 "absolute, {:.3g} relative\n",
                 worst.input, x.shape(), worst.passed ? "ok, worst" : "WRONG, worst",
                 fmt::join(worst.index, ", "), worst.analytic, worst.numeric, worst.absolute_error,
                 worst.relative_error);
}

}  // namespace

GradcheckReport gradcheck_list(const GradcheckFunction& fn, const std::vector<Tensor>& inputs,
                               const GradcheckOptions& options) {
  GradMode recording(true);
  const std::vector<Tensor> leaves = make_leaves(inputs);
  std::vector<Tensor> differentiated;
  for (const Tensor& x : leaves)
    if (x.requires_grad()) differentiated.push_back(x);
  if (differentiated.empty())
    throw ValueError("gradcheck: no input is float64\n  hint: make them with kFloat64");

  const Tensor y = call(fn, leaves);
  const Tensor v = cotangent(y.shape());
  std::vector<Tensor> analytic(differentiated.size());
  if (y.requires_grad()) analytic = grad(y, differentiated, v);

  GradcheckReport report;
  NoGrad no_recording;
  std::vector<Tensor> points;
  for (const Tensor& x : leaves) points.push_back(x.detach());
  const auto objective = [&] { return sum(call(fn, points) * v).item<double>(); };
  size_t next = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    if (!leaves[i].requires_grad()) continue;
    const Tensor gradient =
        analytic[next].defined() ? analytic[next].contiguous() : zeros_like(points[i]);
    ++next;
    Comparison comparison(i, options);
    double* element = points[i].data<double>();
    for (int64_t j = 0; j < points[i].numel(); ++j) {
      const double before = element[j];
      element[j] = before + options.epsilon;
      const double above = objective();
      element[j] = before - options.epsilon;
      const double below = objective();
      element[j] = before;
      comparison.add(j, points[i].shape(), gradient.data<double>()[j],
                     (above - below) / (2 * options.epsilon));
    }
    report.inputs.push_back(comparison.worst());
    report.passed = report.passed && comparison.worst().passed;
    describe_input(comparison.worst(), points[i], report.text);
  }
  report.text.insert(0,
                     report.passed ? "gradcheck: passed\n" : "gradcheck: the gradient is WRONG\n");
  return report;
}

GradcheckReport gradgradcheck_list(const GradcheckFunction& fn, const std::vector<Tensor>& inputs,
                                   const GradcheckOptions& options) {
  const Tensor y = no_grad([&] { return call(fn, inputs); });
  std::vector<Tensor> all = inputs;
  all.push_back(cotangent(y.shape()));
  // All first gradients, end to end, as one function of the inputs and the cotangent.
  const GradcheckFunction gradients = [&fn](const std::vector<Tensor>& x) -> std::vector<Tensor> {
    GradMode recording(true);
    std::vector<Tensor> arguments(x.begin(), x.end() - 1);
    std::vector<Tensor> leaves;
    for (Tensor& argument : arguments) {
      if (argument.dtype() != kFloat64) continue;
      if (!argument.requires_grad()) argument = argument.detach().requires_grad_();
      leaves.push_back(argument);
    }
    const Tensor result = fn(arguments).at(0);
    Tensor total = zeros({}, kFloat64);
    if (!result.requires_grad()) return {total + sum(x.back()) * 0};
    const std::vector<Tensor> first = grad(result, leaves, x.back(), {.create_graph = true});
    for (const Tensor& g : first)
      if (g.defined()) total = total + sum(g * cotangent(g.shape()));
    return {total};
  };
  GradcheckReport report = gradcheck_list(gradients, all, options);
  report.text.insert(0, "second derivatives (the last input is the cotangent)\n");
  return report;
}

}  // namespace bb::autograd
