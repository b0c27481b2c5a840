#pragma once

#include <cstdint>

#include "bb/core/dtype.h"

namespace bb::kernels {

/// Lines of n elements of one op that works along a dimension: an output and up to two inputs.
/// Steps are in bytes, from one line to the next where lines are rows, from one element of a line
/// to the next where they are columns.
struct Lines {
  int64_t count, n;
  char* y;
  int64_t y_step;
  const char* x[2];
  int64_t x_step[2];
};

/// An op along a dimension, such as softmax or a cumulative sum: the same line by line.
struct LineOp {
  using Fn = void (*)(const Lines& lines);
  /// Lines whose elements are contiguous; y may be x[0].
  Fn rows[6] = {};
  /// Lines that are contiguous side by side, at most kColumns of them.
  Fn columns[6] = {};
  double cost_ns = 0.2;  // of one float element, on one core

  Fn rows_of(DType dtype) const { return rows[static_cast<size_t>(dtype)]; }
  Fn columns_of(DType dtype) const { return columns[static_cast<size_t>(dtype)]; }
};

inline constexpr int64_t kColumns = 256;

}  // namespace bb::kernels
