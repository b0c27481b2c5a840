#pragma once

#include <array>
#include <cstdint>

#include "bb/core/dtype.h"

namespace bb::kernels {

/// A reduction of elements of one dtype. Steps are in bytes, `y` and partial results without gaps;
/// `at`, int64, takes the index of each result where the reduction picks one of its elements, and
/// is null otherwise. The order in which elements are combined depends on n alone: blocks, then
/// pairs of blocks, so that errors of sums grow like log n.
struct ReduceKernels {
  /// y[r] = over i < n of x[r, i], rows `step` apart, their elements side by side. n may be 0
  /// where `at` is null.
  void (*rows)(const char* x, int64_t rows, int64_t step, int64_t n, char* y, int64_t* at);
  /// y[j] = over i < n of x[i, j], rows `step` apart, j < width <= kReduceColumns.
  void (*columns)(const char* x, int64_t n, int64_t step, int64_t width, char* y, int64_t* at);
  /// The same for partial results, each of a part of what is reduced, in order, n > 0: their
  /// places are given and handed on.
  void (*merge_rows)(const char* x, const int64_t* places, int64_t rows, int64_t n, char* y,
                     int64_t* at);
  void (*merge_columns)(const char* x, const int64_t* places, int64_t n, int64_t step,
                        int64_t width, char* y, int64_t* at);
};

inline constexpr int64_t kReduceColumns = 1024;

/// A reduction for each dtype that it computes in; null pointers for the others.
struct Reduction {
  std::array<ReduceKernels, 6> kernels{};
  const ReduceKernels& operator[](DType dtype) const { return kernels[static_cast<size_t>(dtype)]; }
};

/// The reductions, in the best instruction set of this processor.
struct ReduceTable {
  Reduction sum;             // int64 (wraps), float32, float64
  Reduction prod;            // int64 (wraps), float32, float64
  Reduction sum_squares;     // float32, float64
  Reduction max, min;        // all dtypes; NaN if there is one
  Reduction argmax, argmin;  // all dtypes, with places: the first of several; NaN before all
};
const ReduceTable& reductions();

}  // namespace bb::kernels
