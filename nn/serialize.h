#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bb/nn/any_module.h"

namespace bb::nn {

/// A module's parameters and buffers by path, as files hold them.
std::vector<std::pair<std::string, Tensor>> state_of(const Module& module);

/// Writes a module to one file. It is a safetensors file that holds parameters and buffers under
/// their paths; its metadata holds the architecture as JSON ("bb.architecture"), and a checksum
/// over everything ("bb.checksum"). A crash at any moment leaves the old file or the new one.
void save(const Module& module, const std::string& path);

/// Makes the module that a file describes and gives it the file's weights; in training mode.
/// Throws IoError for a file that is missing, truncated, corrupted, not such a file, or names
/// a module that is not registered.
AnyModule load(const std::string& path);

/// Gives `module` the weights of a file. Names, shapes and dtypes must be the same on both sides.
/// Throws IoError, and changes nothing then.
void load_weights(const Module& module, const std::string& path);

/// The children that a file lists under a module, for those that are made from them.
using Children = std::vector<std::pair<std::string, AnyModule>>;
using Factory = std::function<std::shared_ptr<Module>(const Config&, const Children&)>;

/// Lets load() make modules of this class. M is made from its Config where it has such
/// a constructor, else by default.
///   nn::register_module<Residual>();
void register_factory(const std::string& name, Factory factory);
namespace detail {
/// Empty where the name is not registered.
Factory find_factory(const std::string& name);
}  // namespace detail
template <std::derived_from<Module> M>
std::shared_ptr<Module> make_module(const Config& config, const Children&) {
  if constexpr (std::is_constructible_v<M, const Config&>)
    return std::make_shared<M>(config);
  else
    return std::make_shared<M>();
}
template <std::derived_from<Module> M>
void register_module() {
  register_factory(registered_name_of(typeid(M)), make_module<M>);
}

}  // namespace bb::nn
