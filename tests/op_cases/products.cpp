#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family(
    "products",
    {
        {"mm", [](In x) { return x[0].mm(x[1]); }},
        {"bmm", [](In x) { return x[0].bmm(x[1]); }},
        {"mv", [](In x) { return x[0].mv(x[1]); }},
        {"dot", [](In x) { return x[0].dot(x[1]); }},
        {"outer", [](In x) { return x[0].outer(x[1]); }},
        {"kron", [](In x) { return x[0].kron(x[1]); }},
        {"addmm", [](In x) { return x[0].addmm(x[1], x[2]); }},
        {"addmm_scaled", [](In x) { return x[0].addmm(x[1], x[2], {.beta = 0.5, .alpha = -2}); }},
        {"addmm_beta_0", [](In x) { return addmm(x[0], x[1], x[2], {.beta = 0}); }},
        {"baddbmm", [](In x) { return x[0].baddbmm(x[1], x[2], {.beta = 0.5, .alpha = 2}); }},
        {"addmv", [](In x) { return x[0].addmv(x[1], x[2], {.beta = 0.5, .alpha = 2}); }},
    });

}  // namespace
}  // namespace bb
