#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("mask",
                      {
                          {"masked_fill", [](In x) { return x[0].masked_fill(x[1], -1.5); }},
                          {"masked_fill_tensor", [](In x) { return x[0].masked_fill(x[1], x[2]); }},
                          {"masked_select", [](In x) { return x[0].masked_select(x[1]); }},
                          {"masked_scatter", [](In x) { return x[0].masked_scatter(x[1], x[2]); }},
                          {"nonzero", [](In x) { return x[0].nonzero(); }, false},
                          {"argwhere", [](In x) { return x[0].argwhere(); }, false},
                      });

}  // namespace
}  // namespace bb
