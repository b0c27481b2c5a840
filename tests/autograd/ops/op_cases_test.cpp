// Every row of tests/op_cases/ against PyTorch, against itself on strided inputs, and against
// finite differences, once and twice.
#include "bb/tests/op_cases.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "bb/autograd/testing.h"
#include "bb/bb.h"
#include "bb/tests/golden.h"
#include "bb/tests/golden_error.h"
#include "bb/tests/same_bits.h"

namespace bb {
namespace {

double tolerance(DType dtype) { return dtype == kFloat32 ? 1e-5 : 1e-10; }

// Of the first floating-point input; float64 where there is none.
DType real_dtype(const GoldenSet& set) {
  for (const Tensor& x : set.inputs)
    if (is_floating_point(x.dtype())) return x.dtype();
  return kFloat64;
}

::testing::AssertionResult close(const Tensor& actual, const Tensor& expected, double relative) {
  if (actual.shape() != expected.shape() || actual.dtype() != expected.dtype())
    return ::testing::AssertionFailure()
           << "got " << describe(actual) << ", expected " << describe(expected);
  size_t at = 0;
  const double error = relative_error(actual, expected, &at);
  if (error <= relative) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << fmt::format(
             "element {} of {}: got {:.9g}, expected {:.9g}: error {:.3g}, {:.3g} allowed", at,
             expected.shape(), actual.detach().to(kFloat64).to_vector<double>()[at],
             expected.to(kFloat64).to_vector<double>()[at], error, relative);
}

// The same elements, none of them next to another: every second of a larger tensor, last dim first.
Tensor with_gaps(const Tensor& x) {
  Shape shape;
  for (int64_t d = x.dim() - 1; d >= 0; --d) shape.push_back(2 * x.size(d));
  Tensor y = zeros(shape, x.dtype());
  for (int64_t d = 0; d < y.dim(); ++d) y = y.slice(d, 0, y.size(d), 2);
  Shape reversed;
  for (int64_t d = x.dim() - 1; d >= 0; --d) reversed.push_back(d);
  y = x.dim() == 0 ? y : y.permute(reversed);
  y.copy_(x);
  return y;
}

std::vector<Tensor> leaves(const std::vector<Tensor>& inputs, bool gaps) {
  std::vector<Tensor> result;
  for (const Tensor& x : inputs) {
    result.push_back(gaps ? with_gaps(x) : x.clone());
    if (is_floating_point(x.dtype())) result.back().requires_grad_();
  }
  return result;
}

class Ops : public ::testing::TestWithParam<OpCase> {
 protected:
  const std::vector<GoldenSet>& golden() const {
    return golden_sets(GetParam().family, GetParam().name);
  }

  void compare(bool gaps) const {
    for (const GoldenSet& set : golden()) {
      SCOPED_TRACE(fmt::format("inputs {}", set.inputs[0].shape()) +
                   (set.inputs.size() > 1 ? fmt::format(" {}", set.inputs[1].shape()) : ""));
      const DType dtype = real_dtype(set);
      const auto inputs = leaves(set.inputs, gaps);
      const Tensor y = GetParam().fn(inputs);
      EXPECT_TRUE(close(y, set.result, tolerance(dtype) * GetParam().looser));
      EXPECT_EQ(y.requires_grad(), GetParam().differentiable);
      if (!GetParam().differentiable) continue;
      y.backward(set.cotangent);
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (!inputs[i].requires_grad()) continue;
        const Tensor gradient = inputs[i].grad();
        EXPECT_TRUE(close(gradient.defined() ? gradient : zeros_like(inputs[i].detach()),
                          set.gradients[i], tolerance(dtype) * GetParam().looser))
            << "gradient of input " << i;
      }
    }
  }

  // Inputs where a derivative exists everywhere.
  std::vector<std::vector<Tensor>> smooth_sets() const {
    std::vector<std::vector<Tensor>> result;
    for (const GoldenSet& set : golden())
      if (real_dtype(set) == kFloat64 && !set.special && set.inputs[0].numel() < 200)
        result.push_back(set.inputs);
    return result;
  }
};

TEST_P(Ops, AgreesWithPyTorch) {
  ASSERT_GE(golden().size(), 3u) << "scripts/golden needs three sets for this op";
  EXPECT_EQ(GetParam().looser == 1, GetParam().reason.empty()) << "say why errors may be larger";
  compare(false);
}

TEST_P(Ops, AgreesWithPyTorchOnStridedInputs) { compare(true); }

// Results and gradients, bit by bit, with work shared however small it is.
TEST_P(Ops, AnyNumberOfThreadsGivesTheSameBits) {
  struct ShareAll {
    ShareAll() { detail::share_all_work(true); }
    ~ShareAll() { detail::share_all_work(false); }
  } share_all;
  for (const GoldenSet& set : golden()) {
    std::vector<std::vector<std::string>> seen;
    for (int threads = 1; threads <= 8; ++threads) {
      const bb::testing::Threads scope(threads);
      const auto inputs = leaves(set.inputs, threads % 2 == 0);
      const Tensor y = GetParam().fn(inputs);
      std::vector<Tensor> results{y};
      if (GetParam().differentiable) {
        y.backward(set.cotangent);
        for (const Tensor& x : inputs)
          if (x.requires_grad() && x.grad().defined()) results.push_back(x.grad());
      }
      auto& bytes = seen.emplace_back(bb::testing::bytes_of(results));
      for (size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = visit(results[i].dtype(),
                         [&]<class T>() { return bb::testing::with_one_nan<T>(bytes[i]); });
    }
    for (size_t i = 2; i < seen.size(); ++i)  // strided inputs may choose another order
      EXPECT_EQ(seen[i] == seen[i - 2], true)
          << fmt::format("{} threads, inputs {}", i + 1, set.inputs[0].shape());
  }
}

TEST_P(Ops, GradientIsTheDerivative) {
  if (!GetParam().differentiable) return;
  const auto sets = smooth_sets();
  ASSERT_GE(sets.size(), 2u);
  for (const auto& inputs : sets) EXPECT_GRADCHECK(GetParam().fn, inputs);
}

TEST_P(Ops, SecondGradientIsTheDerivativeOfTheFirst) {
  if (!GetParam().differentiable) return;
  for (const auto& inputs : smooth_sets()) EXPECT_GRADGRADCHECK(GetParam().fn, inputs);
}

std::string case_name(const ::testing::TestParamInfo<OpCase>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(All, Ops, ::testing::ValuesIn(op_cases()), case_name);

TEST(OpCases, EveryGoldenCaseHasARow) {
  for (const std::string& family : golden_families())
    for (const auto& [name, sets] : golden_family(family)) {
      const bool found = std::any_of(
          op_cases().begin(), op_cases().end(),
          [&, &name = name](const OpCase& c) { return c.family == family && c.name == name; });
      EXPECT_TRUE(found) << family << ": " << name;
    }
}

TEST(OpCases, DocsListEachOfThem) {
  std::ifstream file(BB_SOURCE_DIR "/docs/ops.md");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const OpCase& op : op_cases())
    EXPECT_NE(text.find("| " + op.name + " |"), std::string::npos)
        << op.name << ": run scripts/op_table.sh";
}

}  // namespace
}  // namespace bb
