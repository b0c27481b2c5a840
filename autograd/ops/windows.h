#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "bb/autograd/ops/per_dim.h"
#include "bb/core/kernels/im2col.h"
#include "bb/core/tensor.h"

/// What convolutions, poolings and unfold check and work out alike: windows over images.
namespace bb::detail {

/// Numbers for N spatial dims as the last N of three.
template <size_t N>
std::array<int64_t, 3> last_of_three(const PerDim<N>& numbers, int64_t before) {
  std::array<int64_t, 3> result;
  result.fill(before);
  std::copy_n(numbers.values().begin(), N, result.end() - N);
  return result;
}

/// "stride [2, 1]": the last `spatial` of three numbers.
std::string numbers_text(const std::array<int64_t, 3>& numbers, int64_t spatial);

/// Throws ValueError unless each of the numbers is in [least, 2^31).
void check_numbers(const char* op, const char* what, const std::array<int64_t, 3>& numbers,
                   int64_t spatial, int64_t least, const Tensor& x);

/// "L", "H,W" or "D,H,W": the spatial dims of images.
const char* image_dims(int64_t spatial);
/// The name of one of three dims.
const char* dim_name(size_t dim, int64_t spatial);

/// The last `spatial` sizes of `shape` as the last of three, 1 before them.
std::array<int64_t, 3> spatial_sizes(const Shape& shape, int64_t spatial);

/// dilation * (kernel - 1) + 1: from a window's first element to its last. Throws ShapeError where
/// that leaves int64.
int64_t window_extent(const char* op, int64_t kernel, int64_t dilation, const Tensor& x);

}  // namespace bb::detail
