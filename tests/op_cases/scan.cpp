#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("scan", {
                                  {"cumsum_0", [](In x) { return cumsum(x[0], 0); }},
                                  {"cumsum_last", [](In x) { return x[0].cumsum(-1); }},
                                  {"cumprod_0", [](In x) { return cumprod(x[0], 0); }},
                                  {"cumprod_last", [](In x) { return x[0].cumprod(-1); }},
                                  {"cumprod_1", [](In x) { return cumprod(x[0], 1); }},
                              });

}  // namespace
}  // namespace bb
