#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("reduce",
                      {
                          {"sum", [](In x) { return x[0].sum(); }},
                          {"sum_0", [](In x) { return x[0].sum(0); }},
                          {"sum_1_keep", [](In x) { return x[0].sum(1, true); }},
                          {"sum_many",
                           [](In x) {
                             return x[0].sum({0, -1});
                           }},
                          {"mean", [](In x) { return x[0].mean(); }},
                          {"mean_1", [](In x) { return x[0].mean(1); }},
                          {"max", [](In x) { return x[0].max(); }},
                          {"max_0", [](In x) { return x[0].max(0).values; }},
                          {"max_last_keep", [](In x) { return x[0].max(-1, true).values; }},
                          {"argmax", [](In x) { return x[0].argmax(); }, false},
                          {"argmax_0", [](In x) { return x[0].argmax(0); }, false},
                      });

}  // namespace
}  // namespace bb
