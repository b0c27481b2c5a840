#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family(
    "sort",
    {
        {"sort", [](In x) { return x[0].sort().values; }},
        {"sort_0", [](In x) { return x[0].sort(0, true).values; }},
        {"argsort", [](In x) { return x[0].argsort(1); }, false},
        {"argsort_stable", [](In x) { return x[0].argsort(-1, true, true); }, false},
        {"topk", [](In x) { return x[0].topk(3).values; }},
        {"topk_smallest", [](In x) { return x[0].topk(2, 0, false).values; }},
        {"topk_indices", [](In x) { return x[0].topk(2, 1).indices; }, false},
        {"unique", [](In x) { return x[0].unique().values; }, false},
        {"unique_inverse", [](In x) { return x[0].unique({.return_inverse = true}).inverse; },
         false},
        {"unique_counts", [](In x) { return x[0].unique({.return_counts = true}).counts; }, false},
        {"searchsorted", [](In x) { return searchsorted(x[0], x[1]); }, false},
        {"searchsorted_right", [](In x) { return searchsorted(x[0], x[1], true); }, false},
        {"bucketize", [](In x) { return bucketize(x[0], x[1]); }, false},
    });

}  // namespace
}  // namespace bb
