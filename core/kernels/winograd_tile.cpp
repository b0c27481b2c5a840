#include "bb/core/kernels/winograd_tile.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/winograd_tile.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h comes before these.
#include <hwy/highway.h>

#include "bb/core/kernels/gemm_kernel-inl.h"
#include "bb/core/kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

int64_t lanes_of() { return 0; }
void input(const TileRows&, const float*, const TileValues&, float*) {}
void grad(const TileRows&, const float*, const TileValues&, float*) {}
void output(const TileRows&, const TileValues&, const ConvEpilogue<float>&, float*, float*) {}
void filters(const Filters3x3&, int64_t, int64_t, float*, int64_t) {}
void products(int64_t, int64_t, const TileValues&, const float*, int64_t, const TileValues&) {}
void add_products(int64_t, int64_t, const TileValues&, const TileValues&, float*, int64_t) {}
void filters_grad(const float*, int64_t, int64_t, int64_t, float*, int64_t) {}

#else

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

int64_t lanes_of() { return lanes<float>(); }

// The points that are not 0 or infinity are +-kA and +-kB.
constexpr float kA = 0.75F, kB = 1.5F;
constexpr float kA2 = kA * kA, kB2 = kB * kB;
// 1 / the product of a point's differences to the others: 0, +-kA, +-kB.
constexpr float kAtZero = 1 / (kA2 * kB2);
constexpr float kAtA = 1 / (2 * kA2 * (kA2 - kB2)), kAtB = 1 / (2 * kB2 * (kB2 - kA2));

constexpr float kInfinity = std::numeric_limits<float>::infinity();

HWY_INLINE V times(float c, V x) { return hn::Mul(hn::Set(D(), c), x); }
/// c x + y
HWY_INLINE V fma(float c, V x, V y) { return hn::MulAdd(hn::Set(D(), c), x, y); }

// The maps in one dim. Rows of two points +-p share their even and odd powers.

/// B^T
struct Input {
  static constexpr int kIn = 6, kOut = 6;
  HWY_INLINE void operator()(const V* x, V* y) const {
    const V even_a = fma(-kB2, x[2], x[4]), odd_a = fma(-kB2, x[1], x[3]);
    const V even_b = fma(-kA2, x[2], x[4]), odd_b = fma(-kA2, x[1], x[3]);
    y[0] = fma(kA2 * kB2, x[0], fma(-(kA2 + kB2), x[2], x[4]));
    y[1] = fma(kA, odd_a, even_a);
    y[2] = fma(-kA, odd_a, even_a);
    y[3] = fma(kB, odd_b, even_b);
    y[4] = fma(-kB, odd_b, even_b);
    y[5] = fma(kA2 * kB2, x[1], fma(-(kA2 + kB2), x[3], x[5]));
  }
};
/// A^T
struct Output {
  static constexpr int kIn = 6, kOut = 4;
  HWY_INLINE void operator()(const V* z, V* y) const {
    const V even_a = hn::Add(z[1], z[2]), odd_a = hn::Sub(z[1], z[2]);
    const V even_b = hn::Add(z[3], z[4]), odd_b = hn::Sub(z[3], z[4]);
    y[0] = hn::Add(z[0], hn::Add(even_a, even_b));
    y[1] = fma(kA, odd_a, times(kB, odd_b));
    y[2] = fma(kA2, even_a, times(kB2, even_b));
    y[3] = fma(kA2 * kA, odd_a, fma(kB2 * kB, odd_b, z[5]));
  }
};
/// A
struct Grad {
  static constexpr int kIn = 4, kOut = 6;
  HWY_INLINE void operator()(const V* y, V* z) const {
    const V even_a = fma(kA2, y[2], y[0]), odd_a = fma(kA2, y[3], y[1]);
    const V even_b = fma(kB2, y[2], y[0]), odd_b = fma(kB2, y[3], y[1]);
    z[0] = y[0];
    z[1] = fma(kA, odd_a, even_a);
    z[2] = fma(-kA, odd_a, even_a);
    z[3] = fma(kB, odd_b, even_b);
    z[4] = fma(-kB, odd_b, even_b);
    z[5] = y[3];
  }
};
/// G
struct Filter {
  static constexpr int kIn = 3, kOut = 6;
  HWY_INLINE void operator()(const V* w, V* u) const {
    const V even_a = times(kAtA, fma(kA2, w[2], w[0])), even_b = times(kAtB, fma(kB2, w[2], w[0]));
    u[0] = times(kAtZero, w[0]);
    u[1] = fma(kAtA * kA, w[1], even_a);
    u[2] = fma(-kAtA * kA, w[1], even_a);
    u[3] = fma(kAtB * kB, w[1], even_b);
    u[4] = fma(-kAtB * kB, w[1], even_b);
    u[5] = w[2];
  }
};
/// G^T
struct FilterGrad {
  static constexpr int kIn = 6, kOut = 3;
  HWY_INLINE void operator()(const V* u, V* w) const {
    const V even_a = times(kAtA, hn::Add(u[1], u[2])), even_b = times(kAtB, hn::Add(u[3], u[4]));
    const V odd_a = hn::Sub(u[1], u[2]), odd_b = hn::Sub(u[3], u[4]);
    w[0] = fma(kAtZero, u[0], hn::Add(even_a, even_b));
    w[1] = fma(kAtA * kA, odd_a, times(kAtB * kB, odd_b));
    w[2] = fma(kA2, even_a, fma(kB2, even_b, u[5]));
  }
};

/// Map along the columns and then the rows of a square: load(i, j), store(i, j, value).
template <class Map, class Load, class Store>
HWY_INLINE void both_ways(const Map& map, const Load& load, const Store& store) {
  constexpr int kIn = Map::kIn, kOut = Map::kOut;
  V half[kOut][kIn];
#pragma GCC unroll 6
  for (int j = 0; j < kIn; ++j) {
    V column[kIn], result[kOut];
#pragma GCC unroll 6
    for (int i = 0; i < kIn; ++i) column[i] = load(i, j);
    map(column, result);
#pragma GCC unroll 6
    for (int i = 0; i < kOut; ++i) half[i][j] = result[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < kOut; ++i) {
    V result[kOut];
    map(half[i], result);
#pragma GCC unroll 6
    for (int j = 0; j < kOut; ++j) store(i, j, result[j]);
  }
}

/// A vector of channels from `channel` on, for the elements that the tiles see: `to` is
/// [rows, columns, lanes].
void bring_together(const TileRows& r, int64_t channel, int64_t rows, int64_t columns,
                    const float* x, float* to) {
  const int64_t n_lanes = lanes_of(), size = r.height * r.width;
  const int64_t channels = std::min(n_lanes, r.channels - channel);
  const float* planes = x + channel * size;
  const int64_t lead = std::min(r.pad_x, columns);
  const int64_t count = std::clamp<int64_t>(columns - lead, 0, r.width);
  if (channels < n_lanes) std::fill_n(to, rows * columns * n_lanes, 0.0F);
  for (int64_t i = 0; i < rows; ++i, to += columns * n_lanes) {
    const int64_t row = r.first * kWinogradStep - r.pad_y + i;
    if (row < 0 || row >= r.height) {
      std::fill_n(to, columns * n_lanes, 0.0F);
      continue;
    }
    // Squares of four columns: what is taken from the rows after is overwritten.
    const int64_t whole =
        std::min({(count + 3) / 4 * 4, columns - lead, (r.height - row) * r.width});
    transpose(channels, whole, planes + row * r.width, size, to + lead * n_lanes, n_lanes);
    std::fill_n(to, lead * n_lanes, 0.0F);
    std::fill_n(to + (lead + count) * n_lanes, (columns - lead - count) * n_lanes, 0.0F);
  }
}

template <class Map>
void transform(const TileRows& r, const float* x, const TileValues& to, float* scratch) {
  const D d;
  const int64_t n_lanes = lanes_of();
  constexpr int64_t kReach = Map::kIn - kWinogradStep;
  const int64_t rows = r.count * kWinogradStep + kReach, columns = r.tiles * kWinogradStep + kReach;
  for (int64_t c = 0; c < to.channels; c += n_lanes) {
    bring_together(r, c, rows, columns, x, scratch);
    float* values = to.data + c;
    for (int64_t i = 0; i < r.count; ++i)
      for (int64_t j = 0; j < r.tiles; ++j, values += to.channels) {
        const float* from = scratch + (i * columns + j) * kWinogradStep * n_lanes;
        both_ways(
            Map(),
            [&](int y, int z) HWY_ATTR { return hn::Load(d, from + (y * columns + z) * n_lanes); },
            [&](int y, int z, V value)
                HWY_ATTR { hn::Store(value, d, values + (y * 6 + z) * to.point); });
      }
  }
}

void input(const TileRows& r, const float* x, const TileValues& to, float* scratch) {
  transform<Input>(r, x, to, scratch);
}
void grad(const TileRows& r, const float* dy, const TileValues& to, float* scratch) {
  transform<Grad>(r, dy, to, scratch);
}

void output(const TileRows& r, const TileValues& z, const ConvEpilogue<float>& epilogue, float* y,
            float* scratch) {
  const D d;
  const int64_t n_lanes = lanes_of(), columns = r.tiles * kWinogradStep;
  const int64_t top = r.first * kWinogradStep;
  const int64_t rows = std::min(r.count * kWinogradStep, r.height - top);
  for (int64_t c = 0; c < r.channels; c += n_lanes) {
    const int64_t channels = std::min(n_lanes, r.channels - c);
    HWY_ALIGN float shift[kMaxLanes] = {};
    if (epilogue.bias) std::copy_n(epilogue.bias + c, channels, shift);
    const V bias = hn::Load(d, shift);
    // What a result must not be below; but NaN stays.
    const V least = hn::Set(d, epilogue.activation == Activation::kRelu ? 0 : -kInfinity);
    const float* values = z.data + c;
    for (int64_t i = 0; i < r.count; ++i)
      for (int64_t j = 0; j < r.tiles; ++j, values += z.channels) {
        float* to = scratch + (i * columns + j) * kWinogradStep * n_lanes;
        both_ways(
            Output(),
            [&](int p, int q) HWY_ATTR { return hn::Load(d, values + (p * 6 + q) * z.point); },
            [&](int p, int q, V value) HWY_ATTR {
              const V sum = hn::Add(value, bias);
              hn::Store(hn::IfThenElse(hn::Lt(sum, least), least, sum), d,
                        to + (p * columns + q) * n_lanes);
            });
      }
    float* to = y + c * r.height * r.width + top * r.width;
    if (columns == r.width) {
      transpose(rows * columns, channels, scratch, n_lanes, to, r.height * r.width);
    } else {
      for (int64_t i = 0; i < rows; ++i)
        transpose(r.width, channels, scratch + i * columns * n_lanes, n_lanes, to + i * r.width,
                  r.height * r.width);
    }
  }
}

/// Calls panel(first, width) for the panels of `columns`, a whole number of vectors.
template <class Panel>
HWY_INLINE void for_each_panel(int64_t columns, const Panel& panel) {
  const int64_t vecs = columns / lanes_of(), count = pieces(vecs, kMaxVecs);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = edge(vecs, i, count), last = edge(vecs, i + 1, count);
    panel(first * lanes_of(), (last - first) * lanes_of());
  }
}

void filters(const Filters3x3& f, int64_t c_begin, int64_t c_end, float* to, int64_t point) {
  const D d;
  const int64_t n_lanes = lanes_of();
  HWY_ALIGN float w[9 * kMaxLanes] = {};
  for_each_panel(pieces(f.m_count, n_lanes) * n_lanes, [&](int64_t first, int64_t width) HWY_ATTR {
    for (int64_t c = c_begin; c < c_end; ++c)
      for (int64_t m = first; m < first + width; m += n_lanes) {
        transpose(std::min(n_lanes, f.m_count - m), 9, f.data + m * f.m_stride + c * f.c_stride,
                  f.m_stride, w, n_lanes);
        float* u = to + first * f.c_count + c * width + m - first;
        both_ways(
            Filter(),
            [&](int i, int j) HWY_ATTR {
              const int e = i * 3 + j;
              return hn::Load(d, w + (f.turned ? 8 - e : e) * n_lanes);
            },
            [&](int i, int j, V value) HWY_ATTR { hn::Store(value, d, u + (i * 6 + j) * point); });
      }
  });
}

Tile<float> plain_tile() {
  alignas(64) static constexpr float kZeros[kMaxVecs * kMaxLanes] = {};
  static constexpr int64_t kWhole = 0;
  Tile<float> tile{};
  tile.segments = 1;
  tile.b_offsets = &kWhole;
  tile.last_lanes = static_cast<size_t>(lanes_of());
  tile.alpha = 1;
  tile.col_bias = tile.row_bias = kZeros;
  return tile;
}

/// Tiles over `rows` rows of A and C, with B and C at one panel.
void run_rows(Tile<float> tile, int64_t rows, int64_t width) {
  const float* a = tile.a;
  float* c = tile.c;
  const int64_t vecs = width / lanes_of(), count = pieces(rows, kMaxRows[vecs]);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t top = edge(rows, i, count);
    tile.a = a + top * tile.a_row;
    tile.c = c + top * tile.c_row;
    tiles<float>()[vecs - 1][edge(rows, i + 1, count) - top](tile);
  }
}

void products(int64_t tiles, int64_t c_count, const TileValues& v, const float* u, int64_t u_point,
              const TileValues& z) {
  Tile<float> tile = plain_tile();
  tile.k = c_count;
  tile.a_row = v.channels;
  tile.a_col = 1;
  tile.c_row = z.channels;
  tile.plain = true;
  for (int64_t p = 0; p < kWinogradPoints; ++p)
    for_each_panel(z.channels, [&](int64_t first, int64_t width) {
      tile.a = v.data + p * v.point;
      tile.b = u + p * u_point + first * c_count;
      tile.b_row = width;
      tile.c = z.data + p * z.point + first;
      run_rows(tile, tiles, width);
    });
}

void add_products(int64_t tiles, int64_t c_count, const TileValues& v, const TileValues& d,
                  float* du, int64_t du_point) {
  Tile<float> tile = plain_tile();
  tile.k = tiles;
  tile.a_row = 1;
  tile.a_col = v.channels;
  tile.b_row = tile.c_row = d.channels;
  tile.beta = 1;
  for (int64_t p = 0; p < kWinogradPoints; ++p)
    for_each_panel(d.channels, [&](int64_t first, int64_t width) {
      tile.a = v.data + p * v.point;
      tile.b = d.data + p * d.point + first;
      tile.c = du + p * du_point + first;
      run_rows(tile, c_count, width);
    });
}

void filters_grad(const float* du, int64_t du_point, int64_t c_count, int64_t m_count, float* dw,
                  int64_t m_stride) {
  const D d;
  const int64_t n_lanes = lanes_of(), du_row = pieces(m_count, n_lanes) * n_lanes;
  HWY_ALIGN float w[9 * kMaxLanes];
  for (int64_t c = 0; c < c_count; ++c)
    for (int64_t m = 0; m < m_count; m += n_lanes) {
      const float* from = du + c * du_row + m;
      both_ways(
          FilterGrad(),
          [&](int i, int j) HWY_ATTR { return hn::Load(d, from + (i * 6 + j) * du_point); },
          [&](int i, int j, V value) HWY_ATTR { hn::Store(value, d, w + (i * 3 + j) * n_lanes); });
      transpose(9, std::min(n_lanes, m_count - m), w, n_lanes, dw + m * m_stride + c * 9, m_stride);
    }
}

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace bb::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

int64_t winograd_lanes() { return BB_DISPATCH(lanes_of)(); }
int64_t winograd_scratch(int64_t tiles, int64_t rows) {
  // Two elements more each way.
  return (rows * kWinogradStep + 2) * (tiles * kWinogradStep + 2) * winograd_lanes();
}
void winograd_input(const TileRows& rows, const float* x, const TileValues& to, float* scratch) {
  BB_DISPATCH(input)(rows, x, to, scratch);
}
void winograd_grad(const TileRows& rows, const float* dy, const TileValues& to, float* scratch) {
  BB_DISPATCH(grad)(rows, dy, to, scratch);
}
void winograd_output(const TileRows& rows, const TileValues& z, const ConvEpilogue<float>& epilogue,
                     float* y, float* scratch) {
  BB_DISPATCH(output)(rows, z, epilogue, y, scratch);
}
void winograd_filters(const Filters3x3& f, int64_t c_begin, int64_t c_end, float* to,
                      int64_t point) {
  BB_DISPATCH(filters)(f, c_begin, c_end, to, point);
}
void winograd_products(int64_t tiles, int64_t c_count, const TileValues& v, const float* u,
                       int64_t u_point, const TileValues& z) {
  BB_DISPATCH(products)(tiles, c_count, v, u, u_point, z);
}
void winograd_add_products(int64_t tiles, int64_t c_count, const TileValues& v, const TileValues& d,
                           float* du, int64_t du_point) {
  BB_DISPATCH(add_products)(tiles, c_count, v, d, du, du_point);
}
void winograd_filters_grad(const float* du, int64_t du_point, int64_t c_count, int64_t m_count,
                           float* dw, int64_t m_stride) {
  BB_DISPATCH(filters_grad)(du, du_point, c_count, m_count, dw, m_stride);
}

}  // namespace bb::kernels
#endif
