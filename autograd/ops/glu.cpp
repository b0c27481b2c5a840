#include "bb/autograd/ops/glu.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"

namespace bb {

Tensor glu(const Tensor& x, int64_t dim) {
  detail::check_floating("glu", x);
  const int64_t d = normalize_dim("glu", dim, x);
  if (x.dim() == 0 || x.shape()[d] % 2 != 0)
    throw ShapeError(fmt::format("glu: x cannot be halved along dim {}\n  x {}", dim, x.shape()));
  const int64_t half = x.shape()[d] / 2;
  return slice(x, d, 0, half) * sigmoid(slice(x, d, half, 2 * half));
}

}  // namespace bb
