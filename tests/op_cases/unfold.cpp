#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const UnfoldOptions kOptions{.dilation = {1, 2}, .padding = 1, .stride = {2, 1}};

const OpFamily family("unfold",
                      {
                          {"unfold",
                           [](In x) {
                             return unfold(x[0], {2, 3});
                           }},
                          {"unfold_options", [](In x) { return unfold(x[0], 2, kOptions); }},
                          {"fold",
                           [](In x) {
                             return fold(x[0], {3, 4}, {2, 3});
                           }},
                          {"fold_options",
                           [](In x) {
                             return fold(x[0], {4, 3}, 2, kOptions);
                           }},
                      });

}  // namespace
}  // namespace bb
