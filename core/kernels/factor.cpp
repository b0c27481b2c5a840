#include "bb/core/kernels/factor.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bb::kernels {
namespace {

constexpr int64_t kBlock = 32;

// c -= a b.
template <class T>
void subtract_product(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
                      MatrixRef<T> c) {
  gemm<T>(m, n, k, a, b, c, {.alpha = -1, .beta = 1});
}

// to[j] -= f from[j] for j < n.
template <class T>
void subtract_row(int64_t n, T f, const T* from, int64_t from_step, T* to, int64_t to_step) {
  if (from_step == 1 && to_step == 1) {
    for (int64_t j = 0; j < n; ++j) to[j] -= f * from[j];
    return;
  }
  for (int64_t j = 0; j < n; ++j) to[j * to_step] -= f * from[j * from_step];
}

template <class T>
void solve_block(int64_t n, int64_t m, MatrixRef<const T> a, Triangle triangle, MatrixRef<T> b) {
  for (int64_t step = 0; step < n; ++step) {
    const int64_t i = triangle.upper ? n - 1 - step : step;
    const int64_t first = triangle.upper ? i + 1 : 0, last = triangle.upper ? n : i;
    for (int64_t k = first; k < last; ++k)
      subtract_row<T>(m, *a.at(i, k), b.at(k, 0), b.col_stride, b.at(i, 0), b.col_stride);
    if (triangle.unit) continue;
    const T pivot = *a.at(i, i);
    for (int64_t j = 0; j < m; ++j) *b.at(i, j) /= pivot;
  }
}

template <class T>
int64_t cholesky_block(int64_t n, MatrixRef<T> a) {
  for (int64_t j = 0; j < n; ++j) {
    T square = *a.at(j, j);
    for (int64_t k = 0; k < j; ++k) square -= *a.at(j, k) * *a.at(j, k);
    if (!(square > 0)) return j + 1;
    const T pivot = std::sqrt(square);
    *a.at(j, j) = pivot;
    for (int64_t i = j + 1; i < n; ++i) {
      T value = *a.at(i, j);
      for (int64_t k = 0; k < j; ++k) value -= *a.at(i, k) * *a.at(j, k);
      *a.at(i, j) = value / pivot;
    }
  }
  return 0;
}

template <class T>
void swap_rows(MatrixRef<T> a, int64_t i, int64_t j, int64_t columns) {
  for (int64_t c = 0; c < columns; ++c) std::swap(*a.at(i, c), *a.at(j, c));
}

// LU of the m x n panel a, m >= n, whose rows are counted from `row`.
template <class T>
int lu_panel(int64_t m, int64_t n, MatrixRef<T> a, int64_t row, int64_t* pivots) {
  int sign = 1;
  for (int64_t j = 0; j < n; ++j) {
    int64_t best = j;
    for (int64_t i = j + 1; i < m; ++i)
      if (std::abs(*a.at(i, j)) > std::abs(*a.at(best, j))) best = i;
    pivots[j] = row + best;
    if (best != j) {
      swap_rows(a, j, best, n);
      sign = -sign;
    }
    const T pivot = *a.at(j, j);
    if (pivot == 0) continue;  // so is all below it
    for (int64_t i = j + 1; i < m; ++i) {
      const T factor = *a.at(i, j) / pivot;
      *a.at(i, j) = factor;
      subtract_row<T>(n - j - 1, factor, a.at(j, j + 1), a.col_stride, a.at(i, j + 1),
                      a.col_stride);
    }
  }
  return sign;
}

}  // namespace

template <class T>
void solve_triangular(int64_t n, int64_t m, MatrixRef<const T> a, Triangle triangle,
                      MatrixRef<T> b) {
  // Block by block: the diagonal block is solved for, and its part of the other rows taken away.
  const int64_t blocks = (n + kBlock - 1) / kBlock;
  for (int64_t step = 0; step < blocks; ++step) {
    const int64_t i = (triangle.upper ? blocks - 1 - step : step) * kBlock;
    const int64_t size = std::min(kBlock, n - i);
    solve_block<T>(size, m, a.block(i, i), triangle, b.block(i, 0));
    const int64_t first = triangle.upper ? 0 : i + size, last = triangle.upper ? i : n;
    if (first < last)
      subtract_product<T>(last - first, m, size, a.block(first, i), b.block(i, 0),
                          b.block(first, 0));
  }
}

template <class T>
int64_t cholesky(int64_t n, MatrixRef<T> a) {
  for (int64_t j = 0; j < n; j += kBlock) {
    const int64_t size = std::min(kBlock, n - j);
    const int64_t below = n - j - size;
    // The columns to the left are taken away from this block column. The upper triangle of its
    // diagonal block is the caller's.
    if (j > 0) {
      T product[kBlock * kBlock];
      const MatrixRef<T> square{product, kBlock, 1};
      const MatrixRef<const T> left = a.block(j, 0);
      gemm<T>(size, size, j, left, left.transposed(), square);
      for (int64_t r = 0; r < size; ++r)
        for (int64_t c = 0; c <= r; ++c) *a.at(j + r, j + c) -= *square.at(r, c);
      if (below > 0)
        subtract_product<T>(below, size, j, a.block(j + size, 0), left.transposed(),
                            a.block(j + size, j));
    }
    if (const int64_t minor = cholesky_block<T>(size, a.block(j, j))) return j + minor;
    // x L^T = b, seen as L x^T = b^T.
    if (below > 0)
      solve_block<T>(size, below, a.block(j, j), {}, a.block(j + size, j).transposed());
  }
  return 0;
}

template <class T>
int lu(int64_t n, MatrixRef<T> a, int64_t* pivots) {
  int sign = 1;
  for (int64_t j = 0; j < n; j += kBlock) {
    const int64_t size = std::min(kBlock, n - j), right = j + size;
    sign *= lu_panel<T>(n - j, size, a.block(j, j), j, pivots + j);
    for (int64_t i = j; i < right; ++i) {
      if (pivots[i] == i) continue;
      swap_rows(a, i, pivots[i], j);
      swap_rows(a.block(0, right), i, pivots[i], n - right);
    }
    if (right == n) break;
    solve_block<T>(size, n - right, a.block(j, j), {.unit = true}, a.block(j, right));
    subtract_product<T>(n - right, n - right, size, a.block(right, j), a.block(j, right),
                        a.block(right, right));
  }
  return sign;
}

template int64_t cholesky(int64_t, MatrixRef<float>);
template int64_t cholesky(int64_t, MatrixRef<double>);
template int lu(int64_t, MatrixRef<float>, int64_t*);
template int lu(int64_t, MatrixRef<double>, int64_t*);
template void solve_triangular(int64_t, int64_t, MatrixRef<const float>, Triangle,
                               MatrixRef<float>);
template void solve_triangular(int64_t, int64_t, MatrixRef<const double>, Triangle,
                               MatrixRef<double>);

}  // namespace bb::kernels
