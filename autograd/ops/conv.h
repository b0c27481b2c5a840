#pragma once

#include "bb/autograd/ops/per_dim.h"
#include "bb/core/activation.h"
#include "bb/core/tensor.h"

/// Convolutions, and their transposes. Images are [N, C, ...] with one to three spatial dims, or
/// [C, ...] without a batch. All operands have one floating-point dtype. Differentiable (twice) in
/// x, weight and bias; results and gradients are bitwise the same for any number of threads.
/// Throw ShapeError where ranks, channels or groups do not fit or the result would be empty,
/// ValueError for numbers out of range, DTypeError.
namespace bb {

template <size_t N>
struct ConvOptions {
  PerDim<N> stride = 1;
  ConvPadding<N> padding = 0;  ///< numbers, or Padding::kSame (stride 1 only)
  PerDim<N> dilation = 1;
  int64_t groups = 1;
  Activation activation = Activation::kNone;  ///< of the result, in the same pass
};

/// 2-D cross-correlation of images with filters, as torch.nn.functional.conv2d.
///   y[n,o,i,j] = activation(bias[o] + sum over c,u,v of
///                weight[o,c,u,v] * x_padded[n, first channel of o's group + c,
///                                           i*stride + u*dilation, j*stride + v*dilation])
/// x [N,C,H,W]; weight [O,C/groups,KH,KW]; bias [O] or undefined.
/// Returns [N,O,HO,WO], HO = floor((H + 2*padding - dilation*(KH-1) - 1) / stride) + 1, WO alike.
///   Tensor y = conv2d(x, weight, bias, {.stride = 2, .padding = {1, 0}});
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions<2>& options = {});
/// The same for x [N,C,L] and weight [O,C/groups,K].
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions<1>& options = {});
/// The same for x [N,C,D,H,W] and weight [O,C/groups,KD,KH,KW].
Tensor conv3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions<3>& options = {});

template <size_t N>
struct ConvTransposeOptions {
  PerDim<N> stride = 1;
  PerDim<N> padding = 0;         ///< taken off each end of the result
  PerDim<N> output_padding = 0;  ///< added to the end of it; below stride or dilation
  int64_t groups = 1;
  PerDim<N> dilation = 1;
};

/// The gradient of conv2d() in its input, as an op, as torch.nn.functional.conv_transpose2d.
///   y[n,o,i*stride + u*dilation - padding, j*stride + v*dilation - padding]
///       += weight[c,o,u,v] * x[n,c,i,j]    for all c,u,v; plus bias[o]
/// x [N,C,H,W]; weight [C,O/groups,KH,KW]; bias [O] or undefined.
/// Returns [N,O,HO,WO], HO = (H-1)*stride - 2*padding + dilation*(KH-1) + output_padding + 1, WO
/// alike.
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions<2>& options = {});
/// The same for x [N,C,L] and weight [C,O/groups,K].
Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions<1>& options = {});
/// The same for x [N,C,D,H,W] and weight [C,O/groups,KD,KH,KW].
Tensor conv_transpose3d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions<3>& options = {});

}  // namespace bb
