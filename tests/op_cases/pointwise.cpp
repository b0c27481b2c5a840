#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family(
    "pointwise",
    {
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
    });

}  // namespace
}  // namespace bb
