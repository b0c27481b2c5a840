#pragma once

#include "bb/nn/module.h"

namespace bb::nn {

/// Makes dims start_dim to end_dim one: [N, 1, 28, 28] to [N, 784].
class Flatten : public Module {
 public:
  explicit Flatten(int64_t start_dim = 1, int64_t end_dim = -1)
      : start_dim_(start_dim), end_dim_(end_dim) {}
  explicit Flatten(const Config& config)
      : Flatten(config.integer("start_dim"), config.integer("end_dim")) {}
  Config config() const override { return {{"start_dim", start_dim_}, {"end_dim", end_dim_}}; }

 protected:
  Tensor forward(const Tensor& x) override { return x.flatten(start_dim_, end_dim_); }

 private:
  int64_t start_dim_, end_dim_;
};

}  // namespace bb::nn
