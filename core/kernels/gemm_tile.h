#pragma once

#include <cstdint>

#include "bb/core/kernels/gemm.h"

namespace bb::kernels {

/// GemmEpilogue with the bias along either side, so that a product can be computed as C^T = B^T *
/// A^T.
template <typename T>
struct TileEpilogue {
  T alpha = 1;
  T beta = 0;
  const T* col_bias = nullptr;  ///< n values, added to every row; or null
  const T* row_bias = nullptr;  ///< m values, added to every column; or null
  Activation activation = Activation::kNone;
};

/// Lanes of T in a vector of this processor; 0 where Highway would only emulate vectors: use BLIS
/// there.
template <typename T>
int64_t tile_lanes();

/// C = activation(alpha * A * B + beta * C + biases) on the calling thread, by register tiles whose
/// vectors lie along n. Reads B in place where its columns are adjacent, else packs it; writes C in
/// place where its columns are adjacent, else through a small buffer. A may have any strides. Each
/// element is summed in the order of k, in steps that depend on k alone: any block of C can be
/// computed by itself with the same result. m, n, k >= 1, tile_lanes<T>() > 0.
template <typename T>
void tile_gemm(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
               MatrixRef<T> c, const TileEpilogue<T>& epilogue);

/// The same as dot products, vectors along k: for A.col_stride == 1 and B.row_stride == 1, and few
/// rows, where packing B would cost more than the product. Each element is computed alike in any
/// block of C too, but summed in another order than tile_gemm's.
template <typename T>
void dot_gemm(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
              MatrixRef<T> c, const TileEpilogue<T>& epilogue);

}  // namespace bb::kernels
