#include "bb/core/kernels/conv_winograd.h"

#include <algorithm>
#include <array>

#include "bb/core/kernels/block.h"
#include "bb/core/kernels/gemm_scratch.h"
#include "bb/core/kernels/shares.h"
#include "bb/core/kernels/winograd_tile.h"
#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

constexpr int64_t kPoints = kWinogradPoints;
constexpr int64_t kValueBytes = 512 * 1024;  // of tiles that a core works on
constexpr int64_t kLeastTiles = 32;          // for which filters are read once
constexpr int64_t kChunksPerThread = 2;      // at least
constexpr int64_t kFewTiles = 16;            // for each thread
constexpr int64_t kOwnFilters = 256 * 1024;  // elements that each thread may have for itself
constexpr int64_t kItems = 8;                // to cut the filters' gradient into at least
constexpr int64_t kBlock = 64;               // channels of a piece of the filters' gradient

/// Images in a row, each in rows of tiles, cut into chunks of so many rows.
struct Tiling {
  Tiling(int64_t kernel, int64_t images, int64_t height, int64_t width, int64_t channels,
         int64_t least_chunks)
      : tiles(ceil_div(width, winograd_step(kernel))),
        rows(ceil_div(height, winograd_step(kernel))),
        all(images * rows) {
    const int64_t fit = kValueBytes / (kPoints * channels * static_cast<int64_t>(sizeof(float)));
    const int64_t wanted = std::max(fit, kLeastTiles) / tiles;
    const int64_t each = std::clamp<int64_t>(wanted, 1, ceil_div(all, least_chunks));
    chunks = ceil_div(all, each);
  }
  int64_t begin(int64_t chunk) const { return all * chunk / chunks; }
  int64_t count(int64_t chunk) const { return (begin(chunk + 1) - begin(chunk)) * tiles; }
  int64_t most() const { return ceil_div(all, chunks) * tiles; }
  int64_t most_rows() const { return std::min(rows, ceil_div(all, chunks)); }  // of an image

  /// Calls run(image, first row of tiles, rows, first tile of the chunk).
  template <class Run>
  void for_each_image(int64_t chunk, const Run& run) const {
    const int64_t start = begin(chunk), end = begin(chunk + 1);
    for (int64_t row = start; row < end;) {
      const int64_t image = row / rows, first = row % rows;
      const int64_t count = std::min(rows - first, end - row);
      run(image, first, count, (row - start) * tiles);
      row += count;
    }
  }

  int64_t tiles, rows, all, chunks;
};

int64_t whole_vectors(int64_t channels) {
  const int64_t lanes = winograd_lanes();
  return ceil_div(channels, lanes) * lanes;
}

/// The values of `tiles` tiles at `data`, points an odd number of cache lines apart, so that they
/// do not share the cache's sets.
TileValues values_at(float* data, int64_t tiles, int64_t channels) {
  constexpr int64_t kLine = 64 / sizeof(float);
  return {data, (ceil_div(tiles * channels, kLine) | 1) * kLine, channels};
}
int64_t size_of(const TileValues& values) { return kPoints * values.point; }
TileValues from_tile(const TileValues& values, int64_t tile) {
  return {values.data + tile * values.channels, values.point, values.channels};
}

/// Nanoseconds of the parts, for a tile.
double transform_ns(int64_t channels) { return 8 * static_cast<double>(channels); }
double product_ns(int64_t c_count, int64_t m_count) {
  return 0.02 * kPoints * static_cast<double>(c_count * m_count);
}

/// dst[n, m] = the correlation of src[n, all c], padded by pad_y and pad_x before, with filters
/// from c to m, of each group, through the epilogue.
struct Correlation {
  int64_t batch, groups;
  int64_t src_height, src_width, pad_y, pad_x;
  int64_t height, width;  // of dst
  SquareFilters filters;  // of the first group
};

// A result depends neither on the chunk of tiles nor on the block of channels that it is made in:
// how the work is cut may follow the threads.
void correlate(const Correlation& s, const float* src, const ConvEpilogue<float>& epilogue,
               float* dst) {
  const SquareFilters& f = s.filters;
  const int64_t v_channels = whole_vectors(f.c_count), z_channels = whole_vectors(f.m_count);
  const int64_t threads = num_threads(), vecs = z_channels / winograd_lanes();
  const int64_t step = winograd_step(f.kernel), rows = s.batch * ceil_div(s.height, step);
  // Threads share few tiles by results' channels: each then needs but a part of the filters.
  const bool few = rows * ceil_div(s.width, step) <= kFewTiles * threads;
  const int64_t blocks = few && vecs >= std::min(threads, rows) ? std::min(threads, vecs) : 1;
  const Tiling tiling(f.kernel, s.batch, s.height, s.width, v_channels + z_channels,
                      threads == 1 || blocks > 1 ? 1 : kChunksPerThread * threads);
  const int64_t u_point = f.c_count * z_channels, u_size = kPoints * u_point;
  const int64_t src_size = s.src_height * s.src_width, size = s.height * s.width;
  // Where there is little to do, each thread transforms the filters for itself, which takes less
  // than to fetch them from the other's cache.
  const bool shares_filters =
      blocks == 1 && (tiling.chunks > kChunksPerThread * threads || u_size > kOwnFilters);
  const bool own_filters = blocks == 1 && !shares_filters;
  const Block<float> filters(own_filters ? 0 : u_size);
  for (int64_t group = 0; group < s.groups; ++group) {
    SquareFilters of_group = f;
    of_group.data += group * f.c_count * f.m_count * f.size();
    parallel_for(shares_filters ? f.c_count : 0, transform_ns(z_channels),
                 [&](int64_t begin, int64_t end) {
                   winograd_filters(of_group, begin, end, filters.data(), u_point);
                 });
    // Chunks [begin, end) of the results' channels [m_begin, m_begin + m_count).
    const auto run = [&](int64_t m_begin, int64_t m_count, int64_t begin, int64_t end) {
      SquareFilters part = of_group;
      part.data += m_begin * f.m_stride;
      part.m_count = m_count;
      TileValues v = values_at(nullptr, tiling.most(), v_channels);
      TileValues z = values_at(nullptr, tiling.most(), whole_vectors(m_count));
      const int64_t point = f.c_count * z.channels, own = own_filters ? kPoints * point : 0;
      const int64_t scratch = winograd_scratch(f.kernel, tiling.tiles, tiling.most_rows());
      v.data = static_cast<float*>(gemm_scratch(
          static_cast<size_t>(size_of(v) + size_of(z) + own + scratch) * sizeof(float)));
      z.data = v.data + size_of(v);
      float* const u =
          own_filters ? z.data + size_of(z) : filters.data() + kPoints * f.c_count * m_begin;
      float* const pixels = z.data + size_of(z) + own;
      if (!shares_filters) winograd_filters(part, 0, f.c_count, u, point);
      for (int64_t chunk = begin; chunk < end; ++chunk) {
        tiling.for_each_image(
            chunk, [&](int64_t image, int64_t first, int64_t count, int64_t tile) {
              winograd_input({f.kernel, f.c_count, s.src_height, s.src_width, s.pad_y, s.pad_x,
                              tiling.tiles, first, count},
                             src + (image * s.groups + group) * f.c_count * src_size,
                             from_tile(v, tile), pixels);
            });
        winograd_products(tiling.count(chunk), f.c_count, v, u, point, z);
        const int64_t channel = group * f.m_count + m_begin;
        tiling.for_each_image(chunk, [&](int64_t image, int64_t first, int64_t count,
                                         int64_t tile) {
          winograd_output({f.kernel, m_count, s.height, s.width, 0, 0, tiling.tiles, first, count},
                          from_tile(z, tile), epilogue.from_channel(channel),
                          dst + (image * s.groups * f.m_count + channel) * size, pixels);
        });
      }
    };
    const auto chunk_tiles = static_cast<double>(tiling.most());
    const double of_filters = static_cast<double>(f.c_count) * transform_ns(z_channels);
    const double of_results = transform_ns(z_channels) + product_ns(f.c_count, f.m_count);
    if (blocks == 1) {
      parallel_for(
          tiling.chunks, chunk_tiles * (transform_ns(v_channels) + of_results),
          [&](int64_t begin, int64_t end) { run(0, f.m_count, begin, end); },
          shares_filters ? 1 : ceil_div(tiling.chunks, threads));
    } else {
      const double all_tiles = chunk_tiles * static_cast<double>(tiling.chunks);
      const double of_block = all_tiles * transform_ns(v_channels) +
                              (all_tiles * of_results + of_filters) / static_cast<double>(blocks);
      parallel_for(blocks, of_block, [&](int64_t begin, int64_t end) {
        for (int64_t block = begin; block < end; ++block) {
          const int64_t from = vecs * block / blocks * winograd_lanes();
          const int64_t to = vecs * (block + 1) / blocks * winograd_lanes();
          run(from, std::min(to, f.m_count) - from, 0, tiling.chunks);
        }
      });
    }
  }
}

}  // namespace

bool is_for_winograd(const ConvShape& s) {
  const Windows& w = s.windows;
  constexpr std::array<int64_t, 3> ones{1, 1, 1};
  const int64_t kernel = w.kernel[1];
  if (winograd_lanes() == 0 || (kernel != 3 && kernel != 5) ||
      w.kernel != std::array<int64_t, 3>{1, kernel, kernel} || w.stride != ones ||
      w.dilation != ones || w.in[0] != 1 || w.out[0] != 1 || w.padding[1] >= kernel ||
      w.padding[2] >= kernel)
    return false;
  constexpr int64_t kLeastChannels = 3;  // of vectors of 8 or 16
  if (std::min(s.in_channels, s.out_channels) < kLeastChannels) return false;
  const int64_t step = winograd_step(kernel);
  const int64_t row = ceil_div(std::max(w.in[2], w.out[2]), step);
  const int64_t tiles = ceil_div(w.out[1], step) * ceil_div(w.out[2], step);
  const int64_t channels = whole_vectors(s.in_channels) + whole_vectors(s.out_channels);
  constexpr int64_t kMostBytes = 32 << 20;  // of a row of tiles
  if (row * kPoints * channels * static_cast<int64_t>(sizeof(float)) > kMostBytes) return false;
  const double here = static_cast<double>(tiles) *
                      (transform_ns(channels) + product_ns(s.in_channels, s.out_channels));
  const double direct =
      static_cast<double>(w.out_size()) *
      (0.02 * static_cast<double>(kernel * kernel * s.in_channels * s.out_channels) +
       1.4 * static_cast<double>(s.in_channels + s.out_channels));
  return here < direct;
}

void winograd_conv(const ConvShape& s, const float* x, const float* w,
                   const ConvEpilogue<float>& epilogue, float* y) {
  const Windows& windows = s.windows;
  const int64_t kernel = windows.kernel[1], size = kernel * kernel;
  correlate({s.batch,
             s.groups,
             windows.in[1],
             windows.in[2],
             windows.padding[1],
             windows.padding[2],
             windows.out[1],
             windows.out[2],
             {w, kernel, s.in_channels, s.out_channels, size, s.in_channels * size, false}},
            x, epilogue, y);
}

void winograd_conv_grad_input(const ConvShape& s, const float* dy, const float* w, float* dx) {
  const Windows& windows = s.windows;
  const int64_t kernel = windows.kernel[1], size = kernel * kernel;
  correlate({s.batch,
             s.groups,
             windows.out[1],
             windows.out[2],
             kernel - 1 - windows.padding[1],
             kernel - 1 - windows.padding[2],
             windows.in[1],
             windows.in[2],
             {w, kernel, s.out_channels, s.in_channels, s.in_channels * size, size, true}},
            dy, {}, dx);
}

// Filters by blocks of channels; where these are few, images are cut too, into sums of their own
// that are added in order.
void winograd_conv_grad_weight(const ConvShape& s, const float* x, const float* dy, float* dw) {
  const Windows& w = s.windows;
  const int64_t kernel = w.kernel[1], size = kernel * kernel;
  const int64_t c_blocks = ceil_div(s.in_channels, kBlock);
  const int64_t m_blocks = ceil_div(s.out_channels, kBlock);
  const int64_t pieces = s.groups * c_blocks * m_blocks;
  const int64_t c_most = whole_vectors(ceil_div(s.in_channels, c_blocks));
  const int64_t m_most = whole_vectors(ceil_div(s.out_channels, m_blocks));
  const Tiling tiling(kernel, s.batch, w.out[1], w.out[2], c_most + m_most, kItems);
  const int64_t sums = std::min(tiling.chunks, ceil_div(kItems, pieces));
  const int64_t all = s.groups * s.out_channels * s.in_channels * size;
  const Shares<float> shares(all, sums, dw);
  const double chunk_ns = static_cast<double>(tiling.most()) *
                          (transform_ns(c_most + m_most) + product_ns(c_most, m_most));
  parallel_for(
      pieces * sums, chunk_ns * static_cast<double>(ceil_div(tiling.chunks, sums)),
      [&](int64_t begin, int64_t end) {
        TileValues v = values_at(nullptr, tiling.most(), c_most);
        TileValues d = values_at(nullptr, tiling.most(), m_most);
        const int64_t scratch = winograd_scratch(kernel, tiling.tiles, tiling.most_rows());
        const int64_t du_size = kPoints * c_most * m_most;
        v.data = static_cast<float*>(gemm_scratch(
            static_cast<size_t>(size_of(v) + size_of(d) + du_size + scratch) * sizeof(float)));
        d.data = v.data + size_of(v);
        float* const du = d.data + size_of(d);
        float* const pixels = du + du_size;
        for (int64_t item = begin; item < end; ++item) {
          const int64_t share = item / pieces, group = item / (c_blocks * m_blocks) % s.groups;
          const int64_t m_block = item / c_blocks % m_blocks, c_block = item % c_blocks;
          const int64_t c_begin = s.in_channels * c_block / c_blocks;
          const int64_t c_count = s.in_channels * (c_block + 1) / c_blocks - c_begin;
          const int64_t m_begin = s.out_channels * m_block / m_blocks;
          const int64_t m_count = s.out_channels * (m_block + 1) / m_blocks - m_begin;
          v.channels = whole_vectors(c_count);
          d.channels = whole_vectors(m_count);
          const int64_t du_point = c_count * d.channels;
          std::fill_n(du, kPoints * du_point, 0.0F);
          for (int64_t chunk = tiling.chunks * share / sums;
               chunk < tiling.chunks * (share + 1) / sums; ++chunk) {
            tiling.for_each_image(
                chunk, [&](int64_t image, int64_t first, int64_t count, int64_t tile) {
                  winograd_input(
                      {kernel, c_count, w.in[1], w.in[2], w.padding[1], w.padding[2], tiling.tiles,
                       first, count},
                      x + ((image * s.groups + group) * s.in_channels + c_begin) * w.in_size(),
                      from_tile(v, tile), pixels);
                  winograd_grad(
                      {kernel, m_count, w.out[1], w.out[2], 0, 0, tiling.tiles, first, count},
                      dy + ((image * s.groups + group) * s.out_channels + m_begin) * w.out_size(),
                      from_tile(d, tile), pixels);
                });
            winograd_add_products(tiling.count(chunk), c_count, v, d, du, du_point);
          }
          winograd_filters_grad(
              kernel, du, du_point, c_count, m_count,
              shares.of(share) +
                  ((group * s.out_channels + m_begin) * s.in_channels + c_begin) * size,
              s.in_channels * size);
        }
      });
  shares.join();
}

}  // namespace bb::kernels
