// Prints docs/ops.md: what each row of tests/op_cases/ can do, measured (scripts/op_table.sh).
#include <fmt/format.h>

#include <cstdio>

#include "bb/bb.h"
#include "bb/tests/golden.h"
#include "bb/tests/golden_error.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

bool has_real(const std::vector<Tensor>& inputs, DType dtype) {
  for (const Tensor& x : inputs)
    if (x.dtype() == dtype) return true;
  return false;
}

// The dtypes that the floating-point inputs may have instead; of an op without any, those of its
// first input.
std::string dtypes(const OpCase& op, const GoldenSet& set) {
  std::string names;
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64}) {
    std::vector<Tensor> inputs;
    for (const Tensor& x : set.inputs)
      inputs.push_back(is_floating_point(x.dtype()) ? x.to(dtype) : x);
    if (!has_real(set.inputs, kFloat64)) inputs[0] = inputs[0].to(dtype);
    try {
      op.fn(inputs);
    } catch (const DTypeError&) {
      continue;
    } catch (const Error&) {
      // The dtype was not what it objected to.
    }
    names += fmt::format("{}{}", names.empty() ? "" : " ", name(dtype));
  }
  return names == "bool uint8 int32 int64 float32 float64" ? "all" : names;
}

struct Errors {
  double float32 = 0, float64 = 0;
  void add(DType dtype, double error) {
    double& worst = dtype == kFloat32 ? float32 : float64;
    worst = std::max(worst, error);
  }
};

// The largest errors of results and gradients over all golden sets.
Errors errors_of(const OpCase& op, const std::vector<GoldenSet>& sets) {
  Errors errors;
  for (const GoldenSet& set : sets) {
    const DType dtype = has_real(set.inputs, kFloat32) ? kFloat32 : kFloat64;
    std::vector<Tensor> inputs;
    for (const Tensor& x : set.inputs) {
      inputs.push_back(x.clone());
      if (op.differentiable && is_floating_point(x.dtype())) inputs.back().requires_grad_();
    }
    const Tensor y = op.fn(inputs);
    errors.add(dtype, relative_error(y, set.result));
    if (!op.differentiable) continue;
    y.backward(set.cotangent);
    for (size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].requires_grad() && inputs[i].grad().defined())
        errors.add(dtype, relative_error(inputs[i].grad(), set.gradients[i]));
  }
  return errors;
}

// Whether a second derivative is there and right, on the first inputs without special values.
bool has_second_derivative(const OpCase& op, const std::vector<GoldenSet>& sets) {
  for (const GoldenSet& set : sets)
    if (!set.special && has_real(set.inputs, kFloat64) && set.inputs[0].numel() < 200)
      return gradgradcheck(op.fn, set.inputs).passed;
  return false;
}

void print_table() {
  fmt::print(
      "# The ops\n\n"
      "Made by `scripts/op_table.sh` from the rows of `tests/op_cases/`; a line is one way of "
      "calling an op.\n"
      "Golden cases are sets of inputs with PyTorch's results and gradients, in float32 and "
      "float64 "
      "apart. Errors are the\n"
      "largest seen over them, of results and first gradients, relative to the larger of the right "
      "element and the mean\n"
      "size; 1e-5 and 1e-10 are allowed, except where the last column gives a reason. First and "
      "second derivatives are\n"
      "checked against finite differences in float64.\n");
  std::string family, reasons;
  for (const OpCase& op : op_cases()) {
    if (op.family != family) {
      family = op.family;
      fmt::print(
          "\n## {}\n\n"
          "| case | differentiable | twice | dtypes | golden cases | error, float32 | error, "
          "float64 | reason |\n|---|---|---|---|---|---|---|---|\n",
          family);
    }
    const auto& sets = golden_sets(op.family, op.name);
    const Errors errors = errors_of(op, sets);
    const bool twice = op.differentiable && has_second_derivative(op, sets);
    const auto text = [](double error) { return error == 0 ? "0" : fmt::format("{:.1g}", error); };
    fmt::print("| {} | {} | {} | {} | {} | {} | {} | {} |\n", op.name,
               op.differentiable ? "yes" : "no", twice ? "yes" : "no", dtypes(op, sets[0]),
               sets.size(), text(errors.float32), text(errors.float64), op.reason);
  }
}

}  // namespace
}  // namespace bb

int main() {
  bb::print_table();
  return 0;
}
