#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

// Running statistics for x's channels, as the golden values have them.
Tensor running(const Tensor& x, double first, double last) {
  const int64_t n = x.size(1);
  if (n == 1) return full({1}, first, x.dtype());
  return arange(n).to(x.dtype()) * ((last - first) / static_cast<double>(n - 1)) + first;
}
Tensor batch(In x, bool training) {
  return batch_norm(x[0], running(x[0], -1, 1), running(x[0], 0.5, 2),
                    x.size() > 1 ? x[1] : Tensor(), x.size() > 2 ? x[2] : Tensor(),
                    {.training = training, .momentum = 0.3, .eps = 1e-3});
}

// The same with x[3] added, then relu.
Tensor block(In x, bool training) {
  return batch_norm(x[0], running(x[0], -1, 1), running(x[0], 0.5, 2), x[1], x[2],
                    {.training = training,
                     .eps = 1e-3,
                     .residual = x.size() > 3 ? x[3] : Tensor(),
                     .activation = Activation::kRelu});
}

const OpFamily family(
    "normalization",
    {
        {"batch_norm", [](In x) { return batch(x, true); }},
        {"batch_norm_plain", [](In x) { return batch(x, true); }},
        {"batch_norm_eval", [](In x) { return batch(x, false); }},
        {"batch_norm_relu", [](In x) { return block(x, true); }},
        {"batch_norm_relu_eval", [](In x) { return block(x, false); }},
        {"batch_norm_residual",
         [](In x) {
           return batch_norm(x[0], {}, {}, {}, {}, {.training = true, .residual = x[1]});
         }},
        {"batch_norm_residual_relu", [](In x) { return block(x, true); }},
        {"batch_norm_residual_relu_eval", [](In x) { return block(x, false); }},
        {"fold_batch_norm",
         [](In x) {
           const auto [w, b] = fold_batch_norm(x[0], x[1], x[2], x[3], x[4], x[5], {.eps = 1e-3});
           return cat({w.flatten(), b}, 0);
         }},
        {"fold_batch_norm_transposed",
         [](In x) {
           const auto [w, b] = fold_batch_norm(x[0], {}, x[1], x[2], {}, {}, {.transposed = true});
           return cat({w.flatten(), b}, 0);
         }},
        {"layer_norm", [](In x) { return layer_norm(x[0], x[1].shape(), x[1], x[2]); }},
        {"layer_norm_two", [](In x) { return layer_norm(x[0], x[1].shape(), x[1], x[2], 1e-3); }},
        {"layer_norm_plain", [](In x) { return layer_norm(x[0], {x[0].size(-1)}); }},
        {"rms_norm", [](In x) { return rms_norm(x[0], x[1].shape(), x[1], 1e-5); }},
        {"rms_norm_plain", [](In x) { return rms_norm(x[0], {x[0].size(-1)}, {}, 1e-6); }},
        {"group_norm", [](In x) { return group_norm(x[0], 2, x[1], x[2]); }},
        {"group_norm_plain", [](In x) { return group_norm(x[0], 3, {}, {}, 1e-3); }},
        {"instance_norm", [](In x) { return instance_norm(x[0], {}, {}, x[1], x[2]); }},
        {"instance_norm_running",
         [](In x) {
           return instance_norm(x[0], running(x[0], -1, 1), running(x[0], 0.5, 2), x[1], x[2],
                                {.use_input_stats = false});
         }},
    });

}  // namespace
}  // namespace bb
