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

/// tests/golden/ops/*.safetensors: case name -> sets in float32 and float64.
const std::map<std::string, std::vector<GoldenSet>>& golden_ops();

}  // namespace bb
