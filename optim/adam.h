#pragma once

#include "bb/optim/optimizer.h"

namespace bb::optim {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
};

/// Adam (Kingma and Ba, arXiv 1412.6980), by torch.optim.Adam's formulas; t counts a parameter's
/// steps:
///   g = grad + weight_decay p
///   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
///   p = p - lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
/// Throws ValueError for betas outside [0, 1), or other options negative or not finite.
class Adam : public Optimizer {
 public:
  explicit Adam(double lr) : Adam(AdamOptions{.lr = lr}) {}
  explicit Adam(const AdamOptions& options);
  Adam(std::vector<Tensor> parameters, const AdamOptions& options) : Adam(options) {
    attach(std::move(parameters));
  }

 private:
  size_t states_per_parameter() const override { return 2; }
  void update(const Slice& slice) const override;
  double cost_ns() const override { return 0.6; }

  AdamOptions options_;
};

}  // namespace bb::optim
