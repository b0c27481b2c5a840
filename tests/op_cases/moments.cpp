#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family(
    "moments",
    {
        {"var", [](In x) { return x[0].var(); }},
        {"var_0", [](In x) { return x[0].var(0); }},
        {"var_many_keep",
         [](In x) {
           return var(x[0], {0, -1}, {.keepdim = true});
         }},
        {"var_biased", [](In x) { return x[0].var(1, {.correction = 0}); }},
        {"var_correction_2", [](In x) { return var(x[0], {}, {.correction = 2}); }},
        {"var_one", [](In x) { return x[0].var(1); }},
        {"std", [](In x) { return std(x[0]); }},
        {"std_0", [](In x) { return x[0].std(0); }},
        {"std_biased_keep", [](In x) { return x[0].std(1, {.correction = 0, .keepdim = true}); }},
        {"var_mean",
         [](In x) {
           const auto [variance, average] = var_mean(x[0], {1});
           return variance + average;
         }},
    });

}  // namespace
}  // namespace bb
