#include "bb/nn/linear.h"

#include <cmath>

#include "bb/autograd/ops/linalg.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/random.h"
#include "bb/nn/init.h"

namespace bb::nn {

Linear::Linear(int64_t in_features, int64_t out_features, const LinearOptions& options)
    : in_features_(in_features), out_features_(out_features) {
  if (in_features < 0 || out_features < 0)
    throw ValueError(
        fmt::format("Linear: sizes must not be negative, got {} -> {}", in_features, out_features));
  weight = add_parameter("weight", empty({out_features, in_features}));
  init::kaiming_uniform_(weight, {.slope = std::sqrt(5.0)});
  if (!options.bias) return;
  bias = add_parameter("bias", empty({out_features}));
  const double bound = in_features > 0 ? 1 / std::sqrt(static_cast<double>(in_features)) : 0;
  uniform_(bias, -bound, bound);
}

Linear::Linear(const Config& config)
    : Linear(config.integer("in_features"), config.integer("out_features"),
             {.bias = config.boolean("bias")}) {}

Config Linear::config() const {
  return {{"in_features", in_features_}, {"out_features", out_features_}, {"bias", bias.defined()}};
}

std::string Linear::describe() const {
  return fmt::format("Linear({} -> {}{})", in_features_, out_features_,
                     bias.defined() ? "" : ", no bias");
}

Tensor Linear::forward_then(const Tensor& x, Activation activation) {
  if (x.dim() == 0 || x.size(-1) != in_features_)
    throw ShapeError(fmt::format("{} got {}\n  hint: the last size must be {}", describe(),
                                 x.shape(), in_features_));
  return linear(x, weight, bias, activation);
}

}  // namespace bb::nn
