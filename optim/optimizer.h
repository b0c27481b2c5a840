#pragma once

#include <span>
#include <vector>

#include "bb/core/tensor.h"

namespace bb::optim {

/// Changes parameters by their gradients. Made with the parameters, or without and attached later
/// (Model::compile does that).
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// Takes the parameters to change, and forgets what it knew of earlier ones. Throws ValueError
  /// for one that is not a leaf with requires_grad, or is given twice.
  void attach(std::vector<Tensor> parameters);
  std::vector<Tensor> parameters() const;
  /// Clears the gradients: backward() then writes them anew.
  void zero_grad();
  /// Changes every parameter that has a gradient, all in one pass. Throws ValueError without
  /// parameters, and, outside inference mode, for one of them that was made in it; nothing is
  /// changed then.
  void step();

  double lr() const { return lr_; }
  /// Throws ValueError unless `lr` is finite and not negative.
  void set_lr(double lr);

 protected:
  explicit Optimizer(double lr) { set_lr(lr); }

  /// Tensors that the optimizer keeps beside each parameter, of its shape, zero at first.
  virtual size_t states_per_parameter() const = 0;
  /// Changes n elements from `begin` on of one parameter. `count` is the parameter's steps so far,
  /// this one included.
  struct Slice {
    const Tensor& gradient;
    const Tensor& parameter;
    std::span<const Tensor> states;
    int64_t count;
    int64_t begin, n;
  };
  virtual void update(const Slice& slice) const = 0;
  virtual double cost_ns() const = 0;  // of one element

 private:
  struct Entry {
    Tensor parameter;
    std::vector<Tensor> states;
    int64_t count = 0;
  };
  std::vector<Entry> entries_;
  double lr_ = 0;
};

}  // namespace bb::optim
