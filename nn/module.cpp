#include "bb/nn/module.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>

#include "bb/autograd/anomaly.h"
#include "bb/autograd/ops/activation.h"
#include "bb/autograd/tape.h"
#include "bb/core/error.h"

namespace bb::nn {

struct Module::ModuleHooks {
  autograd::Hooks<ForwardPreHook> forward_pre;
  autograd::Hooks<ForwardHook> forward;
  autograd::Hooks<FullBackwardHook> full_backward;
};

struct Module::State {
  std::string name;  // in its parent
  bool training = true;
  std::vector<std::pair<std::string, Tensor>> parameters;
  std::vector<std::pair<std::string, Tensor>> buffers;
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> children;
  std::unique_ptr<ModuleHooks> hooks;  // of the few modules that have any

  void check_name(const char* what, const std::string& added) const {
    const auto taken = [&](const auto& list) {
      return std::any_of(list.begin(), list.end(),
                         [&](const auto& entry) { return entry.first == added; });
    };
    const bool used = taken(parameters) || taken(buffers) || taken(children);
    if (used || added.empty() || added.find('.') != std::string::npos)
      throw ValueError(fmt::format("{}: the name '{}' {}", what, added,
                                   used ? "is taken" : "is empty or has a dot"));
  }
};

namespace {

using Named = std::vector<std::pair<std::string, Tensor>>;

void collect(const Module& module, const std::string& prefix, Named (*own)(const Module&),
             Named& all) {
  for (auto& [name, tensor] : own(module)) {
    const bool seen = std::any_of(
        all.begin(), all.end(), [&tensor = tensor](const auto& e) { return e.second.is(tensor); });
    if (!seen) all.emplace_back(prefix + name, tensor);
  }
  for (const auto& [name, child] : module.children())
    collect(*child, prefix + name + ".", own, all);
}

void append_lines(const Module& module, const std::string& name, int depth,
                  std::vector<std::pair<std::string, int64_t>>& lines) {
  std::string line(static_cast<size_t>(2 * depth), ' ');
  if (!name.empty()) line += name + "  ";
  const int64_t count = module.children().empty() ? module.parameter_count() : 0;
  lines.emplace_back(line + module.describe(), count);
  for (const auto& [child_name, child] : module.children())
    append_lines(*child, child_name, depth + 1, lines);
}

std::string with_commas(int64_t n) {
  std::string digits = std::to_string(n);
  for (auto i = static_cast<int64_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<size_t>(i), ",");
  return digits;
}

std::string demangled(const std::type_info& type) {
  const char* mangled = type.name();
  int status = 0;
  char* text = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  std::string name = text ? text : mangled;
  std::free(text);
  return name;
}

}  // namespace

std::string registered_name_of(const std::type_info& type) {
  std::string name = demangled(type);
  constexpr std::string_view kOurs = "bb::nn::";
  if (name.starts_with(kOurs)) name.erase(0, kOurs.size());
  return name;
}

Module::Module() : state_(std::make_shared<State>()) {}

Tensor Module::operator()(const Tensor& x) { return (*this)(x, Activation::kNone); }

Tensor Module::operator()(const Tensor& x, Activation activation) {
  const autograd::ModuleScope scope(state_->name);
  try {
    if (state_->hooks) return call_with_hooks(x, activation);
    return activation == Activation::kNone ? forward(x) : forward_then(x, activation);
  } catch (Error& error) {
    error.prepend_path(state_->name);
    throw;
  }
}

namespace {

Tensor activated(const Tensor& y, Activation activation) {
  return activation == Activation::kRelu ? relu(y) : y;
}

Tensor identity(const Tensor& x) {
  return autograd::record_view("identity", x, x.alias(), [](const Tensor& dy) { return dy; });
}

}  // namespace

// A hook sees the module's own output, so that the activation after it is not fused.
Tensor Module::call_with_hooks(const Tensor& x, Activation activation) {
  ModuleHooks& all = hooks();
  Tensor in = x;
  all.forward_pre.for_each([&](const ForwardPreHook& hook) {
    if (const Tensor other = hook(*this, in); other.defined()) in = other;
  });
  const bool watches = !all.full_backward.empty() && is_grad_enabled();
  // The hooks of the module's state: the module itself may be gone by then.
  const auto call = [state = state_](Tensor dx, const Tensor& dy) {
    state->hooks->full_backward.for_each([&](const FullBackwardHook& hook) {
      if (const Tensor other = hook(dx, dy); dx.defined() && other.defined()) dx = other;
    });
    return dx;
  };
  const auto kept = std::make_shared<Tensor>();
  const bool has_dx = in.requires_grad();
  if (watches && has_dx) {
    in = identity(in);
    autograd::register_hook(
        in, [=](const Tensor& dx) { return call(dx, std::exchange(*kept, Tensor())); });
  }
  Tensor y = forward(in);
  all.forward.for_each([&](const ForwardHook& hook) {
    if (const Tensor other = hook(*this, in, y); other.defined()) y = other;
  });
  if (watches && y.requires_grad()) {
    y = identity(y);
    autograd::register_hook(y, [=](const Tensor& dy) {
      if (has_dx)
        *kept = dy;
      else
        call(Tensor(), dy);
      return Tensor();
    });
  }
  return activated(y, activation);
}

Module::ModuleHooks& Module::hooks() {
  if (!state_->hooks) state_->hooks = std::make_unique<ModuleHooks>();
  return *state_->hooks;
}

HookHandle Module::register_forward_pre_hook(ForwardPreHook hook) {
  return hooks().forward_pre.add(std::move(hook));
}
HookHandle Module::register_forward_hook(ForwardHook hook) {
  return hooks().forward.add(std::move(hook));
}
HookHandle Module::register_full_backward_hook(FullBackwardHook hook) {
  return hooks().full_backward.add(std::move(hook));
}

Tensor Module::forward_then(const Tensor& x, Activation activation) {
  return activated(forward(x), activation);
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> result;
  for (auto& [name, tensor] : named_parameters()) result.push_back(tensor);
  return result;
}

std::vector<std::pair<std::string, Tensor>> Module::named_parameters() const {
  Named all;
  collect(
      *this, "", [](const Module& m) { return m.state_->parameters; }, all);
  return all;
}

std::vector<std::pair<std::string, Tensor>> Module::named_buffers() const {
  Named all;
  collect(
      *this, "", [](const Module& m) { return m.state_->buffers; }, all);
  return all;
}

const std::vector<std::pair<std::string, std::shared_ptr<Module>>>& Module::children() const {
  return state_->children;
}

int64_t Module::parameter_count() const {
  int64_t count = 0;
  for (const Tensor& parameter : parameters()) count += parameter.numel();
  return count;
}

void Module::train(bool on) {
  state_->training = on;
  for (const auto& [name, child] : state_->children) child->train(on);
}

bool Module::is_training() const { return state_->training; }

void Module::zero_grad() {
  for (Tensor parameter : parameters()) parameter.set_grad(Tensor());
}

std::string Module::type() const {
  const std::string name = registered_name();
  const size_t colons = name.rfind("::", name.find('<'));
  return colons == std::string::npos ? name : name.substr(colons + 2);
}

std::string Module::describe() const {
  return children().empty() ? fmt::format("{}({})", type(), config().to_string()) : type();
}

std::string Module::summary() const {
  std::vector<std::pair<std::string, int64_t>> lines;
  append_lines(*this, "", 0, lines);
  size_t width = 0;
  for (const auto& [line, count] : lines) width = std::max(width, line.size());
  std::string text;
  for (const auto& [line, count] : lines) {
    if (count == 0)
      text += line + "\n";
    else
      text += fmt::format("{:<{}}  {:>12}\n", line, width, with_commas(count));
  }
  return text + "Total parameters: " + with_commas(parameter_count());
}

Tensor Module::add_parameter(std::string name, Tensor value) {
  state_->check_name("add_parameter", name);
  if (!value.is_leaf())
    throw ValueError(
        fmt::format("add_parameter: an op made '{}', so that it cannot learn\n"
                    "  hint: add its detach()",
                    name));
  value.requires_grad_();
  state_->parameters.emplace_back(std::move(name), value);
  return value;
}

Tensor Module::add_buffer(std::string name, Tensor value) {
  state_->check_name("add_buffer", name);
  state_->buffers.emplace_back(std::move(name), value);
  return value;
}

void Module::add_child(std::string name, std::shared_ptr<Module> child) {
  state_->check_name("add", name);
  child->state_->name = name;
  state_->children.emplace_back(std::move(name), std::move(child));
}

}  // namespace bb::nn
