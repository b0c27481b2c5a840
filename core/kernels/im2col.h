#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// Windows over images, and the matrix that makes a convolution a product of matrices. 1-d and 2-d
/// images are 3-d ones whose leading sizes are 1.
namespace bb::kernels {

/// Where the windows of a convolution, a pooling or an unfold lie along depth, height and width:
/// element k of window o is element o * stride + k * dilation - padding of the image, outside it
/// where that is not in [0, in).
struct Windows {
  std::array<int64_t, 3> in, kernel, out;  // sizes
  std::array<int64_t, 3> stride, padding, dilation;

  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  /// True where window o is element o alone, so that an image is its own matrix.
  bool are_elements() const {
    constexpr std::array<int64_t, 3> ones{1, 1, 1}, zeros{0, 0, 0};
    return kernel == ones && stride == ones && padding == zeros && in == out;
  }
};

/// The part of the matrix for some channels of an image and its windows [first, last), row-major:
///   panel[(c, kd, kh, kw), window - first] = element (kd, kh, kw) of the window in channel c,
/// 0 outside the image. x: `channels` images without gaps.
template <class T>
void im2col(const Windows& windows, const T* x, int64_t channels, int64_t first, int64_t last,
            T* panel);

/// The transpose: adds each element of the panel to the element of x that im2col takes it from.
template <class T>
void col2im(const Windows& windows, const T* panel, int64_t channels, int64_t first, int64_t last,
            T* x);

/// The windows [begin, end) along one dim whose element k lies in the image.
struct WindowRange {
  int64_t begin, end;
};
inline WindowRange windows_inside(const Windows& windows, size_t dim, int64_t k) {
  const int64_t stride = windows.stride[dim];
  const int64_t shift = k * windows.dilation[dim] - windows.padding[dim];
  // The least o with o * stride + shift >= bound.
  const auto least = [&](int64_t bound) {
    const int64_t distance = bound - shift;
    const int64_t o = distance <= 0 ? 0 : (distance - 1) / stride + 1;
    return o < windows.out[dim] ? o : windows.out[dim];
  };
  return {least(0), least(windows.in[dim])};
}

}  // namespace bb::kernels
