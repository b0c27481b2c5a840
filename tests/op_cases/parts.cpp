#include <algorithm>

#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("parts",
                      {
                          {"select", [](In x) { return x[0].select(-1, -1); }},
                          {"narrow", [](In x) { return x[0].narrow(0, 1, 2); }},
                          {"narrow_end", [](In x) { return x[0].narrow(1, -2, 2); }},
                          {"split",
                           [](In x) {
                             return [&] {
                               auto parts = x[0].split(2, 1);
                               std::reverse(parts.begin(), parts.end());
                               return cat(parts, 1);
                             }();
                           }},
                          {"split_sizes",
                           [](In x) {
                             return x[0].split({1, 0, 3})[2];
                           }},
                          {"chunk", [](In x) { return x[0].chunk(3, -1)[1]; }},
                          {"unbind", [](In x) { return x[0].unbind(1)[0] * x[0].unbind(1)[1]; }},
                          {"diagonal", [](In x) { return x[0].diagonal(); }},
                          {"diagonal_offset", [](In x) { return x[0].diagonal(-1, -1, 0); }},
                          {"tensor_unfold", [](In x) { return x[0].unfold(0, 3, 1); }},
                          {"tensor_unfold_0d", [](In x) { return x[0].unfold(0, 1, 2); }},
                          {"tensor_unfold_step", [](In x) { return x[0].unfold(-1, 2, 3); }},
                          {"tensor_unfold_overlap", [](In x) { return x[0].unfold(1, 4, 2); }},
                      });

}  // namespace
}  // namespace bb
