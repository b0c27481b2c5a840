#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("clamp",
                      {
                          {"maximum", [](In x) { return maximum(x[0], x[1]); }},
                          {"minimum", [](In x) { return minimum(x[0], x[1]); }},
                          {"clamp", [](In x) { return clamp(x[0], -0.11, 0.13); }},
                          {"clamp_min", [](In x) { return clamp(x[0], 0); }},
                          {"clamp_max", [](In x) { return clamp(x[0], std::nullopt, 0.5); }},
                          {"clamp_crossed", [](In x) { return clamp(x[0], 0.3, -0.2); }},
                          {"clamp_tensors", [](In x) { return clamp(x[0], x[1], x[2]); }},
                          {"clamp_min_tensor", [](In x) { return clamp(x[0], x[1]); }},
                          {"clamp_max_tensor", [](In x) { return clamp(x[0], Tensor(), x[1]); }},
                      });

}  // namespace
}  // namespace bb
