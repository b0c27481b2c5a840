#pragma once

#include "bb/core/tensor.h"

namespace bb {

/// Comparisons, element by element, with broadcasting and promotion; bool results. Anything
/// compared with NaN is false, but ne is true.
Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
Tensor eq(const Tensor& a, Scalar b);
Tensor ne(const Tensor& a, Scalar b);
Tensor lt(const Tensor& a, Scalar b);
Tensor le(const Tensor& a, Scalar b);
Tensor gt(const Tensor& a, Scalar b);
Tensor ge(const Tensor& a, Scalar b);

/// True where both are not 0.
Tensor logical_and(const Tensor& a, const Tensor& b);

/// a where mask (bool) is set, else b; all three broadcast, a and b promote.
/// Differentiable (twice) in a and b. Throws DTypeError for a mask that is not bool, ShapeError.
Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b);
Tensor where(const Tensor& mask, Scalar a, const Tensor& b);

}  // namespace bb
