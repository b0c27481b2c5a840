#include "bb/core/kernels/pool.h"

#include <limits>

#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

// Calls window(o, depth, height, width) for each window, in order.
template <class Window>
void for_each_window(const PoolWindows& windows, const Window& window) {
  const auto& [depths, heights, widths] = windows.dims;
  int64_t o = 0;
  for (int64_t d = 0; d < depths.out; ++d) {
    const PoolRange depth = depths[d];
    for (int64_t h = 0; h < heights.out; ++h) {
      const PoolRange height = heights[h];
      for (int64_t w = 0; w < widths.out; ++w) window(o++, depth, height, widths[w]);
    }
  }
}

// Nanoseconds of a plane, on one core.
double cost_ns(const PoolWindows& windows) {
  double elements = 1;  // of a window
  for (const PoolDim& dim : windows.dims)
    elements *= dim.adaptive ? static_cast<double>(dim.in / std::max<int64_t>(dim.out, 1) + 1)
                             : static_cast<double>(dim.kernel);
  return static_cast<double>(windows.out_size()) * (2 + 0.7 * elements);
}

template <class T>
void max_pool_plane(const PoolWindows& windows, const T* x, T* y, int64_t* at) {
  const auto& [depths, heights, widths] = windows.dims;
  const int64_t rows = heights.in, cols = widths.in;
  const int64_t d_step = depths.step, h_step = heights.step, w_step = widths.step;
  for_each_window(windows, [&](int64_t o, PoolRange depth, PoolRange height, PoolRange width) {
    using Limits = std::numeric_limits<T>;
    T best = Limits::has_infinity ? static_cast<T>(-Limits::infinity()) : Limits::lowest();
    int64_t place = -1;
    for (int64_t d = depth.begin; d < depth.end; d += d_step)
      for (int64_t h = height.begin; h < height.end; h += h_step) {
        const int64_t row = (d * rows + h) * cols;
        for (int64_t w = width.begin; w < width.end; w += w_step) {
          const T value = x[row + w];
          if (value > best || value != value || place < 0) {
            best = value;
            place = row + w;
          }
        }
      }
    y[o] = best;
    at[o] = place;
  });
}

template <class T>
T divisor_of(const PoolWindows& windows, PoolRange depth, PoolRange height, PoolRange width) {
  if (windows.divisor != 0) return static_cast<T>(windows.divisor);
  return static_cast<T>(depth.count * height.count * width.count);
}

template <class T>
void avg_pool_plane(const PoolWindows& windows, const T* x, T* y) {
  const int64_t rows = windows.dims[1].in, cols = windows.dims[2].in;
  for_each_window(windows, [&](int64_t o, PoolRange depth, PoolRange height, PoolRange width) {
    T sum = 0;
    for (int64_t d = depth.begin; d < depth.end; ++d)
      for (int64_t h = height.begin; h < height.end; ++h)
        for (int64_t w = width.begin; w < width.end; ++w) sum += x[(d * rows + h) * cols + w];
    y[o] = sum / divisor_of<T>(windows, depth, height, width);
  });
}

template <class T>
void avg_pool_grad_plane(const PoolWindows& windows, const T* dy, T* dx) {
  const int64_t rows = windows.dims[1].in, cols = windows.dims[2].in;
  std::fill_n(dx, windows.in_size(), T{0});
  for_each_window(windows, [&](int64_t o, PoolRange depth, PoolRange height, PoolRange width) {
    const T share = dy[o] / divisor_of<T>(windows, depth, height, width);
    for (int64_t d = depth.begin; d < depth.end; ++d)
      for (int64_t h = height.begin; h < height.end; ++h)
        for (int64_t w = width.begin; w < width.end; ++w) dx[(d * rows + h) * cols + w] += share;
  });
}

}  // namespace

template <class T>
void max_pool(const PoolWindows& windows, int64_t planes, const T* x, T* y, int64_t* at) {
  const int64_t in = windows.in_size(), out = windows.out_size();
  parallel_for(planes, cost_ns(windows), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      max_pool_plane(windows, x + p * in, y + p * out, at + p * out);
  });
}

template <class T>
void take_places(int64_t planes, int64_t in, int64_t out, const T* x, const int64_t* at, T* y) {
  parallel_for(planes, static_cast<double>(out), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      for (int64_t o = p * out; o < (p + 1) * out; ++o) y[o] = at[o] < 0 ? T{0} : x[p * in + at[o]];
  });
}

template <class T>
void add_places(int64_t planes, int64_t in, int64_t out, const T* y, const int64_t* at, T* x) {
  const double cost_ns = static_cast<double>(out) + 0.1 * static_cast<double>(in);
  parallel_for(planes, cost_ns, [&](int64_t begin, int64_t end) {
    std::fill(x + begin * in, x + end * in, T{0});
    for (int64_t p = begin; p < end; ++p)
      for (int64_t o = p * out; o < (p + 1) * out; ++o)
        if (at[o] >= 0) x[p * in + at[o]] += y[o];
  });
}

template <class T>
void avg_pool(const PoolWindows& windows, int64_t planes, const T* x, T* y) {
  const int64_t in = windows.in_size(), out = windows.out_size();
  parallel_for(planes, cost_ns(windows), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) avg_pool_plane(windows, x + p * in, y + p * out);
  });
}

template <class T>
void avg_pool_grad(const PoolWindows& windows, int64_t planes, const T* dy, T* dx) {
  const int64_t in = windows.in_size(), out = windows.out_size();
  parallel_for(planes, cost_ns(windows), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) avg_pool_grad_plane(windows, dy + p * out, dx + p * in);
  });
}

template void max_pool(const PoolWindows&, int64_t, const float*, float*, int64_t*);
template void max_pool(const PoolWindows&, int64_t, const double*, double*, int64_t*);
template void max_pool(const PoolWindows&, int64_t, const uint8_t*, uint8_t*, int64_t*);
template void max_pool(const PoolWindows&, int64_t, const int32_t*, int32_t*, int64_t*);
template void max_pool(const PoolWindows&, int64_t, const int64_t*, int64_t*, int64_t*);
template void take_places(int64_t, int64_t, int64_t, const float*, const int64_t*, float*);
template void take_places(int64_t, int64_t, int64_t, const double*, const int64_t*, double*);
template void add_places(int64_t, int64_t, int64_t, const float*, const int64_t*, float*);
template void add_places(int64_t, int64_t, int64_t, const double*, const int64_t*, double*);
template void avg_pool(const PoolWindows&, int64_t, const float*, float*);
template void avg_pool(const PoolWindows&, int64_t, const double*, double*);
template void avg_pool_grad(const PoolWindows&, int64_t, const float*, float*);
template void avg_pool_grad(const PoolWindows&, int64_t, const double*, double*);

}  // namespace bb::kernels
