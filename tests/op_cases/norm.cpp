#include <limits>

#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;
constexpr double kInf = std::numeric_limits<double>::infinity();

const OpFamily family("norm",
                      {
                          {"norm", [](In x) { return x[0].norm(); }},
                          {"norm_rows", [](In x) { return x[0].norm(2, {1}, true); }},
                          {"norm_many",
                           [](In x) {
                             return norm(x[0], 2, {0, -1});
                           }},
                          {"norm_1", [](In x) { return norm(x[0], 1); }},
                          {"norm_1_rows", [](In x) { return norm(x[0], 1, {1}, true); }},
                          {"norm_inf", [](In x) { return norm(x[0], kInf); }},
                          {"norm_inf_rows", [](In x) { return norm(x[0], kInf, {1}, true); }},
                          {"norm_minus_inf", [](In x) { return norm(x[0], -kInf); }},
                          {"norm_minus_inf_rows",
                           [](In x) { return norm(x[0], -kInf, {1}, true); }},
                          {"norm_3", [](In x) { return norm(x[0], 3); }},
                          {"norm_3_rows", [](In x) { return norm(x[0], 3, {1}, true); }},
                          {"norm_1_5", [](In x) { return norm(x[0], 1.5); }},
                          {"norm_half", [](In x) { return norm(x[0], 0.5); }},
                          {"norm_minus_2", [](In x) { return norm(x[0], -2); }},
                          {"norm_0", [](In x) { return norm(x[0], 0); }},
                      });

}  // namespace
}  // namespace bb
