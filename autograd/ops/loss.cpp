#include "bb/autograd/ops/loss.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/softmax.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/softmax.h"

namespace bb {

using autograd::record;
using autograd::Saved;

namespace {

Tensor reduced(const Tensor& losses, Reduction reduction) {
  switch (reduction) {
    case Reduction::kMean:
      return mean(losses);
    case Reduction::kSum:
      return sum(losses);
    case Reduction::kNone:
      break;
  }
  return losses;
}

void check_labels(const Tensor& labels, int64_t classes) {
  const int64_t* label = labels.data<int64_t>();
  for (int64_t i = 0; i < labels.numel(); ++i)
    if (label[i] < 0 || label[i] >= classes)
      throw IndexError(fmt::format(
          "cross_entropy: label {} at index {} is out of range for {} classes (0 to {})", label[i],
          i, classes, classes - 1));
}

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
  return record(
      "cross_entropy", {x}, std::move(losses), [x = Saved(x), labels, sums](const Tensor& dy) {
        const Tensor logits = *x;
        if (!is_grad_enabled())
          return cross_entropy_grad(logits.contiguous(), labels, sums, dy.contiguous());
        const Tensor one_hot = eq(arange(logits.size(1)), unsqueeze(labels, 1)).to(logits.dtype());
        return (softmax(logits, 1) - one_hot) * unsqueeze(dy, 1);
      });
}

}  // namespace

Tensor cross_entropy(const Tensor& x, const Tensor& target, const LossOptions& options) {
  if (!is_floating_point(x.dtype()))
    throw DTypeError(
        fmt::format("cross_entropy: scores must be floating point\n  x {}", describe(x)));
  const bool probabilities = is_floating_point(target.dtype());
  const bool one = x.dim() == 1;
  const bool fits = probabilities ? target.shape() == x.shape() && target.dtype() == x.dtype()
                                  : target.dtype() != kBool &&
                                        (one ? target.dim() == 0
                                             : target.shape() == Shape{x.dim() ? x.size(0) : 0});
  if ((x.dim() != 1 && x.dim() != 2) || !fits)
    throw ShapeError(fmt::format(
        "cross_entropy: the target does not fit the scores\n"
        "  x {} (N,C)   target {} (integer (N), or probabilities of x's shape and dtype)",
        describe(x), describe(target)));
  const Tensor rows = one ? unsqueeze(x, 0) : x;
  Tensor losses;
  if (probabilities) {
    losses = -sum((one ? unsqueeze(target, 0) : target) * log_softmax(rows, 1), {1});
  } else {
    const Tensor labels = target.to(kInt64).reshape({rows.size(0)}).contiguous();
    check_labels(labels, rows.size(1));
    losses = label_losses(rows, labels);
  }
  return reduced(one ? squeeze(losses, 0) : losses, options.reduction);
}

Tensor mse_loss(const Tensor& x, const Tensor& target, const LossOptions& options) {
  if (x.shape() != target.shape())
    throw ShapeError(
        fmt::format("mse_loss: x and target differ in shape\n  x {}   target {}\n"
                    "  hint: reshape or expand the target",
                    x.shape(), target.shape()));
  const Tensor difference = x - target;
  return reduced(difference * difference, options.reduction);
}

}  // namespace bb
