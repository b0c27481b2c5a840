#include "bb/autograd/ops/pool.h"

#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/windows.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"
#include "bb/core/kernels/pool.h"

namespace bb {

using autograd::record;
using autograd::wants_grad;
using kernels::PoolWindows;

namespace {

// A pooling that fits, and the shapes of its tensors.
struct Pool {
  const char* name;
  PoolWindows windows;
  int64_t planes;
  Shape x, y;
};

// ---- Maximum: its gradient moves elements to where they came from, which is linear

Tensor take_places(const Pool& p, const Tensor& x, const Tensor& at);

Tensor max_pool_grad(const Pool& p, const Tensor& dy, const Tensor& at) {
  const Tensor from = dy.detach().contiguous();
  Tensor dx = Tensor::empty(p.x, dy.dtype());
  visit_floating(dy.dtype(), [&]<class T>() {
    kernels::max_pool_grad<T>(p.windows, p.planes, from.data<T>(), at.data<int64_t>(),
                              dx.data<T>());
  });
  return record("max_pool_grad", {dy}, std::move(dx),
                [p, at](const Tensor& ddx) { return take_places(p, ddx, at); });
}

Tensor take_places(const Pool& p, const Tensor& x, const Tensor& at) {
  const Tensor from = x.detach().contiguous();
  Tensor y = Tensor::empty(p.y, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::take_places<T>(p.planes, p.windows.in_size(), p.windows.out_size(), from.data<T>(),
                            at.data<int64_t>(), y.data<T>());
  });
  return record("max_pool_grad_grad", {x}, std::move(y),
                [p, at](const Tensor& dy) { return max_pool_grad(p, dy, at); });
}

enum class Indices { kWanted, kForGradient };

MaxResult max_pool(const Pool& p, const Tensor& x, Indices indices) {
  const Tensor from = x.detach().contiguous();
  Tensor y = Tensor::empty(p.y, x.dtype()), at;
  if (indices == Indices::kWanted || wants_grad(x)) at = Tensor::empty(p.y, kInt64);
  visit(x.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>)
      kernels::max_pool<T>(p.windows, p.planes, from.data<T>(), y.data<T>(),
                           at.defined() ? at.data<int64_t>() : nullptr);
  });
  // The indices are the caller's too: Saved notices where they are changed in place.
  y = record(p.name, {x}, std::move(y),
             [p, at = autograd::Saved(at)](const Tensor& dy) { return max_pool_grad(p, dy, *at); });
  return {y, at};
}

// ---- Average: linear, as its gradient is

Tensor avg_pool(const Pool& p, const Tensor& x);

Tensor avg_pool_grad(const Pool& p, const Tensor& dy) {
  const Tensor from = dy.detach().contiguous();
  Tensor dx = Tensor::empty(p.x, dy.dtype());
  visit_floating(dy.dtype(), [&]<class T>() {
    kernels::avg_pool_grad<T>(p.windows, p.planes, from.data<T>(), dx.data<T>());
  });
  return record("avg_pool_grad", {dy}, std::move(dx),
                [p](const Tensor& ddx) { return avg_pool(p, ddx); });
}

Tensor avg_pool(const Pool& p, const Tensor& x) {
  const Tensor from = x.detach().contiguous();
  Tensor y = Tensor::empty(p.y, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::avg_pool<T>(p.windows, p.planes, from.data<T>(), y.data<T>());
  });
  return record(p.name, {x}, std::move(y), [p](const Tensor& dy) { return avg_pool_grad(p, dy); });
}

// ---- Checks

// Which dtypes a pooling takes: an average is no integer, a maximum may be.
enum class Takes { kFloating, kNumbers };

void check_images(const char* op, const Tensor& x, int64_t spatial, Takes takes) {
  detail::check_defined(op, x);
  if (takes == Takes::kFloating) detail::check_floating(op, x);
  if (x.dtype() == kBool)
    throw DTypeError(fmt::format(
        "{}: bool is not supported\n  x {}\n  hint: convert with to(kUInt8)", op, describe(x)));
  if (x.dim() != spatial + 2 && x.dim() != spatial + 1)
    throw ShapeError(fmt::format("{0}: x must be images (N,C,{1}), or one image (C,{1})\n  x {2}",
                                 op, detail::image_dims(spatial), x.shape()));
  for (int64_t d = x.dim() - spatial; d < x.dim(); ++d)
    if (x.shape()[d] == 0)
      throw ShapeError(fmt::format("{}: the images are empty\n  x {}", op, x.shape()));
}

// A pooling of images x with windows whose results' sizes are known.
Pool make_pool(const char* name, const Tensor& x, int64_t spatial, const PoolWindows& windows) {
  Pool p{name, windows, 1, x.shape(), x.shape()};
  for (int64_t d = 0; d < x.dim() - spatial; ++d) p.planes *= x.shape()[d];
  for (size_t d = 3 - static_cast<size_t>(spatial); d < 3; ++d)
    p.y[x.dim() - 3 + static_cast<int64_t>(d)] = windows.dims[d].out;
  detail::check_result(name, p.y, x.dtype(), {{"x", x}});
  return p;
}

// The numbers of a pooling by windows of one size.
struct Numbers {
  std::array<int64_t, 3> kernel, stride, padding, dilation;
  bool ceil_mode;
};

template <size_t N>
Numbers numbers(const PerDim<N>& kernel, const PerDim<N>& stride, const PerDim<N>& padding,
                const PerDim<N>& dilation, bool ceil_mode) {
  const bool as_kernel = stride.values() == PerDim<N>(0).values();
  return {detail::last_of_three(kernel, 1), detail::last_of_three(as_kernel ? kernel : stride, 1),
          detail::last_of_three(padding, 0), detail::last_of_three(dilation, 1), ceil_mode};
}

Pool pool_of(const char* name, const Tensor& x, int64_t spatial, Takes takes, const Numbers& n) {
  check_images(name, x, spatial, takes);
  detail::check_numbers(name, "kernel", n.kernel, spatial, 1, x);
  detail::check_numbers(name, "stride", n.stride, spatial, 1, x);
  detail::check_numbers(name, "padding", n.padding, spatial, 0, x);
  detail::check_numbers(name, "dilation", n.dilation, spatial, 1, x);
  PoolWindows windows;
  const auto sizes = detail::spatial_sizes(x.shape(), spatial);
  for (size_t d = 0; d < 3; ++d) {
    const int64_t extent = detail::window_extent(name, n.kernel[d], n.dilation[d], x);
    if (2 * n.padding[d] > extent)
      throw ValueError(fmt::format(
          "{}: padding must be at most half of the kernel\n"
          "  x {}   padding {}   kernel {}   dilation {}",
          name, x.shape(), detail::numbers_text(n.padding, spatial),
          detail::numbers_text(n.kernel, spatial), detail::numbers_text(n.dilation, spatial)));
    const int64_t stride = n.stride[d], room = sizes[d] + 2 * n.padding[d] - extent;
    const int64_t more = n.ceil_mode ? stride - 1 : 0;
    int64_t out = room + more < 0 ? 0 : (room + more) / stride + 1;
    if (n.ceil_mode && (out - 1) * stride >= sizes[d] + n.padding[d]) --out;
    if (out < 1)
      throw ShapeError(fmt::format(
          "{}: no window fits the padded images\n"
          "  x {}   kernel {}   padding {}   dilation {}",
          name, x.shape(), detail::numbers_text(n.kernel, spatial),
          detail::numbers_text(n.padding, spatial), detail::numbers_text(n.dilation, spatial)));
    windows.dims[d] = {.in = sizes[d],
                       .out = out,
                       .kernel = n.kernel[d],
                       .stride = stride,
                       .padding = n.padding[d],
                       .step = n.dilation[d]};
  }
  return make_pool(name, x, spatial, windows);
}

template <size_t N>
MaxResult max_pool_nd(const char* name, const Tensor& x, const PerDim<N>& kernel,
                      const MaxPoolOptions<N>& o, Indices indices) {
  return max_pool(pool_of(name, x, N, Takes::kNumbers,
                          numbers(kernel, o.stride, o.padding, o.dilation, o.ceil_mode)),
                  x, indices);
}

template <size_t N>
Tensor avg_pool_nd(const char* name, const Tensor& x, const PerDim<N>& kernel,
                   const AvgPoolOptions<N>& o) {
  detail::check_defined(name, x);
  if (o.divisor_override < 0)
    throw ValueError(fmt::format("{}: divisor_override must not be negative, got {}\n  x {}", name,
                                 o.divisor_override, x.shape()));
  Pool p = pool_of(name, x, N, Takes::kFloating,
                   numbers(kernel, o.stride, o.padding, PerDim<N>(1), o.ceil_mode));
  p.windows.divisor = o.divisor_override;
  for (kernels::PoolDim& dim : p.windows.dims) dim.counts_padding = o.count_include_pad;
  return avg_pool(p, x);
}

template <size_t N>
Pool adaptive_pool(const char* name, const Tensor& x, Takes takes, const PerDim<N>& output_size) {
  check_images(name, x, N, takes);
  const auto out = detail::last_of_three(output_size, 1);
  detail::check_numbers(name, "output_size", out, N, 0, x);
  PoolWindows windows;
  const auto sizes = detail::spatial_sizes(x.shape(), N);
  for (size_t d = 0; d < 3; ++d)
    windows.dims[d] = {.in = sizes[d], .out = out[d], .adaptive = true};
  return make_pool(name, x, N, windows);
}

template <size_t N>
Tensor adaptive_avg_pool_nd(const char* name, const Tensor& x, const PerDim<N>& output_size) {
  const Pool p = adaptive_pool(name, x, Takes::kFloating, output_size);
  if (p.windows.out_size() != 1) return avg_pool(p, x);
  Shape dims;  // one mean of all: sum() has the faster kernel, and the smaller error
  for (int64_t d = x.dim() - static_cast<int64_t>(N); d < x.dim(); ++d) dims.push_back(d);
  return mean(x, dims, true);
}

template <size_t N>
MaxResult adaptive_max_pool_nd(const char* name, const Tensor& x, const PerDim<N>& output_size,
                               Indices indices) {
  return max_pool(adaptive_pool(name, x, Takes::kNumbers, output_size), x, indices);
}

}  // namespace

Tensor max_pool1d(const Tensor& x, PerDim<1> kernel, const MaxPoolOptions<1>& options) {
  return max_pool_nd("max_pool1d", x, kernel, options, Indices::kForGradient).values;
}
Tensor max_pool2d(const Tensor& x, PerDim<2> kernel, const MaxPoolOptions<2>& options) {
  return max_pool_nd("max_pool2d", x, kernel, options, Indices::kForGradient).values;
}
Tensor max_pool3d(const Tensor& x, PerDim<3> kernel, const MaxPoolOptions<3>& options) {
  return max_pool_nd("max_pool3d", x, kernel, options, Indices::kForGradient).values;
}

MaxResult max_pool1d_with_indices(const Tensor& x, PerDim<1> kernel,
                                  const MaxPoolOptions<1>& options) {
  return max_pool_nd("max_pool1d_with_indices", x, kernel, options, Indices::kWanted);
}
MaxResult max_pool2d_with_indices(const Tensor& x, PerDim<2> kernel,
                                  const MaxPoolOptions<2>& options) {
  return max_pool_nd("max_pool2d_with_indices", x, kernel, options, Indices::kWanted);
}
MaxResult max_pool3d_with_indices(const Tensor& x, PerDim<3> kernel,
                                  const MaxPoolOptions<3>& options) {
  return max_pool_nd("max_pool3d_with_indices", x, kernel, options, Indices::kWanted);
}

Tensor avg_pool1d(const Tensor& x, PerDim<1> kernel, const AvgPoolOptions<1>& options) {
  return avg_pool_nd("avg_pool1d", x, kernel, options);
}
Tensor avg_pool2d(const Tensor& x, PerDim<2> kernel, const AvgPoolOptions<2>& options) {
  return avg_pool_nd("avg_pool2d", x, kernel, options);
}
Tensor avg_pool3d(const Tensor& x, PerDim<3> kernel, const AvgPoolOptions<3>& options) {
  return avg_pool_nd("avg_pool3d", x, kernel, options);
}

Tensor adaptive_avg_pool1d(const Tensor& x, PerDim<1> output_size) {
  return adaptive_avg_pool_nd("adaptive_avg_pool1d", x, output_size);
}
Tensor adaptive_avg_pool2d(const Tensor& x, PerDim<2> output_size) {
  return adaptive_avg_pool_nd("adaptive_avg_pool2d", x, output_size);
}
Tensor adaptive_avg_pool3d(const Tensor& x, PerDim<3> output_size) {
  return adaptive_avg_pool_nd("adaptive_avg_pool3d", x, output_size);
}

MaxResult adaptive_max_pool1d_with_indices(const Tensor& x, PerDim<1> output_size) {
  return adaptive_max_pool_nd("adaptive_max_pool1d_with_indices", x, output_size, Indices::kWanted);
}
MaxResult adaptive_max_pool2d_with_indices(const Tensor& x, PerDim<2> output_size) {
  return adaptive_max_pool_nd("adaptive_max_pool2d_with_indices", x, output_size, Indices::kWanted);
}
MaxResult adaptive_max_pool3d_with_indices(const Tensor& x, PerDim<3> output_size) {
  return adaptive_max_pool_nd("adaptive_max_pool3d_with_indices", x, output_size, Indices::kWanted);
}
Tensor adaptive_max_pool1d(const Tensor& x, PerDim<1> output_size) {
  return adaptive_max_pool_nd("adaptive_max_pool1d", x, output_size, Indices::kForGradient).values;
}
Tensor adaptive_max_pool2d(const Tensor& x, PerDim<2> output_size) {
  return adaptive_max_pool_nd("adaptive_max_pool2d", x, output_size, Indices::kForGradient).values;
}
Tensor adaptive_max_pool3d(const Tensor& x, PerDim<3> output_size) {
  return adaptive_max_pool_nd("adaptive_max_pool3d", x, output_size, Indices::kForGradient).values;
}

}  // namespace bb
