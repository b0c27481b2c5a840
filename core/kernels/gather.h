#pragma once

#include <cstdint>

namespace bb::kernels {

/// The position of the first of `indices` that is not in [0, n), or -1.
int64_t first_out_of_range(const int64_t* indices, int64_t count, int64_t n);

/// Copies of rows by number, for each of `outer` blocks: to[o, i] = from[o, indices[i]], rows of
/// row_bytes, those of `from` row_step bytes apart and its blocks block_step; `to` has no gaps.
/// The indices are not checked.
void gather_rows(const char* from, int64_t outer, int64_t block_step, int64_t row_step,
                 int64_t row_bytes, const int64_t* indices, int64_t count, char* to);

/// The gradient of gather_rows: to[indices[i], j] += from[i, j] for i from 0 to count - 1, j <
/// width, `to` [n, width] and `from` [count, width] without gaps. Sums are in the order of i for
/// any number of threads. T is float or double. The indices are not checked.
template <class T>
void scatter_add_rows(const T* from, const int64_t* indices, int64_t count, int64_t width, T* to,
                      int64_t n);

}  // namespace bb::kernels
