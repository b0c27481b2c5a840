#pragma once

#include <concepts>
#include <vector>

#include "bb/core/tensor.h"

/// Views of parts of a tensor (see also slice() in shape.h). They share storage with x and are
/// differentiable (twice); negative dims count from the end. They throw IndexError for a dim out of
/// range, ShapeError for a 0-d x.
namespace bb {

/// x at `index` along `dim`, which leaves the shape. Negative indices count from the end.
/// Throws IndexError.
Tensor select(const Tensor& x, int64_t dim, int64_t index);
/// Elements start to start + length - 1 of `dim`; a negative start counts from the end.
/// Throws IndexError where that leaves the dimension, ValueError for a negative length.
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);

/// Parts of `sizes` along `dim`, which must add up (ShapeError).
std::vector<Tensor> split(const Tensor& x, const std::vector<int64_t>& sizes, int64_t dim = 0);
/// Parts of `size` along `dim`, the last one smaller where it does not divide. Throws ValueError
/// unless size > 0 (or both are 0).
template <std::integral Size>
std::vector<Tensor> split(const Tensor& x, Size size, int64_t dim = 0) {
  return x.split(size, dim);
}
/// At most `chunks` parts of one size along `dim`, the last one smaller where it does not divide.
/// Throws ValueError unless chunks > 0.
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim = 0);
/// select() of every index along `dim`.
std::vector<Tensor> unbind(const Tensor& x, int64_t dim = 0);

/// The diagonal of dims dim1 and dim2, as a new last dimension in their place: result[..., i] =
/// x[.. i .. i + offset ..] for offset >= 0, else x[.. i - offset .. i ..]. It may be empty.
/// Throws ShapeError where dim1 is dim2.
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);

// Tensor::unfold(dim, size, step): windows of `size` elements of `dim`, each `step` on from the one
// before, as a view of shape [..., 1 + (n - size) / step, ..., size]; windows may overlap, and
// their gradients then add. Throws ValueError unless 0 <= size <= n and step > 0.

}  // namespace bb
