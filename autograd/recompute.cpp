#include "bb/autograd/recompute.h"

#include <algorithm>

#include "bb/core/error.h"

namespace bb::autograd {
namespace {

// Stands for a result that is computed again, or a view of it.
struct Again final : detail::Deferred {
  Again(detail::Recompute* recompute_, const Tensor& x)
      : Deferred(x),
        recompute(recompute_),
        shape(x.shape()),
        strides(x.strides()),
        offset(x.handle()->offset) {
    steps = recompute->steps();
  }
  Tensor value() override { return recompute->value().alias(shape, strides, offset); }

  Ref<detail::Recompute> recompute;
  Shape shape, strides;
  int64_t offset;
};

}  // namespace

Tensor detail::Recompute::value() {
  const std::lock_guard lock(mutex_);
  if (value_.defined() && value_.version() == 0) return value_;  // nobody has changed it
  const InferenceMode ordinary(false);
  const NoGrad guard;
  Tensor value = compute();
  if (value.shape() != shape_ || value.dtype() != dtype_)
    throw ValueError(
        fmt::format("{}: what recompute() was given does not make the same result\n"
                    "  it makes {}   the result was {} {}",
                    op_, describe(value), name(dtype_), shape_));
  if (!value.is_contiguous() || value.offset() != 0) value = value.clone();
  const bool is_last = use_count() <= 2;  // by the result's node and the one who asks
  if (!is_last) value_ = value;
  return value;
}

void detail::Recompute::forget() {
  const std::lock_guard lock(mutex_);
  value_ = Tensor();
}

void detail::Recompute::follow(const Saved& input) {
  if (input.deferred_) steps_ = std::max(steps_, input.deferred_->steps + 1);
}

bool may_recompute(const Tensor& y) {
  const detail::Mode mode = detail::mode();
  return y.node() && !y.handle()->base && (!mode.in_checkpoint || mode.repeats) &&
         y.version() == 0 && y.is_contiguous() && y.handle()->offset == 0 &&
         y.numel() * size_of(y.dtype()) >= detail::kLeastRecomputed;
}

void detail::set_recompute(const Tensor& y, Ref<Recompute> recompute) {
  if (recompute->steps_ > kMostRecomputedSteps) return;
  recompute->op_ = node_of(y)->name;
  recompute->shape_ = y.shape();
  recompute->dtype_ = y.dtype();
  node_of(y)->more().recompute = std::move(recompute);
}

Saved Saved::detached(const Tensor& x) {
  Saved saved;
  if (!x.defined()) return saved;
  saved.x_ = x.detach();
  saved.version_ = x.version();
  if (!detail::recompute_of(x)) return saved;
  saved.deferred_ = Ref<detail::Deferred>(new Again(detail::recompute_of(x), x));
  saved.deferred_->node = nullptr;
  saved.x_ = Tensor();
  return saved;
}

void Saved::leave_to_recompute() {
  deferred_ = Ref<detail::Deferred>(new Again(detail::recompute_of(x_), x_));
  x_ = Tensor();
}

}  // namespace bb::autograd
