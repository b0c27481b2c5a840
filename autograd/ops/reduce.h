#pragma once

#include <optional>

#include "bb/core/tensor.h"

/// Reductions over all dims, one or several. The reduced dims leave the shape, or stay with size 1
/// if keepdim; negative dims count from the end. They throw IndexError for a dim out of range,
/// ValueError for one given twice. An empty list of dims means all. Where a dtype is given,
/// elements are converted to it before anything else, and the result has it.
namespace bb {

/// Sum. Integers and bool give int64. Sums run over a fixed tree that depends on the shape alone
/// (blocks, then pairs), so the error grows like log n and results do not depend on threads.
/// Differentiable (twice).
Tensor sum(const Tensor& x);
Tensor sum(const Tensor& x, const Shape& dims, bool keepdim = false,
           std::optional<DType> dtype = {});

/// sum / count; NaN over nothing. Floating point only, of x or the dtype (DTypeError).
/// Differentiable (twice).
Tensor mean(const Tensor& x);
Tensor mean(const Tensor& x, const Shape& dims, bool keepdim = false,
            std::optional<DType> dtype = {});

/// Product of all elements, or along `dim`; 1 over nothing. Integers and bool give int64.
/// Differentiable (twice), with zeros among the elements too: nothing is divided.
Tensor prod(const Tensor& x);
Tensor prod(const Tensor& x, int64_t dim, bool keepdim = false, std::optional<DType> dtype = {});

/// log(sum of e^x), computed from the largest element, so that nothing overflows; -inf over
/// nothing. Integers become float32. Differentiable (twice): the gradient is softmax's, NaN for
/// slices of -inf alone.
Tensor logsumexp(const Tensor& x, const Shape& dims, bool keepdim = false);

/// bool (uint8 of uint8): whether any element is not 0 (NaN is not), or all are; over nothing,
/// false and true.
Tensor any(const Tensor& x, const Shape& dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, const Shape& dims = {}, bool keepdim = false);

/// int64: how many elements are not 0.
Tensor count_nonzero(const Tensor& x, const Shape& dims = {});

}  // namespace bb
