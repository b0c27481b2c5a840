#pragma once

#include <cstdint>

#include "bb/core/kernels/gemm.h"

/// Factorisations of one matrix and solutions with their factors, in place. T is float or double.
/// Large matrices go by blocks, through gemm(). Results are bitwise the same for any number of
/// threads. (Golub and Van Loan, Matrix Computations, chapters 3 and 4)
namespace bb::kernels {

/// a [n, n], of whose upper triangle nothing is read, becomes its lower Cholesky factor; above the
/// diagonal it is left as it was. Returns 0, or the size of the first leading minor that is not
/// positive (or NaN): what lies below is then unfinished.
template <class T>
int64_t cholesky(int64_t n, MatrixRef<T> a);

/// a [n, n] becomes L and U of P a = L U, with partial pivoting: L below the diagonal, its own
/// diagonal of ones left out. Row i was swapped with row pivots[i] >= i, in the order of i.
/// Pivots of 0 stay in U. Returns the sign of the permutation.
template <class T>
int lu(int64_t n, MatrixRef<T> a, int64_t* pivots);

struct Triangle {
  bool upper = false;
  bool unit = false;  // ones on the diagonal, which is not read
};

/// b [n, m] becomes the x of a x = b, a [n, n] triangular; the other triangle is not read.
template <class T>
void solve_triangular(int64_t n, int64_t m, MatrixRef<const T> a, Triangle triangle,
                      MatrixRef<T> b);

}  // namespace bb::kernels
