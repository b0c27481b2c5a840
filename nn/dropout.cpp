#include "bb/nn/dropout.h"

#include "bb/autograd/ops/dropout.h"
#include "bb/core/error.h"

namespace bb::nn {

Dropout::Dropout(double p) : p_(p) {
  if (!(p >= 0 && p <= 1))
    throw ValueError(fmt::format("Dropout: p must lie in [0, 1], got {}", p));
}

Tensor Dropout::forward(const Tensor& x) { return dropout(x, p_, is_training()); }

}  // namespace bb::nn
