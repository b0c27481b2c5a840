#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;
using enum Reduction;

Tensor weight(const Tensor& x, int64_t first, int64_t last) {
  return tensor({0.5, 2.0, 1.25, 0.75}, x.dtype()).slice(0, first, last);
}
// For x's classes.
Tensor weight(const Tensor& x) { return weight(x, 0, x.size(x.dim() == 1 ? 0 : 1)); }

const OpFamily family(
    "classification_loss",
    {
        {"cross_entropy", [](In x) { return cross_entropy(x[0], x[1]); }},
        {"cross_entropy_sum", [](In x) { return cross_entropy(x[0], x[1], {.reduction = kSum}); }},
        {"cross_entropy_none",
         [](In x) { return cross_entropy(x[0], x[1], {.reduction = kNone}); }},
        {"cross_entropy_probabilities", [](In x) { return cross_entropy(x[0], x[1]); }},
        {"cross_entropy_ignored", [](In x) { return cross_entropy(x[0], x[1]); }},
        {"cross_entropy_weighted",
         [](In x) { return cross_entropy(x[0], x[1], {.weight = weight(x[0])}); }},
        {"cross_entropy_weighted_none",
         [](In x) {
           return cross_entropy(x[0], x[1],
                                {.weight = weight(x[0]), .ignore_index = 2, .reduction = kNone});
         }},
        {"cross_entropy_smoothed",
         [](In x) { return cross_entropy(x[0], x[1], {.label_smoothing = 0.3}); }},
        {"cross_entropy_smoothed_weighted",
         [](In x) {
           return cross_entropy(x[0], x[1], {.weight = weight(x[0]), .label_smoothing = 0.3});
         }},
        {"cross_entropy_smoothed_probabilities",
         [](In x) {
           return cross_entropy(x[0], x[1], {.weight = weight(x[0]), .label_smoothing = 0.3});
         }},
        {"nll_loss", [](In x) { return nll_loss(x[0], x[1]); }},
        {"nll_loss_weighted", [](In x) { return nll_loss(x[0], x[1], {.weight = weight(x[0])}); }},
        {"nll_loss_none",
         [](In x) { return nll_loss(x[0], x[1], {.weight = weight(x[0]), .reduction = kNone}); }},
        {"binary_cross_entropy", [](In x) { return binary_cross_entropy(x[0], x[1]); }},
        {"binary_cross_entropy_corners",
         [](In x) { return binary_cross_entropy(x[0], lt(x[0], 0.5).to(x[0].dtype())); }},
        {"binary_cross_entropy_weighted",
         [](In x) {
           return binary_cross_entropy(x[0], x[1],
                                       {.weight = weight(x[0], 0, 3), .reduction = kNone});
         }},
        {"binary_cross_entropy_with_logits",
         [](In x) { return binary_cross_entropy_with_logits(x[0], x[1]); }},
        {"binary_cross_entropy_with_logits_weighted",
         [](In x) {
           return binary_cross_entropy_with_logits(
               x[0], x[1],
               {.weight = weight(x[0], 0, 3), .pos_weight = weight(x[0], 1, 4), .reduction = kSum});
         }},
        {"kl_div", [](In x) { return kl_div(x[0], x[1], {.reduction = kBatchMean}); }},
        {"kl_div_none", [](In x) { return kl_div(x[0], x[1], {.reduction = kNone}); }},
        {"kl_div_log_target",
         [](In x) { return kl_div(x[0], x[1], {.reduction = kSum, .log_target = true}); }},
    });

}  // namespace
}  // namespace bb
