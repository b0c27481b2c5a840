#pragma once

#include "bb/nn/module.h"

/// Layers without parameters, each the op of its name.
namespace bb::nn {

/// max(x, 0).
class ReLU final : public Module {
 public:
  Activation as_activation() const override { return Activation::kRelu; }

 protected:
  Tensor forward(const Tensor& x) override;
};

/// 1 / (1 + e^-x).
class Sigmoid : public Module {
 protected:
  Tensor forward(const Tensor& x) override;
};

class Tanh : public Module {
 protected:
  Tensor forward(const Tensor& x) override;
};

/// Softmax over `dim`. CrossEntropyLoss has it inside: a model trained with that ends without it.
class Softmax : public Module {
 public:
  explicit Softmax(int64_t dim = -1) : dim_(dim) {}
  explicit Softmax(const Config& config) : Softmax(config.integer("dim")) {}
  Config config() const override { return {{"dim", dim_}}; }

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  int64_t dim_;
};

}  // namespace bb::nn
