#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("glu", {
                                 {"glu", [](In x) { return glu(x[0]); }},
                                 {"glu_0", [](In x) { return glu(x[0], 0); }},
                             });

}  // namespace
}  // namespace bb
