#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("softmax",
                      {
                          {"softmax_0", [](In x) { return softmax(x[0], 0); }},
                          {"softmax_last", [](In x) { return softmax(x[0], -1); }},
                          {"log_softmax_0", [](In x) { return log_softmax(x[0], 0); }},
                          {"log_softmax_last", [](In x) { return log_softmax(x[0], -1); }},
                      });

}  // namespace
}  // namespace bb
