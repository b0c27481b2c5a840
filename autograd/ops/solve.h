#pragma once

#include "bb/core/tensor.h"

/// Factorisations, determinants and linear systems, for one matrix or batches of them: x [..., n,
/// n], float32 or float64 (DTypeError). They throw ShapeError for matrices that are not square or
/// do not fit, and ValueError, which names the matrix within the batch, where there is no result.
namespace bb {

/// The lower L with x = L L^T (or the upper one with x = U^T U), zeros in the other triangle. Of x,
/// symmetric, the lower (upper) triangle alone is read; the gradient is symmetric. Throws
/// ValueError where x is not positive definite. Differentiable (twice).
Tensor cholesky(const Tensor& x, bool upper = false);

struct SolveTriangularOptions {
  bool upper = false;          // which triangle of a is read
  bool left = true;            // a x = b; else x a = b
  bool unitriangular = false;  // ones on the diagonal of a, which is not read
};

/// The x of a x = b for a triangular a [..., n, n] and b [..., n, m] (or x a = b, b [..., m, n]);
/// batches broadcast. The other triangle of a is not read. Zeros on the diagonal give infinities
/// and NaN. Differentiable (twice) in both.
///   Tensor x = solve_triangular(a.mT(), b, {.upper = true});
Tensor solve_triangular(const Tensor& a, const Tensor& b,
                        const SolveTriangularOptions& options = {});

/// The x of a x = b, a [..., n, n], by LU with partial pivoting. b [..., n, m], or a vector for
/// each matrix, b [n] or of a's shape without its last dim; batches broadcast. Throws ValueError
/// where a is singular. Differentiable (twice) in both.
Tensor solve(const Tensor& a, const Tensor& b);
/// x^-1. Throws ValueError where x is singular. Differentiable (twice).
Tensor inverse(const Tensor& x);

/// The determinant [...], 0 where x is singular. Differentiable (twice); of singular matrices once.
Tensor det(const Tensor& x);

/// det(x) = sign exp(logabsdet).
struct SlogdetResult {
  Tensor sign;  // -1, 0 or 1; not differentiable
  Tensor logabsdet;
};
/// Sign and logarithm of the determinant: 0 and -inf where x is singular. logabsdet is
/// differentiable (twice); its gradient throws ValueError for a singular x.
SlogdetResult slogdet(const Tensor& x);

}  // namespace bb
