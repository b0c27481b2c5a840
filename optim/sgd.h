#pragma once

#include "bb/optim/optimizer.h"

namespace bb::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
};

/// Stochastic gradient descent with momentum, by torch.optim.SGD's formulas (Sutskever et al., "On
/// the importance of initialization and momentum in deep learning", ICML 2013):
///   g = grad + weight_decay p
///   b = momentum b + (1 - dampening) g, b = g in the first step
///   p = p - lr (g + momentum b if nesterov, else b)
/// Throws ValueError for options that are negative or not finite, or nesterov without momentum or
/// with dampening.
class SGD : public Optimizer {
 public:
  explicit SGD(double lr) : SGD(SGDOptions{.lr = lr}) {}
  explicit SGD(const SGDOptions& options);
  SGD(std::vector<Tensor> parameters, const SGDOptions& options) : SGD(options) {
    attach(std::move(parameters));
  }

 private:
  size_t states_per_parameter() const override { return options_.momentum != 0 ? 1 : 0; }
  void update(const Slice& slice) const override;
  double cost_ns() const override { return 0.3; }

  SGDOptions options_;
};

}  // namespace bb::optim
