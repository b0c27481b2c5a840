#include "bb/autograd/ops/dropout.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/compare.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/random.h"

namespace bb {

Tensor dropout(const Tensor& x, double p, bool training) {
  if (!(p >= 0 && p <= 1))
    throw ValueError(fmt::format("dropout: p must lie in [0, 1], got {}", p));
  if (!is_floating_point(x.dtype()))
    throw DTypeError(fmt::format("dropout: needs floating point\n  x {}", describe(x)));
  if (!training || p == 0) return x;
  if (p == 1) return x * zeros_like(x);
  Tensor keep = ge(rand(x.shape()), p).to(x.dtype());
  keep.mul_(1 / (1 - p));
  return x * keep;
}

}  // namespace bb
