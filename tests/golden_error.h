#pragma once

#include <algorithm>
#include <cmath>

#include "bb/autograd/ops/shape.h"
#include "bb/core/tensor.h"

namespace bb {

/// The largest error of `actual`, of the shape of `expected`, relative to the larger of the right
/// element's size and the mean size: sums whose terms cancel keep the error of their terms.
/// Infinite where NaN or infinity do not agree. `at` takes the element's position.
inline double relative_error(const Tensor& actual, const Tensor& expected, size_t* at = nullptr) {
  const auto a = actual.detach().to(kFloat64).to_vector<double>();
  const auto e = expected.to(kFloat64).to_vector<double>();
  double mean = 0;
  for (double value : e)
    mean += std::isfinite(value) ? std::abs(value) / static_cast<double>(e.size()) : 0;
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(e[i]) ? std::isnan(a[i]) : a[i] == e[i]) continue;
    double error = std::abs(a[i] - e[i]) / std::max(std::abs(e[i]), mean);
    if (!std::isfinite(a[i]) || !std::isfinite(e[i])) error = INFINITY;
    if (error <= worst) continue;
    worst = error;
    if (at) *at = i;
  }
  return worst;
}

}  // namespace bb
