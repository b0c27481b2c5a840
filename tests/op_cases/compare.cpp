#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("compare",
                      {
                          {"where", [](In x) { return where(gt(x[0], x[1]), x[0] * 2, x[1]); }},
                          {"eq", [](In x) { return eq(x[0], x[1]); }, false},
                          {"ne", [](In x) { return ne(x[0], x[1]); }, false},
                          {"lt", [](In x) { return lt(x[0], x[1]); }, false},
                          {"le", [](In x) { return le(x[0], x[1]); }, false},
                          {"gt", [](In x) { return gt(x[0], x[1]); }, false},
                          {"ge", [](In x) { return ge(x[0], x[1]); }, false},
                          {"logical_and", [](In x) { return logical_and(x[0], x[1]); }, false},
                      });

}  // namespace
}  // namespace bb
