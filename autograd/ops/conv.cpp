#include "bb/autograd/ops/conv.h"

#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/windows.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"
#include "bb/core/kernels/conv.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using autograd::saved_for;
using autograd::wants_grad;

namespace {

// A convolution whose operands fit: its name, its sizes for the kernels, and the shapes of its
// tensors. Of a transposed one, x and y are those of the convolution that it transposes.
struct Conv {
  const char* name;
  kernels::ConvShape shape;
  Shape x, weight, y;
};

// ---- The three maps of a convolution. Each is linear in both of its operands, but for an
// activation, and the gradients of each are the other two: all that it takes to differentiate as
// often as one likes.

Tensor conv(const Conv& c, const Tensor& x, const Tensor& weight, const Tensor& bias = {},
            Activation activation = Activation::kNone);
Tensor conv_grad_input(const Conv& c, const char* name, const Tensor& dy, const Tensor& weight,
                       const Tensor& bias = {});
Tensor conv_grad_weight(const Conv& c, const Tensor& x, const Tensor& dy);

// The sum of dy over all but the channels, which come before the spatial dims.
Tensor bias_grad(const Tensor& dy, int64_t spatial) {
  Shape dims;
  for (int64_t d = 0; d < dy.dim(); ++d)
    if (d != dy.dim() - spatial - 1) dims.push_back(d);
  return sum(dy, dims);
}

int64_t spatial_dims(const Conv& c) { return c.weight.rank() - 2; }

Tensor conv(const Conv& c, const Tensor& x, const Tensor& weight, const Tensor& bias,
            Activation activation) {
  Saved saved_x = saved_for(weight, x), saved_weight = saved_for(x, weight);
  const Tensor from = x.detach().contiguous(), filters = weight.detach().contiguous();
  const Tensor offsets = bias.defined() ? bias.detach().contiguous() : Tensor();
  Tensor y = Tensor::empty(c.y, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::conv<T>(c.shape, from.data<T>(), filters.data<T>(),
                     {bias.defined() ? offsets.data<T>() : nullptr, activation}, y.data<T>());
  });
  const bool wanted = wants_grad(x) || wants_grad(weight) || (bias.defined() && wants_grad(bias));
  Saved result = activation != Activation::kNone && wanted ? Saved::output(y) : Saved();
  return record(c.name, {x, weight, bias}, std::move(y),
                [c, x = std::move(saved_x), weight = std::move(saved_weight),
                 y = std::move(result)](const Tensor& dy, Needs needs) {
                  const Tensor dz = y.defined() ? detail::pull_relu(dy, *y) : dy;
                  std::array<Tensor, 3> grads;
                  if (needs[1]) grads[1] = conv_grad_weight(c, *x, dz);  // x may go then
                  if (needs[0]) grads[0] = conv_grad_input(c, "conv_grad_input", dz, *weight);
                  if (needs[2]) grads[2] = bias_grad(dz, spatial_dims(c));
                  return grads;
                });
}

Tensor conv_grad_input(const Conv& c, const char* name, const Tensor& dy, const Tensor& weight,
                       const Tensor& bias) {
  const Tensor from = dy.detach().contiguous(), filters = weight.detach().contiguous();
  Tensor dx = Tensor::empty(c.x, dy.dtype());
  visit_floating(dy.dtype(), [&]<class T>() {
    kernels::conv_grad_input<T>(c.shape, from.data<T>(), filters.data<T>(), dx.data<T>());
  });
  if (bias.defined()) {
    Shape channels = Shape::filled(spatial_dims(c) + 1, 1);
    channels[0] = bias.size(0);
    no_grad([&] { dx.add_(bias.detach().reshape(channels)); });
  }
  return record(name, {dy, weight, bias}, std::move(dx),
                [c, dy = saved_for(weight, dy), weight = saved_for(dy, weight)](const Tensor& ddx,
                                                                                Needs needs) {
                  std::array<Tensor, 3> grads;
                  if (needs[0]) grads[0] = conv(c, ddx, *weight);
                  if (needs[1]) grads[1] = conv_grad_weight(c, ddx, *dy);
                  if (needs[2]) grads[2] = bias_grad(ddx, spatial_dims(c));
                  return grads;
                });
}

Tensor conv_grad_weight(const Conv& c, const Tensor& x, const Tensor& dy) {
  const Tensor from = x.detach().contiguous(), grad = dy.detach().contiguous();
  Tensor dw = Tensor::empty(c.weight, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::conv_grad_weight<T>(c.shape, from.data<T>(), grad.data<T>(), dw.data<T>());
  });
  return record("conv_grad_weight", {x, dy}, std::move(dw),
                [c, x = saved_for(dy, x), dy = saved_for(x, dy)](const Tensor& ddw, Needs needs) {
                  std::array<Tensor, 2> grads;
                  if (needs[0]) grads[0] = conv_grad_input(c, "conv_grad_input", *dy, ddw);
                  if (needs[1]) grads[1] = conv(c, *x, ddw);
                  return grads;
                });
}

// ---- Checks

// The operands of a convolution of `spatial` dims, for checks and their messages.
struct Operands {
  const char* name;
  int64_t spatial;
  const Tensor &x, &weight, &bias;
  int64_t groups;
  bool transposed;

  std::string x_dims() const {
    return fmt::format("{},{}", x.dim() == spatial + 1 ? "C" : "N,C", detail::image_dims(spatial));
  }
  std::string weight_dims() const {
    return fmt::format("{},{}", transposed ? "C,O/groups" : "O,C/groups",
                       spatial == 1   ? "K"
                       : spatial == 2 ? "KH,KW"
                                      : "KD,KH,KW");
  }
  std::string text() const {
    return fmt::format("  x {} ({})   weight {} ({})", x.shape(), x_dims(), weight.shape(),
                       weight_dims());
  }
  int64_t batch() const { return x.dim() == spatial + 2 ? x.size(0) : 1; }
  int64_t channels() const { return x.size(-spatial - 1); }
};

void check_dtypes(const Operands& o) {
  detail::check_defined(o.name, {{"x", o.x}, {"weight", o.weight}});
  const bool bias_fits = !o.bias.defined() || o.bias.dtype() == o.x.dtype();
  if (is_floating_point(o.x.dtype()) && o.weight.dtype() == o.x.dtype() && bias_fits) return;
  throw DTypeError(
      fmt::format("{}: x, weight and bias must have one floating-point dtype\n"
                  "  x {}   weight {}   bias {}\n  hint: convert with to(kFloat32)",
                  o.name, describe(o.x), describe(o.weight), describe(o.bias)));
}

void check_ranks(const Operands& o) {
  if (o.x.dim() != o.spatial + 2 && o.x.dim() != o.spatial + 1)
    throw ShapeError(fmt::format("{0}: x must be images (N,C,{1}), or one image (C,{1})\n  x {2}",
                                 o.name, detail::image_dims(o.spatial), o.x.shape()));
  if (o.weight.dim() != o.spatial + 2)
    throw ShapeError(fmt::format("{}: weight must have {} dimensions ({})\n{}", o.name,
                                 o.spatial + 2, o.weight_dims(), o.text()));
  for (int64_t d = 2; d < o.weight.dim(); ++d)
    if (o.weight.shape()[d] < 1)
      throw ShapeError(fmt::format("{}: the kernel is empty\n{}", o.name, o.text()));
}

void check_channels(const Operands& o) {
  if (o.groups < 1)
    throw ValueError(
        fmt::format("{}: groups must be at least 1, got {}\n{}", o.name, o.groups, o.text()));
  const int64_t first = o.weight.size(0), second = o.weight.size(1);
  if (first % o.groups != 0)
    throw ShapeError(fmt::format("{}: {} groups do not divide weight.size(0) = {}\n{}", o.name,
                                 o.groups, first, o.text()));
  int64_t expected = first;
  if (!o.transposed && __builtin_mul_overflow(second, o.groups, &expected)) expected = -1;
  if (o.channels() != expected)
    throw ShapeError(fmt::format(
        "{}: x has {} channels, but weight expects {} ({})\n{}\n"
        "  hint: build the layer with in_channels = {}",
        o.name, o.channels(), expected,
        o.transposed ? std::string("weight.size(0)")
                     : fmt::format("weight.size(1) * groups = {} * {}", second, o.groups),
        o.text(), o.channels()));
  int64_t out = first;
  if (o.transposed && __builtin_mul_overflow(second, o.groups, &out))
    detail::throw_too_large(o.name, detail::shapes_of({{"x", o.x}, {"weight", o.weight}}));
  if (o.bias.defined() && o.bias.shape() != Shape{out})
    throw ShapeError(fmt::format("{}: bias must be [{}], {}\n  bias {}   weight {} ({})", o.name,
                                 out, o.transposed ? "weight.size(1) * groups" : "weight.size(0)",
                                 o.bias.shape(), o.weight.shape(), o.weight_dims()));
}

// The shape of a result: x's batch, if it has one, then channels and spatial sizes.
Shape result_shape(const Operands& o, int64_t channels, const std::array<int64_t, 3>& sizes) {
  Shape shape;
  if (o.x.dim() == o.spatial + 2) shape.push_back(o.x.size(0));
  shape.push_back(channels);
  for (auto size = sizes.end() - o.spatial; size != sizes.end(); ++size) shape.push_back(*size);
  return shape;
}

void check_size(const Operands& o, const Shape& result) {
  detail::check_result(o.name, result, o.x.dtype(), {{"x", o.x}, {"weight", o.weight}});
}

// Stride, dilation, and padding or its absence, of `windows`.
void check_options(const Operands& o, const kernels::Windows& windows) {
  detail::check_numbers(o.name, "stride", windows.stride, o.spatial, 1, o.x);
  detail::check_numbers(o.name, "dilation", windows.dilation, o.spatial, 1, o.x);
  detail::check_numbers(o.name, "padding", windows.padding, o.spatial, 0, o.x);
}

template <size_t N>
Tensor conv_nd(const char* name, const Tensor& x, const Tensor& weight, const Tensor& bias,
               const ConvOptions<N>& options) {
  const Operands o{name, N, x, weight, bias, options.groups, false};
  check_dtypes(o);
  check_ranks(o);
  check_channels(o);
  kernels::Windows w{.in = detail::spatial_sizes(x.shape(), N),
                     .kernel = detail::spatial_sizes(weight.shape(), N),
                     .out = {},
                     .stride = detail::last_of_three(options.stride, 1),
                     .padding = detail::last_of_three<N>(options.padding, 0),
                     .dilation = detail::last_of_three(options.dilation, 1)};
  check_options(o, w);
  const bool same = options.padding.is_same();
  for (size_t d = 0; d < 3; ++d) {
    const int64_t extent = detail::window_extent(name, w.kernel[d], w.dilation[d], x);
    if (same && w.stride[d] != 1)
      throw ValueError(fmt::format(
          "{}: Padding::kSame needs stride 1, as the result has x's size\n{}   stride {}\n"
          "  hint: give padding as numbers",
          name, o.text(), detail::numbers_text(w.stride, N)));
    if (same) w.padding[d] = (extent - 1) / 2;
    const int64_t room = w.in[d] + 2 * w.padding[d] - extent;
    w.out[d] = same ? w.in[d] : room < 0 ? 0 : room / w.stride[d] + 1;
    if (w.out[d] < 1)
      throw ShapeError(fmt::format(
          "{}: the dilated kernel is larger than the padded image: {} and {} elements along {}\n{}",
          name, extent, w.in[d] + 2 * w.padding[d], detail::dim_name(d, N), o.text()));
  }
  const int64_t out = weight.size(0);
  const Conv c{name,
               {o.batch(), options.groups, weight.size(1), out / options.groups, w},
               x.shape(),
               weight.shape(),
               result_shape(o, out, w.out)};
  check_size(o, c.y);
  return conv(c, x, weight, bias, options.activation);
}

template <size_t N>
Tensor conv_transpose_nd(const char* name, const Tensor& x, const Tensor& weight,
                         const Tensor& bias, const ConvTransposeOptions<N>& options) {
  const Operands o{name, N, x, weight, bias, options.groups, true};
  check_dtypes(o);
  check_ranks(o);
  check_channels(o);
  kernels::Windows w{.in = {},
                     .kernel = detail::spatial_sizes(weight.shape(), N),
                     .out = detail::spatial_sizes(x.shape(), N),
                     .stride = detail::last_of_three(options.stride, 1),
                     .padding = detail::last_of_three(options.padding, 0),
                     .dilation = detail::last_of_three(options.dilation, 1)};
  check_options(o, w);
  const auto more = detail::last_of_three(options.output_padding, 0);
  detail::check_numbers(name, "output_padding", more, N, 0, x);
  for (size_t d = 0; d < 3; ++d) {
    if (more[d] > 0 && more[d] >= std::max(w.stride[d], w.dilation[d]))
      throw ValueError(
          fmt::format("{}: output_padding must be below stride or dilation\n"
                      "{}   output_padding {}   stride {}   dilation {}",
                      name, o.text(), detail::numbers_text(more, N),
                      detail::numbers_text(w.stride, N), detail::numbers_text(w.dilation, N)));
    const int64_t extent = detail::window_extent(name, w.kernel[d], w.dilation[d], x);
    int64_t reach = 0;
    if (__builtin_mul_overflow(w.out[d] - 1, w.stride[d], &reach) || reach > INT64_MAX / 4)
      throw ShapeError(fmt::format("{}: the result is larger than any memory\n{}", name, o.text()));
    w.in[d] = reach - 2 * w.padding[d] + extent + more[d];
    if (w.out[d] < 1 || w.in[d] < 1)
      throw ShapeError(fmt::format("{}: the result would be empty: {} elements along {}\n{}", name,
                                   std::max<int64_t>(w.out[d] < 1 ? 0 : w.in[d], 0),
                                   detail::dim_name(d, N), o.text()));
  }
  const int64_t out = weight.size(1) * options.groups;
  const Conv c{name,
               {o.batch(), options.groups, weight.size(1), weight.size(0) / options.groups, w},
               result_shape(o, out, w.in),
               weight.shape(),
               x.shape()};
  check_size(o, c.x);
  return conv_grad_input(c, name, x, weight, bias);
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions<1>& options) {
  return conv_nd("conv1d", x, weight, bias, options);
}
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions<2>& options) {
  return conv_nd("conv2d", x, weight, bias, options);
}
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions<3>& options) {
  return conv_nd("conv3d", x, weight, bias, options);
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions<1>& options) {
  return conv_transpose_nd("conv_transpose1d", x, weight, bias, options);
}
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions<2>& options) {
  return conv_transpose_nd("conv_transpose2d", x, weight, bias, options);
}
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTransposeOptions<3>& options) {
  return conv_transpose_nd("conv_transpose3d", x, weight, bias, options);
}

}  // namespace bb
