#pragma once

#include <map>
#include <string>
#include <vector>

#include "bb/core/tensor.h"

namespace bb {

/// One set of inputs with what PyTorch made of it.
struct GoldenSet {
  std::vector<Tensor> inputs;
  Tensor result;
  Tensor cotangent;               // undefined where the op is not differentiable
  std::vector<Tensor> gradients;  // undefined for integer inputs
  bool special = false;           // NaN, infinities, ties: no finite differences there
};

/// By case name.
using GoldenFamily = std::map<std::string, std::vector<GoldenSet>>;

/// The cases of one family of ops, tests/golden/ops/<family>.safetensors, in float32 and float64.
/// None where there is no such file.
const GoldenFamily& golden_family(const std::string& name);
/// The sets of one case; none where there is no such case.
const std::vector<GoldenSet>& golden_sets(const std::string& family, const std::string& name);
/// All families that have a file.
std::vector<std::string> golden_families();

}  // namespace bb
