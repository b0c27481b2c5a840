#include "bb/autograd/ops/normalization.h"

#include <limits>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"
#include "bb/core/kernels/norm.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using autograd::wants_grad;
using kernels::NormShape;

namespace {

// What is normalised, and how: x seen as [outer, rows, groups, channels, inner] (norm.h).
struct Norm {
  const char* name;
  NormShape shape;
  double eps;
  bool centered = true;

  Shape affine() const { return {1, 1, shape.groups, shape.channels, 1}; }
  Shape full() const {
    return {shape.outer, shape.rows, shape.groups, shape.channels, shape.inner};
  }
  // [N, C] by channel would be columns one element wide: those are laid out as rows, [C, N].
  bool in_columns() const { return shape.line() == 1 && shape.outer > 1; }
};

struct Statistics {
  Tensor means;           // [parts, 2]: the mean, and what rounding took from it
  Tensor variance, rstd;  // [parts]

  Tensor mean() const { return sum(means, {1}); }
};

Tensor reciprocal_root(const Tensor& variance, double eps) { return 1.0 / sqrt(variance + eps); }

// ---- Off the tape: x, dy and results without gaps

template <class T>
const T* data_or_null(const Tensor& x) {
  return x.defined() ? x.data<T>() : nullptr;
}

// x's elements as the kernels take them.
Tensor laid_out(const Norm& norm, const Tensor& x) {
  if (!norm.in_columns()) return x.detach().contiguous();
  return x.detach().reshape({norm.shape.outer, norm.shape.parts()}).t().contiguous();
}
NormShape kernel_shape(const Norm& norm) {
  if (!norm.in_columns()) return norm.shape;
  NormShape shape = norm.shape;
  std::swap(shape.outer, shape.inner);
  return shape;
}
Tensor laid_back(const Norm& norm, const Tensor& y, const Shape& shape) {
  return norm.in_columns() ? y.t().contiguous().reshape(shape) : y;
}
Shape kernel_result(const Norm& norm, const Shape& shape) {
  return norm.in_columns() ? Shape{norm.shape.parts(), norm.shape.outer} : shape;
}

struct Normalized {
  Tensor y;
  Statistics statistics;
};

Normalized normalized_off_tape(const Norm& norm, const Tensor& x, const Tensor& weight,
                               const Tensor& bias) {
  const Tensor from = laid_out(norm, x);
  const Shape parts{norm.shape.parts()};
  Statistics s{Tensor::empty({norm.shape.parts(), 2}, x.dtype()), Tensor::empty(parts, x.dtype()),
               Tensor::empty(parts, x.dtype())};
  Tensor y = Tensor::empty(kernel_result(norm, x.shape()), x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::normalize<T>(kernel_shape(norm), from.data<T>(), norm.centered, norm.eps,
                          data_or_null<T>(weight), data_or_null<T>(bias), s.means.data<T>(),
                          s.variance.data<T>(), s.rstd.data<T>(), y.data<T>());
  });
  return {laid_back(norm, y, x.shape()), s};
}

using Gradients = std::array<Tensor, 3>;  // of x, weight and bias

// All in two passes over x and dy.
Gradients fused_gradients(const Norm& norm, const Tensor& x, const Tensor& dy, const Statistics& s,
                          const Tensor& weight, const Shape& affine, Needs needs) {
  const Tensor from = laid_out(norm, x), grad = laid_out(norm, dy);
  const NormShape shape = kernel_shape(norm);
  Tensor dx = Tensor::empty(kernel_result(norm, x.shape()), x.dtype()), sums;
  if (needs[1] || needs[2])
    sums = Tensor::empty({shape.sum_blocks(), 2, shape.groups * shape.channels}, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::normalize_grad<T>(shape, from.data<T>(), grad.data<T>(), norm.centered,
                               s.means.data<T>(), s.rstd.data<T>(), data_or_null<T>(weight),
                               dx.data<T>(), sums.defined() ? sums.data<T>() : nullptr);
  });
  Gradients grads{laid_back(norm, dx, x.shape()), {}, {}};
  if (!sums.defined()) return grads;
  const Tensor totals = sum(sums, {0});
  if (needs[1]) grads[1] = totals[1].reshape(affine);
  if (needs[2]) grads[2] = totals[0].reshape(affine);
  return grads;
}

// ---- On the tape

// The same gradients from ops, for those who differentiate them again.
Gradients composed_gradients(const Norm& norm, const Tensor& x, const Tensor& dy,
                             const Tensor& weight, const Shape& affine, Needs needs) {
  const Shape part_dims{0, 3, 4};
  const Tensor full = reshape(x, norm.full()), grad = reshape(dy, norm.full());
  const Tensor centered = norm.centered ? full - mean(full, part_dims, true) : full;
  const Tensor rstd = pow(mean(centered * centered, part_dims, true) + norm.eps, -0.5);
  const Tensor z = centered * rstd;
  Gradients grads;
  if (needs[0]) {
    const Tensor g = weight.defined() ? grad * reshape(weight, norm.affine()) : grad;
    Tensor inner = g - z * mean(g * z, part_dims, true);
    if (norm.centered) inner = inner - mean(g, part_dims, true);
    grads[0] = reshape(rstd * inner, x.shape());
  }
  if (needs[1]) grads[1] = reshape(sum(grad * z, {0, 1, 4}), affine);
  if (needs[2]) grads[2] = reshape(sum(grad, {0, 1, 4}), affine);
  return grads;
}

// Normalises by x's own statistics.
Normalized normalized(const Norm& norm, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor plain_weight = weight.defined() ? weight.detach().contiguous() : Tensor();
  const Tensor plain_bias = bias.defined() ? bias.detach().contiguous() : Tensor();
  auto result = no_grad([&] { return normalized_off_tape(norm, x, plain_weight, plain_bias); });
  const Shape affine = weight.defined() ? weight.shape() : bias.defined() ? bias.shape() : Shape{};
  result.y = record(norm.name, {x, weight, bias}, std::move(result.y),
                    [norm, s = result.statistics, affine, x = Saved(x), weight = Saved(weight)](
                        const Tensor& dy, Needs needs) {
                      const Tensor w = weight.defined() ? *weight : Tensor();
                      if (is_grad_enabled())
                        return composed_gradients(norm, *x, dy, w, affine, needs);
                      return fused_gradients(norm, *x, dy, s, w.defined() ? w.contiguous() : w,
                                             affine, needs);
                    });
  return result;
}

// Normalises by given statistics [C], which are constants.
Tensor normalized_by(const Tensor& x, const Tensor& mean, const Tensor& variance,
                     const Tensor& weight, const Tensor& bias, double eps) {
  Shape channels = Shape::filled(x.dim() - 1, 1);
  channels[0] = x.size(1);
  Tensor scale = no_grad([&] { return reciprocal_root(variance.detach(), eps); });
  if (weight.defined()) scale = scale * weight;
  const Tensor y = (x - reshape(mean.detach(), channels)) * reshape(scale, channels);
  return bias.defined() ? y + reshape(bias, channels) : y;
}

// running = (1 - momentum) * running + momentum * value.
void update(const Tensor& running, const Tensor& value, double momentum) {
  if (!running.defined()) return;
  Tensor target = running;
  no_grad([&] { target.mul_(1 - momentum).add_(value * momentum); });
}

// ---- Checks

void check_dtypes(const char* op, const Tensor& x,
                  std::initializer_list<std::pair<const char*, const Tensor*>> others) {
  detail::check_defined(op, x);
  bool fits = is_floating_point(x.dtype());
  std::string text;
  for (const auto& [role, other] : others) {
    if (!other->defined()) continue;
    fits = fits && other->dtype() == x.dtype();
    text += fmt::format("   {} {}", role, describe(*other));
  }
  if (!fits)
    throw DTypeError(
        fmt::format("{}: all operands must have one floating-point dtype\n"
                    "  x {}{}\n  hint: convert with to(kFloat32)",
                    op, describe(x), text));
}

void check_shape(const char* op, const char* role, const Tensor& value, const Shape& shape,
                 const char* rule, const Tensor& x) {
  if (value.defined() && value.shape() != shape)
    throw ShapeError(fmt::format("{}: {} must be {}, {}\n  x {}   {} {}", op, role, shape, rule,
                                 x.shape(), role, value.shape()));
}

void check_eps(const char* op, const Tensor& x, double eps) {
  if (!(eps >= 0))
    throw ValueError(
        fmt::format("{}: eps must not be negative, got {}\n  x {}", op, eps, x.shape()));
}

// Elements of each channel of a sample.
int64_t spatial_size(const Tensor& x) {
  int64_t n = 1;
  for (int64_t d = 2; d < x.dim(); ++d) n *= x.shape()[d];
  return n;
}

// The checks that batch_norm and instance_norm share.
void check_channel_norm(const char* op, const Tensor& x, const Tensor& running_mean,
                        const Tensor& running_var, const Tensor& weight, const Tensor& bias,
                        bool uses_input, double eps, int64_t least_rank, const char* dims) {
  check_dtypes(op, x,
               {{"running_mean", &running_mean},
                {"running_var", &running_var},
                {"weight", &weight},
                {"bias", &bias}});
  check_eps(op, x, eps);
  if (x.dim() < least_rank)
    throw ShapeError(fmt::format("{}: x must be {}\n  x {}", op, dims, x.shape()));
  const Shape channels{x.size(1)};
  check_shape(op, "running_mean", running_mean, channels, "the channels", x);
  check_shape(op, "running_var", running_var, channels, "the channels", x);
  check_shape(op, "weight", weight, channels, "the channels", x);
  check_shape(op, "bias", bias, channels, "the channels", x);
  if (!uses_input && (!running_mean.defined() || !running_var.defined()))
    throw ValueError(
        fmt::format("{}: running_mean and running_var are needed where x's own statistics are not "
                    "used\n  {}",
                    op,
                    detail::shapes_of(
                        {{"x", x}, {"running_mean", running_mean}, {"running_var", running_var}})));
}

// The sizes of x's last dims, which are those of `shape`: rows and columns.
std::pair<int64_t, int64_t> check_last_dims(const char* op, const Tensor& x, const Shape& shape) {
  const int64_t first = x.dim() - shape.rank();
  bool fits = first >= 0 && !shape.empty();
  for (int64_t d = 0; fits && d < shape.rank(); ++d) fits = x.shape()[first + d] == shape[d];
  if (!fits)
    throw ShapeError(
        fmt::format("{}: x's last sizes must be normalized_shape\n"
                    "  x {}   normalized_shape {}",
                    op, x.shape(), shape));
  int64_t rows = 1;
  for (int64_t d = 0; d < first; ++d) rows *= x.shape()[d];
  return {rows, shape.numel()};
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, const BatchNormOptions& options) {
  check_channel_norm("batch_norm", x, running_mean, running_var, weight, bias, options.training,
                     options.eps, 2, "(N,C) or (N,C,...)");
  if (!options.training)
    return normalized_by(x, running_mean, running_var, weight, bias, options.eps);
  const int64_t inner = spatial_size(x), count = x.size(0) * inner;
  if (count == 1)
    throw ValueError(fmt::format(
        "batch_norm: training needs more than one value for each channel\n  x {}", x.shape()));
  const auto [y, s] =
      normalized({"batch_norm", {x.size(0), 1, x.size(1), 1, inner}, options.eps}, x, weight, bias);
  if (count > 0) {
    const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
    update(running_mean, s.mean(), options.momentum);
    update(running_var, s.variance * unbiased, options.momentum);
  }
  return y;
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  check_dtypes("layer_norm", x, {{"weight", &weight}, {"bias", &bias}});
  check_eps("layer_norm", x, eps);
  const auto [rows, columns] = check_last_dims("layer_norm", x, normalized_shape);
  check_shape("layer_norm", "weight", weight, normalized_shape, "normalized_shape", x);
  check_shape("layer_norm", "bias", bias, normalized_shape, "normalized_shape", x);
  return normalized({"layer_norm", {1, rows, 1, columns, 1}, eps}, x, weight, bias).y;
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  check_dtypes("rms_norm", x, {{"weight", &weight}});
  const double least = x.dtype() == kFloat32
                           ? static_cast<double>(std::numeric_limits<float>::epsilon())
                           : std::numeric_limits<double>::epsilon();
  check_eps("rms_norm", x, eps.value_or(least));
  const auto [rows, columns] = check_last_dims("rms_norm", x, normalized_shape);
  check_shape("rms_norm", "weight", weight, normalized_shape, "normalized_shape", x);
  const Norm norm{"rms_norm", {1, rows, 1, columns, 1}, eps.value_or(least), false};
  return normalized(norm, x, weight, {}).y;
}

Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  check_dtypes("group_norm", x, {{"weight", &weight}, {"bias", &bias}});
  check_eps("group_norm", x, eps);
  if (x.dim() < 2)
    throw ShapeError(fmt::format("group_norm: x must be (N,C,...)\n  x {}", x.shape()));
  if (num_groups < 1)
    throw ValueError(fmt::format("group_norm: num_groups must be at least 1, got {}\n  x {}",
                                 num_groups, x.shape()));
  const int64_t channels = x.size(1);
  if (channels % num_groups != 0)
    throw ShapeError(fmt::format("group_norm: {} groups do not divide {} channels\n  x {}",
                                 num_groups, channels, x.shape()));
  check_shape("group_norm", "weight", weight, {channels}, "the channels", x);
  check_shape("group_norm", "bias", bias, {channels}, "the channels", x);
  const NormShape shape{1, x.size(0), num_groups, channels / num_groups, spatial_size(x)};
  return normalized({"group_norm", shape, eps}, x, weight, bias).y;
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, const InstanceNormOptions& options) {
  check_channel_norm("instance_norm", x, running_mean, running_var, weight, bias,
                     options.use_input_stats, options.eps, 3, "(N,C,...), with spatial dims");
  if (!options.use_input_stats)
    return normalized_by(x, running_mean, running_var, weight, bias, options.eps);
  const int64_t samples = x.size(0), channels = x.size(1), count = spatial_size(x);
  if (count == 1)
    throw ValueError(fmt::format(
        "instance_norm: one value for each channel cannot be normalised\n  x {}", x.shape()));
  const auto [y, s] =
      normalized({"instance_norm", {1, samples, channels, 1, count}, options.eps}, x, weight, bias);
  if (x.numel() > 0) {
    const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
    const Shape by_sample{samples, channels};
    update(running_mean, mean(s.mean().reshape(by_sample), {0}), options.momentum);
    update(running_var, mean(s.variance.reshape(by_sample), {0}) * unbiased, options.momentum);
  }
  return y;
}

}  // namespace bb
