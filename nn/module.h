#pragma once

#include <fmt/format.h>

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "bb/autograd/hooks.h"
#include "bb/core/activation.h"
#include "bb/core/tensor.h"
#include "bb/nn/config.h"

namespace bb::nn {

class AnyModule;

/// The name that files know a class by: with namespaces, save for bb::nn.
std::string registered_name_of(const std::type_info& type);

/// A function with parameters, made of differentiable ops: it has a forward, and backward comes
/// from the tape. A handle, as Tensor is: copies share parameters, children and mode.
class Module {
 public:
  Module();
  virtual ~Module() = default;

  /// Calls forward(). An Error that passes through gets the module's path put before it.
  Tensor operator()(const Tensor& x);
  /// The same, followed by an activation: in one pass where the module knows how.
  Tensor operator()(const Tensor& x, Activation activation);
  /// The activation that the module is, if it does nothing else: what runs before it may include
  /// it.
  virtual Activation as_activation() const { return Activation::kNone; }

  /// Calls hook(module, x) before each forward(); a defined result takes x's place.
  using ForwardPreHook = std::function<Tensor(Module& module, const Tensor& x)>;
  HookHandle register_forward_pre_hook(ForwardPreHook hook);
  /// Calls hook(module, x, y) after each forward(); a defined result takes y's place.
  using ForwardHook = std::function<Tensor(Module& module, const Tensor& x, const Tensor& y)>;
  HookHandle register_forward_hook(ForwardHook hook);
  /// Calls hook(dx, dy) in backward, when the gradients of the module's input and output are
  /// there; a defined result takes dx's place. dx is undefined where x needs no gradient.
  using FullBackwardHook = std::function<Tensor(const Tensor& dx, const Tensor& dy)>;
  HookHandle register_full_backward_hook(FullBackwardHook hook);

  /// Its own parameters, then its children's; each tensor once.
  std::vector<Tensor> parameters() const;
  /// The same with paths: "0.weight", "encoder.fc2.bias".
  std::vector<std::pair<std::string, Tensor>> named_parameters() const;
  /// State that is saved but not learnt.
  std::vector<std::pair<std::string, Tensor>> named_buffers() const;
  /// Direct children, in the order in which they were added.
  const std::vector<std::pair<std::string, std::shared_ptr<Module>>>& children() const;
  /// Elements of all parameters.
  int64_t parameter_count() const;

  /// Training (the start) or evaluation mode, for itself and all below it; Dropout asks for it.
  void train(bool on = true);
  void eval() { train(false); }
  bool is_training() const;
  /// Clears all gradients.
  void zero_grad();

  /// Class name without namespaces: "Linear".
  std::string type() const;
  /// What files know its class by.
  virtual std::string registered_name() const { return registered_name_of(typeid(*this)); }
  /// The settings to make it from again.
  virtual Config config() const { return {}; }
  /// One line: "Linear(784 -> 128)".
  virtual std::string describe() const;
  /// All layers, a line each, and the number of parameters.
  std::string summary() const;

 protected:
  virtual Tensor forward(const Tensor& x) = 0;
  /// forward(), then an activation.
  virtual Tensor forward_then(const Tensor& x, Activation activation);

  /// Register under a name; return what was given, to be kept as a member.
  /// Throw ValueError for a name that is empty, taken, or has a dot, and for a parameter that an op
  /// made.
  Tensor add_parameter(std::string name, Tensor value);
  Tensor add_buffer(std::string name, Tensor value);
  template <std::derived_from<Module> M>
  M add(std::string name, M child) {
    add_child(std::move(name), std::make_shared<M>(child));
    return child;
  }
  void add_child(std::string name, std::shared_ptr<Module> child);
  /// Becomes another handle of `other`'s parameters, children and mode.
  void share(const Module& other) { state_ = other.state_; }

 private:
  friend class AnyModule;  // calls forward() of the module that it is a handle of
  struct State;
  struct ModuleHooks;
  ModuleHooks& hooks();
  Tensor call_with_hooks(const Tensor& x, Activation activation);
  std::shared_ptr<State> state_;
};

}  // namespace bb::nn

template <std::derived_from<bb::nn::Module> M>
struct fmt::formatter<M> : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(const bb::nn::Module& module, Context& context) const {
    const std::string text = module.summary();
    return fmt::formatter<fmt::string_view>::format(text, context);
  }
};
