#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("shape",
                      {
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
                          {"squeeze_all", [](In x) { return x[0].squeeze(); }},
                          {"squeeze_many",
                           [](In x) {
                             return x[0].squeeze({0, -1});
                           }},
                          {"unflatten",
                           [](In x) {
                             return x[0].unflatten(-1, {2, -1});
                           }},
                          {"broadcast_to",
                           [](In x) {
                             return x[0].broadcast_to({2, 3, 4});
                           }},
                          {"expand_as", [](In x) { return x[0].expand_as(x[1]) * x[1]; }},
                          {"reshape_as", [](In x) { return x[0].reshape_as(x[1]) * x[1]; }},
                          {"view_as", [](In x) { return x[0].contiguous().view_as(x[1]) + x[1]; }},
                          {"swapaxes", [](In x) { return x[0].swapaxes(0, 1); }},
                          {"t", [](In x) { return x[0].t(); }},
                          {"mT", [](In x) { return x[0].mT(); }},
                          {"movedim", [](In x) { return x[0].movedim(0, -1); }},
                          {"movedim_many",
                           [](In x) {
                             return x[0].movedim({0, 1}, {2, 0});
                           }},
                          {"broadcast_tensors",
                           [](In x) {
                             return stack(broadcast_tensors({x[0], x[1]}));
                           }},
                      });

}  // namespace
}  // namespace bb
