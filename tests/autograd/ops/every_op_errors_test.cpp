// Every row of tests/op_cases/ with operands that do not fit: what an op says of them, it says in
// the name that it was called by, not in that of an op within it, and it shows what it was given.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "bb/bb.h"
#include "bb/tests/golden.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

// Names that rows do not begin with: of the ops, and of what a row itself calls on its inputs.
const std::multimap<std::string, std::string> kOtherNames{
    {"adaptive_max_pool2d_indices", "adaptive_max_pool2d_with_indices"},
    {"all", "lt"},
    {"any", "gt"},
    {"any", "round"},
    {"attention", "scaled_dot_product_attention"},
    {"batch_norm", "size"},
    {"binary_cross_entropy_corners", "lt"},
    {"broadcast_tensors", "stack"},
    {"cholesky", "matmul"},
    {"contiguous", "t"},
    {"count_nonzero", "round"},
    {"cross_entropy", "size"},
    {"ctc_loss", "log_softmax"},
    {"embedding_padding", "index_fill"},
    {"embedding_padding", "size"},
    {"fmod_scalar", "mul"},
    {"hardsigmoid", "mul"},
    {"hardswish", "mul"},
    {"instance_norm", "size"},
    {"layer_norm", "size"},
    {"logabsdet", "slogdet"},
    {"logical_not", "round"},
    {"max_pool2d_indices", "max_pool2d_with_indices"},
    {"multilabel_soft_margin_loss", "add"},
    {"nll_loss", "size"},
    {"rdiv_scalar", "div"},
    {"relu6", "mul"},
    {"remainder_scalar", "mul"},
    {"rms_norm", "size"},
    {"rpow_scalar", "pow"},
    {"rsub_scalar", "sub"},
    {"scalar_where", "gt"},
    {"scalar_where", "where"},
    {"solve_", "solve_triangular"},
    {"tensor_unfold", "unfold"},
    {"view", "contiguous"},
    {"where", "gt"},
    {"where", "mul"},
    {"where_scalar", "gt"},
};

// The rows that ask their inputs for sizes or dtypes before they call the op: of an undefined one,
// no op can say anything then.
bool reads_inputs(const std::string& row) {
  for (const char* start :
       {"batch_norm", "binary_cross_entropy_weighted", "binary_cross_entropy_with_logits_weighted",
        "cholesky", "cross_entropy_smoothed", "cross_entropy_weighted", "div_floor_scalar",
        "embedding_padding", "instance_norm_running", "layer_norm", "multi_margin_loss_squared",
        "multilabel_soft_margin_loss_weighted", "nll_loss_none", "nll_loss_weighted", "rms_norm",
        "round_tens", "slogdet_sign"})
    if (row.starts_with(start)) return true;
  return false;
}

// What a row made of its inputs.
struct Outcome {
  enum Kind { kResult, kShape, kDType, kOther } kind = kResult;
  std::string text;
};

Outcome run(const OpCase& op, const std::vector<Tensor>& inputs) {
  try {
    op.fn(inputs);
    return {};
  } catch (const ShapeError& error) {
    return {Outcome::kShape, error.what()};
  } catch (const DTypeError& error) {
    return {Outcome::kDType, error.what()};
  } catch (const InternalError& error) {
    ADD_FAILURE() << error.what();
    return {};
  } catch (const Error& error) {
    return {Outcome::kOther, error.what()};
  } catch (const std::exception& error) {
    ADD_FAILURE() << "not one of the library's: " << error.what();
    return {};
  }
}

class EveryOp : public ::testing::TestWithParam<OpCase> {
 protected:
  const OpCase& op() const { return GetParam(); }
  std::vector<Tensor> inputs() const { return golden_sets(op().family, op().name)[0].inputs; }

  bool is_named(const std::string& text) const {
    const std::string name = text.substr(0, text.find(": "));
    if (op().name.starts_with(name)) return true;
    return std::any_of(kOtherNames.begin(), kOtherNames.end(), [&](const auto& other) {
      return op().name.starts_with(other.first) && other.second == name;
    });
  }

  // Runs the row with another input i.
  Outcome replaced(size_t i, const Tensor& x) const {
    std::vector<Tensor> all = inputs();
    all[i] = x;
    const Outcome outcome = run(op(), all);
    if (outcome.kind != Outcome::kResult) {
      EXPECT_TRUE(is_named(outcome.text)) << outcome.text;
      EXPECT_NE(outcome.text.find("\n  "), std::string::npos) << "no operands: " << outcome.text;
    }
    return outcome;
  }
};

TEST_P(EveryOp, NamesItselfAndAnUndefinedOperand) {
  if (reads_inputs(op().name)) return;
  for (size_t i = 0; i < inputs().size(); ++i) {
    const Outcome outcome = replaced(i, Tensor());
    if (i == 0) {
      EXPECT_EQ(outcome.kind, Outcome::kOther) << "the first operand is never optional";
    }
    if (outcome.kind == Outcome::kOther) {
      EXPECT_NE(outcome.text.find("undefined"), std::string::npos) << outcome.text;
    }
  }
}

TEST_P(EveryOp, NamesItselfAndADTypeThatItDoesNotTake) {
  const DType dtypes[] = {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64};
  for (DType dtype : dtypes) {
    std::vector<Tensor> all = inputs();
    for (size_t i = 0; i < all.size(); ++i) {
      const Outcome outcome = replaced(i, all[i].to(dtype));
      if (outcome.kind == Outcome::kDType && !reads_inputs(op().name)) {
        EXPECT_NE(outcome.text.find(name(dtype)), std::string::npos) << outcome.text;
      }
    }
    for (Tensor& x : all) x = x.to(dtype);
    const Outcome outcome = run(op(), all);
    if (outcome.kind == Outcome::kDType) {
      EXPECT_TRUE(is_named(outcome.text)) << outcome.text;
    }
  }
}

TEST_P(EveryOp, NamesItselfAndShapesThatDoNotFit) {
  // These rows pick parts that might not be there, and add up what might not fit.
  if (op().name == "chunk" || op().name == "unbind" || op().name.starts_with("cholesky")) return;
  const std::vector<Tensor> all = inputs();
  for (size_t i = 0; i < all.size(); ++i) {
    std::vector<Tensor> others{zeros({}, all[i].dtype()), all[i].unsqueeze(0),
                               zeros(Shape::filled(Shape::kMaxRank, 1), all[i].dtype())};
    if (all[i].dim() > 0) {
      others.push_back(cat({all[i], all[i], all[i]}, 0));
      others.push_back(cat({all[i], all[i], all[i]}, -1));
      others.push_back(all[i].slice(-1, 0, 0));
    }
    for (const Tensor& x : others) replaced(i, x);
  }
}

TEST_P(EveryOp, NamesItselfAndNumbersOutOfRange) {
  const std::vector<Tensor> all = inputs();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].dtype() != kInt64 && all[i].dtype() != kInt32) continue;
    for (int64_t far : {1000, -1000}) replaced(i, all[i] + far);
  }
}

std::string case_name(const ::testing::TestParamInfo<OpCase>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(All, EveryOp, ::testing::ValuesIn(op_cases()), case_name);

}  // namespace
}  // namespace bb
