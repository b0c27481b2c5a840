#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("distance",
                      {
                          {"normalize", [](In x) { return normalize(x[0]); }},
                          {"normalize_p",
                           [](In x) { return normalize(x[0], {.p = 3, .dim = -1}); }},
                          {"cosine_similarity", [](In x) { return cosine_similarity(x[0], x[1]); }},
                          {"pairwise_distance", [](In x) { return pairwise_distance(x[0], x[1]); }},
                          {"pairwise_distance_p",
                           [](In x) {
                             return pairwise_distance(x[0], x[1],
                                                      {.p = 1.5, .eps = 1e-3, .keepdim = true});
                           }},
                      });

}  // namespace
}  // namespace bb
