#include "bb/autograd/ops/classification_loss.h"

#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/gather.h"
#include "bb/autograd/ops/loss_parts.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/softmax.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/softmax.h"

namespace bb {

using autograd::Needs;
using autograd::record;
using autograd::Saved;
using detail::check_floating;
using detail::check_reduction;
using detail::check_same_shape;
using detail::reduced;

namespace {

// ---- Scores [N, C] against labels, the plain case: fused

// (softmax(x) - one_hot(labels)) * dy by rows: one pass, off the tape.
Tensor cross_entropy_grad(const Tensor& x, const Tensor& labels, const Tensor& sums,
                          const Tensor& dy) {
  Tensor dx = Tensor::empty(x.shape(), x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::cross_entropy_grad_rows(x.data<T>(), x.size(0), x.size(1), labels.data<int64_t>(),
                                     sums.data<T>(), dy.data<T>(), dx.data<T>());
  });
  return dx;
}

// Losses [N] of x [N, C] against labels int64 [N].
Tensor label_losses(const Tensor& x, const Tensor& labels) {
  const Tensor rows = x.detach().contiguous();
  Tensor losses = Tensor::empty({x.size(0)}, x.dtype());
  Tensor sums = Tensor::empty({x.size(0), 2}, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::cross_entropy_rows(rows.data<T>(), x.size(0), x.size(1), labels.data<int64_t>(),
                                losses.data<T>(), sums.data<T>());
  });
  return record("cross_entropy", {x}, std::move(losses),
                [x = Saved(x), labels = Saved(labels), sums = Saved(sums)](const Tensor& dy) {
                  const Tensor logits = *x;
                  if (!is_grad_enabled())
                    return cross_entropy_grad(logits.contiguous(), *labels, *sums, dy.contiguous());
                  const Tensor one_hot =
                      eq(arange(logits.size(1)), unsqueeze(*labels, 1)).to(logits.dtype());
                  return (softmax(logits, 1) - one_hot) * unsqueeze(dy, 1);
                });
}

// ---- Labels in general

// x's shape without its classes: that of labels. x [C] or [N, C, ...].
Shape shape_of_labels(const Tensor& x) {
  Shape shape = x.shape();
  shape.erase(x.dim() == 1 ? 0 : 1);
  return shape;
}

void check_labels_fit(const char* op, const Tensor& x, const Tensor& target) {
  detail::check_defined(op, {{"x", x}, {"target", target}});
  check_floating(op, x);
  if (x.dim() == 0 || target.shape() != shape_of_labels(x))
    throw ShapeError(
        fmt::format("{}: the target does not fit the scores\n"
                    "  x {} (N,C,...)   target {} (integer (N,...))",
                    op, describe(x), describe(target)));
}

// Labels of scores, and the weight of each.
struct Labels {
  Tensor index;   // int64, of shape_of_labels(x); 0 where ignored
  Tensor weight;  // of that shape; 0 where ignored
};

// `labels` are in range or ignored.
Labels weighted_labels(const Tensor& x, const Tensor& labels, const Tensor& class_weight,
                       int64_t ignore_index) {
  const Tensor counts = ne(labels, ignore_index);
  Labels result{where(counts, labels, zeros({}, kInt64)), counts.to(x.dtype())};
  if (class_weight.defined())
    result.weight = result.weight *
                    reshape(index_select(class_weight, 0, result.index.flatten()), labels.shape());
  return result;
}

// The mean is by weight.
Tensor reduced_by_weight(const Tensor& losses, const Tensor& weight, Reduction reduction) {
  return reduction == Reduction::kMean ? sum(losses) / sum(weight) : reduced(losses, reduction);
}

// -x[label] * weight[label], of the labels' shape.
Tensor nll_losses(const Tensor& x, const Labels& labels) {
  const int64_t d = x.dim() == 1 ? 0 : 1;
  const Tensor picked = squeeze(gather(x, d, unsqueeze(labels.index, d)), d);
  // An ignored -inf times 0 would be NaN.
  return where(ne(labels.weight, 0), picked * (-labels.weight), zeros({}, x.dtype()));
}

// A class weight that broadcasts to x.
Tensor along_classes(const Tensor& weight, const Tensor& x) {
  if (x.dim() == 1) return weight;
  Shape shape = Shape::filled(x.dim() - 1, 1);
  shape[0] = weight.size(0);
  return reshape(weight, shape);
}

// Of scores against labels, smoothed or weighted, with any dims.
Tensor label_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& class_weight,
                           const CrossEntropyOptions& options) {
  const int64_t d = x.dim() == 1 ? 0 : 1, classes = x.size(d);
  const Labels labels = weighted_labels(x, target, class_weight, options.ignore_index);
  const Tensor logarithms = log_softmax(x, d);
  const Tensor plain = nll_losses(logarithms, labels);
  const double smoothing = options.label_smoothing;
  if (smoothing == 0) return reduced_by_weight(plain, labels.weight, options.reduction);
  const Tensor weighted =
      class_weight.defined() ? logarithms * along_classes(class_weight, x) : logarithms;
  const Tensor even =
      where(ne(target, options.ignore_index), -sum(weighted, {d}), zeros({}, x.dtype()));
  return reduced_by_weight(
      plain * (1 - smoothing) + even * (smoothing / static_cast<double>(classes)), labels.weight,
      options.reduction);
}

Tensor probability_cross_entropy(const Tensor& x, const Tensor& target, const Tensor& class_weight,
                                 const CrossEntropyOptions& options) {
  const int64_t d = x.dim() == 1 ? 0 : 1;
  const double smoothing = options.label_smoothing;
  const Tensor shares = smoothing == 0
                            ? target
                            : target * (1 - smoothing) + smoothing / static_cast<double>(x.size(d));
  Tensor terms = shares * log_softmax(x, d);
  if (class_weight.defined()) terms = terms * along_classes(class_weight, x);
  return reduced(-sum(terms, {d}), options.reduction);
}

void check_cross_entropy(const Tensor& x, const Tensor& target,
                         const CrossEntropyOptions& options) {
  detail::check_defined("cross_entropy", {{"x", x}, {"target", target}});
  check_reduction("cross_entropy", options.reduction);
  check_floating("cross_entropy", x);
  if (target.dtype() == kBool) detail::checked_labels("cross_entropy", target, x);  // throws
  const bool probabilities = is_floating_point(target.dtype());
  const bool fits =
      x.dim() > 0 && (probabilities ? target.shape() == x.shape() && target.dtype() == x.dtype()
                                    : target.shape() == shape_of_labels(x));
  if (!fits)
    throw ShapeError(fmt::format(
        "cross_entropy: the target does not fit the scores\n"
        "  x {} (N,C,...)   target {} (integer (N,...), or probabilities of x's shape and dtype)",
        describe(x), describe(target)));
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1))
    throw ValueError(fmt::format("cross_entropy: label_smoothing must lie in [0, 1], got {}\n  {}",
                                 options.label_smoothing,
                                 detail::shapes_of({{"x", x}, {"target", target}})));
  if (probabilities && options.ignore_index >= 0)
    throw ValueError(
        fmt::format("cross_entropy: ignore_index is for labels, not for probabilities\n  {}",
                    detail::text_of({{"x", x}, {"target", target}})));
}

// ---- Two classes

Tensor checked_weight(const char* op, const char* role, const Tensor& weight, const Tensor& x) {
  if (!weight.defined()) return weight;
  Shape common = x.shape();
  if (detail::broadcast_into(common, weight.shape()) > 0 || common != x.shape())
    throw ShapeError(fmt::format("{0}: {1} must broadcast to x\n  {1} {2}   x {3}", op, role,
                                 weight.shape(), x.shape()));
  check_floating(op, weight, role);
  return weight.detach();
}

// Losses of probabilities. The gradient of x is (x - target) / (x (1 - x)), whose divisor is kept
// off 0, rather than that of the formula, which the bound on the logarithms cuts off.
Tensor binary_losses(const Tensor& x, const Tensor& target) {
  constexpr double kLeast = 1e-12f;  // PyTorch's, which has it as float
  const auto log_x = [](const Tensor& p) { return clamp(log(p), -100); };
  const auto log_rest = [](const Tensor& p) { return clamp(log1p(-p), -100); };
  Tensor losses = no_grad([&] {
    const Tensor t = target.detach(), p = x.detach();
    return (t - 1) * log_rest(p) - t * log_x(p);
  });
  return record("binary_cross_entropy", {x, target}, std::move(losses),
                [=, x = Saved(x), target = Saved(target)](const Tensor& dy, Needs needs) {
                  const Tensor p = *x, t = *target;
                  std::array<Tensor, 2> grads;
                  if (needs[0]) grads[0] = dy * (p - t) / clamp(p * (1 - p), kLeast);
                  if (needs[1]) grads[1] = dy * (log_rest(p) - log_x(p));
                  return grads;
                });
}

void check_probabilities(const char* op, const Tensor& x) {
  const Tensor plain = x.detach();
  const Tensor inside = logical_and(ge(plain, 0), le(plain, 1));
  if (inside.to(kInt64).sum().item<int64_t>() != x.numel())
    throw ValueError(
        fmt::format("{0}: x must lie in [0, 1]\n  x {1}\n"
                    "  hint: {0}_with_logits takes scores of any size",
                    op, describe(x)));
}

}  // namespace

Tensor cross_entropy(const Tensor& x, const Tensor& target, const CrossEntropyOptions& options) {
  check_cross_entropy(x, target, options);
  const int64_t classes = x.size(x.dim() == 1 ? 0 : 1);
  const Tensor class_weight =
      detail::checked_class_weight("cross_entropy", options.weight, classes, x);
  if (is_floating_point(target.dtype()))
    return probability_cross_entropy(x, target, class_weight, options);
  const Tensor labels = detail::checked_labels("cross_entropy", target, x);
  const bool ignored =
      detail::check_label_range("cross_entropy", labels, classes, x, options.ignore_index);
  if (ignored || class_weight.defined() || options.label_smoothing != 0 || x.dim() > 2)
    return label_cross_entropy(x, labels, class_weight, options);
  const bool one = x.dim() == 1;
  const Tensor losses = label_losses(one ? unsqueeze(x, 0) : x, one ? labels.reshape({1}) : labels);
  return reduced(one ? squeeze(losses, 0) : losses, options.reduction);
}

Tensor nll_loss(const Tensor& x, const Tensor& target, const NllOptions& options) {
  check_labels_fit("nll_loss", x, target);
  check_reduction("nll_loss", options.reduction);
  const int64_t classes = x.size(x.dim() == 1 ? 0 : 1);
  const Tensor class_weight = detail::checked_class_weight("nll_loss", options.weight, classes, x);
  const Tensor plain = detail::checked_labels("nll_loss", target, x);
  detail::check_label_range("nll_loss", plain, classes, x, options.ignore_index);
  const Labels labels = weighted_labels(x, plain, class_weight, options.ignore_index);
  return reduced_by_weight(nll_losses(x, labels), labels.weight, options.reduction);
}

Tensor binary_cross_entropy(const Tensor& x, const Tensor& target,
                            const BinaryCrossEntropyOptions& options) {
  constexpr const char* kName = "binary_cross_entropy";
  check_same_shape(kName, x, "x", target, "target");
  check_reduction(kName, options.reduction);
  check_floating(kName, x);
  check_floating(kName, target, "target");
  const Tensor weight = checked_weight(kName, "weight", options.weight, x);
  check_probabilities(kName, x);
  const Tensor losses = binary_losses(x, target);
  return reduced(weight.defined() ? losses * weight : losses, options.reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const BinaryCrossEntropyWithLogitsOptions& options) {
  constexpr const char* kName = "binary_cross_entropy_with_logits";
  check_same_shape(kName, x, "x", target, "target");
  check_reduction(kName, options.reduction);
  check_floating(kName, x);
  check_floating(kName, target, "target");
  const Tensor weight = checked_weight(kName, "weight", options.weight, x);
  const Tensor positive = checked_weight(kName, "pos_weight", options.pos_weight, x);
  // log(1 - sigmoid(x)) = log(sigmoid(x)) - x.
  const Tensor log_sigmoid = logsigmoid(x), rest = (1 - target) * x;
  Tensor losses =
      positive.defined() ? rest - ((positive - 1) * target + 1) * log_sigmoid : rest - log_sigmoid;
  if (weight.defined()) losses = losses * weight;
  return reduced(losses, options.reduction);
}

Tensor kl_div(const Tensor& x, const Tensor& target, const KlDivOptions& options) {
  check_same_shape("kl_div", x, "x", target, "target");
  check_floating("kl_div", x);
  check_floating("kl_div", target, "target");
  const bool by_batch = options.reduction == Reduction::kBatchMean;
  if (by_batch && x.dim() == 0)
    throw ShapeError("kl_div: Reduction::kBatchMean needs a first dimension\n  x []");
  Tensor losses;
  if (options.log_target) {
    losses = exp(target) * (target - x);
  } else {
    // target log(target) is 0 at 0, where log(1) keeps it and its gradient so.
    const Tensor positive = where(eq(target.detach(), 0), ones({}, target.dtype()), target);
    losses = target * log(positive) - target * x;
  }
  if (!by_batch) return reduced(losses, options.reduction);
  return sum(losses) / static_cast<double>(x.size(0));
}

}  // namespace bb
