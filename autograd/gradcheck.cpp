#include "bb/autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "bb/autograd/gradcheck_function.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {

std::string to_string(GradcheckVerdict verdict) {
  switch (verdict) {
    case GradcheckVerdict::kPassed:
      return "passed";
    case GradcheckVerdict::kWrongGradient:
      return "the gradient is WRONG";
    case GradcheckVerdict::kKink:
      return "there is a KINK at the point or within epsilon of it";
    case GradcheckVerdict::kNotDeterministic:
      return "the function is NOT DETERMINISTIC";
    case GradcheckVerdict::kChangesInputs:
      return "the function CHANGES ITS INPUTS";
    case GradcheckVerdict::kUndefinedGradient:
      return "the gradient is UNDEFINED";
    case GradcheckVerdict::kPrecisionTooLow:
      return "the PRECISION IS TOO LOW to tell";
  }
  throw InternalError("to_string: not a GradcheckVerdict");
}

}  // namespace bb

namespace bb::autograd {

Tensor random_weights(const Shape& shape, DType dtype, std::mt19937_64& random) {
  Tensor weights = Tensor::empty(shape, kFloat64);
  for (int64_t i = 0; i < weights.numel(); ++i) {
    const double unit = static_cast<double>(random() >> 11) * 0x1p-53;
    const double size = 0.1 + 0.9 * std::abs(2 * unit - 1);
    weights.data<double>()[i] = unit < 0.5 ? -size : size;
  }
  return weights.to(dtype);
}

Objective::Objective(const ListFunction& fn, const std::vector<Tensor>& inputs,
                     std::mt19937_64& random)
    : fn_(fn) {
  for (const Tensor& x : inputs) point_.push_back(x.detach().clone());
  outputs_ = call();
  bool any = false;
  for (const Tensor& y : outputs_) {
    const bool differentiable = is_floating_point(y.dtype());
    cotangents_.push_back(differentiable ? random_weights(y.shape(), y.dtype(), random) : Tensor());
    any |= differentiable;
    has_float32_ |= y.dtype() == kFloat32;
  }
  if (any) return;
  std::string results;
  for (const Tensor& y : outputs_) results += " " + describe(y);
  throw DTypeError(fmt::format("gradcheck: the function must return floating point\n  result{}",
                               outputs_.empty() ? " none" : results));
}

std::vector<Tensor> Objective::call() {
  NoGrad guard;
  std::vector<Tensor> outputs = fn_(point_);
  for (Tensor& y : outputs) {
    if (!y.defined()) throw ValueError("gradcheck: the function returned an undefined tensor");
    y = y.detach().clone();  // it may be an input, or part of one
  }
  return outputs;
}

double Objective::weighted_difference(const std::vector<Tensor>& high,
                                      const std::vector<Tensor>& low) const {
  double total = 0;
  for (size_t k = 0; k < cotangents_.size(); ++k)
    if (cotangents_[k].defined())
      total += sum((high[k].to(kFloat64) - low[k].to(kFloat64)) * cotangents_[k].to(kFloat64))
                   .item<double>();
  return total;
}

double Objective::difference(size_t input, int64_t element, double a, double b) {
  NoGrad guard;
  return visit_floating(point_[input].dtype(), [&]<class T>() {
    T& x = point_[input].data<T>()[element];
    const T before = x;
    x = static_cast<T>(before + a);
    const auto high = call();
    x = static_cast<T>(before + b);
    const auto low = call();
    x = before;
    return weighted_difference(high, low);
  });
}

double Objective::difference(size_t input, const Tensor& direction, double a, double b) {
  NoGrad guard;
  const Tensor before = point_[input];
  point_[input] = before + direction * a;
  const auto high = call();
  point_[input] = before + direction * b;
  const auto low = call();
  point_[input] = before;
  return weighted_difference(high, low);
}

namespace {

std::vector<int64_t> unravel(int64_t position, const Shape& shape) {
  std::vector<int64_t> index(static_cast<size_t>(shape.rank()));
  for (int64_t d = shape.rank() - 1; d >= 0; --d) {
    index[static_cast<size_t>(d)] = position % shape[d];
    position /= shape[d];
  }
  return index;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const Tensor x = a.detach().contiguous(), y = b.detach().contiguous();
  const auto bytes = static_cast<size_t>(x.numel() * size_of(x.dtype()));
  return bytes == 0 || std::memcmp(x.raw_data(), y.raw_data(), bytes) == 0;
}
bool same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Tensor& x, const Tensor& y) { return same_bits(x, y); });
}

// One check: what backward gives, what differences give, and how they compare.
class Check {
 public:
  Check(const ListFunction& fn, const std::vector<Tensor>& inputs, const GradcheckOptions& options)
      : fn_(fn), inputs_(inputs), options_(options), random_(options.seed) {}

  GradcheckReport run() {
    const bool any = std::any_of(inputs_.begin(), inputs_.end(),
                                 [](const Tensor& x) { return is_floating_point(x.dtype()); });
    if (!any)
      throw ValueError("gradcheck: no input is floating point\n  hint: make them with kFloat64");
    if (const auto early = behaviour()) return *early;
    Objective objective(fn_, inputs_, random_);
    if (const auto early = differentiate(objective)) return *early;
    for (size_t i = 0; i < inputs_.size(); ++i)
      if (is_floating_point(inputs_[i].dtype())) compare(objective, i);
    finish();
    return report_;
  }

 private:
  GradcheckReport failed(GradcheckVerdict verdict, const std::string& details) {
    report_.passed = false;
    report_.verdict = verdict;
    report_.text = fmt::format("gradcheck: {}\n  {}\n", to_string(verdict), details);
    return report_;
  }

  // Two calls must leave the inputs alone and give the same.
  std::optional<GradcheckReport> behaviour() {
    NoGrad guard;
    std::vector<Tensor> mine, first;
    for (const Tensor& x : inputs_) mine.push_back(x.detach().clone());
    for (int time = 0; time < 2; ++time) {
      std::vector<Tensor> outputs = fn_(mine);
      for (Tensor& y : outputs) y = y.detach().clone();
      for (size_t i = 0; i < mine.size(); ++i)
        if (!same_bits(mine[i], inputs_[i]))
          return failed(
              GradcheckVerdict::kChangesInputs,
              fmt::format("input {} {} holds other elements after a call", i, mine[i].shape()));
      if (time == 0) {
        first = std::move(outputs);
        continue;
      }
      if (!same_bits(first, outputs))
        return failed(GradcheckVerdict::kNotDeterministic,
                      "two calls on the same inputs gave different results\n"
                      "  hint: fix its random numbers, or turn its dropout off");
    }
    return std::nullopt;
  }

  // The gradients by backward, as flat float64.
  std::optional<GradcheckReport> differentiate(const Objective& objective) {
    GradMode recording(true);
    std::vector<Tensor> arguments, leaves;
    for (const Tensor& x : inputs_) {
      arguments.push_back(x.detach().clone());
      if (is_floating_point(x.dtype())) leaves.push_back(arguments.back().requires_grad_());
    }
    const auto outputs = fn_(arguments);
    const auto fits = [](const Tensor& a, const Tensor& b) {
      return a.shape() == b.shape() && a.dtype() == b.dtype();
    };
    if (!std::equal(outputs.begin(), outputs.end(), objective.outputs().begin(),
                    objective.outputs().end(), fits))
      return failed(GradcheckVerdict::kNotDeterministic,
                    "its outputs differ in number, shape or dtype while recording");
    std::vector<Tensor> recorded, cotangents;
    for (size_t k = 0; k < outputs.size(); ++k) {
      if (!objective.cotangents()[k].defined() || !outputs[k].requires_grad()) continue;
      recorded.push_back(outputs[k]);
      cotangents.push_back(objective.cotangents()[k]);
    }
    std::vector<Tensor> gradients(leaves.size());
    if (!recorded.empty()) {
      gradients = grad(recorded, leaves, cotangents, {.retain_graph = true});
      if (!same_bits(gradients, grad(recorded, leaves, cotangents)))
        return failed(GradcheckVerdict::kNotDeterministic,
                      "two backward passes over one graph gave different gradients");
    }
    size_t next = 0;
    for (const Tensor& x : inputs_) {
      analytic_.emplace_back();
      if (!is_floating_point(x.dtype())) continue;
      const Tensor& gradient = gradients[next++];
      if (gradient.defined())
        analytic_.back() = gradient.detach().to(kFloat64).reshape({-1}).contiguous();
    }
    return std::nullopt;
  }

  void compare(Objective& objective, size_t input) {
    const bool narrow = inputs_[input].dtype() == kFloat32 || objective.has_float32();
    Derivatives d{analytic_[input],
                  {},
                  options_.epsilon.value_or(narrow ? 1e-2 : 1e-6),
                  options_.atol.value_or(narrow ? 1e-3 : 1e-6),
                  options_.rtol.value_or(narrow ? 1e-2 : 1e-4)};
    const Tensor& x = inputs_[input];
    if (options_.fast && x.numel() > 0) {
      const GradcheckInput along = compare_direction(objective, input, d);
      if (along.passed) return add(along, x.shape());
    }
    for (int64_t j = 0; j < x.numel(); ++j)
      d.numeric.push_back(objective.difference(input, j, d.epsilon, -d.epsilon) / (2 * d.epsilon));
    int64_t worst = -1;
    double severity = -1;
    for (int64_t j = 0; j < x.numel(); ++j) {
      const double error = std::abs(d.analytic_at(j) - d.numeric[static_cast<size_t>(j)]);
      const double here = std::isnan(error) ? INFINITY : error / d.allowed(j);
      if (here <= severity) continue;
      severity = here;
      worst = j;
    }
    GradcheckInput result{.input = input};
    if (worst >= 0) {
      result = judged(input, d.analytic_at(worst), d.numeric[static_cast<size_t>(worst)], d);
      result.index = unravel(worst, x.shape());
    }
    if (!result.passed) {
      result.verdict = diagnose(objective, input, worst, d);
      if (result.verdict == GradcheckVerdict::kWrongGradient ||
          result.verdict == GradcheckVerdict::kUndefinedGradient)
        result.remark = remark_on(d, x.shape());
    }
    add(result, x.shape());
  }

  GradcheckInput judged(size_t input, double analytic, double numeric, const Derivatives& d) {
    const double error = std::abs(analytic - numeric);
    const double scale = std::max(std::abs(analytic), std::abs(numeric));
    return {.input = input,
            .analytic = analytic,
            .numeric = numeric,
            .absolute_error = error,
            .relative_error = scale == 0 ? 0 : error / scale,
            .passed = error <= d.allowed_for(numeric)};  // false for NaN
  }

  // The derivative along a random direction of about unit length.
  GradcheckInput compare_direction(Objective& objective, size_t input, const Derivatives& d) {
    const Tensor& x = inputs_[input];
    const double scale = 1 / std::sqrt(static_cast<double>(x.numel()));
    const Tensor direction = random_weights(x.shape(), kFloat64, random_) * scale;
    const Tensor typed = direction.to(x.dtype());
    const double numeric =
        objective.difference(input, typed, d.epsilon, -d.epsilon) / (2 * d.epsilon);
    double analytic = 0;
    if (d.analytic.defined())
      analytic = sum(d.analytic * typed.to(kFloat64).reshape({-1})).item<double>();
    return judged(input, analytic, numeric, d);
  }

  void add(const GradcheckInput& found, const Shape& shape) {
    const bool along = found.index.empty() && shape.rank() > 0;
    lines_ += fmt::format(
        "  input {} {}: {}{}: analytic {:.9g}, numeric {:.9g}, error {:.3g} absolute, {:.3g} "
        "relative\n",
        found.input, shape, found.passed ? "ok" : "WRONG",
        along ? ", along a random direction"
              : fmt::format(", worst at [{}]", fmt::join(found.index, ", ")),
        found.analytic, found.numeric, found.absolute_error, found.relative_error);
    if (!found.passed && found.verdict != GradcheckVerdict::kWrongGradient)
      lines_ += fmt::format("    {}\n", to_string(found.verdict));
    if (!found.remark.empty()) lines_ += fmt::format("    {}\n", found.remark);
    report_.inputs.push_back(found);
  }

  void finish() {
    // A wrong gradient outweighs what may only look like one.
    constexpr GradcheckVerdict kByGravity[] = {
        GradcheckVerdict::kWrongGradient, GradcheckVerdict::kUndefinedGradient,
        GradcheckVerdict::kKink, GradcheckVerdict::kPrecisionTooLow};
    for (const GradcheckVerdict verdict : kByGravity)
      for (const GradcheckInput& input : report_.inputs)
        if (report_.passed && input.verdict == verdict) {
          report_.passed = false;
          report_.verdict = verdict;
        }
    report_.text = fmt::format("gradcheck: {}\n{}", to_string(report_.verdict), lines_);
  }

  const ListFunction& fn_;
  const std::vector<Tensor>& inputs_;
  const GradcheckOptions& options_;
  std::mt19937_64 random_;
  std::vector<Tensor> analytic_;
  GradcheckReport report_;
  std::string lines_;
};

}  // namespace

GradcheckReport gradcheck_list(const ListFunction& fn, const std::vector<Tensor>& inputs,
                               const GradcheckOptions& options) {
  return Check(fn, inputs, options).run();
}

GradcheckReport gradgradcheck_list(const ListFunction& fn, const std::vector<Tensor>& inputs,
                                   const GradcheckOptions& options) {
  std::mt19937_64 random(options.seed + 1);
  std::vector<Tensor> plain;
  for (const Tensor& x : inputs) plain.push_back(x.detach().clone());
  std::vector<Tensor> all = inputs;
  for (const Tensor& y : no_grad([&] { return fn(plain); }))
    if (is_floating_point(y.dtype())) all.push_back(random_weights(y.shape(), y.dtype(), random));

  const size_t count = inputs.size();
  // All first gradients as a function of the inputs and the cotangents.
  const ListFunction gradients = [&fn, count](const std::vector<Tensor>& x) {
    GradMode recording(true);
    std::vector<Tensor> arguments(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(count));
    std::vector<Tensor> leaves, outputs, cotangents;
    for (Tensor& argument : arguments) {
      if (!is_floating_point(argument.dtype())) continue;
      if (!argument.requires_grad()) argument = argument.detach().requires_grad_();
      leaves.push_back(argument);
    }
    size_t next = count;
    for (const Tensor& y : fn(arguments)) {
      if (!is_floating_point(y.dtype())) continue;
      const Tensor& v = x[next++];
      if (!y.requires_grad()) continue;
      outputs.push_back(y);
      cotangents.push_back(v);
    }
    std::vector<Tensor> first(leaves.size());
    if (!outputs.empty()) first = grad(outputs, leaves, cotangents, {.create_graph = true});
    for (size_t i = 0; i < first.size(); ++i)
      if (!first[i].defined()) first[i] = zeros_like(leaves[i]);
    return first;
  };
  GradcheckOptions wider = options;
  if (!wider.atol &&
      std::none_of(all.begin(), all.end(), [](const Tensor& x) { return x.dtype() == kFloat32; }))
    wider.atol = 1e-5;  // first derivatives have more rounding errors than the function
  GradcheckReport report = gradcheck_list(gradients, all, wider);
  report.text.insert(
      0, fmt::format("second derivatives (inputs from {} on are the cotangents)\n", count));
  return report;
}

}  // namespace bb::autograd
