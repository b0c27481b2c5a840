#pragma once

#include "bb/nn/module.h"

namespace bb::nn {

/// In training, each element 0 with probability p, else x / (1 - p); in evaluation x.
/// Throws ValueError unless 0 <= p <= 1.
class Dropout : public Module {
 public:
  explicit Dropout(double p = 0.5);
  explicit Dropout(const Config& config) : Dropout(config.real("p")) {}
  Config config() const override { return {{"p", p_}}; }

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  double p_;
};

}  // namespace bb::nn
