#include "bb/autograd/ops/dropout.h"

#include <cmath>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/random.h"

namespace bb {
namespace {

void check(const char* op, const Tensor& x, double p) {
  detail::check_floating(op, x);
  if (!(p >= 0 && p <= 1))
    throw ValueError(fmt::format("{}: p must lie in [0, 1], got {}\n  x {}", op, p, x.shape()));
}

// x times one draw for each element of `shape`, which broadcasts to x's.
Tensor dropped(const Tensor& x, const Shape& shape, double p) {
  if (p == 1) return x * zeros_like(x);
  Tensor keep = ge(rand(shape), p).to(x.dtype());
  keep.mul_(1 / (1 - p));
  return x * keep;
}

// Drops along all dims but the first `leading`.
Tensor drop_channels(const char* op, const Tensor& x, double p, bool training, int64_t leading) {
  check(op, x, p);
  if (!training || p == 0) return x;
  Shape shape = Shape::filled(x.dim(), 1);
  for (int64_t d = 0; d < leading; ++d) shape[d] = x.shape()[d];
  return dropped(x, shape, p);
}

// Throws unless x has `least` dimensions or one more.
void check_rank(const char* op, const Tensor& x, int64_t least, const char* dims) {
  detail::check_defined(op, x);
  if (x.dim() != least && x.dim() != least + 1)
    throw ShapeError(fmt::format("{}: x must be {}\n  x {}", op, dims, x.shape()));
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training) {
  check("dropout", x, p);
  return training && p != 0 ? dropped(x, x.shape(), p) : x;
}

Tensor dropout1d(const Tensor& x, double p, bool training) {
  check_rank("dropout1d", x, 2, "(N,C,L) or (C,L)");
  return drop_channels("dropout1d", x, p, training, x.dim() - 1);
}

Tensor dropout2d(const Tensor& x, double p, bool training) {
  check_rank("dropout2d", x, 3, "(N,C,H,W) or (N,C,L)");
  return drop_channels("dropout2d", x, p, training, 2);
}

Tensor dropout3d(const Tensor& x, double p, bool training) {
  check_rank("dropout3d", x, 4, "(N,C,D,H,W) or (C,D,H,W)");
  return drop_channels("dropout3d", x, p, training, x.dim() - 3);
}

Tensor alpha_dropout(const Tensor& x, double p, bool training) {
  check("alpha_dropout", x, p);
  if (!training || p == 0) return x;
  if (p == 1) return x * zeros_like(x);
  constexpr double kLeast = -1.7580993408473766;  // of selu: -scale * alpha
  const double scale = 1 / std::sqrt((1 - p) * (1 + p * kLeast * kLeast));
  const Tensor keep = ge(rand(x.shape()), p).to(x.dtype());
  const Tensor shift = keep * (-kLeast * scale) + kLeast * scale * (1 - p);
  return x * (keep * scale) + shift;
}

}  // namespace bb
