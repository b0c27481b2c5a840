#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family("embedding",
                      {
                          {"embedding", [](In x) { return embedding(x[0], x[1]); }},
                          {"embedding_padding",
                           [](In x) {
                             return embedding(x[0],
                                              x[1].index_fill(0, tensor(x[1].size(0) - 2), 2.0),
                                              {.padding_idx = -2});
                           }},
                          {"one_hot", [](In x) { return one_hot(x[0]); }, false},
                          {"one_hot_classes", [](In x) { return one_hot(x[0], 5); }, false},
                      });

}  // namespace
}  // namespace bb
