#include "bb/autograd/ops/unfold.h"

#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/windows.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/parallel.h"

namespace bb {
namespace {

using kernels::Windows;

// An unfold that fits: images [batch, channels, in] and columns [batch, channels * kernel, out].
struct Unfold {
  Windows windows;
  int64_t batch, channels;
  Shape images, columns;
};

Tensor unfold_columns(const Unfold& u, const Tensor& x);

// One call of run(image, column) for each image of the batch, shared over threads.
template <class Run>
void for_each_image(const Unfold& u, const Run& run) {
  const int64_t image = u.channels * u.windows.in_size();
  const int64_t column = u.channels * u.windows.kernel_size() * u.windows.out_size();
  parallel_for(u.batch, static_cast<double>(column), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) run(i * image, i * column);
  });
}

Tensor fold_columns(const Unfold& u, const Tensor& x) {
  const Tensor from = x.detach().contiguous();
  Tensor y = zeros(u.images, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    const T* columns = from.data<T>();
    T* images = y.data<T>();
    for_each_image(u, [&](int64_t image, int64_t column) {
      kernels::col2im<T>(u.windows, columns + column, u.channels, 0, u.windows.out_size(),
                         images + image);
    });
  });
  return autograd::record("fold", {x}, std::move(y),
                          [u](const Tensor& dy) { return unfold_columns(u, dy); });
}

Tensor unfold_columns(const Unfold& u, const Tensor& x) {
  const Tensor from = x.detach().contiguous();
  Tensor y = Tensor::empty(u.columns, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    const T* images = from.data<T>();
    T* columns = y.data<T>();
    for_each_image(u, [&](int64_t image, int64_t column) {
      kernels::im2col<T>(u.windows, images + image, u.channels, 0, u.windows.out_size(),
                         columns + column);
    });
  });
  return autograd::record("unfold", {x}, std::move(y),
                          [u](const Tensor& dy) { return fold_columns(u, dy); });
}

// The windows of images of `size`.
Windows make_windows(const char* op, const Tensor& x, const PerDim<2>& size,
                     const PerDim<2>& kernel, const UnfoldOptions& options) {
  Windows w{.in = detail::last_of_three(size, 1),
            .kernel = detail::last_of_three(kernel, 1),
            .out = {},
            .stride = detail::last_of_three(options.stride, 1),
            .padding = detail::last_of_three(options.padding, 0),
            .dilation = detail::last_of_three(options.dilation, 1)};
  detail::check_numbers(op, "kernel", w.kernel, 2, 1, x);
  detail::check_numbers(op, "stride", w.stride, 2, 1, x);
  detail::check_numbers(op, "dilation", w.dilation, 2, 1, x);
  detail::check_numbers(op, "padding", w.padding, 2, 0, x);
  for (size_t d = 0; d < 3; ++d) {
    const int64_t extent = detail::window_extent(op, w.kernel[d], w.dilation[d], x);
    const int64_t room = w.in[d] + 2 * w.padding[d] - extent;
    if (room < 0)
      throw ShapeError(fmt::format(
          "{}: no window fits the padded image\n  x {}   image {}   kernel {}   padding {}   "
          "dilation {}",
          op, x.shape(), detail::numbers_text(w.in, 2), detail::numbers_text(w.kernel, 2),
          detail::numbers_text(w.padding, 2), detail::numbers_text(w.dilation, 2)));
    w.out[d] = room / w.stride[d] + 1;
  }
  return w;
}

}  // namespace

Tensor unfold(const Tensor& x, PerDim<2> kernel, const UnfoldOptions& options) {
  detail::check_floating("unfold", x);
  if (x.dim() != 4 && x.dim() != 3)
    throw ShapeError(
        fmt::format("unfold: x must be images (N,C,H,W), or one image (C,H,W)\n  x {}", x.shape()));
  const Windows w = make_windows("unfold", x, {x.size(-2), x.size(-1)}, kernel, options);
  Unfold u{w, x.dim() == 4 ? x.size(0) : 1, x.size(-3), x.shape(), {}};
  const auto too_large = [&] {
    detail::throw_too_large(
        "unfold", fmt::format("x {}   kernel {}", x.shape(), detail::numbers_text(w.kernel, 2)));
  };
  const Shape rows{u.channels, w.kernel[1], w.kernel[2]}, windows{w.out[1], w.out[2]};
  if (!detail::is_possible(rows, kBool) || !detail::is_possible(windows, kBool)) too_large();
  if (x.dim() == 4) u.columns.push_back(u.batch);
  u.columns.push_back(rows.numel());
  u.columns.push_back(windows.numel());
  if (!detail::is_possible(u.columns, x.dtype())) too_large();
  return unfold_columns(u, x);
}

Tensor fold(const Tensor& x, PerDim<2> output_size, PerDim<2> kernel,
            const UnfoldOptions& options) {
  detail::check_floating("fold", x);
  if (x.dim() != 3 && x.dim() != 2)
    throw ShapeError(fmt::format(
        "fold: x must be columns (N, C*KH*KW, windows), or without N\n  x {}", x.shape()));
  detail::check_numbers("fold", "output_size", detail::last_of_three(output_size, 1), 2, 1, x);
  const Windows w = make_windows("fold", x, output_size, kernel, options);
  if (x.size(-2) % w.kernel_size() != 0 || x.size(-1) != w.out_size())
    throw ShapeError(
        fmt::format("fold: x must have a multiple of {} rows (KH*KW) and {} columns (the windows)\n"
                    "  x {}   output_size {}   kernel {}",
                    w.kernel_size(), w.out_size(), x.shape(), detail::numbers_text(w.in, 2),
                    detail::numbers_text(w.kernel, 2)));
  Unfold u{w, x.dim() == 3 ? x.size(0) : 1, x.size(-2) / w.kernel_size(), {}, x.shape()};
  if (x.dim() == 3) u.images.push_back(u.batch);
  for (int64_t size : {u.channels, w.in[1], w.in[2]}) u.images.push_back(size);
  if (!detail::is_possible(u.images, x.dtype()))
    detail::throw_too_large(
        "fold", fmt::format("x {}   output_size {}", x.shape(), detail::numbers_text(w.in, 2)));
  return fold_columns(u, x);
}

}  // namespace bb
