#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("join", {
                                  {"cat", [](In x) { return cat(x); }},
                                  {"cat_last", [](In x) { return cat(x, -1); }},
                                  {"cat_empty", [](In x) { return cat(x, 1); }},
                                  {"stack", [](In x) { return stack(x); }},
                                  {"stack_last", [](In x) { return stack(x, -1); }},
                                  {"repeat",
                                   [](In x) {
                                     return x[0].repeat({2, 3});
                                   }},
                                  {"repeat_new",
                                   [](In x) {
                                     return x[0].repeat({2, 1, 3, 1});
                                   }},
                                  {"repeat_none",
                                   [](In x) {
                                     return x[0].repeat({0, 2});
                                   }},
                                  {"tile", [](In x) { return x[0].tile({2}); }},
                                  {"flip", [](In x) { return x[0].flip(0); }},
                                  {"flip_many",
                                   [](In x) {
                                     return x[0].flip({0, -1});
                                   }},
                                  {"roll", [](In x) { return x[0].roll(2); }},
                                  {"roll_dim", [](In x) { return x[0].roll(-4, 1); }},
                                  {"roll_many",
                                   [](In x) {
                                     return x[0].roll({1, -1}, {0, 1});
                                   }},
                              });

}  // namespace
}  // namespace bb
