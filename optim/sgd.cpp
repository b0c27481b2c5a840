#include "bb/optim/sgd.h"

#include <cmath>

#include "bb/core/error.h"
#include "bb/core/kernels/optimizer.h"

namespace bb::optim {

SGD::SGD(const SGDOptions& options) : Optimizer(options.lr), options_(options) {
  const auto check = [](const char* name, double value) {
    if (!std::isfinite(value) || value < 0)
      throw ValueError(fmt::format("SGD: {} must be finite and not negative, got {}", name, value));
  };
  check("momentum", options.momentum);
  check("weight_decay", options.weight_decay);
  check("dampening", options.dampening);
  if (options.nesterov && (options.momentum == 0 || options.dampening != 0))
    throw ValueError(fmt::format(
        "SGD: nesterov needs a momentum and no dampening, got momentum {} and dampening {}",
        options.momentum, options.dampening));
}

void SGD::update(const Slice& slice) const {
  const kernels::SgdStep step{.lr = lr(),
                              .momentum = options_.momentum,
                              .dampening = options_.dampening,
                              .weight_decay = options_.weight_decay,
                              .nesterov = options_.nesterov,
                              .first = slice.count == 1};
  visit_floating(slice.parameter.dtype(), [&]<class T>() {
    T* buffer =
        slice.states.empty() ? nullptr : static_cast<T*>(slice.states[0].raw_data()) + slice.begin;
    kernels::sgd_update<T>(step, slice.n, slice.gradient.data<T>() + slice.begin,
                           static_cast<T*>(slice.parameter.raw_data()) + slice.begin, buffer);
  });
}

}  // namespace bb::optim
