#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

/// Pooling over images of up to three dims (leading sizes 1). Planes are images of one channel,
/// without gaps; threads share them.
namespace bb::kernels {

/// What a pooling window covers of one dim.
struct PoolRange {
  int64_t begin, end;  // elements begin, begin + step, ... below end; all lie in the image
  int64_t count;       // that an average divides by; padding included where that counts

  bool empty() const { return begin >= end; }
};

/// Where the windows of a pooling lie along one dim.
struct PoolDim {
  int64_t in = 1, out = 1;
  int64_t kernel = 1, stride = 1, padding = 0, step = 1;  // step: dilation
  bool counts_padding = false;
  bool adaptive = false;  // window o is [floor(o in / out), ceil((o + 1) in / out))

  int64_t extent() const { return (kernel - 1) * step + 1; }

  PoolRange operator[](int64_t o) const {
    if (adaptive) {
      const int64_t begin = o * in / out, end = ((o + 1) * in + out - 1) / out;
      return {begin, end, end - begin};
    }
    const int64_t start = o * stride - padding, stop = start + extent();
    const int64_t begin = start >= 0 ? start : start + (step - 1 - start) / step * step;
    const int64_t end = std::min(stop, in);
    return {begin, end, counts_padding ? std::min(stop, in + padding) - start : end - begin};
  }

  /// The windows [first, second) that lie in the image whole; none where their sizes differ.
  std::pair<int64_t, int64_t> inside() const {
    if (adaptive || in + padding < extent()) return {0, 0};
    const int64_t first = std::min((padding + stride - 1) / stride, out);
    return {first, std::clamp((in + padding - extent()) / stride + 1, first, out)};
  }
};

struct PoolWindows {
  std::array<PoolDim, 3> dims;  // depth, height, width
  int64_t divisor = 0;          // of averages; 0: the count of each window

  int64_t in_size() const { return dims[0].in * dims[1].in * dims[2].in; }
  int64_t out_size() const { return dims[0].out * dims[1].out * dims[2].out; }
};

/// y[p, o] = the largest element of window o of plane p, at[p, o] its place in the plane: the first
/// of equal ones, but the last NaN where there are any. A window without an element, which only
/// dilation makes, gives -inf, or the smallest integer, at -1. Integers too. at may be null.
template <class T>
void max_pool(const PoolWindows& windows, int64_t planes, const T* x, T* y, int64_t* at);

/// y[p, o] = x[p, at[p, o]], or 0 where at is -1.
template <class T>
void take_places(int64_t planes, int64_t in, int64_t out, const T* x, const int64_t* at, T* y);

/// The transpose: x[p, i] = the sum of those y[p, o] with at[p, o] = i, in the order of o.
template <class T>
void add_places(int64_t planes, int64_t in, int64_t out, const T* y, const int64_t* at, T* x);

/// The same, faster for some windows, where at comes from max_pool.
template <class T>
void max_pool_grad(const PoolWindows& windows, int64_t planes, const T* dy, const int64_t* at,
                   T* dx);

/// y[p, o] = the sum over window o of plane p / the divisor.
template <class T>
void avg_pool(const PoolWindows& windows, int64_t planes, const T* x, T* y);

/// The transpose: dx[p, i] = the sum over the windows o that hold i of dy[p, o] / the divisor.
template <class T>
void avg_pool_grad(const PoolWindows& windows, int64_t planes, const T* dy, T* dx);

/// What these do with rows [begin, end) of windows, of all planes' rows, and with planes [begin,
/// end), in one instruction set.
template <class T>
struct PoolKernels {
  void (*max)(const PoolWindows& windows, int64_t begin, int64_t end, const T* x, T* y,
              int64_t* at);
  void (*avg)(const PoolWindows& windows, int64_t begin, int64_t end, const T* x, T* y);
  void (*max_grad)(const PoolWindows& windows, int64_t begin, int64_t end, const T* dy,
                   const int64_t* at, T* dx);
  void (*avg_grad)(const PoolWindows& windows, int64_t begin, int64_t end, const T* dy, T* dx);
};

}  // namespace bb::kernels
