#pragma once

#include "bb/core/kernels/conv.h"

/// The maps of conv.h for float32 filters of 3x3 and 5x5 with stride 1 by Winograd's algorithm
/// (winograd_tile.h): a quarter of the multiplications, for 5x5 a third, at the cost of transforms
/// of the images and filters, so that it pays from some number of channels on. An element that is
/// not finite may make all results of the tiles that look at it so, and all elements of dw between
/// its channel and the others.
namespace bb::kernels {

/// Whether the shape is of this kind, and this way the faster one.
bool is_for_winograd(const ConvShape& shape);

void winograd_conv(const ConvShape& shape, const float* x, const float* w,
                   const ConvEpilogue<float>& epilogue, float* y);
void winograd_conv_grad_input(const ConvShape& shape, const float* dy, const float* w, float* dx);
void winograd_conv_grad_weight(const ConvShape& shape, const float* x, const float* dy, float* dw);

}  // namespace bb::kernels
