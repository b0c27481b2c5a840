#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

const OpFamily family(
    "loss",
    {
        {"cross_entropy", [](In x) { return cross_entropy(x[0], x[1]); }},
        {"cross_entropy_sum",
         [](In x) { return cross_entropy(x[0], x[1], {.reduction = Reduction::kSum}); }},
        {"cross_entropy_none",
         [](In x) { return cross_entropy(x[0], x[1], {.reduction = Reduction::kNone}); }},
        {"cross_entropy_probabilities", [](In x) { return cross_entropy(x[0], x[1]); }},
        {"mse_loss", [](In x) { return mse_loss(x[0], x[1]); }},
        {"mse_loss_sum", [](In x) { return mse_loss(x[0], x[1], {.reduction = Reduction::kSum}); }},
        {"mse_loss_none",
         [](In x) { return mse_loss(x[0], x[1], {.reduction = Reduction::kNone}); }},
    });

}  // namespace
}  // namespace bb
