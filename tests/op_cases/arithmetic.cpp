#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("arithmetic",
                      {
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
                          {"pow_minus_half", [](In x) { return pow(x[0], -0.5); }},
                          {"pow_minus_1", [](In x) { return pow(x[0], -1); }},
                          {"pow_0", [](In x) { return pow(x[0], 0); }},
                          {"rpow_scalar", [](In x) { return pow(2.0, x[0]); }},
                          {"neg", [](In x) { return -x[0]; }},
                          {"lerp", [](In x) { return lerp(x[0], x[1], x[2]); }},
                          {"lerp_scalar", [](In x) { return lerp(x[0], x[1], 0.3); }},
                          {"lerp_far", [](In x) { return lerp(x[0], x[1], 0.875); }},
                          {"fmod", [](In x) { return fmod(x[0], x[1]); }},
                          {"fmod_scalar", [](In x) { return fmod(x[0] * 3, 0.7); }},
                          {"remainder", [](In x) { return remainder(x[0], x[1]); }},
                          {"add_alpha", [](In x) { return add(x[0], x[1], 2.5); }},
                          {"sub_alpha", [](In x) { return sub(x[0], x[1], -0.75); }},
                          {"div_trunc", [](In x) { return div(x[0], x[1], RoundingMode::kTrunc); }},
                          {"div_floor", [](In x) { return div(x[0], x[1], RoundingMode::kFloor); }},
                          {"div_floor_scalar",
                           [](In x) { return div(x[0] * 3, -0.7, RoundingMode::kFloor); }},
                          {"remainder_scalar", [](In x) { return remainder(x[0] * 3, 0.7); }},
                      });

}  // namespace
}  // namespace bb
