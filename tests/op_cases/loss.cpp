#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;
using enum Reduction;

const OpFamily family(
    "loss",
    {
        {"mse_loss", [](In x) { return mse_loss(x[0], x[1]); }},
        {"mse_loss_sum", [](In x) { return mse_loss(x[0], x[1], {.reduction = kSum}); }},
        {"mse_loss_none", [](In x) { return mse_loss(x[0], x[1], {.reduction = kNone}); }},
        {"l1_loss", [](In x) { return l1_loss(x[0], x[1]); }},
        {"l1_loss_none", [](In x) { return l1_loss(x[0], x[1], {.reduction = kNone}); }},
        {"smooth_l1_loss", [](In x) { return smooth_l1_loss(x[0], x[1]); }},
        {"smooth_l1_loss_beta",
         [](In x) { return smooth_l1_loss(x[0], x[1], {.reduction = kNone, .beta = 0.5}); }},
        {"huber_loss", [](In x) { return huber_loss(x[0], x[1]); }},
        {"huber_loss_delta",
         [](In x) { return huber_loss(x[0], x[1], {.reduction = kNone, .delta = 0.5}); }},
        {"gaussian_nll_loss", [](In x) { return gaussian_nll_loss(x[0], x[1], x[2]); }},
        {"gaussian_nll_loss_full",
         [](In x) {
           return gaussian_nll_loss(x[0], x[1], x[2],
                                    {.full = true, .eps = 1e-3, .reduction = kNone});
         }},
        {"poisson_nll_loss", [](In x) { return poisson_nll_loss(x[0], x[1]); }},
        {"poisson_nll_loss_full",
         [](In x) {
           return poisson_nll_loss(x[0], x[1],
                                   {.log_input = false, .full = true, .reduction = kSum});
         }},
    });

}  // namespace
}  // namespace bb
