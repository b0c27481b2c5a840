#include "bb/tests/golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "bb/io/safetensors.h"

namespace bb {
namespace {

using Values = std::map<std::string, Tensor>;

// "x0", "dy" and the others of one set, floating-point ones as `dtype`.
GoldenSet make_set(const Values& values, DType dtype, bool special) {
  const auto find = [&](const std::string& key) {
    const auto found = values.find(key);
    if (found == values.end()) return Tensor();
    return is_floating_point(found->second.dtype()) ? found->second.to(dtype) : found->second;
  };
  const auto y_dtype = values.find("y_dtype");
  const auto as_result = [&](const char* key) {
    const bool other = y_dtype != values.end() && dtype == kFloat32;
    return other ? values.at(key).to(y_dtype->second.dtype()) : find(key);
  };
  GoldenSet set{{}, as_result("y"), values.count("dy") ? as_result("dy") : Tensor(), {}, special};
  for (int i = 0; values.count(fmt::format("x{}", i)); ++i) {
    set.inputs.push_back(find(fmt::format("x{}", i)));
    set.gradients.push_back(find(fmt::format("dx{}", i)));
  }
  return set;
}

bool has_reals(const Values& values) {
  return std::any_of(values.begin(), values.end(),
                     [](const auto& value) { return is_floating_point(value.second.dtype()); });
}

const std::filesystem::path kFolder = BB_SOURCE_DIR "/tests/golden/ops";

GoldenFamily read(const std::filesystem::path& file) {
  GoldenFamily all;
  std::map<std::string, Values> groups;  // "case/set" or "case/special0/dtype"
  for (const auto& [name, tensor] : io::read_safetensors(file.string()).tensors) {
    const size_t slash = name.rfind('/');
    groups[name.substr(0, slash)][name.substr(slash + 1)] = tensor;
  }
  for (const auto& [path, values] : groups) {
    std::vector<GoldenSet>& sets = all[path.substr(0, path.find('/'))];
    if (path.find("/special") != std::string::npos) {
      sets.push_back(make_set(values, path.ends_with("32") ? kFloat32 : kFloat64, true));
      continue;
    }
    sets.push_back(make_set(values, kFloat64, false));
    if (has_reals(values)) sets.push_back(make_set(values, kFloat32, false));
  }
  return all;
}

}  // namespace

const GoldenFamily& golden_family(const std::string& name) {
  static std::map<std::string, GoldenFamily> read_so_far;
  const auto found = read_so_far.find(name);
  if (found != read_so_far.end()) return found->second;
  const auto file = kFolder / (name + ".safetensors");
  return read_so_far[name] = std::filesystem::exists(file) ? read(file) : GoldenFamily();
}

const std::vector<GoldenSet>& golden_sets(const std::string& family, const std::string& name) {
  static const std::vector<GoldenSet> none;
  const GoldenFamily& cases = golden_family(family);
  const auto found = cases.find(name);
  return found == cases.end() ? none : found->second;
}

std::vector<std::string> golden_families() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(kFolder))
    names.push_back(file.path().stem().string());
  return names;
}

}  // namespace bb
