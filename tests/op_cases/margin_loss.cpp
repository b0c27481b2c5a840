#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;
using enum Reduction;

Tensor weight(const Tensor& x) { return tensor({0.5, 2.0, 1.25, 0.75}, x.dtype()); }

const OpFamily family(
    "margin_loss",
    {
        {"margin_ranking_loss",
         [](In x) { return margin_ranking_loss(x[0], x[1], x[2], {.margin = 0.25}); }},
        {"margin_ranking_loss_none",
         [](In x) { return margin_ranking_loss(x[0], x[1], x[2], {.reduction = kNone}); }},
        {"cosine_embedding_loss",
         [](In x) { return cosine_embedding_loss(x[0], x[1], x[2], {.margin = -0.3}); }},
        {"cosine_embedding_loss_none",
         [](In x) { return cosine_embedding_loss(x[0], x[1], x[2], {.reduction = kNone}); }},
        {"hinge_embedding_loss", [](In x) { return hinge_embedding_loss(x[0], x[1]); }},
        {"hinge_embedding_loss_broadcast",
         [](In x) { return hinge_embedding_loss(x[0], x[1], {.reduction = kNone}); }},
        {"hinge_embedding_loss_sum",
         [](In x) { return hinge_embedding_loss(x[0], x[1], {.margin = 0.3, .reduction = kSum}); }},
        {"triplet_margin_loss", [](In x) { return triplet_margin_loss(x[0], x[1], x[2]); }},
        {"triplet_margin_loss_swap",
         [](In x) {
           return triplet_margin_loss(x[0], x[1], x[2],
                                      {.margin = 0.5, .p = 1.5, .swap = true, .reduction = kNone});
         }},
        {"soft_margin_loss", [](In x) { return soft_margin_loss(x[0], x[1]); }},
        {"multi_margin_loss", [](In x) { return multi_margin_loss(x[0], x[1]); }},
        {"multi_margin_loss_squared",
         [](In x) {
           return multi_margin_loss(
               x[0], x[1], {.p = 2, .margin = 0.6, .weight = weight(x[0]), .reduction = kNone});
         }},
        {"multilabel_margin_loss", [](In x) { return multilabel_margin_loss(x[0], x[1]); }},
        {"multilabel_soft_margin_loss",
         [](In x) { return multilabel_soft_margin_loss(x[0], (x[1] + 1) / 2); }},
        {"multilabel_soft_margin_loss_weighted",
         [](In x) {
           return multilabel_soft_margin_loss(x[0], (x[1] + 1) / 2,
                                              {.weight = weight(x[0]), .reduction = kNone});
         }},
    });

}  // namespace
}  // namespace bb
