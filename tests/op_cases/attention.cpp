#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

Tensor attention(In x, const AttentionOptions& options = {}) {
  return scaled_dot_product_attention(x[0], x[1], x[2], x.size() > 3 ? x[3] : Tensor(), options);
}

const OpFamily family(
    "attention", {
                     {"attention", [](In x) { return attention(x); }},
                     {"attention_causal", [](In x) { return attention(x, {.is_causal = true}); }},
                     {"attention_bool_mask", [](In x) { return attention(x); }},
                     {"attention_float_mask", [](In x) { return attention(x, {.scale = 0.3}); }},
                     {"attention_grouped", [](In x) { return attention(x, {.enable_gqa = true}); }},
                 });

}  // namespace
}  // namespace bb
