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
                          {"prod", [](In x) { return prod(x[0]); }},
                          {"prod_0", [](In x) { return x[0].prod(0); }},
                          {"prod_1_keep", [](In x) { return prod(x[0], 1, true); }},
                          {"logsumexp", [](In x) { return x[0].logsumexp(-1); }},
                          {"logsumexp_0_keep", [](In x) { return logsumexp(x[0], {0}, true); }},
                          {"logsumexp_many",
                           [](In x) {
                             return logsumexp(x[0], {0, -1});
                           }},
                          {"any", [](In x) { return round(x[0]).any(); }, false},
                          {"any_1", [](In x) { return gt(x[0], 0.7).any(1); }, false},
                          {"any_many",
                           [](In x) {
                             return any(gt(x[0], 0.7), {0, 2}, true);
                           },
                           false},
                          {"all", [](In x) { return x[0].all(); }, false},
                          {"all_1", [](In x) { return lt(x[0], 0.7).all(1); }, false},
                          {"all_many",
                           [](In x) {
                             return all(lt(x[0], 0.7), {0, 2}, true);
                           },
                           false},
                          {"count_nonzero", [](In x) { return count_nonzero(round(x[0])); }, false},
                          {"sum_float64", [](In x) { return x[0].sum(0, false, kFloat64); }},
                          {"mean_float64", [](In x) { return x[0].mean(-1, false, kFloat64); }},
                          {"prod_float64", [](In x) { return x[0].prod(0, false, kFloat64); }},
                          {"count_nonzero_many",
                           [](In x) {
                             return round(x[0]).count_nonzero({0, -1});
                           },
                           false},
                      });

}  // namespace
}  // namespace bb
