#include "bb/nn/serialize.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bb/autograd/grad_mode.h"
#include "bb/core/error.h"
#include "bb/core/memory.h"
#include "bb/io/safetensors.h"

namespace bb::nn {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kArchitecture = "bb.architecture";
constexpr const char* kChecksum = "bb.checksum";
constexpr int kMaxDepth = 64;  // of modules within modules

Json to_json(const Module& module) {
  const Config config = module.config();
  Json settings = Json::object();
  for (const auto& [name, value] : config.entries())
    std::visit([&, &key = name](const auto& v) { settings[key] = v; }, value);
  Json json{{"type", module.registered_name()}, {"config", settings}};
  for (const auto& [name, child] : module.children())
    json["children"].push_back(Json{{"name", name}, {"module", to_json(*child)}});
  return json;
}

Config to_config(const Json& json) {
  Config config;
  for (const auto& [name, value] : json.items()) {
    if (value.is_boolean())
      config.add(name, value.get<bool>());
    else if (value.is_number_integer())
      config.add(name, value.get<int64_t>());
    else if (value.is_number())
      config.add(name, value.get<double>());
    else if (value.is_string())
      config.add(name, value.get<std::string>());
    else
      throw IoError(fmt::format("setting '{}' is neither number, text nor truth value", name));
  }
  return config;
}

AnyModule from_json(const Json& json, int depth) {
  if (depth > kMaxDepth)
    throw IoError(fmt::format("modules are nested more than {} deep", kMaxDepth));
  const std::string type = json.at("type").get<std::string>();
  const Factory factory = detail::find_factory(type);
  if (!factory)
    throw IoError(fmt::format(
        "module '{}' is not registered\n"
        "  hint: call nn::register_module<{}>() first, or make the module and use load_weights()",
        type, type));
  Children children;
  if (json.contains("children"))
    for (const Json& child : json.at("children"))
      children.emplace_back(child.at("name").get<std::string>(),
                            from_json(child.at("module"), depth + 1));
  return factory(to_config(json.at("config")), children);
}

io::Archive read(const std::string& path) {
  io::Archive archive = io::read_safetensors(path);
  const auto kept = archive.metadata.find(kChecksum);
  if (kept != archive.metadata.end() && kept->second != io::checksum(archive, kChecksum))
    throw IoError(fmt::format("load: {} is corrupted: its checksum does not match", path));
  return archive;
}

// Copies the archive's tensors into the module's, after all of them were found to fit.
void take_weights(const Module& module, const io::Archive& archive, const std::string& path) {
  const auto state = state_of(module);
  std::vector<const Tensor*> sources;
  for (const auto& [name, tensor] : state) {
    const auto found = std::find_if(archive.tensors.begin(), archive.tensors.end(),
                                    [&name = name](const auto& e) { return e.first == name; });
    if (found == archive.tensors.end())
      throw IoError(fmt::format("load: {} has no '{}'\n  the module expects {}", path, name,
                                describe(tensor)));
    if (found->second.shape() != tensor.shape() || found->second.dtype() != tensor.dtype())
      throw IoError(fmt::format("load: '{}' in {} does not fit the module\n  file {}   module {}",
                                name, path, describe(found->second), describe(tensor)));
    sources.push_back(&found->second);
  }
  if (archive.tensors.size() != state.size())
    for (const auto& [name, tensor] : archive.tensors)
      if (std::none_of(state.begin(), state.end(),
                       [&name = name](const auto& e) { return e.first == name; }))
        throw IoError(fmt::format("load: {} has '{}', which the module does not have", path, name));
  NoGrad guard;
  for (size_t i = 0; i < state.size(); ++i) Tensor(state[i].second).copy_(*sources[i]);
}

}  // namespace

std::vector<std::pair<std::string, Tensor>> state_of(const Module& module) {
  auto state = module.named_parameters();
  for (auto& buffer : module.named_buffers()) state.push_back(std::move(buffer));
  return state;
}

void save(const Module& module, const std::string& path) {
  io::Archive archive{.tensors = state_of(module),
                      .metadata = {{kArchitecture, to_json(module).dump()}, {"format", "bb"}}};
  archive.metadata[kChecksum] = io::checksum(archive, kChecksum);
  io::write_safetensors(path, archive);
}

AnyModule load(const std::string& path) {
  const io::Archive archive = read(path);
  const auto architecture = archive.metadata.find(kArchitecture);
  if (architecture == archive.metadata.end() || !archive.metadata.contains(kChecksum))
    throw IoError(
        fmt::format("load: {} holds weights, but no architecture\n"
                    "  hint: make the module and use load_weights()",
                    path));
  int64_t bytes = 0;
  for (const auto& [name, tensor] : archive.tensors)
    bytes += tensor.numel() * size_of(tensor.dtype());
  const auto build = [&] {
    // Parameters, and room for small things; more would not be in the file.
    const int64_t small = 4096 + 64 * static_cast<int64_t>(architecture->second.size());
    bb::detail::AllocationBudget budget(bytes + bytes / 4 + small);
    return from_json(Json::parse(architecture->second), 0);
  };
  const auto fail = [&](const std::string& why) -> AnyModule {
    throw IoError(fmt::format("load: {}: {}", path, why));
  };
  AnyModule module = [&] {
    try {
      return build();
    } catch (const nlohmann::json::exception&) {
      return fail("its architecture is not what save() writes");
    } catch (const std::bad_alloc&) {
      return fail("its architecture is larger than its weights");
    } catch (const Error& error) {
      return fail(error.what());
    }
  }();
  take_weights(module, archive, path);
  return module;
}

void load_weights(const Module& module, const std::string& path) {
  take_weights(module, read(path), path);
}

}  // namespace bb::nn
