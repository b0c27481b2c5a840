#pragma once

#include <cstdint>

#include "bb/core/dtype.h"

namespace bb::kernels {

/// A matrix of elements to copy: its sizes, and for target and source the steps in bytes from one
/// row and one column to the next. Any of them may be 0 or negative in the source.
struct Plane {
  int64_t rows, cols;
  int64_t to_row, to_col;
  int64_t from_row, from_col;
};

/// Copies a plane: `to` and `from` are its first elements, which may not overlap.
using PlaneCopy = void (*)(const Plane& plane, char* to, const char* from);

/// The copy from elements of one dtype to those of another, in the best instruction set of this
/// processor. Rows that are contiguous on both sides, rows that are one element repeated, and
/// planes that lie transposed in memory go by whole vectors.
PlaneCopy plane_copy(DType to, DType from);

/// True where the copy is a transposition: contiguous columns on one side, rows on the other. Such
/// planes are best given in blocks of kTransposeBlock x kTransposeBlock elements, which keep to few
/// pages of memory at a time.
constexpr bool is_transposing(const Plane& p, int64_t element_bytes) {
  const bool one = p.rows == 1 || p.cols == 1;
  return !one && ((p.to_col == element_bytes && p.from_row == element_bytes) ||
                  (p.to_row == element_bytes && p.from_col == element_bytes));
}
inline constexpr int64_t kTransposeBlock = 64;

}  // namespace bb::kernels
