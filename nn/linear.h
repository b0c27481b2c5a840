#pragma once

#include "bb/nn/module.h"

namespace bb::nn {

struct LinearOptions {
  bool bias = true;
};

/// y = x weight^T + bias. x [..., in_features], result [..., out_features].
/// weight [out_features, in_features] and bias [out_features] start uniform on
/// [-1/sqrt(in_features), 1/sqrt(in_features)), as in PyTorch.
/// Throws ValueError for negative sizes; forward throws ShapeError, DTypeError.
class Linear : public Module {
 public:
  Linear(int64_t in_features, int64_t out_features, const LinearOptions& options = {});
  explicit Linear(const Config& config);

  Config config() const override;
  std::string describe() const override;

  Tensor weight;
  Tensor bias;  // undefined without

 protected:
  Tensor forward(const Tensor& x) override { return forward_then(x, Activation::kNone); }
  Tensor forward_then(const Tensor& x, Activation activation) override;

 private:
  int64_t in_features_, out_features_;
};

}  // namespace bb::nn
