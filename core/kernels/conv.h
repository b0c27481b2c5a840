#pragma once

#include <cstdint>

#include "bb/core/activation.h"
#include "bb/core/kernels/im2col.h"

namespace bb::kernels {

/// Sizes of a convolution. `in_channels` and `out_channels` are those of one group.
struct ConvShape {
  int64_t batch, groups, in_channels, out_channels;
  Windows windows;

  /// True where each group is so few filters over one channel (a depthwise convolution) that a
  /// product of matrices has nothing to share: such go row by row (conv_direct.h).
  bool is_depthwise() const { return groups > 1 && in_channels == 1 && out_channels <= 4; }
};

// The three maps of a convolution, each linear in each of its operands, and each the gradient of
// the other two. All tensors are row-major without gaps:
//   x [batch, groups * in_channels, in], w [groups * out_channels, in_channels, kernel],
//   y [batch, groups * out_channels, out].
// Which way they go: 1x1 kernels, whose images are their own matrix, through gemm; depthwise ones
// row by row (conv_direct.h); 3x3 and 5x5 ones of float32 between enough channels by Winograd's
// algorithm (conv_winograd.h); others on register tiles that read windows where they lie
// (conv_grid.h), or else, without vectors or where images are mostly padding, through panels of the
// im2col matrix, of a size for the cache. No result depends on how the work is cut: they are
// bitwise the same for any number of threads.

/// What happens to a result on its way to memory.
template <class T>
struct ConvEpilogue {
  const T* bias = nullptr;  ///< groups * out_channels values; null is none
  Activation activation = Activation::kNone;

  ConvEpilogue from_channel(int64_t channel) const {
    return {bias ? bias + channel : nullptr, activation};
  }
};

/// y[n, o, p] = activation(bias[o] + sum over c, k of w[o, c, k] * (element k of window p of
/// x[n, c])).
template <class T>
void conv(const ConvShape& shape, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y);

/// dx[n, c, i] = sum over o, p, k of w[o, c, k] * dy[n, o, p] where element k of window p is i.
template <class T>
void conv_grad_input(const ConvShape& shape, const T* dy, const T* w, T* dx);

/// dw[o, c, k] = sum over n, p of dy[n, o, p] * (element k of window p of x[n, c]).
template <class T>
void conv_grad_weight(const ConvShape& shape, const T* x, const T* dy, T* dw);

}  // namespace bb::kernels
