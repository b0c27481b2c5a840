#include "bb/core/kernels/winograd_tile.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <type_traits>

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
void filters(const SquareFilters&, int64_t, int64_t, float*, int64_t) {}
void products(int64_t, int64_t, const TileValues&, const float*, int64_t, const TileValues&) {}
void add_products(int64_t, int64_t, const TileValues&, const TileValues&, float*, int64_t) {}
void filters_grad(int64_t, const float*, int64_t, int64_t, int64_t, float*, int64_t) {}

#else

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

int64_t lanes_of() { return lanes<float>(); }

// The points that are not 0 or infinity are +-kA and +-kB.
constexpr float kA = 0.75F, kB = 1.5F;
constexpr float kA2 = kA * kA, kB2 = kB * kB;
constexpr float kPowersA[] = {1, kA, kA2, kA2* kA, kA2* kA2};
constexpr float kPowersB[] = {1, kB, kB2, kB2* kB, kB2* kB2};
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
/// The values at the points of the polynomial of kCount coefficients, times the factor of each
/// point where kScaled: A of results, G of filters.
template <int kCount, bool kScaled>
struct Values {
  static constexpr int kIn = kCount, kOut = 6;
  HWY_INLINE void operator()(const V* y, V* z) const {
    z[0] = kScaled ? times(kAtZero, y[0]) : y[0];
    pair(kA, kAtA, y, z + 1);
    pair(kB, kAtB, y, z + 3);
    z[5] = y[kCount - 1];
  }
  static HWY_INLINE void pair(float p, float scale, const V* y, V* z) {
    V even = y[0], odd = y[1];
    if constexpr (kCount == 5)
      even = fma(p * p, fma(p * p, y[4], y[2]), even);
    else if constexpr (kCount > 2)
      even = fma(p * p, y[2], even);
    if constexpr (kCount > 3) odd = fma(p * p, y[3], odd);
    if constexpr (kScaled) even = times(scale, even);
    z[0] = fma(kScaled ? scale * p : p, odd, even);
    z[1] = fma(kScaled ? -scale * p : -p, odd, even);
  }
};
/// Its transpose.
template <int kCount, bool kScaled>
struct Coefficients {
  static constexpr int kIn = 6, kOut = kCount;
  HWY_INLINE void operator()(const V* z, V* y) const {
    V even_a = hn::Add(z[1], z[2]), odd_a = hn::Sub(z[1], z[2]);
    V even_b = hn::Add(z[3], z[4]), odd_b = hn::Sub(z[3], z[4]);
    if constexpr (kScaled) {
      even_a = times(kAtA, even_a), odd_a = times(kAtA, odd_a);
      even_b = times(kAtB, even_b), odd_b = times(kAtB, odd_b);
    }
    const V even = hn::Add(even_a, even_b);
    y[0] = kScaled ? fma(kAtZero, z[0], even) : hn::Add(z[0], even);
#pragma GCC unroll 4
    for (int i = 1; i < kCount; ++i) {
      const V a = i % 2 == 1 ? odd_a : even_a, b = i % 2 == 1 ? odd_b : even_b;
      const V of_b = i == kCount - 1 ? fma(kPowersB[i], b, z[5]) : times(kPowersB[i], b);
      y[i] = fma(kPowersA[i], a, of_b);
    }
  }
};
template <int kKernel>
using Filter = Values<kKernel, true>;
template <int kKernel>
using Grad = Values<winograd_step(kKernel), false>;
template <int kKernel>
using FilterGrad = Coefficients<kKernel, true>;
template <int kKernel>
using Output = Coefficients<winograd_step(kKernel), false>;

/// Calls run(std::integral_constant) of the kernel.
template <class Run>
HWY_INLINE void with_kernel(int64_t kernel, const Run& run) {
  if (kernel == 3) return run(std::integral_constant<int, 3>());
  run(std::integral_constant<int, 5>());
}

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
    const int64_t row = r.first * r.step() - r.pad_y + i;
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
  const int64_t n_lanes = lanes_of(), step = r.step(), reach = Map::kIn - step;
  const int64_t rows = r.count * step + reach, columns = r.tiles * step + reach;
  for (int64_t c = 0; c < to.channels; c += n_lanes) {
    bring_together(r, c, rows, columns, x, scratch);
    float* values = to.data + c;
    for (int64_t i = 0; i < r.count; ++i)
      for (int64_t j = 0; j < r.tiles; ++j, values += to.channels) {
        const float* from = scratch + (i * columns + j) * step * n_lanes;
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
  with_kernel(r.kernel, [&](auto kernel) { transform<Grad<kernel>>(r, dy, to, scratch); });
}

template <int kKernel>
void output_of(const TileRows& r, const TileValues& z, const ConvEpilogue<float>& epilogue,
               float* y, float* scratch) {
  const D d;
  constexpr int64_t kStep = winograd_step(kKernel);
  const int64_t n_lanes = lanes_of(), columns = r.tiles * kStep, top = r.first * kStep;
  const int64_t rows = std::min(r.count * kStep, r.height - top);
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
        float* to = scratch + (i * columns + j) * kStep * n_lanes;
        both_ways(
            Output<kKernel>(),
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

void output(const TileRows& r, const TileValues& z, const ConvEpilogue<float>& epilogue, float* y,
            float* scratch) {
  with_kernel(r.kernel, [&](auto kernel) { output_of<kernel>(r, z, epilogue, y, scratch); });
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

template <int kKernel>
void filters_of(const SquareFilters& f, int64_t c_begin, int64_t c_end, float* to, int64_t point) {
  const D d;
  constexpr int kSize = kKernel * kKernel;
  const int64_t n_lanes = lanes_of();
  HWY_ALIGN float w[kSize * kMaxLanes] = {};
  for_each_panel(pieces(f.m_count, n_lanes) * n_lanes, [&](int64_t first, int64_t width) HWY_ATTR {
    for (int64_t c = c_begin; c < c_end; ++c)
      for (int64_t m = first; m < first + width; m += n_lanes) {
        transpose(std::min(n_lanes, f.m_count - m), kSize, f.data + m * f.m_stride + c * f.c_stride,
                  f.m_stride, w, n_lanes);
        float* u = to + first * f.c_count + c * width + m - first;
        both_ways(
            Filter<kKernel>(),
            [&](int i, int j) HWY_ATTR {
              const int e = i * kKernel + j;
              return hn::Load(d, w + (f.turned ? kSize - 1 - e : e) * n_lanes);
            },
            [&](int i, int j, V value) HWY_ATTR { hn::Store(value, d, u + (i * 6 + j) * point); });
      }
  });
}

void filters(const SquareFilters& f, int64_t c_begin, int64_t c_end, float* to, int64_t point) {
  with_kernel(f.kernel, [&](auto kernel) { filters_of<kernel>(f, c_begin, c_end, to, point); });
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

template <int kKernel>
void filters_grad_of(const float* du, int64_t du_point, int64_t c_count, int64_t m_count, float* dw,
                     int64_t m_stride) {
  const D d;
  constexpr int kSize = kKernel * kKernel;
  const int64_t n_lanes = lanes_of(), du_row = pieces(m_count, n_lanes) * n_lanes;
  HWY_ALIGN float w[kSize * kMaxLanes];
  for (int64_t c = 0; c < c_count; ++c)
    for (int64_t m = 0; m < m_count; m += n_lanes) {
      const float* from = du + c * du_row + m;
      both_ways(
          FilterGrad<kKernel>(),
          [&](int i, int j) HWY_ATTR { return hn::Load(d, from + (i * 6 + j) * du_point); },
          [&](int i, int j, V value)
              HWY_ATTR { hn::Store(value, d, w + (i * kKernel + j) * n_lanes); });
      transpose(kSize, std::min(n_lanes, m_count - m), w, n_lanes, dw + m * m_stride + c * kSize,
                m_stride);
    }
}

void filters_grad(int64_t kernel, const float* du, int64_t du_point, int64_t c_count,
                  int64_t m_count, float* dw, int64_t m_stride) {
  with_kernel(kernel,
              [&](auto k) { filters_grad_of<k>(du, du_point, c_count, m_count, dw, m_stride); });
}

#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace bb::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {

int64_t winograd_lanes() { return BB_DISPATCH(lanes_of)(); }
int64_t winograd_scratch(int64_t kernel, int64_t tiles, int64_t rows) {
  const int64_t step = winograd_step(kernel), reach = kernel - 1;  // of a tile, into the next
  return (rows * step + reach) * (tiles * step + reach) * winograd_lanes();
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
void winograd_filters(const SquareFilters& f, int64_t c_begin, int64_t c_end, float* to,
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
void winograd_filters_grad(int64_t kernel, const float* du, int64_t du_point, int64_t c_count,
                           int64_t m_count, float* dw, int64_t m_stride) {
  BB_DISPATCH(filters_grad)(kernel, du, du_point, c_count, m_count, dw, m_stride);
}

}  // namespace bb::kernels
#endif
