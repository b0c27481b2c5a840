#include "bb/autograd/ops/normalization.h"

#include <cmath>
#include <limits>

#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/recompute.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"
#include "bb/core/kernels/norm.h"
#include "bb/core/strided.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using autograd::wants_grad;
using kernels::NormShape;
using kernels::NormStatistics;

namespace {

// What is normalised, and how: x seen as [outer, rows, groups, channels, inner] (norm.h).
struct Norm {
  const char* name;
  NormShape shape;
  double eps;
  NormStatistics from = NormStatistics::kOwn;

  Shape affine() const { return {1, 1, shape.groups, shape.channels, 1}; }
  Shape part() const { return {1, shape.rows, shape.groups, 1, 1}; }
  Shape full() const {
    return {shape.outer, shape.rows, shape.groups, shape.channels, shape.inner};
  }
  // [N, C] by channel would be columns one element wide: those are laid out as rows, [C, N].
  bool in_columns() const { return shape.line() == 1 && shape.outer > 1; }
};

struct Statistics {
  Tensor means;           // [parts, 2]: the mean, and what rounding took from it
  Tensor variance, rstd;  // [parts]; the variance undefined where they were given

  Tensor mean() const { return sum(means, {1}); }
};

// What y is made of beside x: activation(z * weight + bias + residual).
struct Epilogue {
  Tensor weight = {}, bias = {}, residual = {};  // each may be undefined
  Activation activation = Activation::kNone;
};

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
  if (!norm.in_columns()) return y;
  Tensor rows = Tensor::empty(shape, y.dtype());  // no view, as results are not
  detail::copy_elements(rows.reshape({norm.shape.outer, norm.shape.parts()}), y.t());
  return rows;
}
Shape kernel_result(const Norm& norm, const Shape& shape) {
  return norm.in_columns() ? Shape{norm.shape.parts(), norm.shape.outer} : shape;
}

Statistics statistics_for(const Norm& norm, DType dtype) {
  const int64_t parts = norm.shape.parts();
  return {Tensor::empty({parts, 2}, dtype), Tensor::empty({parts}, dtype),
          Tensor::empty({parts}, dtype)};
}

Tensor plain(const Tensor& t) { return t.defined() ? t.detach().contiguous() : t; }

// Statistics of x are found, given ones used.
Tensor normalized_off_tape(const Norm& norm, const Tensor& x, const Epilogue& e, Statistics& s) {
  const Tensor from = laid_out(norm, x);
  const Tensor residual = e.residual.defined() ? laid_out(norm, e.residual) : Tensor();
  const Tensor weight = plain(e.weight), bias = plain(e.bias);
  Tensor y = Tensor::empty(kernel_result(norm, x.shape()), x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::normalize<T>(kernel_shape(norm), norm.from, norm.eps,
                          {.x = from.data<T>(),
                           .weight = data_or_null<T>(weight),
                           .bias = data_or_null<T>(bias),
                           .residual = data_or_null<T>(residual),
                           .activation = e.activation,
                           .means = s.means.data<T>(),
                           .variance = s.variance.defined() ? s.variance.data<T>() : nullptr,
                           .rstd = s.rstd.data<T>(),
                           .y = y.data<T>()});
  });
  return laid_back(norm, y, x.shape());
}

// The same result from the statistics that were found.
Tensor normalized_again(const Norm& norm, const Tensor& x, const Epilogue& e, const Statistics& s) {
  Norm given = norm;
  given.from = NormStatistics::kGiven;
  Statistics found = s;
  return normalized_off_tape(given, x, e, found);
}

using Gradients = std::array<Tensor, 4>;  // of x, weight, bias and residual

// All in two passes over x and dy. Without activation neither bias nor residual is looked at.
Gradients fused_gradients(const Norm& norm, const Tensor& input, const Epilogue& e,
                          const Tensor& dy, const Statistics& s, const Shape& affine, Needs needs) {
  const Shape& x_shape = input.shape();
  const DType dtype = input.dtype();
  const bool gated = e.activation != Activation::kNone;
  const Tensor residual = e.residual.defined() ? laid_out(norm, e.residual) : Tensor();
  const Tensor weight = plain(e.weight), bias = plain(e.bias);
  const NormShape shape = kernel_shape(norm);
  const bool over = autograd::may_write_over(dy) && !norm.in_columns() && (gated || !needs[3]);
  const Tensor x = laid_out(norm, input), grad = laid_out(norm, dy);
  Tensor dx = over ? dy : Tensor::empty(kernel_result(norm, x_shape), dtype), dresidual, sums;
  if (needs[3] && gated) dresidual = Tensor::empty(kernel_result(norm, x_shape), dtype);
  if (needs[1] || needs[2])
    sums = Tensor::empty({shape.sum_blocks(), 2, shape.groups * shape.channels}, dtype);
  visit_floating(dtype, [&]<class T>() {
    kernels::normalize_grad<T>(shape, norm.from,
                               {.x = x.data<T>(),
                                .dy = grad.data<T>(),
                                .activation = e.activation,
                                .weight = data_or_null<T>(weight),
                                .bias = data_or_null<T>(bias),
                                .residual = data_or_null<T>(residual),
                                .means = s.means.data<T>(),
                                .rstd = s.rstd.data<T>(),
                                .dx = dx.data<T>(),
                                .dresidual = dresidual.defined() ? dresidual.data<T>() : nullptr,
                                .sums = sums.defined() ? sums.data<T>() : nullptr});
  });
  Gradients grads{laid_back(norm, dx, x_shape), {}, {}, {}};
  if (needs[3]) grads[3] = gated ? laid_back(norm, dresidual, x_shape) : dy;
  if (!sums.defined()) return grads;
  const Tensor totals = sum(sums, {0});
  if (needs[1]) grads[1] = totals[1].reshape(affine);
  if (needs[2]) grads[2] = totals[0].reshape(affine);
  return grads;
}

// ---- On the tape

// The same gradients from ops, for those who differentiate them again.
Gradients composed_gradients(const Norm& norm, const Tensor& x, const Epilogue& e, const Tensor& dy,
                             const Statistics& s, const Shape& affine, Needs needs) {
  const bool given = norm.from == NormStatistics::kGiven;
  const bool centered = norm.from == NormStatistics::kOwn;
  const Shape part_dims{0, 3, 4};
  const Tensor passed =
      e.activation == Activation::kNone ? dy : relu_grad(dy, normalized_again(norm, x, e, s));
  const Tensor full = reshape(x, norm.full()), grad = reshape(passed, norm.full());
  const Tensor from_mean = given      ? full - reshape(s.mean(), norm.part())
                           : centered ? full - mean(full, part_dims, true)
                                      : full;
  const Tensor rstd = given ? reshape(s.rstd, norm.part())
                            : pow(mean(from_mean * from_mean, part_dims, true) + norm.eps, -0.5);
  const Tensor z = from_mean * rstd;
  Gradients grads;
  if (needs[0]) {
    Tensor inner = e.weight.defined() ? grad * reshape(e.weight, norm.affine()) : grad;
    const Tensor g = inner;
    if (!given) inner = inner - z * mean(g * z, part_dims, true);
    if (centered) inner = inner - mean(g, part_dims, true);
    grads[0] = reshape(rstd * inner, x.shape());
  }
  if (needs[1]) grads[1] = reshape(sum(grad * z, {0, 1, 4}), affine);
  if (needs[2]) grads[2] = reshape(sum(grad, {0, 1, 4}), affine);
  if (needs[3]) grads[3] = passed;
  return grads;
}

// Normalises, and puts that on the tape.
Tensor normalized(const Norm& norm, const Tensor& x, const Epilogue& e, Statistics& s) {
  Tensor y = no_grad([&] { return normalized_off_tape(norm, x, e, s); });
  const auto& [weight, bias, residual, activation] = e;
  const Shape affine = weight.defined() ? weight.shape() : bias.defined() ? bias.shape() : Shape{};
  const bool gated = activation != Activation::kNone;
  y = record(norm.name, {x, weight, bias, residual}, std::move(y),
             [norm, s, affine, activation = activation, x = Saved(x), weight = Saved(weight),
              bias = gated ? Saved(bias) : Saved(),
              residual = gated ? Saved(residual) : Saved()](const Tensor& dy, Needs needs) {
               const Epilogue from{*weight, *bias, *residual, activation};
               return is_grad_enabled() ? composed_gradients(norm, *x, from, dy, s, affine, needs)
                                        : fused_gradients(norm, *x, from, dy, s, affine, needs);
             });
  // A sum alone does not make backward read the residual: it is not kept for this.
  if (autograd::may_recompute(y) &&
      (gated || !residual.defined() || autograd::is_recomputed(residual))) {
    const Tensor shift = bias.defined() ? bias.detach().clone() : bias;  // which may be changed
    autograd::recompute(
        y, {x, weight, residual},
        [norm, s, shift, gate = activation](const Tensor& from, const Tensor& w, const Tensor& r) {
          return normalized_again(norm, from, {w, shift, r, gate}, s);
        });
  }
  return y;
}
Tensor normalized(const Norm& norm, const Tensor& x, const Epilogue& epilogue) {
  Statistics found = statistics_for(norm, x.dtype());
  return normalized(norm, x, epilogue, found);
}

// Elements of each channel of a sample.
int64_t spatial_size(const Tensor& x) {
  int64_t n = 1;
  for (int64_t d = 2; d < x.dim(); ++d) n *= x.shape()[d];
  return n;
}

// The shape of a norm whose parts are channels over the batch.
NormShape by_channel(const Tensor& x) { return {x.size(0), 1, x.size(1), 1, spatial_size(x)}; }

// Normalises by given statistics [C], which are constants.
Tensor normalized_by(const char* name, const Tensor& x, const Tensor& mean, const Tensor& variance,
                     double eps, const Epilogue& epilogue) {
  const int64_t channels = x.size(1);
  Statistics s{Tensor::empty({channels, 2}, x.dtype()), {}, Tensor::empty({channels}, x.dtype())};
  visit_floating(x.dtype(), [&]<class T>() {
    const Tensor plain_mean = mean.detach().contiguous();
    const Tensor plain_variance = variance.detach().contiguous();
    const T *from = plain_mean.data<T>(), *spread = plain_variance.data<T>();
    T *means = s.means.data<T>(), *rstd = s.rstd.data<T>();
    for (int64_t c = 0; c < channels; ++c) {
      means[2 * c] = from[c];
      means[2 * c + 1] = 0;
      rstd[c] = static_cast<T>(1 / std::sqrt(static_cast<double>(spread[c]) + eps));
    }
  });
  return normalized({name, by_channel(x), eps, NormStatistics::kGiven}, x, epilogue, s);
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
  if (options.residual.defined()) {
    check_dtypes("batch_norm", x, {{"residual", &options.residual}});
    check_shape("batch_norm", "residual", options.residual, x.shape(), "x's shape", x);
  }
  const Epilogue epilogue{weight, bias, options.residual, options.activation};
  if (!options.training)
    return normalized_by("batch_norm", x, running_mean, running_var, options.eps, epilogue);
  const int64_t count = x.size(0) * spatial_size(x);
  if (count == 1)
    throw ValueError(fmt::format(
        "batch_norm: training needs more than one value for each channel\n  x {}", x.shape()));
  const Norm norm{"batch_norm", by_channel(x), options.eps};
  Statistics s = statistics_for(norm, x.dtype());
  Tensor y = normalized(norm, x, epilogue, s);
  if (count > 0) {
    const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
    update(running_mean, s.mean(), options.momentum);
    update(running_var, s.variance * unbiased, options.momentum);
  }
  return y;
}

FoldedBatchNorm fold_batch_norm(const Tensor& weight, const Tensor& bias,
                                const Tensor& running_mean, const Tensor& running_var,
                                const Tensor& norm_weight, const Tensor& norm_bias,
                                const FoldBatchNormOptions& options) {
  const char* op = "fold_batch_norm";
  const auto operands = {detail::Role{"weight", weight}, detail::Role{"running_mean", running_mean},
                         detail::Role{"running_var", running_var}};
  detail::check_defined(op, operands);
  const auto& [eps, transposed, groups] = options;
  if (!is_floating_point(weight.dtype()))
    throw DTypeError(
        fmt::format("{}: weight must be of floating point\n  weight {}", op, describe(weight)));
  if (weight.dim() < 2)
    throw ShapeError(
        fmt::format("{}: weight must have at least 2 dimensions\n  weight {}", op, weight.shape()));
  if (groups < 1 || (transposed && weight.size(0) % groups != 0))
    throw ShapeError(fmt::format("{}: {} groups do not divide the {} input channels\n  weight {}",
                                 op, groups, weight.size(0), weight.shape()));
  if (!(eps >= 0))
    throw ValueError(
        fmt::format("{}: eps must not be negative, got {}\n  weight {}", op, eps, weight.shape()));
  const Shape channels{transposed ? weight.size(1) * groups : weight.size(0)};
  for (const auto& [role, x] :
       {detail::Role{"bias", bias}, detail::Role{"running_mean", running_mean},
        detail::Role{"running_var", running_var}, detail::Role{"norm_weight", norm_weight},
        detail::Role{"norm_bias", norm_bias}}) {
    if (!x.defined()) continue;
    if (x.dtype() != weight.dtype())
      throw DTypeError(fmt::format("{}: {} and weight must have one dtype\n  weight {}   {} {}", op,
                                   role, describe(weight), role, describe(x)));
    if (x.shape() != channels)
      throw ShapeError(fmt::format("{}: {} must be {}, the output channels\n  weight {} {}   {} {}",
                                   op, role, channels, weight.shape(),
                                   transposed ? "(in,out/groups,...)" : "(out,in/groups,...)", role,
                                   x.shape()));
  }
  const Tensor rstd = rsqrt(running_var + eps);
  const Tensor scale = norm_weight.defined() ? norm_weight * rstd : rstd;
  Tensor shift = (bias.defined() ? bias - running_mean : -running_mean) * scale;
  if (norm_bias.defined()) shift = shift + norm_bias;
  // Seen as [in groups, in/groups, out/groups, the rest], or as [out, the rest].
  const int64_t rest = weight.numel() == 0 ? 0 : weight.numel() / (weight.size(0) * weight.size(1));
  const Tensor folded =
      transposed
          ? reshape(weight, {groups, weight.size(0) / groups, weight.size(1), rest}) *
                reshape(scale, {groups, 1, weight.size(1), 1})
          : reshape(weight, {weight.size(0), weight.size(1), rest}) * reshape(scale, {-1, 1, 1});
  return {reshape(folded, weight.shape()), shift};
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  check_dtypes("layer_norm", x, {{"weight", &weight}, {"bias", &bias}});
  check_eps("layer_norm", x, eps);
  const auto [rows, columns] = check_last_dims("layer_norm", x, normalized_shape);
  check_shape("layer_norm", "weight", weight, normalized_shape, "normalized_shape", x);
  check_shape("layer_norm", "bias", bias, normalized_shape, "normalized_shape", x);
  return normalized({"layer_norm", {1, rows, 1, columns, 1}, eps}, x, {weight, bias});
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
  const Norm norm{
      "rms_norm", {1, rows, 1, columns, 1}, eps.value_or(least), NormStatistics::kOwnRoot};
  return normalized(norm, x, {weight});
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
  return normalized({"group_norm", shape, eps}, x, {weight, bias});
}

Tensor instance_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, const InstanceNormOptions& options) {
  check_channel_norm("instance_norm", x, running_mean, running_var, weight, bias,
                     options.use_input_stats, options.eps, 3, "(N,C,...), with spatial dims");
  if (!options.use_input_stats)
    return normalized_by("instance_norm", x, running_mean, running_var, options.eps,
                         {weight, bias});
  const int64_t samples = x.size(0), channels = x.size(1), count = spatial_size(x);
  if (count == 1)
    throw ValueError(fmt::format(
        "instance_norm: one value for each channel cannot be normalised\n  x {}", x.shape()));
  const Norm norm{"instance_norm", {1, samples, channels, 1, count}, options.eps};
  Statistics s = statistics_for(norm, x.dtype());
  Tensor y = normalized(norm, x, {weight, bias}, s);
  if (x.numel() > 0) {
    const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
    const Shape by_sample{samples, channels};
    update(running_mean, mean(s.mean().reshape(by_sample), {0}), options.momentum);
    update(running_var, mean(s.variance.reshape(by_sample), {0}) * unbiased, options.momentum);
  }
  return y;
}

}  // namespace bb
