#pragma once

#include "bb/autograd/ops/per_dim.h"
#include "bb/core/tensor.h"

/// Windows of images as columns, and back. Each is the other's gradient; both are differentiable
/// (twice). Throw ShapeError where the images are not [N,C,H,W] or [C,H,W] or no window fits,
/// ValueError for numbers out of range, DTypeError unless floating point.
namespace bb {

struct UnfoldOptions {
  PerDim<2> dilation = 1;
  PerDim<2> padding = 0;  ///< zeros at each end
  PerDim<2> stride = 1;
};

/// The windows that conv2d() would multiply with its filters, as torch.nn.functional.unfold.
///   y[n, (c, u, v), (i, j)] = x_padded[n, c, i*stride + u*dilation, j*stride + v*dilation]
/// x [N,C,H,W] or [C,H,W]. Returns [N, C*KH*KW, HO*WO], HO and WO as of conv2d().
Tensor unfold(const Tensor& x, PerDim<2> kernel, const UnfoldOptions& options = {});

/// The sum of windows, each put where unfold() takes it from, as torch.nn.functional.fold.
/// x [N, C*KH*KW, HO*WO], or without the batch. Returns [N, C, output_size].
Tensor fold(const Tensor& x, PerDim<2> output_size, PerDim<2> kernel,
            const UnfoldOptions& options = {});

}  // namespace bb
