#pragma once

#include <cstdint>

#include "bb/core/kernels/conv.h"

/// What Winograd convolutions F(4x4, 3x3) and F(2x2, 5x5) do to tiles of images: y =
/// A^T ((G w G^T) * (B^T x B)) A gives 4x4 results of a filter w of 3x3, or 2x2 of one of 5x5, on
/// 6x6 elements x by 36 multiplications instead of 144 or 100, so that the sums over channels are
/// 36 products of matrices (Lavin and Gray, Fast algorithms for convolutional neural networks,
/// arXiv 1509.09308). The points are 0, +-3/4, +-3/2 and infinity: their B, the same for both, is
/// exact in binary, and the error is that of the plain sum within a factor of 2 for 3x3, where the
/// usual +-1, +-2 have 4 (Barabasz et al., Error analysis and improving the accuracy of Winograd
/// convolution, ACM TOMS 2020).
namespace bb::kernels {

inline constexpr int64_t kWinogradPoints = 36;
/// Results of a tile along rows and columns, which is from one tile to the next.
constexpr int64_t winograd_step(int64_t kernel) { return 7 - kernel; }

/// Elements of a vector of this processor; 0 where Highway would only emulate vectors.
int64_t winograd_lanes();

/// Rows of tiles [first, first + count) of images [channels, height, width] without gaps, for a
/// kernel of 3 or 5. Tile (i, j) begins at element (step i - pad_y, step j - pad_x); outside the
/// image are zeros.
struct TileRows {
  int64_t step() const { return winograd_step(kernel); }

  int64_t kernel;
  int64_t channels, height, width;
  int64_t pad_y, pad_x;
  int64_t tiles;  // in a row
  int64_t first, count;
};

/// Where the 36 values of tiles lie: value p of tile t, channel c is
/// data[p * point + t * channels + c]; channels are a whole number of vectors, beyond those of an
/// image zeros.
struct TileValues {
  float* data;
  int64_t point, channels;
};

/// Elements that the next three need at `scratch`.
int64_t winograd_scratch(int64_t kernel, int64_t tiles, int64_t rows);

/// B^T x B of the 6x6 elements of each tile.
void winograd_input(const TileRows& rows, const float* x, const TileValues& to, float* scratch);
/// A dy A^T of the step x step elements of each tile.
void winograd_grad(const TileRows& rows, const float* dy, const TileValues& to, float* scratch);
/// y = A^T z A, through the epilogue, cut off where images end.
void winograd_output(const TileRows& rows, const TileValues& z, const ConvEpilogue<float>& epilogue,
                     float* y, float* scratch);

/// Filters of kernel x kernel (3 or 5) from c_count channels to m_count: element e of that from c
/// to m is data[m * m_stride + c * c_stride + e], or the one at size() - 1 - e where `turned`.
struct SquareFilters {
  int64_t size() const { return kernel * kernel; }

  const float* data;
  int64_t kernel;
  int64_t c_count, m_count;
  int64_t c_stride, m_stride;
  bool turned;
};

/// G w G^T of the filters from channels [c_begin, c_end) as 36 matrices [c_count, m_count filled up
/// to whole vectors], `point` elements apart. The columns of a matrix lie in panels of as many as a
/// register tile takes, each [c_count, columns] without gaps.
void winograd_filters(const SquareFilters& filters, int64_t c_begin, int64_t c_end, float* to,
                      int64_t point);

/// z[p] = v[p] u[p] for each point p: v [tiles, channels of v], of which c_count count, u as
/// winograd_filters() makes it.
void winograd_products(int64_t tiles, int64_t c_count, const TileValues& v, const float* u,
                       int64_t u_point, const TileValues& z);

/// du[p] += v[p]^T d[p] for each point p; du [c_count, channels of d], du_point elements apart.
void winograd_add_products(int64_t tiles, int64_t c_count, const TileValues& v, const TileValues& d,
                           float* du, int64_t du_point);

/// dw = G^T du G, du [c_count, m_count filled up to whole vectors]: element e of the filter from
/// channel c to m is dw[m * m_stride + c * kernel * kernel + e].
void winograd_filters_grad(int64_t kernel, const float* du, int64_t du_point, int64_t c_count,
                           int64_t m_count, float* dw, int64_t m_stride);

}  // namespace bb::kernels
