#include "bb/core/kernels/pool.h"

#include <limits>
#include <type_traits>

#include "bb/core/parallel.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/pool.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/pool-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
// ---- Rows of windows: those inside the image by vectors, the others one by one

// One row of windows of one plane.
struct WindowRow {
  int64_t plane, index;  // of all planes' rows
  PoolRange depth, height;
};

template <class Row>
void for_each_row(const PoolWindows& windows, int64_t begin, int64_t end, const Row& row) {
  const auto& [depths, heights, widths] = windows.dims;
  if (begin == end) return;
  const int64_t rows = depths.out * heights.out;
  int64_t plane = begin / rows, d = begin % rows / heights.out, h = begin % heights.out;
  for (int64_t r = begin; r < end; ++r) {
    row(WindowRow{plane, r, depths[d], heights[h]});
    if (++h < heights.out) continue;
    h = 0;
    if (++d < depths.out) continue;
    d = 0;
    ++plane;
  }
}

// Calls, in order, vectors(run) for the windows [inside) of a row, window(o, width) for others.
template <class Vectors, class Window>
HWY_INLINE void for_each_window(const PoolWindows& windows, std::pair<int64_t, int64_t> inside,
                                const WindowRow& row, const Vectors& vectors,
                                const Window& window) {
  const auto& [depths, heights, widths] = windows.dims;
  int64_t o = 0;
  if (inside.first < inside.second && !row.depth.empty() && !row.height.empty()) {
    for (; o < inside.first; ++o) window(o, widths[o]);
    const auto elements = [](PoolRange range, int64_t step) {
      return (range.end - range.begin - 1) / step + 1;
    };
    WindowRun run{};
    run.begin = inside.first;
    run.n = inside.second - inside.first;
    run.first = (row.depth.begin * heights.in + row.height.begin) * widths.in +
                inside.first * widths.stride - widths.padding;
    run.depths = elements(row.depth, depths.step);
    run.heights = elements(row.height, heights.step);
    run.widths = widths.kernel;
    run.d_step = depths.step * heights.in * widths.in;
    run.h_step = heights.step * widths.in;
    run.w_step = widths.step;
    vectors(run);
    o = inside.second;
  }
  for (; o < widths.out; ++o) window(o, widths[o]);
}

template <class T>
T divisor_of(const PoolWindows& windows, const WindowRow& row, PoolRange width) {
  if (windows.divisor != 0) return static_cast<T>(windows.divisor);
  return static_cast<T>(row.depth.count * row.height.count * width.count);
}

// ---- Rows and planes

// Whether each element lies in at most one window, and those of a row of windows in pairs.
bool in_pairs(const PoolWindows& windows) {
  for (const PoolDim& dim : windows.dims)
    if (dim.adaptive || dim.extent() > dim.stride) return false;
  return windows.dims[2].kernel == 2 && windows.dims[2].stride == 2;
}

// Whether each element lies in one window, and all windows are done by vectors.
bool vectors_cover(const PoolWindows& windows, std::pair<int64_t, int64_t> inside) {
  for (const PoolDim& dim : windows.dims)
    if (dim.padding != 0 || dim.kernel != dim.stride || dim.step != 1 ||
        dim.in != dim.out * dim.stride)
      return false;
  return inside == std::pair<int64_t, int64_t>(0, windows.dims[2].out);
}

// Rows [begin, end) of windows, of all planes' rows.
template <class T>
void max_rows(const PoolWindows& windows, int64_t begin, int64_t end, const T* x, T* y,
              int64_t* at) {
  const auto& [depths, heights, widths] = windows.dims;
  const int64_t in = windows.in_size(), rows = heights.in, cols = widths.in, out = widths.out;
  const int64_t d_step = depths.step, h_step = heights.step, w_step = widths.step;
  const bool pairs = widths.stride == 2;
  std::pair<int64_t, int64_t> inside;
  if constexpr (std::is_floating_point_v<T>) inside = vector_windows<T>(windows);
  for_each_row(windows, begin, end, [&](const WindowRow& row) HWY_ATTR {
    const T* plane = x + row.plane * in;
    T* to = y + row.index * out;
    int64_t* places = at ? at + row.index * out : nullptr;
    for_each_window(
        windows, inside, row,
        [&](const WindowRun& run) HWY_ATTR {
          if constexpr (std::is_floating_point_v<T>) {
            if (pairs)
              max_run<2>(run, plane, to, places);
            else
              max_run<1>(run, plane, to, places);
          }
        },
        [&](int64_t o, PoolRange width) {
          using Limits = std::numeric_limits<T>;
          T best = Limits::has_infinity ? static_cast<T>(-Limits::infinity()) : Limits::lowest();
          const bool is_empty = row.depth.empty() || row.height.empty() || width.empty();
          int64_t place =
              is_empty ? -1 : (row.depth.begin * rows + row.height.begin) * cols + width.begin;
          for (int64_t d = row.depth.begin; d < row.depth.end; d += d_step)
            for (int64_t h = row.height.begin; h < row.height.end; h += h_step) {
              const int64_t line = (d * rows + h) * cols;
              for (int64_t w = width.begin; w < width.end; w += w_step) {
                const T value = plane[line + w];
                const bool better = (value > best) | (value != value);  // branches would be guesses
                best = better ? value : best;
                place = better ? line + w : place;
              }
            }
          to[o] = best;
          if (places) places[o] = place;
        });
  });
}

template <class T>
void avg_rows(const PoolWindows& windows, int64_t begin, int64_t end, const T* x, T* y) {
  const auto& [depths, heights, widths] = windows.dims;
  const int64_t in = windows.in_size(), rows = heights.in, cols = widths.in, out = widths.out;
  const bool pairs = widths.stride == 2;
  const auto inside = vector_windows<T>(windows);
  for_each_row(windows, begin, end, [&](const WindowRow& row) HWY_ATTR {
    const T* plane = x + row.plane * in;
    T* to = y + row.index * out;
    for_each_window(
        windows, inside, row,
        [&](const WindowRun& run) HWY_ATTR {
          const T divisor = divisor_of<T>(windows, row, windows.dims[2][run.begin]);
          if (pairs)
            avg_run<2>(run, plane, divisor, to);
          else
            avg_run<1>(run, plane, divisor, to);
        },
        [&](int64_t o, PoolRange width) {
          T sum = 0;
          for (int64_t d = row.depth.begin; d < row.depth.end; ++d)
            for (int64_t h = row.height.begin; h < row.height.end; ++h)
              for (int64_t w = width.begin; w < width.end; ++w)
                sum += plane[(d * rows + h) * cols + w];
          to[o] = sum / divisor_of<T>(windows, row, width);
        });
  });
}

// Planes [begin, end).
template <class T>
void max_grad_planes(const PoolWindows& windows, int64_t begin, int64_t end, const T* dy,
                     const int64_t* at, T* dx) {
  const int64_t in = windows.in_size(), out = windows.out_size();
  const int64_t rows = windows.dims[0].out * windows.dims[1].out;
  const auto inside =
      in_pairs(windows) ? vector_windows<T>(windows) : std::pair<int64_t, int64_t>();
  const bool cover = vectors_cover(windows, inside);
  for (int64_t p = begin; p < end; ++p) {
    T* to = dx + p * in;
    if (!cover) std::fill_n(to, in, T{0});
    if (inside.first == inside.second) {
      for (int64_t o = p * out; o < (p + 1) * out; ++o)
        if (at[o] >= 0) to[at[o]] += dy[o];
      continue;
    }
    for_each_row(windows, p * rows, (p + 1) * rows, [&](const WindowRow& row) HWY_ATTR {
      const T* from = dy + row.index * windows.dims[2].out;
      const int64_t* places = at + row.index * windows.dims[2].out;
      for_each_window(
          windows, inside, row,
          [&](const WindowRun& run) HWY_ATTR { max_grad_pairs(run, from, places, to); },
          [&](int64_t o, PoolRange) {
            if (places[o] >= 0) to[places[o]] += from[o];
          });
    });
  }
}

template <class T>
void avg_grad_planes(const PoolWindows& windows, int64_t begin, int64_t end, const T* dy, T* dx) {
  const auto& [depths, heights, widths] = windows.dims;
  const int64_t in = windows.in_size(), rows = heights.in, cols = widths.in, out = widths.out;
  const bool pairs = in_pairs(windows);
  const auto inside =
      pairs || widths.stride == 1 ? vector_windows<T>(windows) : std::pair<int64_t, int64_t>();
  const bool cover = pairs && vectors_cover(windows, inside);
  const int64_t plane_rows = depths.out * heights.out;
  for (int64_t p = begin; p < end; ++p) {
    T* to = dx + p * in;
    if (!cover) std::fill_n(to, in, T{0});
    for_each_row(windows, p * plane_rows, (p + 1) * plane_rows, [&](const WindowRow& row) HWY_ATTR {
      const T* from = dy + row.index * out;
      for_each_window(
          windows, inside, row,
          [&](const WindowRun& run) HWY_ATTR {
            const T divisor = divisor_of<T>(windows, row, windows.dims[2][run.begin]);
            if (pairs)
              avg_grad_pairs(run, from, divisor, to);
            else
              avg_grad_run(run, from, divisor, to);
          },
          [&](int64_t o, PoolRange width) {
            const T share = from[o] / divisor_of<T>(windows, row, width);
            for (int64_t d = row.depth.begin; d < row.depth.end; ++d)
              for (int64_t h = row.height.begin; h < row.height.end; ++h)
                for (int64_t w = width.begin; w < width.end; ++w)
                  to[(d * rows + h) * cols + w] += share;
          });
    });
  }
}

PoolKernels<float> kernels_f32() {
  return {max_rows<float>, avg_rows<float>, max_grad_planes<float>, avg_grad_planes<float>};
}
PoolKernels<double> kernels_f64() {
  return {max_rows<double>, avg_rows<double>, max_grad_planes<double>, avg_grad_planes<double>};
}

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {
namespace {

template <class T>
PoolKernels<T> pool_kernels() {
  if constexpr (sizeof(T) == 4)
    return BB_DISPATCH(kernels_f32)();
  else
    return BB_DISPATCH(kernels_f64)();
}

// Nanoseconds of a window, on one core.
double cost_ns(const PoolWindows& windows) {
  double elements = 1;
  for (const PoolDim& dim : windows.dims)
    elements *= dim.adaptive ? static_cast<double>(dim.in / std::max<int64_t>(dim.out, 1) + 1)
                             : static_cast<double>(dim.kernel);
  return windows.dims[2].stride <= 2 ? 0.5 + 0.2 * elements : 2 + 0.7 * elements;
}

// Calls fn(begin, end) for the rows of windows of all planes, shared over threads.
template <class Fn>
void share_rows(const PoolWindows& windows, int64_t planes, const Fn& fn) {
  const auto& [depths, heights, widths] = windows.dims;
  parallel_for(planes * depths.out * heights.out,
               cost_ns(windows) * static_cast<double>(widths.out) + 5, fn);
}
template <class Fn>
void share_planes(const PoolWindows& windows, int64_t planes, const Fn& fn) {
  parallel_for(planes, cost_ns(windows) * static_cast<double>(windows.out_size()) + 10, fn);
}

}  // namespace

template <class T>
void max_pool(const PoolWindows& windows, int64_t planes, const T* x, T* y, int64_t* at) {
  auto* rows = &HWY_NAMESPACE::max_rows<T>;  // of integers
  if constexpr (std::is_floating_point_v<T>) rows = pool_kernels<T>().max;
  share_rows(windows, planes,
             [&](int64_t begin, int64_t end) { rows(windows, begin, end, x, y, at); });
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
    for (int64_t p = begin; p < end; ++p) {
      std::fill_n(x + p * in, in, T{0});
      for (int64_t o = p * out; o < (p + 1) * out; ++o)
        if (at[o] >= 0) x[p * in + at[o]] += y[o];
    }
  });
}

template <class T>
void max_pool_grad(const PoolWindows& windows, int64_t planes, const T* dy, const int64_t* at,
                   T* dx) {
  const auto kernels = pool_kernels<T>();
  share_planes(windows, planes, [&](int64_t begin, int64_t end) {
    kernels.max_grad(windows, begin, end, dy, at, dx);
  });
}

template <class T>
void avg_pool(const PoolWindows& windows, int64_t planes, const T* x, T* y) {
  const auto kernels = pool_kernels<T>();
  share_rows(windows, planes,
             [&](int64_t begin, int64_t end) { kernels.avg(windows, begin, end, x, y); });
}

template <class T>
void avg_pool_grad(const PoolWindows& windows, int64_t planes, const T* dy, T* dx) {
  const auto kernels = pool_kernels<T>();
  share_planes(windows, planes,
               [&](int64_t begin, int64_t end) { kernels.avg_grad(windows, begin, end, dy, dx); });
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
template void max_pool_grad(const PoolWindows&, int64_t, const float*, const int64_t*, float*);
template void max_pool_grad(const PoolWindows&, int64_t, const double*, const int64_t*, double*);
template void avg_pool(const PoolWindows&, int64_t, const float*, float*);
template void avg_pool(const PoolWindows&, int64_t, const double*, double*);
template void avg_pool_grad(const PoolWindows&, int64_t, const float*, float*);
template void avg_pool_grad(const PoolWindows&, int64_t, const double*, double*);

}  // namespace bb::kernels
#endif
