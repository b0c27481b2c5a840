#pragma once

#include <concepts>
#include <memory>
#include <utility>

#include "bb/core/error.h"
#include "bb/nn/model.h"

namespace bb::nn {

/// Any module, seen as a model: what a file is loaded as, and what Sequential is made of.
class AnyModule : public Model {
 public:
  template <std::derived_from<Module> M>
  requires(!std::same_as<M, AnyModule>) AnyModule(M module)
      : AnyModule(std::make_shared<M>(std::move(module))) {}
  /// Throws ValueError for null.
  AnyModule(std::shared_ptr<Module> module) : module_(std::move(module)) {
    if (!module_) throw ValueError("AnyModule: made from a null pointer");
    share(*module_);
  }

  const std::shared_ptr<Module>& module() const { return module_; }
  /// The module as what it is. Throws ValueError where it is something else.
  template <std::derived_from<Module> M>
  M& as() const {
    if (auto* found = dynamic_cast<M*>(module_.get())) return *found;
    throw ValueError(
        fmt::format("AnyModule: this is a {}, not what was asked for", module_->type()));
  }

  Config config() const override { return module_->config(); }
  std::string describe() const override { return module_->describe(); }
  std::string registered_name() const override { return module_->registered_name(); }

 protected:
  Tensor forward(const Tensor& x) override { return module_->forward(x); }

 private:
  std::shared_ptr<Module> module_;
};

}  // namespace bb::nn
