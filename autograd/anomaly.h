#pragma once

#include <string>
#include <vector>

#include "bb/autograd/grad_mode.h"

namespace bb {

/// Until the end of the scope, ops on this thread look at what they compute, forward and backward:
/// the first result with a NaN or an infinity throws a ValueError that names the op, the module
/// that it ran in, the shapes and the first bad index. Costs another pass over every result.
///
///   DetectAnomaly watch;
///   model(x).sum().backward();   // "encoder.fc2: log: the result has nan at [3, 0] ..."
///
/// What is infinite on purpose, such as a mask of -inf, is let pass with
/// `DetectAnomaly watch({.infinity = false})`.
class DetectAnomaly {
 public:
  struct Options {
    bool infinity = true;  ///< infinities count too, not only NaN
  };
  DetectAnomaly() : DetectAnomaly(Options()) {}
  explicit DetectAnomaly(const Options& options);
  ~DetectAnomaly();
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

 private:
  autograd::detail::Mode before_;
  bool infinity_before_;
};

namespace autograd {

/// What runs until the end of the scope belongs to the module of that name.
class ModuleScope {
 public:
  explicit ModuleScope(const std::string& name);
  ~ModuleScope();
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;

 private:
  bool entered_;
};

}  // namespace autograd
}  // namespace bb
