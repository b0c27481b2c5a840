#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("pointwise", {
                                       {"abs", [](In x) { return abs(x[0]); }},
                                       {"sign", [](In x) { return sign(x[0]); }},
                                       {"square", [](In x) { return square(x[0]); }},
                                       {"sqrt", [](In x) { return sqrt(x[0]); }},
                                       {"rsqrt", [](In x) { return rsqrt(x[0]); }},
                                       {"reciprocal", [](In x) { return reciprocal(x[0]); }},
                                       {"exp", [](In x) { return exp(x[0]); }},
                                       {"exp2", [](In x) { return exp2(x[0]); }},
                                       {"expm1", [](In x) { return expm1(x[0]); }},
                                       {"log", [](In x) { return log(x[0]); }},
                                       {"log2", [](In x) { return log2(x[0]); }},
                                       {"log10", [](In x) { return log10(x[0]); }},
                                       {"log1p", [](In x) { return log1p(x[0]); }},
                                       {"tanh", [](In x) { return tanh(x[0]); }},
                                       {"sinh", [](In x) { return sinh(x[0]); }},
                                       {"cosh", [](In x) { return cosh(x[0]); }},
                                       {"sigmoid", [](In x) { return sigmoid(x[0]); }},
                                       {"erf", [](In x) { return erf(x[0]); }},
                                       {"sin", [](In x) { return sin(x[0]); }},
                                       {"cos", [](In x) { return cos(x[0]); }},
                                       {"tan", [](In x) { return tan(x[0]); }},
                                       {"asin", [](In x) { return asin(x[0]); }},
                                       {"acos", [](In x) { return acos(x[0]); }},
                                       {"atan", [](In x) { return atan(x[0]); }},
                                       {"atan2", [](In x) { return atan2(x[0], x[1]); }},
                                       {"atan2_quadrants", [](In x) { return atan2(x[0], x[1]); }},
                                       {"floor", [](In x) { return floor(x[0]); }},
                                       {"ceil", [](In x) { return ceil(x[0]); }},
                                       {"round", [](In x) { return round(x[0]); }},
                                       {"trunc", [](In x) { return trunc(x[0]); }},
                                       {"round_decimals", [](In x) { return round(x[0], 1); }},
                                       {"round_tens", [](In x) { return round(x[0] * 10, -1); }},
                                   });

}  // namespace
}  // namespace bb
