#include "bb/tests/op_cases.h"

#include "bb/bb.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

}  // namespace

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases{
      // arithmetic.h
      {"add", [](In x) { return x[0] + x[1]; }},
      {"sub", [](In x) { return x[0] - x[1]; }},
      {"mul", [](In x) { return x[0] * x[1]; }},
      {"div", [](In x) { return x[0] / x[1]; }},
      {"pow", [](In x) { return pow(x[0], x[1]); }},
      {"pow_specials", [](In x) { return pow(x[0], x[1]); }},
      {"add_scalar", [](In x) { return x[0] + 2.5; }},
      {"rsub_scalar", [](In x) { return 2.5 - x[0]; }},
      {"mul_scalar", [](In x) { return x[0] * -1.5; }},
      {"div_scalar", [](In x) { return x[0] / 4.0; }},
      {"rdiv_scalar", [](In x) { return 3.0 / x[0]; }},
      {"pow_2", [](In x) { return pow(x[0], 2); }},
      {"pow_3", [](In x) { return pow(x[0], 3); }},
      {"pow_half", [](In x) { return pow(x[0], 0.5); }},
      {"pow_0", [](In x) { return pow(x[0], 0); }},
      {"rpow_scalar", [](In x) { return pow(2.0, x[0]); }},
      {"neg", [](In x) { return -x[0]; }},
      // pointwise.h, compare.h
      {"exp", [](In x) { return exp(x[0]); }},
      {"log", [](In x) { return log(x[0]); }},
      {"sqrt", [](In x) { return sqrt(x[0]); }},
      {"tanh", [](In x) { return tanh(x[0]); }},
      {"sigmoid", [](In x) { return sigmoid(x[0]); }},
      {"erf", [](In x) { return erf(x[0]); }},
      {"sin", [](In x) { return sin(x[0]); }},
      {"cos", [](In x) { return cos(x[0]); }},
      {"gelu", [](In x) { return gelu(x[0]); }},
      {"gelu_tanh", [](In x) { return gelu(x[0], {.approximate = GeluApproximate::kTanh}); }},
      {"relu", [](In x) { return relu(x[0]); }},
      {"where", [](In x) { return where(gt(x[0], x[1]), x[0] * 2, x[1]); }},
      {"eq", [](In x) { return eq(x[0], x[1]); }, false},
      {"ne", [](In x) { return ne(x[0], x[1]); }, false},
      {"lt", [](In x) { return lt(x[0], x[1]); }, false},
      {"le", [](In x) { return le(x[0], x[1]); }, false},
      {"gt", [](In x) { return gt(x[0], x[1]); }, false},
      {"ge", [](In x) { return ge(x[0], x[1]); }, false},
      {"logical_and", [](In x) { return logical_and(x[0], x[1]); }, false},
      // linalg.h
      {"matmul", [](In x) { return matmul(x[0], x[1]); }},
      {"matmul_vector", [](In x) { return matmul(x[0], x[1]); }},
      {"matmul_batch", [](In x) { return matmul(x[0], x[1]); }},
      {"linear", [](In x) { return linear(x[0], x[1], x[2]); }},
      {"linear_relu", [](In x) { return linear(x[0], x[1], x[2], Activation::kRelu); }},
      {"linear_no_bias", [](In x) { return linear(x[0], x[1]); }},
      // shape.h
      {"transpose", [](In x) { return x[0].transpose(0, -1); }},
      {"permute",
       [](In x) {
         return x[0].permute({2, 0, -2});
       }},
      {"reshape",
       [](In x) {
         return x[0].reshape({2, -1});
       }},
      {"view", [](In x) { return x[0].contiguous().view({-1}); }},
      {"flatten", [](In x) { return x[0].flatten(1); }},
      {"squeeze", [](In x) { return x[0].squeeze(1); }},
      {"unsqueeze", [](In x) { return x[0].unsqueeze(-1); }},
      {"expand",
       [](In x) {
         return x[0].expand({2, 3, 4});
       }},
      {"slice", [](In x) { return x[0].slice(0, 1, 5, 2); }},
      {"slice_negative", [](In x) { return x[0].slice(-1, -3, -1); }},
      {"contiguous", [](In x) { return x[0].t().contiguous(); }},
      {"clone", [](In x) { return x[0].clone(); }},
      {"to_float64", [](In x) { return x[0].to(kFloat64); }},
      // reduce.h
      {"sum", [](In x) { return x[0].sum(); }},
      {"sum_0", [](In x) { return x[0].sum(0); }},
      {"sum_1_keep", [](In x) { return x[0].sum(1, true); }},
      {"sum_many",
       [](In x) {
         return x[0].sum({0, -1});
       }},
      {"mean", [](In x) { return x[0].mean(); }},
      {"mean_1", [](In x) { return x[0].mean(1); }},
      {"max", [](In x) { return x[0].max(); }},
      {"max_0", [](In x) { return x[0].max(0).values; }},
      {"max_last_keep", [](In x) { return x[0].max(-1, true).values; }},
      {"argmax", [](In x) { return x[0].argmax(); }, false},
      {"argmax_0", [](In x) { return x[0].argmax(0); }, false},
      // scan.h
      {"cumsum_0", [](In x) { return cumsum(x[0], 0); }},
      {"cumsum_last", [](In x) { return cumsum(x[0], -1); }},
      // softmax.h, loss.h
      {"softmax_0", [](In x) { return softmax(x[0], 0); }},
      {"softmax_last", [](In x) { return softmax(x[0], -1); }},
      {"log_softmax_0", [](In x) { return log_softmax(x[0], 0); }},
      {"log_softmax_last", [](In x) { return log_softmax(x[0], -1); }},
      {"cross_entropy", [](In x) { return cross_entropy(x[0], x[1]); }},
      {"cross_entropy_sum",
       [](In x) { return cross_entropy(x[0], x[1], {.reduction = Reduction::kSum}); }},
      {"cross_entropy_none",
       [](In x) { return cross_entropy(x[0], x[1], {.reduction = Reduction::kNone}); }},
      {"cross_entropy_probabilities", [](In x) { return cross_entropy(x[0], x[1]); }},
      {"mse_loss", [](In x) { return mse_loss(x[0], x[1]); }},
      {"mse_loss_sum", [](In x) { return mse_loss(x[0], x[1], {.reduction = Reduction::kSum}); }},
      {"mse_loss_none", [](In x) { return mse_loss(x[0], x[1], {.reduction = Reduction::kNone}); }},
  };
  return cases;
}

}  // namespace bb
