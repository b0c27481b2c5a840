#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("shape", {
                                   {"transpose", [](In x) { return x[0].transpose(0, -1); }},
                                   {"permute",
                                    [](In x) {
                                      return x[0].permute({2, 0, -2});
                                    }},
                                   {"reshape",
                                    [](In x) {
                                      return x[0].reshape({2, -1});
                                    }},
                                   {"view", [](In x) { return x[0].contiguous().view({-1}); }},
                                   {"flatten", [](In x) { return x[0].flatten(1); }},
                                   {"squeeze", [](In x) { return x[0].squeeze(1); }},
                                   {"unsqueeze", [](In x) { return x[0].unsqueeze(-1); }},
                                   {"expand",
                                    [](In x) {
                                      return x[0].expand({2, 3, 4});
                                    }},
                                   {"slice", [](In x) { return x[0].slice(0, 1, 5, 2); }},
                                   {"slice_negative", [](In x) { return x[0].slice(-1, -3, -1); }},
                                   {"contiguous", [](In x) { return x[0].t().contiguous(); }},
                                   {"clone", [](In x) { return x[0].clone(); }},
                                   {"to_float64", [](In x) { return x[0].to(kFloat64); }},
                               });

}  // namespace
}  // namespace bb
