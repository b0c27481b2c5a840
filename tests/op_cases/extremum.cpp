#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("extremum",
                      {
                          {"max", [](In x) { return x[0].max(); }},
                          {"min", [](In x) { return x[0].min(); }},
                          {"median", [](In x) { return x[0].median(); }},
                          {"median_of_nothing", [](In x) { return x[0].median(); }},
                          {"max_0", [](In x) { return x[0].max(0).values; }},
                          {"min_0", [](In x) { return x[0].min(0).values; }},
                          {"max_last_keep", [](In x) { return x[0].max(-1, true).values; }},
                          {"min_last_keep", [](In x) { return x[0].min(-1, true).values; }},
                          {"median_0", [](In x) { return x[0].median(0).values; }},
                          {"median_last_keep", [](In x) { return x[0].median(-1, true).values; }},
                          {"median_places", [](In x) { return x[0].median(-1).indices; }, false},
                          {"amax", [](In x) { return x[0].amax(); }},
                          {"amin", [](In x) { return x[0].amin(); }},
                          {"amax_many",
                           [](In x) {
                             return amax(x[0], {0, -1});
                           }},
                          {"amin_many",
                           [](In x) {
                             return amin(x[0], {0, -1});
                           }},
                          {"amax_1_keep", [](In x) { return x[0].amax(1, true); }},
                          {"amin_1_keep", [](In x) { return x[0].amin(1, true); }},
                          {"argmax", [](In x) { return x[0].argmax(); }, false},
                          {"argmax_0", [](In x) { return x[0].argmax(0); }, false},
                          {"argmax_last_keep", [](In x) { return x[0].argmax(-1, true); }, false},
                          {"argmin", [](In x) { return x[0].argmin(); }, false},
                          {"argmin_0", [](In x) { return x[0].argmin(0); }, false},
                          {"argmin_last_keep", [](In x) { return x[0].argmin(-1, true); }, false},
                      });

}  // namespace
}  // namespace bb
