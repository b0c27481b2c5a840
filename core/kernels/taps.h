#pragma once

#include <cstdint>
#include <vector>

namespace bb::kernels {

/// A sparse linear map along one dim: y[i] = sum over k < count of weight[i, k] * x[index[i, k]].
struct Taps {
  int64_t in = 0, out = 0, count = 0;
  std::vector<int64_t> index;  // [out, count], each in [0, in)
  std::vector<double> weight;  // [out, count]
};

/// The map along the middle of x [outer, in, inner], to y [outer, out, inner].
template <class T>
void apply_taps(const Taps& taps, int64_t outer, int64_t inner, const T* x, T* y);

/// Its transpose: x [outer, in, inner] from y [outer, out, inner].
template <class T>
void apply_taps_transposed(const Taps& taps, int64_t outer, int64_t inner, const T* y, T* x);

}  // namespace bb::kernels
