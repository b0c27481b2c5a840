#pragma once

#include "bb/core/tensor.h"

namespace bb {

/// Channels to positions, as torch.nn.functional.pixel_shuffle:
///   y[..., c, i*r + u, j*r + v] = x[..., (c*r + u)*r + v, i, j]
/// x [..., C*r*r, H, W] of any dtype. Returns [..., C, H*r, W*r]. Differentiable (twice). Throws
/// ShapeError where the channels are not a multiple of r*r, ValueError unless r >= 1.
/// (Shi et al., Real-time super-resolution, arXiv 1609.05158)
Tensor pixel_shuffle(const Tensor& x, int64_t upscale_factor);

/// Its inverse: x [..., C, H*r, W*r], result [..., C*r*r, H, W].
Tensor pixel_unshuffle(const Tensor& x, int64_t downscale_factor);

}  // namespace bb
