#include "bb/nn/sequential.h"

namespace bb::nn {

Sequential::Sequential(std::initializer_list<AnyModule> modules) {
  for (const AnyModule& module : modules) push_back(module);
}

Sequential::Sequential(const std::vector<AnyModule>& modules) {
  for (const AnyModule& module : modules) push_back(module);
}

void Sequential::push_back(const AnyModule& module) {
  add_child(std::to_string(size()), module.module());
}

AnyModule Sequential::operator[](int64_t index) const {
  const int64_t i = index < 0 ? index + size() : index;
  if (i < 0 || i >= size())
    throw IndexError(fmt::format("Sequential: no module {} among {}", index, size()));
  return children()[static_cast<size_t>(i)].second;
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  const auto& modules = children();
  for (size_t i = 0; i < modules.size(); ++i) {
    const auto next =
        i + 1 < modules.size() ? modules[i + 1].second->as_activation() : Activation::kNone;
    y = (*modules[i].second)(y, next);
    if (next != Activation::kNone) ++i;
  }
  return y;
}

}  // namespace bb::nn
