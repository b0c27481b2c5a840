#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("gather",
                      {
                          {"gather", [](In x) { return x[0].gather(0, x[1]); }},
                          {"gather_last", [](In x) { return x[0].gather(-1, x[1]); }},
                          {"scatter", [](In x) { return x[0].scatter(0, x[1], x[2]); }},
                          {"scatter_last", [](In x) { return x[0].scatter(-1, x[1], x[2]); }},
                          {"scatter_number", [](In x) { return x[0].scatter(0, x[1], 1.5); }},
                          {"scatter_add", [](In x) { return x[0].scatter_add(0, x[1], x[2]); }},
                          {"scatter_add_last",
                           [](In x) { return x[0].scatter_add(-1, x[1], x[2]); }},
                          {"index_select", [](In x) { return x[0].index_select(0, x[1]); }},
                          {"index_select_last", [](In x) { return x[0].index_select(-1, x[1]); }},
                          {"index_add", [](In x) { return x[0].index_add(0, x[1], x[2], 2); }},
                          {"index_add_1", [](In x) { return x[0].index_add(1, x[1], x[2]); }},
                          {"index_copy", [](In x) { return x[0].index_copy(0, x[1], x[2]); }},
                          {"index_copy_last", [](In x) { return x[0].index_copy(-1, x[1], x[2]); }},
                          {"index_fill", [](In x) { return x[0].index_fill(1, x[1], 1.5); }},
                          {"take", [](In x) { return x[0].take(x[1]); }},
                          {"take_along_dim", [](In x) { return x[0].take_along_dim(x[1], 1); }},
                          {"take_along_dim_flat", [](In x) { return x[0].take_along_dim(x[1]); }},
                      });

}  // namespace
}  // namespace bb
