#include "bb/autograd/ops/pixel_shuffle.h"

#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"

namespace bb {
namespace {

void check(const char* op, const Tensor& x, int64_t factor) {
  detail::check_defined(op, x);
  if (factor < 1 || factor >= int64_t{1} << 31)
    throw ValueError(fmt::format("{}: the factor must be at least 1 and below 2^31, got {}\n  x {}",
                                 op, factor, x.shape()));
  if (x.dim() < 3)
    throw ShapeError(fmt::format("{}: x must be (...,C,H,W)\n  x {}", op, x.shape()));
}

// The sizes before channels and image, as one.
int64_t leading(const Tensor& x) {
  int64_t n = 1;
  for (int64_t d = 0; d < x.dim() - 3; ++d) n *= x.shape()[d];
  return n;
}

// a * b, as a size of op's result.
int64_t product(const char* op, const Tensor& x, int64_t a, int64_t b) {
  int64_t size = 0;
  if (__builtin_mul_overflow(a, b, &size))
    detail::throw_too_large(op, detail::shapes_of({{"x", x}}));
  return size;
}

Shape with_image(const Tensor& x, int64_t channels, int64_t height, int64_t width) {
  Shape shape = x.shape();
  shape[x.dim() - 3] = channels;
  shape[x.dim() - 2] = height;
  shape[x.dim() - 1] = width;
  return shape;
}

}  // namespace

Tensor pixel_shuffle(const Tensor& x, int64_t upscale_factor) {
  const int64_t r = upscale_factor;
  check("pixel_shuffle", x, r);
  const int64_t channels = x.size(-3), height = x.size(-2), width = x.size(-1);
  if (channels % (r * r) != 0)
    throw ShapeError(fmt::format(
        "pixel_shuffle: {} channels are not a multiple of upscale_factor^2 = {}\n  x {}", channels,
        r * r, x.shape()));
  const int64_t c = channels / (r * r);
  const Shape image = with_image(x, c, product("pixel_shuffle", x, height, r),
                                 product("pixel_shuffle", x, width, r));
  const Tensor parts = reshape(x, {leading(x), c, r, r, height, width});
  return reshape(permute(parts, {0, 1, 4, 2, 5, 3}), image);
}

Tensor pixel_unshuffle(const Tensor& x, int64_t downscale_factor) {
  const int64_t r = downscale_factor;
  check("pixel_unshuffle", x, r);
  const int64_t channels = x.size(-3), height = x.size(-2), width = x.size(-1);
  if (height % r != 0 || width % r != 0)
    throw ShapeError(fmt::format(
        "pixel_unshuffle: height {} and width {} are not multiples of downscale_factor {}\n  x {}",
        height, width, r, x.shape()));
  const Shape image =
      with_image(x, product("pixel_unshuffle", x, channels, r * r), height / r, width / r);
  const Tensor parts = reshape(x, {leading(x), channels, height / r, r, width / r, r});
  return reshape(permute(parts, {0, 1, 3, 5, 2, 4}), image);
}

}  // namespace bb
