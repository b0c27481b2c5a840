#include "bb/autograd/ops/interpolate.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/pool.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"
#include "bb/core/kernels/taps.h"

namespace bb {
namespace {

using kernels::Taps;

using SharedTaps = std::shared_ptr<const Taps>;

Tensor run(bool transposed, const SharedTaps& taps, const Tensor& x, int64_t dim) {
  const Tensor from = x.detach().contiguous();
  Shape shape = x.shape();
  shape[dim] = transposed ? taps->in : taps->out;
  int64_t outer = 1, inner = 1;
  for (int64_t d = 0; d < x.dim(); ++d) (d < dim ? outer : inner) *= d == dim ? 1 : shape[d];
  Tensor y = Tensor::empty(shape, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    const auto map = transposed ? kernels::apply_taps_transposed<T> : kernels::apply_taps<T>;
    map(*taps, outer, inner, from.data<T>(), y.data<T>());
  });
  return autograd::record(
      transposed ? "interpolate_grad" : "interpolate", {x}, std::move(y),
      [transposed, taps, dim](const Tensor& dy) { return run(!transposed, taps, dy, dim); });
}

// How one dim is resized: result i lies at `scale` * i, or half an element from that.
struct Resize {
  int64_t in, out;
  double scale;
  bool align_corners;

  double position(int64_t i) const {
    const double x = static_cast<double>(i);
    return align_corners ? x * scale : (x + 0.5) * scale - 0.5;
  }
};

Taps nearest_taps(const Resize& r, double shift) {
  Taps taps{r.in, r.out, 1, {}, std::vector<double>(static_cast<size_t>(r.out), 1)};
  // In float, as PyTorch does for every dtype: the rounding decides at ties.
  const float scale = static_cast<float>(r.scale);
  for (int64_t i = 0; i < r.out; ++i) {
    const float position = (static_cast<float>(i) + static_cast<float>(shift)) * scale;
    taps.index.push_back(std::min(static_cast<int64_t>(std::floor(position)), r.in - 1));
  }
  return taps;
}

Taps linear_taps(const Resize& r) {
  Taps taps{r.in, r.out, 2, {}, {}};
  for (int64_t i = 0; i < r.out; ++i) {
    const double position = std::max(r.position(i), 0.0);
    const int64_t low = std::min(static_cast<int64_t>(position), r.in - 1);
    const double part = std::min(position - static_cast<double>(low), 1.0);
    taps.index.insert(taps.index.end(), {low, std::min(low + 1, r.in - 1)});
    taps.weight.insert(taps.weight.end(), {1 - part, part});
  }
  return taps;
}

// Keys, "Cubic convolution interpolation for digital image processing" (1981), with a = -0.75.
Taps cubic_taps(const Resize& r) {
  constexpr double a = -0.75;
  const auto near = [](double x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [](double x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  Taps taps{r.in, r.out, 4, {}, {}};
  for (int64_t i = 0; i < r.out; ++i) {
    const double position = r.position(i), low = std::floor(position), part = position - low;
    for (int64_t k = -1; k < 3; ++k)
      taps.index.push_back(std::clamp<int64_t>(static_cast<int64_t>(low) + k, 0, r.in - 1));
    taps.weight.insert(taps.weight.end(),
                       {far(part + 1), near(part), near(1 - part), far(2 - part)});
  }
  return taps;
}

Taps taps_of(const Resize& r, Interpolation mode) {
  switch (mode) {
    case Interpolation::kNearest:
      return nearest_taps(r, 0);
    case Interpolation::kNearestExact:
      return nearest_taps(r, 0.5);
    case Interpolation::kBicubic:
      return cubic_taps(r);
    default:
      return linear_taps(r);
  }
}

// The spatial dims that a mode is for; 0 for any.
int64_t dims_of(Interpolation mode) {
  switch (mode) {
    case Interpolation::kLinear:
      return 1;
    case Interpolation::kBilinear:
    case Interpolation::kBicubic:
      return 2;
    case Interpolation::kTrilinear:
      return 3;
    default:
      return 0;
  }
}

void check(const Tensor& x, const InterpolateOptions& options) {
  detail::check_floating("interpolate", x);
  const int64_t spatial = x.dim() - 2, wanted = dims_of(options.mode);
  if (spatial < 1 || spatial > 3 || (wanted != 0 && spatial != wanted))
    throw ShapeError(
        fmt::format("interpolate: x must be images (N,C,...) with {} spatial dims\n  x {}",
                    wanted == 0 ? "1 to 3" : fmt::format("{}", wanted), x.shape()));
  if (options.size.empty() == options.scale_factor.empty())
    throw ValueError(
        fmt::format("interpolate: give either size or scale_factor\n  x {}", x.shape()));
  if (options.align_corners && wanted == 0)
    throw ValueError(fmt::format(
        "interpolate: align_corners is for the linear modes and kBicubic\n  x {}", x.shape()));
  const int64_t given = options.size.rank() + static_cast<int64_t>(options.scale_factor.size());
  if (given != 1 && given != spatial)
    throw ValueError(
        fmt::format("interpolate: {} sizes or factors are given for {} spatial dims\n  x {}", given,
                    spatial, x.shape()));
}

// How spatial dim d of x is resized.
Resize resize_of(const Tensor& x, const InterpolateOptions& options, int64_t d) {
  const int64_t in = x.shape()[d + 2];
  const auto real_in = static_cast<double>(in);
  const bool by_size = !options.size.empty();
  double factor = 0;
  if (!by_size) {
    const auto& factors = options.scale_factor;
    factor = factors[factors.size() == 1 ? 0 : static_cast<size_t>(d)];
    if (!(factor > 0 && factor * real_in < 1e15))
      throw ValueError(
          fmt::format("interpolate: scale_factor {} is out of range\n  x {}", factor, x.shape()));
  }
  const int64_t out = by_size ? options.size[options.size.rank() == 1 ? 0 : d]
                              : static_cast<int64_t>(std::floor(real_in * factor));
  if (in < 1 || out < 1 || out >= int64_t{1} << 31)
    throw ValueError(fmt::format("interpolate: sizes must be at least 1{}, from {} to {}\n  x {}",
                                 in < 1 || out < 1 ? "" : " and below 2^31", in, out, x.shape()));
  const auto real_out = static_cast<double>(out);
  const double scale = options.align_corners ? (out > 1 ? (real_in - 1) / (real_out - 1) : 0)
                       : by_size             ? real_in / real_out
                                             : 1 / factor;
  return {in, out, scale, options.align_corners};
}

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& options) {
  check(x, options);
  const int64_t spatial = x.dim() - 2;
  std::vector<Resize> resizes;
  Shape shape = x.shape();
  for (int64_t d = 0; d < spatial; ++d) {
    resizes.push_back(resize_of(x, options, d));
    shape[d + 2] = resizes.back().out;
  }
  if (!detail::is_possible(shape, x.dtype()))
    detail::throw_too_large("interpolate", fmt::format("x {}   result {}", x.shape(), shape));
  if (options.mode == Interpolation::kArea) {
    if (spatial == 1) return adaptive_avg_pool1d(x, shape[2]);
    if (spatial == 2) return adaptive_avg_pool2d(x, {shape[2], shape[3]});
    return adaptive_avg_pool3d(x, {shape[2], shape[3], shape[4]});
  }
  Tensor y = x;
  // The last dim first, as its result is what the others go over.
  for (int64_t d = spatial - 1; d >= 0; --d)
    y = run(false, std::make_shared<Taps>(taps_of(resizes[static_cast<size_t>(d)], options.mode)),
            y, d + 2);
  return y;
}

}  // namespace bb
