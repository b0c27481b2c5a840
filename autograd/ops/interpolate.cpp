#include "bb/autograd/ops/interpolate.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "bb/autograd/ops/pool.h"
#include "bb/autograd/tape.h"
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
  if (!is_floating_point(x.dtype()))
    throw DTypeError(
        fmt::format("interpolate: needs floating point\n  x {}\n  hint: convert with to(kFloat32)",
                    describe(x)));
  const int64_t spatial = x.dim() - 2, wanted = dims_of(options.mode);
  if (spatial < 1 || spatial > 3 || (wanted != 0 && spatial != wanted))
    throw ShapeError(
        fmt::format("interpolate: x must be images (N,C,...) with {} spatial dims\n  x {}",
                    wanted == 0 ? "1 to 3" : fmt::format("{}", wanted), x.shape()));
  if (options.size.empty() == options.scale_factor.empty())
    throw ValueError("interpolate: give either size or scale_factor");
  if (options.align_corners && wanted == 0)
    throw ValueError("interpolate: align_corners is for the linear modes and kBicubic");
  const int64_t given = options.size.rank() + static_cast<int64_t>(options.scale_factor.size());
  if (given != 1 && given != spatial)
    throw ValueError(
        fmt::format("interpolate: {} sizes or factors are given for {} spatial dims\n  x {}", given,
                    spatial, x.shape()));
}

}  // namespace

Tensor interpolate(const Tensor& x, const InterpolateOptions& options) {
  check(x, options);
  const int64_t spatial = x.dim() - 2;
  Tensor y = x;
  std::array<int64_t, 3> sizes{};
  // The last dim first, as its result is what the others go over.
  for (int64_t d = spatial - 1; d >= 0; --d) {
    const int64_t in = x.shape()[d + 2];
    const bool by_size = !options.size.empty();
    const double factor =
        by_size
            ? 0
            : options.scale_factor[options.scale_factor.size() == 1 ? 0 : static_cast<size_t>(d)];
    if (!by_size && !(factor > 0 && factor * static_cast<double>(in) < 1e15))
      throw ValueError(fmt::format("interpolate: scale_factor {} is out of range", factor));
    const int64_t out = by_size
                            ? options.size[options.size.rank() == 1 ? 0 : d]
                            : static_cast<int64_t>(std::floor(static_cast<double>(in) * factor));
    if (in < 1 || out < 1)
      throw ValueError(fmt::format("interpolate: sizes must be at least 1, from {} to {}\n  x {}",
                                   in, out, x.shape()));
    sizes[static_cast<size_t>(d)] = out;
    if (options.mode == Interpolation::kArea) continue;
    const auto real_in = static_cast<double>(in), real_out = static_cast<double>(out);
    const double scale = options.align_corners ? (out > 1 ? (real_in - 1) / (real_out - 1) : 0)
                         : by_size             ? real_in / real_out
                                               : 1 / factor;
    const Resize resize{in, out, scale, options.align_corners};
    y = run(false, std::make_shared<Taps>(taps_of(resize, options.mode)), y, d + 2);
  }
  if (options.mode != Interpolation::kArea) return y;
  if (spatial == 1) return adaptive_avg_pool1d(x, sizes[0]);
  if (spatial == 2) return adaptive_avg_pool2d(x, {sizes[0], sizes[1]});
  return adaptive_avg_pool3d(x, sizes);
}

}  // namespace bb
