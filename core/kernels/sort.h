#pragma once

#include <cstdint>

namespace bb::kernels {

/// Of each of `rows` rows of n elements of x, the k first in rising (or falling) order, 0 <= k <=
/// n, and their places in the row: values and places [rows, k]. NaN counts as the largest; equal
/// elements stay in the order of their places. T is an element type of tensors.
template <class T>
void sort_rows(const T* x, int64_t rows, int64_t n, int64_t k, bool descending, T* values,
               int64_t* places);

/// places[r, i] = how many of the n elements of boundary row r, which rise, are less than x[r, i],
/// or not greater if `right`. The rows of boundaries lie boundary_step elements apart: 0 for one
/// and the same. NaN is greater than all.
template <class T>
void search_rows(const T* boundaries, int64_t boundary_step, int64_t n, const T* x, int64_t rows,
                 int64_t count, bool right, int64_t* places);

}  // namespace bb::kernels
