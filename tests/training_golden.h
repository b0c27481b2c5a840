#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "bb/bb.h"
#include "bb/tests/same_bits.h"

/// Values that PyTorch gave (scripts/make_golden_training.py), and how tests compare with them.
namespace bb::testing {

inline const Tensor& training_golden(const std::string& name) {
  static const std::map<std::string, Tensor> all = [] {
    std::map<std::string, Tensor> result;
    for (auto& [key, x] :
         io::read_safetensors(BB_SOURCE_DIR "/tests/golden/training.safetensors").tensors)
      result.emplace(key, x);
    return result;
  }();
  const auto found = all.find(name);
  if (found == all.end()) throw ValueError(fmt::format("no golden value '{}'", name));
  return found->second;
}

/// Element by element |actual - expected| <= tolerance max(|expected|, 0.1), of one dtype and
/// shape.
inline void expect_close(const Tensor& actual, const Tensor& expected, double tolerance,
                         const std::string& what) {
  ASSERT_EQ(describe(actual), describe(expected)) << what;
  const auto a = actual.detach().to(kFloat64).to_vector<double>();
  const auto b = expected.detach().to(kFloat64).to_vector<double>();
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_LE(std::abs(a[i] - b[i]), tolerance * std::max(std::abs(b[i]), 0.1))
        << what << " [" << i << "]: " << a[i] << " instead of " << b[i];
}

/// Runs an optimizer over the golden gradients and compares with the golden trajectory `config`.
/// `make` makes the optimizer without parameters.
template <class Make>
void expect_golden_trajectory(const std::string& config, const Make& make) {
  constexpr int64_t kSteps = 12;
  constexpr int kParameters = 6;
  for (const std::string dtype : {"f32", "f64"}) {
    const std::string prefix = "opt." + dtype + ".";
    std::vector<Tensor> parameters, gradients;
    for (int i = 0; i < kParameters; ++i) {
      parameters.push_back(training_golden(prefix + "start." + std::to_string(i)).clone());
      parameters.back().requires_grad_();
      gradients.push_back(training_golden(prefix + "grads." + std::to_string(i)));
    }
    auto optimizer = make();
    optimizer.attach(parameters);
    int64_t kept = 0;
    for (int64_t step = 0; step < kSteps; ++step) {
      if (config.ends_with("lr_change") && step == 6) optimizer.set_lr(0.01);
      optimizer.zero_grad();
      for (int i = 0; i < kParameters; ++i) {
        const bool last = i + 1 == kParameters;
        if (last && !training_golden("opt.has_grad").data<bool>()[step]) continue;
        const auto at = static_cast<size_t>(i);
        parameters[at].set_grad(gradients[at].slice(0, step, step + 1).squeeze(0));
      }
      optimizer.step();
      if (step != 0 && step != 1 && step != kSteps - 1) continue;
      for (int i = 0; i < kParameters; ++i)
        expect_close(parameters[static_cast<size_t>(i)],
                     training_golden(prefix + config + "." + std::to_string(i))
                         .slice(0, kept, kept + 1)
                         .squeeze(0),
                     dtype == "f64" ? 1e-12 : 1e-5,
                     fmt::format("{}{} parameter {} after step {}", prefix, config, i, step + 1));
      if (::testing::Test::HasFatalFailure()) return;
      ++kept;
    }
  }
}

}  // namespace bb::testing
