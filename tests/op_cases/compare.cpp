#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("compare",
                      {
                          {"where", [](In x) { return where(gt(x[0], x[1]), x[0] * 2, x[1]); }},
                          {"where_scalar", [](In x) { return where(gt(x[0], 0.1), x[0], 2.0); }},
                          {"scalar_where", [](In x) { return where(gt(x[0], 0.1), 2.0, x[0]); }},
                          {"eq", [](In x) { return eq(x[0], x[1]); }, false},
                          {"ne", [](In x) { return ne(x[0], x[1]); }, false},
                          {"lt", [](In x) { return lt(x[0], x[1]); }, false},
                          {"le", [](In x) { return le(x[0], x[1]); }, false},
                          {"gt", [](In x) { return gt(x[0], x[1]); }, false},
                          {"ge", [](In x) { return ge(x[0], x[1]); }, false},
                          {"logical_and", [](In x) { return logical_and(x[0], x[1]); }, false},
                          {"logical_or", [](In x) { return logical_or(x[0], x[1]); }, false},
                          {"logical_xor", [](In x) { return logical_xor(x[0], x[1]); }, false},
                          {"logical_not", [](In x) { return logical_not(round(x[0])); }, false},
                          {"bitwise_and", [](In x) { return x[0] & x[1]; }, false},
                          {"bitwise_or", [](In x) { return x[0] | x[1]; }, false},
                          {"bitwise_xor", [](In x) { return x[0] ^ x[1]; }, false},
                          {"bitwise_not", [](In x) { return ~x[0]; }, false},
                          {"isnan", [](In x) { return isnan(x[0]); }, false},
                          {"isinf", [](In x) { return isinf(x[0]); }, false},
                          {"isfinite", [](In x) { return isfinite(x[0]); }, false},
                      });

}  // namespace
}  // namespace bb
