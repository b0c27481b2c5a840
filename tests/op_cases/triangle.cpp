#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("triangle",
                      {
                          {"tril", [](In x) { return x[0].tril(); }},
                          {"tril_above", [](In x) { return x[0].tril(1); }},
                          {"triu", [](In x) { return x[0].triu(); }},
                          {"triu_below", [](In x) { return x[0].triu(-2); }},
                          {"triu_far", [](In x) { return x[0].triu(9); }},
                          {"diag_vector", [](In x) { return x[0].diag(1); }},
                          {"diag_matrix", [](In x) { return x[0].diag(-1); }},
                          {"diag_embed", [](In x) { return x[0].diag_embed(); }},
                          {"diag_embed_offset", [](In x) { return x[0].diag_embed(-2, 0, -1); }},
                          {"trace", [](In x) { return x[0].trace(); }},
                      });

}  // namespace
}  // namespace bb
