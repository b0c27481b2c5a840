#pragma once

#include "bb/core/strided.h"
#include "bb/core/tensor.h"

/// Reading and writing elements by index, for tensors of any strides. Indices are int64 and have
/// been checked. Results do not depend on threads: writes to one element are by one thread, in the
/// order of the indices.
namespace bb::detail {

/// y's element at p = the element of x, walked along with y, that lies index[p] * step bytes
/// further. `index` broadcasts to y's shape; x and y have one dtype.
void gather_elements(const Tensor& y, const Operand& x, const Tensor& index, int64_t step);

/// How a value is written. kAdd adds it, integers wrapping, bool as logical or.
enum class Put { kSet, kAdd };

/// Line by line along `dim`: y[.., index[.., j, ..], ..] = source[.., j, ..], j rising. `source`
/// has y's dtype, its shape broadcasts to index's, which is at most y's but along dim.
void scatter_lines(Put how, const Tensor& y, int64_t dim, const Tensor& index,
                   const Tensor& source);

/// Whole blocks: the block of y, of shape `block`, that begins offsets[b] elements further takes
/// source[b], b rising. source is [offsets.numel(), block...], of y's dtype; it and the offsets
/// have no gaps.
void put_blocks(Put how, const Tensor& y, const Operand& block_of_y, const Shape& block,
                const Tensor& offsets, const Tensor& source);

}  // namespace bb::detail
