#pragma once

#include <concepts>
#include <vector>

#include "bb/core/tensor.h"

/// Ops that move elements without computing. Views share storage with x and are differentiable
/// (twice); negative dims count from the end. They throw IndexError for a dim out of range,
/// ShapeError for sizes that do not fit.
namespace bb {

/// A view of another shape with the same number of elements; one size may be -1, worked out from
/// the others. Throws ShapeError where x's strides do not allow it.
Tensor view(const Tensor& x, const Shape& shape);
/// view() where strides allow it, else a copy.
Tensor reshape(const Tensor& x, const Shape& shape);
/// reshape() with dims start_dim to end_dim made one; a 0-d tensor becomes [1].
Tensor flatten(const Tensor& x, int64_t start_dim = 0, int64_t end_dim = -1);
/// A view with two dims swapped.
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);
Tensor swapaxes(const Tensor& x, int64_t axis0, int64_t axis1);
/// A view with the two dims of a matrix swapped; x itself with less than 2. Throws ShapeError for
/// more.
Tensor t(const Tensor& x);
/// A view with the last two dims swapped. Throws ShapeError for less than 2.
Tensor mT(const Tensor& x);
/// A view with the dims in the order given: result.size(i) = x.size(dims[i]).
Tensor permute(const Tensor& x, const Shape& dims);
/// A view with the dims `source` put at `destination`, the others in their order around them.
/// Throws ShapeError unless both are equally many, ValueError for a dim given twice.
Tensor movedim(const Tensor& x, const Shape& source, const Shape& destination);
Tensor movedim(const Tensor& x, int64_t source, int64_t destination);
/// A view without dims of size 1: all such, or those of `dims` that have it.
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, const Shape& dims);
template <std::integral Dim>
Tensor squeeze(const Tensor& x, Dim dim) {
  return squeeze(x, Shape{dim});
}
/// A view with a dim of size 1 put in at `dim`, -dim()-1 <= dim <= dim().
Tensor unsqueeze(const Tensor& x, int64_t dim);
/// A view with `dim` made several, of `sizes`, one of which may be -1: undoes flatten().
Tensor unflatten(const Tensor& x, int64_t dim, const Shape& sizes);
/// A view in which dims of size 1 are repeated to `shape` without a copy; -1 keeps a size, new dims
/// come first.
Tensor expand(const Tensor& x, const Shape& shape);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// The tensors expanded to the one shape that they broadcast to.
std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors);
/// view(), reshape(), expand() to other's shape.
Tensor view_as(const Tensor& x, const Tensor& other);
Tensor reshape_as(const Tensor& x, const Tensor& other);
Tensor expand_as(const Tensor& x, const Tensor& other);
/// A view of elements start, start + step, ... below end of `dim`. Negative start and end count
/// from the end; both are clamped to the size, as in Python. Throws ValueError unless step > 0.
Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t end, int64_t step = 1);

/// x itself where it is row-major without gaps, else a copy that is.
Tensor contiguous(const Tensor& x);
/// A row-major copy.
Tensor clone(const Tensor& x);
/// x itself where it has that dtype, else a converted copy. Real numbers are cut to integers, not
/// rounded. Differentiable between floating-point types.
Tensor to(const Tensor& x, DType dtype);

/// The sum over the dims that broadcasting `shape` to x's shape repeats: the gradient of expand().
/// Returns a tensor of shape `shape`.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace bb
