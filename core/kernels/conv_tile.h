#pragma once

#include <cstdint>

namespace bb::kernels {

/// The register tiles of this processor: `rows[v]` rows of v vectors of `lanes` elements each.
/// lanes is 0 where Highway would only emulate vectors.
struct TileShape {
  int64_t lanes, max_vecs;
  int64_t rows[5];
};
template <class T>
TileShape tile_shape();

/// A product C = A B whose B is never formed: its rows, runs of adjacent elements, lie in x, row
/// (s, i) at x + offsets[s] + i * row. A is packed: the tiles of `tile_rows` rows at most, as equal
/// as can be, one after another, each as [segments, depth, rows].
template <class T>
struct SegmentProduct {
  int64_t m;  // rows of A and C
  int64_t tile_rows;
  int64_t segments, depth;  // columns of A are (s, i), s < segments, i < depth
  const int64_t* offsets;
  int64_t row;
  const T* a;
  const T* x;
  const T* bias;  // one for each row of C; or null
  bool relu;
  T* c;
  int64_t c_row, c_step;  // from one row of C to the next, and from one column to the next
};

/// Columns [from, from + count) of a panel, of which the first goes to element `to` of a row of C.
struct PanelRun {
  int64_t from, count, to;
};

/// The columns [first, first + n) of the product, n <= max_vecs * lanes: those in runs are stored.
/// Up to a vector more of x is read.
template <class T>
void multiply_segments(const SegmentProduct<T>& product, int64_t first, int64_t n,
                       const PanelRun* runs, int64_t count);

/// C[r, j] += sum over i < n of a[r * a_row + i] * b[i * width + j], for r < m and j < width, a
/// whole number of vectors, max_vecs at most. C is row-major without gaps.
template <class T>
void add_product(int64_t m, int64_t width, int64_t n, const T* a, int64_t a_row, const T* b, T* c);

/// Rows one after another in `to`, each of `lead` zeros, `count` elements of `from`, `step` apart,
/// and zeros up to `width`; those of the next row lie from_row on. Up to a vector more is written.
template <class T>
struct PaddedRows {
  int64_t rows, width, lead, count;
  const T* from;
  int64_t step, from_row;
  T* to;
};
template <class T>
void copy_padded(const PaddedRows<T>& rows);

/// to[j * to_row + i] = from[i * from_row + j] for i < rows, j < cols.
template <class T>
void transpose_rows(int64_t rows, int64_t cols, const T* from, int64_t from_row, T* to,
                    int64_t to_row);

}  // namespace bb::kernels
