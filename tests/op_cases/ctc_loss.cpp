#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;
using enum Reduction;

Tensor ctc(In x, const CtcOptions& options) {
  return ctc_loss(log_softmax(x[0], -1), x[1], x[2], x[3], options);
}

const OpFamily family("ctc_loss",
                      {
                          {"ctc_loss", [](In x) { return ctc(x, {}); }},
                          {"ctc_loss_sum", [](In x) { return ctc(x, {.reduction = kSum}); }},
                          {"ctc_loss_none", [](In x) { return ctc(x, {.reduction = kNone}); }},
                          {"ctc_loss_blank", [](In x) { return ctc(x, {.blank = 2}); }},
                          {"ctc_loss_zero_infinity",
                           [](In x) { return ctc(x, {.zero_infinity = true}); }},
                      });

}  // namespace
}  // namespace bb
