#include "bb/autograd/ops/ctc_loss.h"

#include <cmath>
#include <limits>
#include <memory>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_indices.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/extremum.h"
#include "bb/autograd/ops/gather.h"
#include "bb/autograd/ops/join.h"
#include "bb/autograd/ops/loss_parts.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/ctc.h"

namespace bb {
namespace {

using autograd::record;
using autograd::Saved;

// What log_probs [T,N,C] are aligned with.
struct Targets {
  int64_t blank;
  bool zero_infinity;
  std::vector<int64_t> labels;  // of all samples, one after the other
  std::vector<int64_t> lengths;
  std::vector<int64_t> input_lengths;

  int64_t batch() const { return static_cast<int64_t>(lengths.size()); }
};

using SharedTargets = std::shared_ptr<const Targets>;

template <class Run>
void with_batch(const Targets& t, const Tensor& log_probs, const Run& run) {
  std::vector<const int64_t*> targets;
  const int64_t* label = t.labels.data();
  for (int64_t length : t.lengths) {
    targets.push_back(label);
    label += length;
  }
  run(kernels::CtcBatch{log_probs.size(0), t.batch(), log_probs.size(2), t.blank,
                        t.input_lengths.data(), t.lengths.data(), targets.data()});
}

// What the gradients of a sample without an alignment are.
double infinite_gradient(const Targets& t) {
  return t.zero_infinity ? 0 : std::numeric_limits<double>::quiet_NaN();
}

Tensor fused_gradient(const Targets& t, const Tensor& log_probs, const Tensor& dy) {
  const Tensor x = log_probs.detach().contiguous(), scale = dy.detach().contiguous();
  Tensor grad = Tensor::empty(x.shape(), x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    with_batch(t, x, [&](const kernels::CtcBatch& batch) {
      kernels::ctc_grad<T>(batch, x.data<T>(), scale.data<T>(),
                           static_cast<T>(infinite_gradient(t)), grad.data<T>());
    });
  });
  return grad;
}

// ---- The same from ops, for those who differentiate it again: forward and backward variables of
// all samples at once, [N, S] for each time, S the most states that any has

// The logarithm of a probability of 0, but finite: no infinity minus infinity in any gradient.
constexpr double kNever = -1e30;

// States of the samples: labels, with blanks between and around them.
struct States {
  Tensor label;    // int64 [N,S]
  Tensor exists;   // bool [N,S]
  Tensor skips;    // bool [N,S]: may follow the state two before
  Tensor is_last;  // bool [N,S]: may be the last
};

States states_of(const Targets& t) {
  int64_t most = 0;
  for (int64_t length : t.lengths) most = std::max(most, length);
  const int64_t n = t.batch(), size = 2 * most + 1;
  States s{full({n, size}, t.blank, kInt64), zeros({n, size}, kBool), zeros({n, size}, kBool),
           zeros({n, size}, kBool)};
  const int64_t* label = t.labels.data();
  for (int64_t i = 0; i < n; ++i) {
    const int64_t labels = t.lengths[static_cast<size_t>(i)], states = 2 * labels + 1;
    for (int64_t k = 0; k < states; ++k) {
      const int64_t at = i * size + k;
      if (k % 2 == 1) s.label.data<int64_t>()[at] = label[k / 2];
      s.exists.data<bool>()[at] = true;
      s.skips.data<bool>()[at] = k % 2 == 1 && k >= 3 && label[k / 2] != label[k / 2 - 1];
      s.is_last.data<bool>()[at] = k >= states - 2;
    }
    label += labels;
  }
  return s;
}

Tensor never(const Shape& shape, const Tensor& like) { return full(shape, kNever, like.dtype()); }

// x [N,S] moved by k states, kNever in the places that become free; k < 0 to the left.
Tensor moved(const Tensor& x, int64_t k) {
  const int64_t size = x.size(1), shift = std::min(std::abs(k), size);
  const Tensor free = never({x.size(0), shift}, x);
  if (k > 0) return cat({free, slice(x, 1, 0, size - shift)}, 1);
  return cat({slice(x, 1, shift, size), free}, 1);
}

Tensor log_sum(const Tensor& a, const Tensor& b, const Tensor& c) {
  const Tensor most = maximum(a.detach(), maximum(b.detach(), c.detach()));
  return most + log(exp(a - most) + exp(b - most) + exp(c - most));
}

Tensor at_time(const Tensor& x, int64_t t) { return squeeze(slice(x, 0, t, t + 1), 0); }

// The probability of each class at each time, given the targets: [T,N,C].
Tensor posterior(const Targets& t, const Tensor& log_probs, const Tensor& infinite) {
  if (log_probs.numel() == 0) return log_probs;
  const States s = states_of(t);
  const int64_t time = log_probs.size(0), n = t.batch(), size = s.label.size(1);
  const Shape shape{n, size};
  const Tensor index = expand(unsqueeze(s.label, 0), {time, n, size});
  const Tensor none = never({}, log_probs);
  const Tensor emissions = where(s.exists, clamp(gather(log_probs, 2, index), kNever), none);
  const Tensor lengths = unsqueeze(tensor(t.input_lengths), 1);

  std::vector<Tensor> forward, backward(static_cast<size_t>(time));
  for (int64_t i = 0; i < time; ++i) {
    const Tensor emission = at_time(emissions, i);
    if (i == 0) {
      forward.push_back(where(lt(arange(size), 2), emission, none));
      continue;
    }
    const Tensor& before = forward.back();
    forward.push_back(emission +
                      log_sum(before, moved(before, 1), where(s.skips, moved(before, 2), none)));
  }
  const Tensor end = where(s.is_last, 0.0, never(shape, log_probs));
  const Tensor skipped = ne(moved(s.skips.to(log_probs.dtype()), -2), 1);
  for (int64_t i = time - 1; i >= 0; --i) {
    Tensor on = never(shape, log_probs);
    if (i + 1 < time) {
      const Tensor next = backward[static_cast<size_t>(i) + 1] + at_time(emissions, i + 1);
      on = log_sum(next, moved(next, -1), where(skipped, none, moved(next, -2)));
    }
    backward[static_cast<size_t>(i)] =
        where(eq(lengths, i + 1), end, where(gt(lengths, i + 1), on, none));
  }

  const Tensor whole = forward[0] + backward[0];
  const Tensor most = max(whole.detach(), 1, true).values;
  const Tensor likelihood = log(sum(exp(whole - most), {1}, true)) + most;
  const Tensor divisor = where(unsqueeze(infinite, 1), 0.0, likelihood);
  std::vector<Tensor> visits;
  for (int64_t i = 0; i < time; ++i) {
    const auto at = static_cast<size_t>(i);
    const Tensor visit = exp(forward[at] + backward[at] - divisor);
    visits.push_back(where(logical_and(gt(lengths, i), s.exists), visit, zeros({}, visit.dtype())));
  }
  return scatter_add(zeros(log_probs.shape(), log_probs.dtype()), 2, index, stack(visits, 0));
}

Tensor composed_gradient(const Targets& t, const Tensor& log_probs, const Tensor& dy,
                         const Tensor& infinite) {
  const Tensor lengths = unsqueeze(tensor(t.input_lengths), 1);
  const Tensor inside = lt(unsqueeze(unsqueeze(arange(log_probs.size(0)), 1), 2), lengths);
  const Tensor lost = logical_and(inside, unsqueeze(infinite, 1));
  return where(lost, infinite_gradient(t), posterior(t, log_probs, infinite) * -unsqueeze(dy, 1));
}

// Losses [N].
Tensor losses_of(const SharedTargets& targets, const Tensor& log_probs) {
  const Tensor x = log_probs.detach().contiguous();
  Tensor losses = Tensor::empty({targets->batch()}, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    with_batch(*targets, x, [&](const kernels::CtcBatch& batch) {
      kernels::ctc_losses<T>(batch, x.data<T>(), losses.data<T>());
    });
  });
  const Tensor infinite = eq(losses, std::numeric_limits<double>::infinity());
  if (targets->zero_infinity) losses = where(infinite, 0.0, losses);
  return record("ctc_loss", {log_probs}, std::move(losses),
                [targets, infinite, x = Saved(log_probs)](const Tensor& dy) {
                  if (is_grad_enabled()) return composed_gradient(*targets, *x, dy, infinite);
                  return fused_gradient(*targets, *x, dy);
                });
}

// ---- Checks

bool is_integer(const Tensor& x) { return !is_floating_point(x.dtype()) && x.dtype() != kBool; }

void check_operands(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                    const Tensor& target_lengths) {
  const auto operands = {detail::Role{"log_probs", log_probs}, detail::Role{"targets", targets},
                         detail::Role{"input_lengths", input_lengths},
                         detail::Role{"target_lengths", target_lengths}};
  detail::check_defined("ctc_loss", operands);
  const auto text = [&] { return "  " + detail::text_of(operands); };
  if (!is_floating_point(log_probs.dtype()) || !is_integer(targets) || !is_integer(input_lengths) ||
      !is_integer(target_lengths))
    throw DTypeError(fmt::format(
        "ctc_loss: log_probs must be floating point, targets and lengths integers\n{}", text()));
  const bool batched = log_probs.dim() == 3;
  const int64_t n = batched ? log_probs.size(1) : 1;
  const auto is_length = [&](const Tensor& x) {
    return x.shape() == Shape{n} || (!batched && x.dim() == 0);
  };
  const bool targets_fit =
      targets.dim() == 1 || (batched && targets.dim() == 2 && targets.size(0) == n);
  if ((!batched && log_probs.dim() != 2) || !targets_fit || !is_length(input_lengths) ||
      !is_length(target_lengths))
    throw ShapeError(
        fmt::format("ctc_loss: needs log_probs (T,N,C), targets (N,S) or all in one, and lengths "
                    "(N); or log_probs (T,C)\n{}",
                    text()));
}

std::vector<int64_t> values_of(const Tensor& x) { return x.to(kInt64).to_vector<int64_t>(); }

void check_lengths(const char* what, const std::vector<int64_t>& lengths, int64_t most,
                   detail::Operands operands) {
  for (size_t i = 0; i < lengths.size(); ++i)
    if (lengths[i] < 0 || lengths[i] > most)
      throw ValueError(fmt::format("ctc_loss: {} {} of sample {} is not in [0, {}]\n  {}", what,
                                   lengths[i], i, most, detail::shapes_of(operands)));
}

Targets checked_targets(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                        const Tensor& target_lengths, const CtcOptions& options) {
  const int64_t classes = log_probs.size(-1), time = log_probs.size(0);
  Targets t{options.blank,
            options.zero_infinity,
            {},
            values_of(target_lengths),
            values_of(input_lengths)};
  const auto operands = {detail::Role{"log_probs", log_probs}, detail::Role{"targets", targets}};
  if (t.blank < 0 || t.blank >= classes)
    throw IndexError(
        fmt::format("ctc_loss: blank {} is out of range for {} classes (0 to {})\n  {}", t.blank,
                    classes, classes - 1, detail::shapes_of(operands)));
  const bool padded = targets.dim() == 2;
  check_lengths("the input length", t.input_lengths, time, operands);
  check_lengths("the target length", t.lengths, padded ? targets.size(1) : targets.size(0),
                operands);
  const auto given = values_of(targets);
  const auto check = [&](size_t i) {
    if (given[i] >= 0 && given[i] < classes && given[i] != t.blank) return;
    const std::string at = detail::position_text(targets.shape(), static_cast<int64_t>(i));
    if (given[i] == t.blank)
      throw ValueError(fmt::format("ctc_loss: label {}{} is the blank\n  {}", given[i], at,
                                   detail::shapes_of(operands)));
    throw IndexError(
        fmt::format("ctc_loss: label {}{} is out of range for {} classes (0 to {})\n  {}", given[i],
                    at, classes, classes - 1, detail::shapes_of(operands)));
  };
  size_t begin = 0;
  for (int64_t length : t.lengths) {
    for (size_t i = begin; i < begin + static_cast<size_t>(length) && i < given.size(); ++i) {
      check(i);
      t.labels.push_back(given[i]);
    }
    begin += static_cast<size_t>(padded ? targets.size(1) : length);
  }
  if (!padded && begin != given.size())
    throw ValueError(
        fmt::format("ctc_loss: target lengths add up to {}, but there are {} targets\n  {}", begin,
                    given.size(), detail::shapes_of(operands)));
  return t;
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CtcOptions& options) {
  check_operands(log_probs, targets, input_lengths, target_lengths);
  detail::check_reduction("ctc_loss", options.reduction);
  const auto shared = std::make_shared<const Targets>(
      checked_targets(log_probs, targets, input_lengths, target_lengths, options));
  const bool one = log_probs.dim() == 2;
  const Tensor losses = losses_of(shared, one ? unsqueeze(log_probs, 1) : log_probs);
  if (options.reduction != Reduction::kMean)
    return detail::reduced(one ? squeeze(losses, 0) : losses, options.reduction);
  const Tensor lengths = clamp(tensor(shared->lengths), 1).to(losses.dtype());
  return mean(losses / lengths);
}

}  // namespace bb
