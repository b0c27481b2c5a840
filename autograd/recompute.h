#pragma once

#include <array>
#include <tuple>
#include <utility>

#include "bb/autograd/tape.h"

namespace bb::autograd {

namespace detail {

/// Bytes from which a result is worth the trouble of computing it again.
inline constexpr int64_t kLeastRecomputed = 16 << 10;
/// Results that are computed again from one another, at most: all of them are there at once.
inline constexpr int kMostRecomputedSteps = 16;

template <size_t N, class Compute>
class RecomputeOf final : public Recompute {
 public:
  template <class C>
  RecomputeOf(const Input (&inputs)[N], C&& compute) : compute_(std::forward<C>(compute)) {
    for (size_t i = 0; i < N; ++i) {
      inputs_[i] = Saved::detached(*inputs[i].tensor);
      follow(inputs_[i]);
    }
  }

 private:
  Tensor compute() const override {
    return std::apply([&](const auto&... input) { return compute_(*input...); }, inputs_);
  }

  std::array<Saved, N> inputs_;
  Compute compute_;
};

void set_recompute(const Tensor& y, Ref<Recompute> recompute);

}  // namespace detail

/// Whether a Saved of x would have it computed again.
inline bool is_recomputed(const Tensor& x) {
  return !detail::mode().in_checkpoint && detail::recompute_of(x);
}
/// Whether recompute() takes y, a result that has just come from record(): not where nothing was
/// recorded, in the first run of a checkpoint, which keeps nothing anyway, or for a small one.
bool may_recompute(const Tensor& y);

/// Lets backward compute y again as compute(inputs...), off the tape, so that who saves y keeps
/// only the inputs: worth it for results that cost little beside what backward does with them and
/// whose inputs are kept anyway, or computed again themselves.
///
///   Tensor y = autograd::record("square", {x}, x_squared, ...);
///   autograd::recompute(y, {x}, [](const Tensor& x) { return x * x; });
///
/// y comes straight from record(). compute must give the same bits each time. The first who asks
/// for the value computes it; where others may ask too, it is kept until backward comes to y's own
/// record. Small results, and those of long chains of such ops, are kept all the same. A change of
/// y in place after it was saved is no error: gradients read what it was.
template <size_t N, class Compute>
void recompute(const Tensor& y, const Input (&inputs)[N], Compute&& compute) {
  if (!may_recompute(y)) return;
  detail::set_recompute(y, Ref<detail::Recompute>(new detail::RecomputeOf<N, std::decay_t<Compute>>(
                               inputs, std::forward<Compute>(compute))));
}

}  // namespace bb::autograd
