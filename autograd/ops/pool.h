#pragma once

#include "bb/autograd/ops/per_dim.h"
#include "bb/core/tensor.h"

/// Pooling of images [N, C, ...] with one to three spatial dims, or [C, ...] without a batch.
/// Sizes of results: floor((H + 2*padding - dilation*(kernel-1) - 1) / stride) + 1, and ceil with
/// ceil_mode, less a window that would start beyond the image and its padding. Averages of
/// floating point only, maxima of any numbers (DTypeError). Differentiable (twice). Throw
/// ShapeError where ranks do not fit or no window does, ValueError for numbers out of range.
namespace bb {

template <size_t N>
struct MaxPoolOptions {
  PerDim<N> stride = 0;   ///< 0: the kernel's sizes
  PerDim<N> padding = 0;  ///< at most half of the kernel; never the largest element
  PerDim<N> dilation = 1;
  bool ceil_mode = false;
};

/// The largest element of each window; NaN if there is one. The gradient goes to the first of equal
/// ones.
///   Tensor y = max_pool2d(x, 2);   // [N,C,H/2,W/2]
Tensor max_pool1d(const Tensor& x, PerDim<1> kernel, const MaxPoolOptions<1>& options = {});
Tensor max_pool2d(const Tensor& x, PerDim<2> kernel, const MaxPoolOptions<2>& options = {});
Tensor max_pool3d(const Tensor& x, PerDim<3> kernel, const MaxPoolOptions<3>& options = {});

/// The same, and where each lies (int64): its place in the flattened image, of all spatial dims.
MaxResult max_pool1d_with_indices(const Tensor& x, PerDim<1> kernel,
                                  const MaxPoolOptions<1>& options = {});
MaxResult max_pool2d_with_indices(const Tensor& x, PerDim<2> kernel,
                                  const MaxPoolOptions<2>& options = {});
MaxResult max_pool3d_with_indices(const Tensor& x, PerDim<3> kernel,
                                  const MaxPoolOptions<3>& options = {});

template <size_t N>
struct AvgPoolOptions {
  PerDim<N> stride = 0;   ///< 0: the kernel's sizes
  PerDim<N> padding = 0;  ///< zeros, at most half of the kernel
  bool ceil_mode = false;
  bool count_include_pad = true;
  int64_t divisor_override = 0;  ///< what sums are divided by; 0: the size of the window
};

/// The mean of each window. Of its size, what padding covers counts where count_include_pad, what
/// ceil_mode adds beyond the padding never.
Tensor avg_pool1d(const Tensor& x, PerDim<1> kernel, const AvgPoolOptions<1>& options = {});
Tensor avg_pool2d(const Tensor& x, PerDim<2> kernel, const AvgPoolOptions<2>& options = {});
Tensor avg_pool3d(const Tensor& x, PerDim<3> kernel, const AvgPoolOptions<3>& options = {});

/// The mean of windows that together give a result of output_size, whatever the image's: window i
/// of n is [floor(i H / n), ceil((i + 1) H / n)).
Tensor adaptive_avg_pool1d(const Tensor& x, PerDim<1> output_size);
Tensor adaptive_avg_pool2d(const Tensor& x, PerDim<2> output_size);
Tensor adaptive_avg_pool3d(const Tensor& x, PerDim<3> output_size);

/// The largest element of the same windows, by max_pool2d()'s rules.
Tensor adaptive_max_pool1d(const Tensor& x, PerDim<1> output_size);
Tensor adaptive_max_pool2d(const Tensor& x, PerDim<2> output_size);
Tensor adaptive_max_pool3d(const Tensor& x, PerDim<3> output_size);
MaxResult adaptive_max_pool1d_with_indices(const Tensor& x, PerDim<1> output_size);
MaxResult adaptive_max_pool2d_with_indices(const Tensor& x, PerDim<2> output_size);
MaxResult adaptive_max_pool3d_with_indices(const Tensor& x, PerDim<3> output_size);

}  // namespace bb
