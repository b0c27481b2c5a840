#pragma once

#include <cstdint>

namespace bb::kernels {

/// y[r] = sum over i of x[r, i]; x [rows, n] row-major. T is float or double.
/// The order of summation depends on n alone: vectors within blocks, then pairs of blocks.
template <class T>
void sum_rows(const T* x, int64_t rows, int64_t n, T* y);

/// y[o, j] = sum over i of x[o, i, j]; x [outer, n, inner] row-major, y [outer, inner].
/// Blocks of rows, then pairs of blocks.
template <class T>
void sum_columns(const T* x, int64_t outer, int64_t n, int64_t inner, T* y);

/// values[r] = max over i of x[r, i], indices[r] = the first i that has it; NaN counts as the
/// largest. x [rows, n] row-major, n > 0, T any element type. Either output may be null.
template <class T>
void max_rows(const T* x, int64_t rows, int64_t n, T* values, int64_t* indices);

}  // namespace bb::kernels
