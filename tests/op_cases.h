#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "bb/core/tensor.h"

namespace bb {

/// An op as its tests and benchmark see it. The inputs come from PyTorch with the right results:
/// tests/golden/ops.safetensors has a case of the same name (scripts/make_golden.py).
struct OpCase {
  std::string name;
  std::function<Tensor(const std::vector<Tensor>&)> fn;
  bool differentiable = true;
};

inline void PrintTo(const OpCase& op, std::ostream* out) { *out << op.name; }

/// All ops, a row each (tests/op_cases.cpp).
const std::vector<OpCase>& op_cases();

}  // namespace bb
