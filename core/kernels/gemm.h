#pragma once

#include <cstdint>

#include "bb/core/activation.h"

namespace bb::kernels {

/// A matrix in memory: element (i, j) is data[i * row_stride + j * col_stride].
/// Strides count elements and may be anything (0 repeats a row or column; swapped, they transpose);
/// those of a matrix that is written must give each element a place of its own.
template <typename T>
struct MatrixRef {
  T* data = nullptr;
  int64_t row_stride = 0;
  int64_t col_stride = 0;

  T* at(int64_t i, int64_t j) const { return data + i * row_stride + j * col_stride; }
  MatrixRef transposed() const { return {data, col_stride, row_stride}; }
  MatrixRef block(int64_t i, int64_t j) const { return {at(i, j), row_stride, col_stride}; }
  operator MatrixRef<const T>() const { return {data, row_stride, col_stride}; }
};

/// What happens to a product on its way into C.
template <typename T>
struct GemmEpilogue {
  T alpha = 1;
  T beta = 0;               ///< 0: C is not read, whatever it holds
  const T* bias = nullptr;  ///< n values, added to every row; null is none
  Activation activation = Activation::kNone;
};

/// C = activation(alpha * A * B + beta * C + bias), A [m, k], B [k, n], C [m, n]; C overlaps
/// neither A nor B. T is float or double. NaN and infinity go through as in plain arithmetic,
/// except that alpha == 0 or k == 0 leaves A * B out; relu(NaN) is NaN. The result is bitwise the
/// same for any number of threads, but not the same for any strides: those choose the order of
/// summation.
template <typename T>
void gemm(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
          MatrixRef<T> c, const GemmEpilogue<T>& epilogue = {});

/// From one product of a batch to the next, in elements. 0 uses the same A, B or bias again.
struct BatchStrides {
  int64_t a = 0;
  int64_t b = 0;
  int64_t c = 0;
  int64_t bias = 0;
};

/// gemm() for each i in [0, batch), on a, b, c and bias moved by i times their stride.
template <typename T>
void gemm_batched(int64_t batch, int64_t m, int64_t n, int64_t k, MatrixRef<const T> a,
                  MatrixRef<const T> b, MatrixRef<T> c, const BatchStrides& strides,
                  const GemmEpilogue<T>& epilogue = {});

/// The operands of a batch by lists of pointers, one for each product.
template <typename T>
struct BatchPointers {
  const T* const* a = nullptr;
  const T* const* b = nullptr;
  T* const* c = nullptr;
  const T* const* bias = nullptr;  ///< null: the epilogue's bias for all
};

/// gemm() for each i in [0, batch), on pointers.a[i], b[i], c[i] and bias[i] with the strides of a,
/// b and c, whose own data are not used. No C overlaps another.
template <typename T>
void gemm_batched(int64_t batch, int64_t m, int64_t n, int64_t k, MatrixRef<const T> a,
                  MatrixRef<const T> b, MatrixRef<T> c, const BatchPointers<T>& pointers,
                  const GemmEpilogue<T>& epilogue = {});

}  // namespace bb::kernels
