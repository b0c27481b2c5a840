#pragma once

#include <concepts>
#include <vector>

#include "bb/core/tensor.h"

/// Copies that put tensors together, repeat or rearrange them. All are differentiable (twice);
/// negative dims count from the end. They throw IndexError for a dim out of range, ShapeError for
/// sizes that do not fit.
namespace bb {

/// The tensors one after another along `dim`; their other sizes must agree (ShapeError). Dtypes
/// promote. A tensor of shape [0] is left out, whatever the others' rank, as in PyTorch.
/// Throws ValueError for no tensor at all.
///   cat({a, b}, 1);
Tensor cat(const std::vector<Tensor>& tensors, int64_t dim = 0);
/// Tensors of one shape side by side along a new dim, -dim()-1 <= dim <= dim().
Tensor stack(const std::vector<Tensor>& tensors, int64_t dim = 0);

/// x repeated repeats[d] times along each dim; more repeats than dims put new ones in front.
/// Throws ShapeError for less repeats than dims, ValueError for negative ones.
Tensor repeat(const Tensor& x, const Shape& repeats);
/// The same, but less repeats than dims leave the first dims as they are.
Tensor tile(const Tensor& x, const Shape& repeats);

/// x with the order along `dims` reversed. Throws ValueError for a dim given twice.
Tensor flip(const Tensor& x, const Shape& dims);
template <std::integral Dim>
Tensor flip(const Tensor& x, Dim dim) {
  return flip(x, Shape{dim});
}
/// result[(i + shift) mod n] = x[i] along each of `dims`, by the shift of the same position.
/// One shift without dims is for the flattened x. Throws ShapeError unless both are equally many,
/// ValueError for none.
Tensor roll(const Tensor& x, const Shape& shifts, const Shape& dims);
Tensor roll(const Tensor& x, int64_t shift, int64_t dim);
/// The same for the flattened x, in x's shape.
Tensor roll(const Tensor& x, int64_t shift);

}  // namespace bb
