#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "bb/autograd/tape.h"

namespace bb::autograd {

/// Base of ops that keep state between forward and backward; an op without is a call of record().
///
///   struct Scale : autograd::Function {
///     explicit Scale(double factor_) : factor(factor_) {}
///     std::vector<Tensor> forward(const std::vector<Tensor>& x) override {
///       return {x[0] * factor};
///     }
///     std::vector<Tensor> backward(const std::vector<Tensor>& dy) override {
///       return {dy[0] * factor};
///     }
///     const char* name() const override { return "scale"; }
///     double factor;
///   };
///   Tensor y = autograd::apply(Scale(3.0), {x})[0];
class Function {
 public:
  virtual ~Function() = default;
  /// The outputs, not recorded. What backward needs is kept in members as Saved(x), or
  /// Saved::output(y, number) for an output.
  virtual std::vector<Tensor> forward(const std::vector<Tensor>& inputs) = 0;
  /// The gradients of the inputs from those of the outputs (zeros for one that nothing was computed
  /// from); an undefined one means zero. Written with differentiable ops, it can be differentiated.
  virtual std::vector<Tensor> backward(const std::vector<Tensor>& gradients) = 0;
  /// What the tape calls it: static storage.
  virtual const char* name() const { return "function"; }
};

/// Runs an op and puts it on the tape, which keeps it until the record ends.
template <std::derived_from<Function> F>
std::vector<Tensor> apply(F function, const std::vector<Tensor>& inputs) {
  auto op = std::make_shared<F>(std::move(function));
  auto outputs = no_grad([&] { return op->forward(inputs); });
  return record(op->name(), std::span<const Tensor>(inputs), std::move(outputs),
                [op](const std::vector<Tensor>& gradients) { return op->backward(gradients); });
}

}  // namespace bb::autograd
