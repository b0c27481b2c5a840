#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family(
    "activation",
    {
        {"relu", [](In x) { return relu(x[0]); }},
        {"relu6", [](In x) { return relu6(x[0] * 7); }},
        {"leaky_relu", [](In x) { return leaky_relu(x[0]); }},
        {"leaky_relu_slope", [](In x) { return leaky_relu(x[0], -0.3); }},
        {"prelu", [](In x) { return prelu(x[0], x[1]); }},
        {"elu", [](In x) { return elu(x[0]); }},
        {"elu_alpha", [](In x) { return elu(x[0], 0.7); }},
        {"selu", [](In x) { return selu(x[0]); }},
        {"hardtanh", [](In x) { return hardtanh(x[0]); }},
        {"hardtanh_bounds", [](In x) { return hardtanh(x[0], -0.11, 0.37); }},
        {"hardsigmoid", [](In x) { return hardsigmoid(x[0] * 5.03); }},
        {"hardswish", [](In x) { return hardswish(x[0] * 5.03); }},
        {"hardswish_corners", [](In x) { return hardswish(x[0]); }},
        {"gelu", [](In x) { return gelu(x[0]); }},
        {"gelu_tanh", [](In x) { return gelu(x[0], {.approximate = GeluApproximate::kTanh}); }},
        {"silu", [](In x) { return silu(x[0]); }},
        {"mish", [](In x) { return mish(x[0]); }},
        {"softplus", [](In x) { return softplus(x[0]); }},
        {"softplus_options", [](In x) { return softplus(x[0], {.beta = 2.5, .threshold = 1}); }},
        {"logsigmoid", [](In x) { return logsigmoid(x[0]); }},
    });

}  // namespace
}  // namespace bb
