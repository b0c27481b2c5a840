#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "bb/core/tensor.h"

namespace bb {

/// An op as its tests, its line in docs/ops.md and its benchmark see it. The inputs come from
/// PyTorch with the right results: a case of the same name in scripts/golden/<family>.py.
struct OpCase {
  std::string name;
  std::function<Tensor(const std::vector<Tensor>&)> fn;
  bool differentiable = true;
  /// Errors may be 1e-5 in float32 and 1e-10 in float64; where an op cannot reach that, this many
  /// times more, and why.
  double looser = 1;
  std::string reason = {};
  std::string family = {};  // set by OpFamily
};

inline void PrintTo(const OpCase& op, std::ostream* out) { *out << op.name; }

/// The rows of one family of ops, a file of autograd/ops: put on the list by being defined, in
/// tests/op_cases/<family>.cpp.
struct OpFamily {
  OpFamily(std::string name, std::vector<OpCase> cases);
};

/// All rows, by families.
const std::vector<OpCase>& op_cases();

}  // namespace bb
