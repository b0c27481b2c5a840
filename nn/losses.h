#pragma once

#include <string>

#include "bb/autograd/ops/classification_loss.h"
#include "bb/autograd/ops/loss.h"

namespace bb::nn {

/// How far a model's output is from its target.
class Loss {
 public:
  virtual ~Loss() = default;
  virtual Tensor operator()(const Tensor& output, const Tensor& target) const = 0;
};

/// cross_entropy() of scores [N, C] against classes [N] or probabilities [N, C].
class CrossEntropyLoss : public Loss {
 public:
  explicit CrossEntropyLoss(const CrossEntropyOptions& options = {}) : options_(options) {}
  Tensor operator()(const Tensor& output, const Tensor& target) const override {
    return cross_entropy(output, target, options_);
  }

 private:
  CrossEntropyOptions options_;
};

/// mse_loss() of output and target of one shape.
class MSELoss : public Loss {
 public:
  explicit MSELoss(const LossOptions& options = {}) : options_(options) {}
  Tensor operator()(const Tensor& output, const Tensor& target) const override {
    return mse_loss(output, target, options_);
  }

 private:
  LossOptions options_;
};

}  // namespace bb::nn
