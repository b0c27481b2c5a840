#pragma once

#include <string_view>
#include <vector>

#include "bb/core/tensor.h"

namespace bb {

/// Sums of products by labelled dimensions, as torch.einsum. `equation` has a comma-separated term
/// of labels (letters) for each operand, one a dimension; "..." stands for the dimensions that a
/// term does not label, which broadcast. After "->" come the labels of the result, in its order;
/// labels left out are summed over. Without "->", the result has "..." and all labels that occur
/// once, sorted (capitals first). A label that occurs twice in one term takes the diagonal. Spaces
/// are ignored, and sizes of 1 broadcast.
///   einsum("bik,bkj->bij", {a, b})     products of matrices in a batch
///   einsum("...ii->...", {x})          traces
/// Operands are contracted from left to right, by matmul() where something is summed; where that
/// would make a product of more than 8 labels, in another order.
/// Differentiable (twice). Throws ValueError for an equation that cannot be read, ShapeError, which
/// names the label, for sizes that differ or more than 8 labels in every product, DTypeError unless
/// all operands have one dtype, not bool.
Tensor einsum(std::string_view equation, const std::vector<Tensor>& operands);

}  // namespace bb
