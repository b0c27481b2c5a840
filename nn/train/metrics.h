#pragma once

#include <string>

#include "bb/core/tensor.h"

namespace bb::nn {

/// A figure gathered over the batches of an epoch.
class Metric {
 public:
  virtual ~Metric() = default;
  virtual std::string name() const = 0;
  virtual void reset() = 0;
  virtual void update(const Tensor& output, const Tensor& target) = 0;
  virtual double value() const = 0;
};

/// Share of samples whose largest score is at the target's class. output [N, C]; target integer
/// [N], or scores [N, C] whose largest counts. Throws ShapeError where they do not fit.
class Accuracy : public Metric {
 public:
  std::string name() const override { return "accuracy"; }
  void reset() override { right_ = total_ = 0; }
  void update(const Tensor& output, const Tensor& target) override;
  double value() const override;

 private:
  int64_t right_ = 0, total_ = 0;
};

}  // namespace bb::nn
