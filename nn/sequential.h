#pragma once

#include <initializer_list>
#include <vector>

#include "bb/nn/any_module.h"

namespace bb::nn {

/// Modules one after the other, each on what the one before it gave; named "0", "1", ...
///   nn::Sequential model{nn::Flatten(), nn::Linear(784, 10)};
class Sequential : public Model {
 public:
  Sequential() = default;
  Sequential(std::initializer_list<AnyModule> modules);
  explicit Sequential(const std::vector<AnyModule>& modules);

  void push_back(const AnyModule& module);
  int64_t size() const { return static_cast<int64_t>(children().size()); }
  /// Module `index`, negative from the end. Throws IndexError.
  AnyModule operator[](int64_t index) const;

 protected:
  Tensor forward(const Tensor& x) override;
};

}  // namespace bb::nn
