#include "bb/core/kernels/conv.h"

#include <algorithm>

#include "bb/core/kernels/block.h"
#include "bb/core/kernels/conv_direct.h"
#include "bb/core/kernels/conv_grid.h"
#include "bb/core/kernels/conv_winograd.h"
#include "bb/core/kernels/gemm.h"
#include "bb/core/kernels/shares.h"
#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

constexpr int64_t kPanelBytes = 256 * 1024;  // stays in a core's own cache
constexpr int64_t kLeastWindows = 32;        // of a panel, so that the product has whole vectors
constexpr int64_t kItems = 16;               // to cut work into, where more cost nothing

/// [0, n) in blocks of nearly equal size, of at most `most`, and multiples of `align`.
struct Blocks {
  Blocks(int64_t n_, int64_t most, int64_t align)
      : n(n_), size(ceil_div(ceil_div(n_, ceil_div(n_, most)), align) * align) {}
  int64_t count() const { return ceil_div(n, size); }
  int64_t begin(int64_t i) const { return i * size; }
  int64_t end(int64_t i) const { return std::min(n, (i + 1) * size); }

  int64_t n, size;
};

/// Windows by blocks, so that a panel of `rows` rows fits the cache.
template <class T>
Blocks window_blocks(const Windows& windows, int64_t rows) {
  const int64_t fit = kPanelBytes / (rows * static_cast<int64_t>(sizeof(T)));
  return {windows.out_size(), std::max(fit / kLeastWindows, int64_t{1}) * kLeastWindows, 16};
}

/// Channels by blocks of about `rows` rows of the matrix, fewer where `others` (what else the work
/// is cut by) does not give work for many threads.
Blocks channel_blocks(const ConvShape& shape, int64_t rows, int64_t others) {
  const int64_t channels = shape.in_channels;
  const int64_t most = std::max<int64_t>(rows / shape.windows.kernel_size(), 1);
  const int64_t least = ceil_div(16, shape.windows.kernel_size());  // rows of a tile or so
  const int64_t wanted = std::max(ceil_div(channels * others, kItems), least);
  return {channels, std::min({most, wanted, channels}), 1};
}

/// Nanoseconds of a product and of the panel that it reads or writes, on one core.
double cost_ns(int64_t rows, int64_t channels, int64_t windows) {
  const double panel = static_cast<double>(rows) * static_cast<double>(windows);
  return panel * (0.02 * static_cast<double>(channels) + 0.3) + 100;
}

}  // namespace

template <class T>
void conv(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y) {
  if (s.is_depthwise()) return depthwise_conv(s, x, w, epilogue, y);
  if (s.batch * s.groups * s.out_channels == 0) return;
  if constexpr (sizeof(T) == 4)
    if (is_for_winograd(s)) return winograd_conv(s, x, w, epilogue, y);
  const Windows& windows = s.windows;
  const int64_t in = windows.in_size(), out = windows.out_size();
  const int64_t rows = s.in_channels * windows.kernel_size();
  const bool as_is = windows.are_elements();
  if (!as_is && s.in_channels > 0 && has_grid<T>(s)) return grid_conv(s, x, w, epilogue, y);
  const Blocks blocks = window_blocks<T>(windows, std::max<int64_t>(rows, 1));
  parallel_for(s.batch * s.groups * blocks.count(), cost_ns(rows, s.out_channels, blocks.size),
               [&](int64_t begin, int64_t end) {
                 const Block<T> panel(as_is ? 0 : rows * blocks.size);
                 for (int64_t item = begin; item < end; ++item) {
                   const int64_t image = item / blocks.count(), block = item % blocks.count();
                   const int64_t group = image % s.groups;
                   const int64_t first = blocks.begin(block), n = blocks.end(block) - first;
                   const T* from = x + image * s.in_channels * in;
                   if (!as_is) im2col(windows, from, s.in_channels, first, first + n, panel.data());
                   const MatrixRef<const T> matrix = as_is ? MatrixRef<const T>{from + first, in, 1}
                                                           : MatrixRef<const T>{panel.data(), n, 1};
                   const MatrixRef<const T> filters{w + group * s.out_channels * rows, rows, 1};
                   const MatrixRef<T> to{y + image * s.out_channels * out + first, out, 1};
                   // Transposed, as a bias goes with columns.
                   gemm<T>(n, s.out_channels, rows, matrix.transposed(), filters.transposed(),
                           to.transposed(),
                           {.bias = epilogue.from_channel(group * s.out_channels).bias,
                            .activation = epilogue.activation});
                 }
               });
}

template <class T>
void conv_grad_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  if (s.is_depthwise()) return depthwise_conv_grad_input(s, dy, w, dx);
  if (s.batch * s.groups * s.in_channels == 0) return;
  if constexpr (sizeof(T) == 4)
    if (is_for_winograd(s)) return winograd_conv_grad_input(s, dy, w, dx);
  const Windows& windows = s.windows;
  const int64_t in = windows.in_size(), out = windows.out_size();
  const int64_t kernel = windows.kernel_size(), rows = s.in_channels * kernel;
  const bool as_is = windows.are_elements();
  if (!as_is && s.out_channels > 0 && has_grid<T>(s)) return grid_conv_grad_input(s, dy, w, dx);
  const Blocks channels = channel_blocks(s, 512, s.batch * s.groups);
  const Blocks blocks = window_blocks<T>(windows, channels.size * kernel);
  parallel_for(
      s.batch * s.groups * channels.count(), cost_ns(channels.size * kernel, s.out_channels, out),
      [&](int64_t begin, int64_t end) {
        const Block<T> panel(as_is ? 0 : channels.size * kernel * blocks.size);
        for (int64_t item = begin; item < end; ++item) {
          const int64_t image = item / channels.count(), part = item % channels.count();
          const int64_t group = image % s.groups;
          const int64_t channel = channels.begin(part), count = channels.end(part) - channel;
          const T* from = dy + image * s.out_channels * out;
          T* to = dx + (image * s.in_channels + channel) * in;
          const MatrixRef<const T> filters{w + group * s.out_channels * rows + channel * kernel,
                                           rows, 1};
          if (!as_is) std::fill_n(to, count * in, T{0});
          for (int64_t block = 0; block < blocks.count(); ++block) {
            const int64_t first = blocks.begin(block), n = blocks.end(block) - first;
            const MatrixRef<T> matrix =
                as_is ? MatrixRef<T>{to + first, in, 1} : MatrixRef<T>{panel.data(), n, 1};
            gemm<T>(count * kernel, n, s.out_channels, filters.transposed(), {from + first, out, 1},
                    matrix);
            if (!as_is) col2im(windows, panel.data(), count, first, first + n, to);
          }
        }
      });
}

template <class T>
void conv_grad_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const Windows& windows = s.windows;
  const int64_t in = windows.in_size(), out = windows.out_size();
  const int64_t kernel = windows.kernel_size(), rows = s.in_channels * kernel;
  const int64_t size = s.groups * s.out_channels * rows;
  if (s.batch == 0) {
    std::fill_n(dw, size, T{0});
    return;
  }
  if (size == 0) return;
  if (s.is_depthwise()) return depthwise_conv_grad_weight(s, x, dy, dw);
  if constexpr (sizeof(T) == 4)
    if (is_for_winograd(s)) return winograd_conv_grad_weight(s, x, dy, dw);
  const bool as_is = windows.are_elements();
  if (!as_is && has_grid<T>(s)) return grid_conv_grad_weight(s, x, dy, dw);
  const Blocks channels = channel_blocks(s, 256, s.groups);
  const Blocks blocks = window_blocks<T>(windows, channels.size * kernel);
  // Where channels give little to share, images are cut too, into sums of their own, that are
  // added in order.
  const int64_t wanted = ceil_div(kItems, s.groups * channels.count());
  const Blocks images(s.batch, ceil_div(s.batch, wanted), 1);
  const Shares<T> shares(size, images.count(), dw);
  parallel_for(
      s.groups * channels.count() * images.count(),
      static_cast<double>(images.size) * cost_ns(channels.size * kernel, s.out_channels, out),
      [&](int64_t begin, int64_t end) {
        const Block<T> panel(as_is ? 0 : channels.size * kernel * blocks.size);
        for (int64_t item = begin; item < end; ++item) {
          const int64_t part = item / (s.groups * channels.count());
          const int64_t group = item / channels.count() % s.groups;
          const int64_t c = item % channels.count();
          const int64_t channel = channels.begin(c), count = channels.end(c) - channel;
          const MatrixRef<T> to{shares.of(part) + group * s.out_channels * rows + channel * kernel,
                                rows, 1};
          T beta = 0;
          for (int64_t image = images.begin(part); image < images.end(part); ++image) {
            const T* from = x + ((image * s.groups + group) * s.in_channels + channel) * in;
            const T* grad = dy + (image * s.groups + group) * s.out_channels * out;
            for (int64_t block = 0; block < blocks.count(); ++block) {
              const int64_t first = blocks.begin(block), n = blocks.end(block) - first;
              if (!as_is) im2col(windows, from, count, first, first + n, panel.data());
              const MatrixRef<const T> matrix = as_is ? MatrixRef<const T>{from + first, in, 1}
                                                      : MatrixRef<const T>{panel.data(), n, 1};
              gemm<T>(s.out_channels, count * kernel, n, {grad + first, out, 1},
                      matrix.transposed(), to, {.beta = beta});
              beta = 1;
            }
          }
        }
      });
  shares.join();
}

template void conv(const ConvShape&, const float*, const float*, const ConvEpilogue<float>&,
                   float*);
template void conv(const ConvShape&, const double*, const double*, const ConvEpilogue<double>&,
                   double*);
template void conv_grad_input(const ConvShape&, const float*, const float*, float*);
template void conv_grad_input(const ConvShape&, const double*, const double*, double*);
template void conv_grad_weight(const ConvShape&, const float*, const float*, float*);
template void conv_grad_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace bb::kernels
