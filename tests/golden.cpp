#include "bb/tests/golden.h"

#include <fmt/format.h>

#include <algorithm>

#include "bb/io/safetensors.h"

namespace bb {
namespace {

std::map<std::string, std::vector<GoldenSet>> read() {
  const io::Archive archive = io::read_safetensors(BB_SOURCE_DIR "/tests/golden/ops.safetensors");
  // "case/set/dtype" -> key -> tensor
  std::map<std::string, std::map<std::string, Tensor>> groups;
  for (const auto& [name, tensor] : archive.tensors) {
    const size_t slash = name.rfind('/');
    groups[name.substr(0, slash)][name.substr(slash + 1)] = tensor;
  }
  std::map<std::string, std::vector<GoldenSet>> result;
  for (const auto& [path, tensors] : groups) {
    const auto find = [&, &values = tensors](const std::string& key) {
      const auto found = values.find(key);
      return found == values.end() ? Tensor() : found->second;
    };
    GoldenSet set{{}, find("y"), find("dy"), {}, path.find("/special") != std::string::npos};
    for (int i = 0; find(fmt::format("x{}", i)).defined(); ++i) {
      set.inputs.push_back(find(fmt::format("x{}", i)));
      set.gradients.push_back(find(fmt::format("dx{}", i)));
    }
    result[path.substr(0, path.find('/'))].push_back(std::move(set));
  }
  return result;
}

}  // namespace

const std::map<std::string, std::vector<GoldenSet>>& golden_ops() {
  static const auto golden = read();
  return golden;
}

}  // namespace bb
