#include <map>
#include <mutex>

#include "bb/core/error.h"
#include "bb/nn/activation.h"
#include "bb/nn/dropout.h"
#include "bb/nn/flatten.h"
#include "bb/nn/linear.h"
#include "bb/nn/sequential.h"
#include "bb/nn/serialize.h"

/// The modules that load() can make: the library's own, listed here, and the program's.
namespace bb::nn {
namespace {

std::shared_ptr<Module> make_sequential(const Config&, const Children& children) {
  auto sequential = std::make_shared<Sequential>();
  for (const auto& [name, child] : children) sequential->push_back(child);
  return sequential;
}

struct Registry {
  std::mutex mutex;
  std::map<std::string, Factory> factories{
      {"Dropout", make_module<Dropout>}, {"Flatten", make_module<Flatten>},
      {"Linear", make_module<Linear>},   {"ReLU", make_module<ReLU>},
      {"Sigmoid", make_module<Sigmoid>}, {"Softmax", make_module<Softmax>},
      {"Tanh", make_module<Tanh>},       {"Sequential", make_sequential},
  };
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

void register_factory(const std::string& name, Factory factory) {
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  r.factories[name] = std::move(factory);
}

Factory detail::find_factory(const std::string& name) {
  Registry& r = registry();
  std::lock_guard lock(r.mutex);
  const auto found = r.factories.find(name);
  return found == r.factories.end() ? Factory() : found->second;
}

}  // namespace bb::nn
