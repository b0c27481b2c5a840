#include "bb/core/kernels/conv_grid.h"

#include <algorithm>
#include <array>
#include <vector>

#include "bb/core/kernels/block.h"
#include "bb/core/kernels/conv_tile.h"
#include "bb/core/kernels/gemm_scratch.h"
#include "bb/core/kernels/shares.h"
#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

constexpr int64_t kCacheBytes = 384 * 1024;  // of a core's own cache, for the images
constexpr int64_t kDepth = 16;               // channels whose rows stay in the first-level cache
constexpr int64_t kItems = 8;                // to cut work into at least

/// An element of a filter along a dim: window o has it at position o + shift of a phase.
struct Tap {
  int64_t element, phase, shift;
};

/// A correlation along one dim: result o is the sum over the taps of the filter's element times the
/// source at position o + shift of the tap's phase. Position j of phase f is the source's element
/// j * step + phases[f] - pad, zero outside it.
struct Axis {
  int64_t in, step, pad;
  int64_t out;
  int64_t to_begin, to_step, to_size;  // result o is element to_begin + o * to_step of so many
  std::vector<int64_t> phases;
  std::vector<Tap> taps;

  int64_t reach() const {
    int64_t most = 0;
    for (const Tap& tap : taps) most = std::max(most, tap.shift);
    return most;
  }
  /// Positions that results look at.
  int64_t positions() const { return out + reach(); }

  /// The positions of a phase that are elements of the source, and the first of these.
  struct Real {
    int64_t begin, end, first;
  };
  Real real(int64_t phase) const {
    const int64_t missing = pad - phases[static_cast<size_t>(phase)];
    const int64_t begin = std::min(missing > 0 ? ceil_div(missing, step) : 0, positions());
    const int64_t first = begin * step - missing;
    const int64_t count = first < in ? (in - 1 - first) / step + 1 : 0;
    return {begin, std::min(begin + count, positions()), first};
  }
};

/// Of the convolution itself.
Axis windows_axis(const Windows& w, size_t d) {
  Axis axis{w.in[d], w.stride[d], w.padding[d], w.out[d], 0, 1, w.out[d], {}, {}};
  axis.taps.reserve(static_cast<size_t>(w.kernel[d]));
  for (int64_t k = 0; k < w.kernel[d]; ++k) {
    const int64_t at = k * w.dilation[d], phase = at % w.stride[d];
    auto found = std::find(axis.phases.begin(), axis.phases.end(), phase);
    if (found == axis.phases.end()) found = axis.phases.insert(found, phase);
    axis.taps.push_back({k, found - axis.phases.begin(), at / w.stride[d]});
  }
  return axis;
}

/// Of its input's gradient, for the elements i of the input with (i + padding) mod stride = phase:
/// the sum over the filter's elements k there of w[k] dy[(i + padding - k dilation) / stride].
Axis input_axis(const Windows& w, size_t d, int64_t phase) {
  const int64_t stride = w.stride[d], missing = w.padding[d] - phase;
  const int64_t first = missing > 0 ? ceil_div(missing, stride) : 0;
  const int64_t begin = first * stride - missing;
  Axis axis{w.out[d], 1,      -first,  begin < w.in[d] ? (w.in[d] - 1 - begin) / stride + 1 : 0,
            begin,    stride, w.in[d], {0},
            {}};
  int64_t last = 0;
  for (int64_t k = 0; k < w.kernel[d]; ++k)
    if (k * w.dilation[d] % stride == phase) {
      last = k * w.dilation[d] / stride;
      axis.taps.push_back({k, 0, last});
    }
  for (Tap& tap : axis.taps) tap.shift = last - tap.shift;
  axis.pad += last;
  return axis;
}

/// The three dims together. A channel of the source lies in memory as planes, one for each phase,
/// position (j0, j1, j2) of it at (j0 * height + j1) * width + j2; results lie on the same grid.
struct Grid {
  Grid(std::array<Axis, 3> dims, const std::array<int64_t, 3>& kernel) : axes(std::move(dims)) {
    const auto& [z, y, x] = axes;
    height = y.positions();
    width = x.positions();
    if (x.step == 1) {  // the zeros after a row serve before the next one too
      const Axis::Real row = x.real(0);
      width = std::max(row.end - row.begin + std::max(row.begin, width - row.end), x.out);
    }
    rows = (z.out - 1) * height + y.out;
    reach = (z.reach() * height + y.reach()) * width + x.reach();
    planes = phases(0) * phases(1) * phases(2);
    taps.reserve(z.taps.size() * y.taps.size() * x.taps.size());
    for (const Tap& a : z.taps)
      for (const Tap& b : y.taps)
        for (const Tap& c : x.taps)
          taps.push_back({(a.element * kernel[1] + b.element) * kernel[2] + c.element,
                          (a.phase * phases(1) + b.phase) * phases(2) + c.phase,
                          (a.shift * height + b.shift) * width + c.shift});
  }

  int64_t phases(size_t d) const { return static_cast<int64_t>(axes[d].phases.size()); }
  int64_t results() const { return axes[0].out * axes[1].out * axes[2].out; }
  int64_t source_size() const { return axes[0].in * axes[1].in * axes[2].in; }
  int64_t result_size() const { return axes[0].to_size * axes[1].to_size * axes[2].to_size; }

  std::array<Axis, 3> axes;
  int64_t width, height;
  int64_t rows;   // of results; those between two slices of a volume are dropped
  int64_t reach;  // how far a tap lies after its result
  int64_t planes;
  std::vector<Tap> taps;  // of the planes
};

/// Positions [begin, end) of plane `plane` of a channel of the source; begin is that of a row.
/// Up to a vector more is written.
template <class T>
void fill_plane(const Grid& g, int64_t plane, const T* source, int64_t begin, int64_t end, T* to) {
  const auto& [z, y, x] = g.axes;
  const auto shift = [](const Axis& axis, int64_t phase) {
    return axis.phases[static_cast<size_t>(phase)] - axis.pad;
  };
  const int64_t z_shift = shift(z, plane / g.phases(2) / g.phases(1));
  const int64_t y_shift = shift(y, plane / g.phases(2) % g.phases(1));
  const Axis::Real real = x.real(plane % g.phases(2));
  for (int64_t position = begin; position < end;) {
    const int64_t row = position / g.width;
    const int64_t i = row / g.height * z.step + z_shift, j = row % g.height * y.step + y_shift;
    const int64_t whole_rows = (end - position) / g.width;  // the last may be a part of one
    const int64_t width = std::min(g.width, end - position);
    int64_t rows = 1;
    if (i >= 0 && i < z.in && j >= 0 && j < y.in) {
      const int64_t in_image = (y.in - 1 - j) / y.step + 1;
      rows = std::max<int64_t>(std::min({whole_rows, in_image, g.height - row % g.height}), 1);
      copy_padded<T>({.rows = rows,
                      .width = width,
                      .lead = real.begin,
                      .count = real.end - real.begin,
                      .from = source + (i * y.in + j) * x.in + real.first,
                      .step = x.step,
                      .from_row = y.step * x.in,
                      .to = to});
    } else {
      std::fill_n(to, width, T{0});
    }
    to += rows * width;
    position += rows * width;
  }
}

/// Calls run(position, count, to) for the results in positions [begin, end): `count` from
/// `position` on, which go to element `to` of their channel and those after it.
template <class Run>
void for_each_run(const Grid& g, int64_t begin, int64_t end, const Run& run) {
  const auto& [z, y, x] = g.axes;
  for (int64_t row = begin / g.width; row * g.width < end; ++row) {
    const int64_t i = row / g.height, j = row % g.height;
    const int64_t first = std::max(begin, row * g.width);
    const int64_t last = std::min(end, row * g.width + x.out);
    if (j >= y.out || first >= last) continue;
    const int64_t to =
        ((z.to_begin + i * z.to_step) * y.to_size + y.to_begin + j * y.to_step) * x.to_size +
        x.to_begin + (first - row * g.width) * x.to_step;
    run(first, last - first, to);
  }
}

/// Rows of results in parts of nearly equal size.
struct Parts {
  int64_t rows, count;
  int64_t begin(int64_t part) const { return rows * part / count; }
};
/// So that `channels` planes of a part fit the cache, and there are `wanted` parts if may be. What
/// a part reads beyond itself (of volumes, whole planes) is copied for it too: not more than
/// itself.
template <class T>
Parts parts_of(const Grid& g, int64_t channels, int64_t wanted) {
  const int64_t fit = kCacheBytes / static_cast<int64_t>(sizeof(T)) / channels - g.reach;
  const int64_t worth = std::max<int64_t>(ceil_div(g.reach, g.width), 1);
  const int64_t rows = std::max(fit / g.width, worth);
  const int64_t least = std::max(ceil_div(128, g.width), worth);  // rows that fill tiles
  return {g.rows, std::max(ceil_div(g.rows, rows), std::min(wanted, g.rows / least))};
}

/// An odd number of cache lines, so that planes do not share the cache's sets.
template <class T>
int64_t plane_stride(int64_t elements) {
  constexpr int64_t kLine = 64 / sizeof(T);
  return (ceil_div(elements, kLine) | 1) * kLine;
}

/// Filters for a correlation: element e of the filter from source channel c to result channel m of
/// a group is data[group * group_stride + m * m_stride + c * c_stride + e].
template <class T>
struct Filters {
  const T* data;
  int64_t group_stride, m_stride, c_stride;
};

/// Channels in blocks whose rows stay in the first-level cache while all taps look at them; the
/// last is filled up with channels of zeros.
struct Depth {
  explicit Depth(int64_t channels) : blocks(ceil_div(channels, kDepth)) {
    each = ceil_div(channels, blocks);
  }
  int64_t all() const { return blocks * each; }
  int64_t blocks, each;
};

double cost_ns(double multiplications, double copied) {
  return 0.01 * multiplications + 0.3 * copied + 100;
}

/// dst[n, g, m] = the correlation of src[n, g, all c] with filters[g, m, all c], through the
/// epilogue, at the places of dst that the axes say.
template <class T>
void correlate(const Grid& g, int64_t batch, int64_t groups, int64_t c_count, int64_t m_count,
               const T* src, const Filters<T>& filters, const ConvEpilogue<T>& epilogue, T* dst) {
  const TileShape tiles = tile_shape<T>();
  const Depth depth(c_count);
  const auto taps = static_cast<int64_t>(g.taps.size());
  const int64_t k = depth.all() * taps;
  const Parts parts = parts_of<T>(g, depth.all() * g.planes, ceil_div(kItems, batch * groups));
  const auto points = [&](int64_t part) {
    return (parts.begin(part + 1) - parts.begin(part)) * g.width;
  };
  int64_t most = 0;
  for (int64_t part = 0; part < parts.count; ++part) most = std::max(most, points(part));
  const int64_t vecs = ceil_div(most, tiles.lanes);
  const int64_t tile_rows = tiles.rows[ceil_div(vecs, ceil_div(vecs, tiles.max_vecs))];
  const int64_t row_tiles = ceil_div(m_count, tile_rows);

  const Block<T> packed(groups * m_count * k);
  parallel_for(
      groups * row_tiles, static_cast<double>(k * tile_rows), [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item) {
          const int64_t tile = item % row_tiles, group = item / row_tiles;
          const int64_t top = m_count * tile / row_tiles;
          const int64_t rows = m_count * (tile + 1) / row_tiles - top;
          T* to = packed.data() + (group * m_count + top) * k;
          const T* from = filters.data + group * filters.group_stride + top * filters.m_stride;
          for (int64_t block = 0; block < depth.blocks; ++block)
            for (const Tap& tap : g.taps)
              for (int64_t c = block * depth.each; c < (block + 1) * depth.each; ++c, to += rows) {
                const T* at = from + c * filters.c_stride + tap.element;
                for (int64_t r = 0; r < rows; ++r)
                  to[r] = c < c_count ? at[r * filters.m_stride] : T{0};
              }
        }
      });

  const int64_t plane = plane_stride<T>(most + g.reach + tiles.lanes * tiles.max_vecs);
  // Of a few channels, each row by itself: a tile that begins anew so often takes longer.
  constexpr int64_t kLeastDepth = 8;
  const int64_t segment = depth.each < kLeastDepth ? 1 : depth.each;
  std::vector<int64_t> offsets;
  for (int64_t block = 0; block < depth.blocks; ++block)
    for (const Tap& tap : g.taps)
      for (int64_t c = block * depth.each; c < (block + 1) * depth.each; c += segment)
        offsets.push_back((c * g.planes + tap.phase) * plane + tap.shift);
  const double work = static_cast<double>(m_count * k) * static_cast<double>(most);
  const double copied = static_cast<double>(depth.all() * g.planes) * static_cast<double>(most);
  parallel_for(batch * groups * parts.count, cost_ns(work, copied),
               [&](int64_t begin, int64_t end) {
                 auto* const planes = static_cast<T*>(
                     gemm_scratch(static_cast<size_t>(depth.all() * g.planes * plane) * sizeof(T)));
                 std::vector<PanelRun> runs;
                 for (int64_t item = begin; item < end; ++item) {
                   const int64_t part = item % parts.count, image = item / parts.count;
                   const int64_t group = image % groups;
                   const int64_t first = parts.begin(part) * g.width, n = points(part);
                   for (int64_t i = 0; i < depth.all() * g.planes; ++i) {
                     const int64_t c = i / g.planes;
                     if (c < c_count)
                       fill_plane(g, i % g.planes, src + (image * c_count + c) * g.source_size(),
                                  first, first + n + g.reach, planes + i * plane);
                     else
                       std::fill_n(planes + i * plane, n + g.reach, T{0});
                   }
                   const SegmentProduct<T> product{
                       .m = m_count,
                       .tile_rows = tile_rows,
                       .segments = static_cast<int64_t>(offsets.size()),
                       .depth = segment,
                       .offsets = offsets.data(),
                       .row = g.planes * plane,
                       .a = packed.data() + group * m_count * k,
                       .x = planes,
                       .bias = epilogue.from_channel(group * m_count).bias,
                       .relu = epilogue.activation == Activation::kRelu,
                       .c = dst + image * m_count * g.result_size(),
                       .c_row = g.result_size(),
                       .c_step = g.axes[2].to_step,
                   };
                   const int64_t part_vecs = ceil_div(n, tiles.lanes);
                   const int64_t panels = ceil_div(part_vecs, tiles.max_vecs);
                   for (int64_t panel = 0; panel < panels; ++panel) {
                     const int64_t from = part_vecs * panel / panels * tiles.lanes;
                     const int64_t to = std::min(part_vecs * (panel + 1) / panels * tiles.lanes, n);
                     runs.clear();
                     for_each_run(g, first + from, first + to,
                                  [&](int64_t at, int64_t count, int64_t place) {
                                    runs.push_back({at - first - from, count, place});
                                  });
                     multiply_segments(product, from, to - from, runs.data(),
                                       static_cast<int64_t>(runs.size()));
                   }
                 }
               });
}

Grid windows_grid(const Windows& w) {
  return Grid({windows_axis(w, 0), windows_axis(w, 1), windows_axis(w, 2)}, w.kernel);
}

}  // namespace

template <class T>
bool has_vectors() {
  return tile_shape<T>().lanes > 0;
}

template <class T>
bool has_grid(const ConvShape& s) {
  if (!has_vectors<T>()) return false;
  const Grid grid = windows_grid(s.windows);
  constexpr int64_t kMostBytes = 16 << 20;
  const int64_t row = (grid.width + grid.reach) * grid.planes * static_cast<int64_t>(sizeof(T));
  return 2 * grid.results() >= grid.rows * grid.width && row * s.in_channels <= kMostBytes;
}

template <class T>
void grid_conv(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue, T* y) {
  const int64_t kernel = s.windows.kernel_size(), k = s.in_channels * kernel;
  correlate<T>(windows_grid(s.windows), s.batch, s.groups, s.in_channels, s.out_channels, x,
               {w, s.out_channels * k, k, kernel}, epilogue, y);
}

template <class T>
void grid_conv_grad_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  const Windows& windows = s.windows;
  const int64_t kernel = windows.kernel_size(), k = s.in_channels * kernel;
  const auto& [z_stride, y_stride, x_stride] = windows.stride;
  bool covers = true;  // whether each phase has taps
  for (size_t d = 0; d < 3; ++d)
    for (int64_t phase = 0; phase < windows.stride[d]; ++phase)
      covers = covers && !input_axis(windows, d, phase).taps.empty();
  if (!covers) std::fill_n(dx, s.batch * s.groups * s.in_channels * windows.in_size(), T{0});
  for (int64_t z = 0; z < z_stride; ++z)
    for (int64_t y = 0; y < y_stride; ++y)
      for (int64_t x = 0; x < x_stride; ++x) {
        const Grid grid(
            {input_axis(windows, 0, z), input_axis(windows, 1, y), input_axis(windows, 2, x)},
            windows.kernel);
        if (grid.taps.empty() || grid.results() <= 0) continue;
        correlate<T>(grid, s.batch, s.groups, s.out_channels, s.in_channels, dy,
                     {w, s.out_channels * k, kernel, k}, {}, dx);
      }
}

/// Elements [channel, tap] of filters that a tile can take as its rows, because what they see lies
/// equally far apart in the planes: from `offset` on, `step` apart.
struct RowGroup {
  int64_t offset, step;
  std::vector<int64_t> elements;  // channel * taps + tap
};
/// One tap of all channels, or one channel's taps in a row of the filter, whichever are more.
std::vector<RowGroup> row_groups(const Grid& g, int64_t channels, int64_t kernel_width,
                                 int64_t plane) {
  std::vector<RowGroup> groups;
  const auto taps = static_cast<int64_t>(g.taps.size());
  const auto offset = [&](const Tap& tap) { return tap.phase * plane + tap.shift; };
  if (channels >= kernel_width) {
    for (const Tap& tap : g.taps) {
      groups.push_back({offset(tap), g.planes * plane, {}});
      for (int64_t c = 0; c < channels; ++c)
        groups.back().elements.push_back(c * taps + tap.element);
    }
    return groups;
  }
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t row = 0; row < taps; row += kernel_width)
      for (int64_t phase = 0; phase < g.phases(2); ++phase) {
        groups.push_back({});
        for (int64_t t = row; t < row + kernel_width; ++t) {
          const Tap& tap = g.taps[static_cast<size_t>(t)];
          if (tap.phase % g.phases(2) != phase) continue;
          RowGroup& group = groups.back();
          const int64_t at = c * g.planes * plane + offset(tap);
          if (group.elements.empty()) group.offset = at;
          if (group.elements.size() == 1) group.step = at - group.offset;
          group.elements.push_back(c * taps + tap.element);
        }
      }
  return groups;
}

// dw is the sum over positions of x's planes, moved by each tap, times dy: elements of a filter
// along the rows of a tile, channels of dy, which are brought next to one another, along its
// vectors.
template <class T>
void grid_conv_grad_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const Grid g = windows_grid(s.windows);
  const TileShape tiles = tile_shape<T>();
  const int64_t taps = s.windows.kernel_size(), size = s.in_channels * taps;
  constexpr int64_t kChannels = 32;          // of x that a piece of work takes
  constexpr int64_t kNearBytes = 128 << 10;  // of dy, that a tile goes through at once
  const int64_t c_blocks = ceil_div(s.in_channels, kChannels);
  const int64_t m_blocks = ceil_div(s.out_channels, tiles.lanes * tiles.max_vecs);
  const int64_t pieces = s.groups * c_blocks * m_blocks;
  const int64_t c_most = ceil_div(s.in_channels, c_blocks);
  const int64_t width = ceil_div(ceil_div(s.out_channels, m_blocks), tiles.lanes) * tiles.lanes;
  // Where these are few, images are cut too, into sums of their own that are added in order.
  const int64_t sums = std::min(s.batch, ceil_div(kItems, pieces));
  const int64_t all = s.groups * s.out_channels * size;
  const Shares<T> shares(all, sums, dw);

  const Parts parts = parts_of<T>(g, c_most * g.planes + width, 1);
  int64_t rows = 0;
  for (int64_t part = 0; part < parts.count; ++part)
    rows = std::max(rows, parts.begin(part + 1) - parts.begin(part));
  const int64_t most = rows * g.width;
  const int64_t plane = plane_stride<T>(most + g.reach + tiles.lanes);
  const int64_t near = kNearBytes / (width * static_cast<int64_t>(sizeof(T)));

  const double points = static_cast<double>(ceil_div(s.batch, sums) * g.rows * g.width);
  const double copied = static_cast<double>(c_most * g.planes + width) * points;
  const double work = static_cast<double>(c_most * taps * width) * points;
  parallel_for(pieces * sums, cost_ns(work, copied), [&](int64_t begin, int64_t end) {
    auto* const planes = static_cast<T*>(gemm_scratch(
        static_cast<size_t>(c_most * g.planes * plane + (most + taps * c_most) * width) *
        sizeof(T)));
    T* const grads = planes + c_most * g.planes * plane;  // [position, width]
    T* const sum = grads + most * width;                  // [elements of the row groups, width]
    for (int64_t item = begin; item < end; ++item) {
      const int64_t share = item / pieces, group = item / (c_blocks * m_blocks) % s.groups;
      const int64_t m_block = item / c_blocks % m_blocks, c_block = item % c_blocks;
      const int64_t c_begin = s.in_channels * c_block / c_blocks;
      const int64_t c_count = s.in_channels * (c_block + 1) / c_blocks - c_begin;
      const int64_t m_begin = s.out_channels * m_block / m_blocks;
      const int64_t m_count = s.out_channels * (m_block + 1) / m_blocks - m_begin;
      const auto element_groups = row_groups(g, c_count, s.windows.kernel[2], plane);
      std::fill_n(sum, taps * c_count * width, T{0});
      std::fill_n(grads, most * width, T{0});
      for (int64_t image = s.batch * share / sums; image < s.batch * (share + 1) / sums; ++image)
        for (int64_t part = 0; part < parts.count; ++part) {
          const int64_t first = parts.begin(part) * g.width;
          const int64_t n = parts.begin(part + 1) * g.width - first;
          const T* from =
              x + ((image * s.groups + group) * s.in_channels + c_begin) * g.source_size();
          for (int64_t i = 0; i < c_count * g.planes; ++i)
            fill_plane(g, i % g.planes, from + i / g.planes * g.source_size(), first,
                       first + n + g.reach, planes + i * plane);
          const T* grad =
              dy + ((image * s.groups + group) * s.out_channels + m_begin) * g.result_size();
          // Positions without a result are zeros, and in the same places in each image.
          if (parts.count > 1) std::fill_n(grads, most * width, T{0});
          for_each_run(g, first, first + n, [&](int64_t at, int64_t length, int64_t place) {
            transpose_rows(m_count, length, grad + place, g.result_size(),
                           grads + (at - first) * width, width);
          });
          for (int64_t at = 0; at < n; at += near) {
            T* rows_sum = sum;
            for (const RowGroup& e : element_groups) {
              const auto count = static_cast<int64_t>(e.elements.size());
              add_product(count, width, std::min(near, n - at), planes + e.offset + at, e.step,
                          grads + at * width, rows_sum);
              rows_sum += count * width;
            }
          }
        }
      T* const to = shares.of(share) + (group * s.out_channels + m_begin) * size + c_begin * taps;
      const T* row = sum;
      for (const RowGroup& e : element_groups)
        for (const int64_t element : e.elements) {
          for (int64_t m = 0; m < m_count; ++m) to[m * size + element] = row[m];
          row += width;
        }
    }
  });
  shares.join();
}

template bool has_vectors<float>();
template bool has_vectors<double>();
template bool has_grid<float>(const ConvShape&);
template bool has_grid<double>(const ConvShape&);
template void grid_conv(const ConvShape&, const float*, const float*, const ConvEpilogue<float>&,
                        float*);
template void grid_conv(const ConvShape&, const double*, const double*, const ConvEpilogue<double>&,
                        double*);
template void grid_conv_grad_input(const ConvShape&, const float*, const float*, float*);
template void grid_conv_grad_input(const ConvShape&, const double*, const double*, double*);
template void grid_conv_grad_weight(const ConvShape&, const float*, const float*, float*);
template void grid_conv_grad_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace bb::kernels
