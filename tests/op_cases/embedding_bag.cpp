#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

Tensor bags(In x, EmbeddingBagOptions options) {
  if (x.size() > 2) options.offsets = x[2];
  return embedding_bag(x[1], x[0], options);
}

const OpFamily family(
    "embedding_bag",
    {
        {"embedding_bag_sum", [](In x) { return bags(x, {.mode = BagMode::kSum}); }},
        {"embedding_bag_mean", [](In x) { return bags(x, {}); }},
        {"embedding_bag_max", [](In x) { return bags(x, {.mode = BagMode::kMax}); }},
        {"embedding_bag_padding", [](In x) { return bags(x, {.padding_idx = 2}); }},
        {"embedding_bag_weighted",
         [](In x) {
           return embedding_bag(x[2], x[0],
                                {.mode = BagMode::kSum,
                                 .offsets = x.size() > 3 ? x[3] : Tensor(),
                                 .per_sample_weights = x[1]});
         }},
    });

}  // namespace
}  // namespace bb
