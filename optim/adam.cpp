#include "bb/optim/adam.h"

#include <cmath>

#include "bb/core/error.h"
#include "bb/core/kernels/optimizer.h"

namespace bb::optim {

Adam::Adam(const AdamOptions& options) : Optimizer(options.lr), options_(options) {
  const auto check_beta = [](const char* name, double value) {
    if (!(value >= 0 && value < 1))
      throw ValueError(fmt::format("Adam: {} must lie in [0, 1), got {}", name, value));
  };
  const auto check = [](const char* name, double value) {
    if (!std::isfinite(value) || value < 0)
      throw ValueError(
          fmt::format("Adam: {} must be finite and not negative, got {}", name, value));
  };
  check_beta("beta1", options.beta1);
  check_beta("beta2", options.beta2);
  check("eps", options.eps);
  check("weight_decay", options.weight_decay);
}

void Adam::update(const Slice& slice) const {
  const auto t = static_cast<double>(slice.count);
  const kernels::AdamStep step{.step_size = lr() / (1 - std::pow(options_.beta1, t)),
                               .v_scale = 1 / std::sqrt(1 - std::pow(options_.beta2, t)),
                               .beta1 = options_.beta1,
                               .beta2 = options_.beta2,
                               .epsilon = options_.eps,
                               .weight_decay = options_.weight_decay};
  visit_floating(slice.parameter.dtype(), [&]<class T>() {
    const auto at = [&](const Tensor& x) { return static_cast<T*>(x.raw_data()) + slice.begin; };
    kernels::adam_update<T>(step, slice.n, at(slice.gradient), at(slice.parameter),
                            at(slice.states[0]), at(slice.states[1]));
  });
}

}  // namespace bb::optim
