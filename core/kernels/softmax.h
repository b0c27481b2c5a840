#pragma once

#include <cstdint>

namespace bb::kernels {

/// Row kernels of the functions below: one row of n, in the best instruction set of this processor.
template <class T>
struct SoftmaxTable {
  void (*softmax)(const T* x, int64_t n, T* y);
  void (*log_softmax)(const T* x, int64_t n, T* y);
  void (*softmax_grad)(const T* dy, const T* y, int64_t n, T* dx);
  void (*log_softmax_grad)(const T* dy, const T* y, int64_t n, T* dx);
  /// most = max over i of x[i], sum = sum over i of exp(x[i] - most)
  void (*max_sum_exp)(const T* x, int64_t n, T* most, T* sum);
  /// y[i] = scale exp(x[i] - shift)
  void (*scaled_exp)(const T* x, int64_t n, T shift, T scale, T* y);
};

/// Rows of x [rows, n], row-major; T is float or double; y may be x. Shifted by the row's largest
/// element, so that exp never overflows; a row of -inf alone, or with a NaN, gives NaN.

/// y[r, i] = exp(x[r, i]) / sum over j of exp(x[r, j])
template <class T>
void softmax_rows(const T* x, int64_t rows, int64_t n, T* y);

/// y[r, i] = x[r, i] - log(sum over j of exp(x[r, j]))
template <class T>
void log_softmax_rows(const T* x, int64_t rows, int64_t n, T* y);

/// dx[r, i] = y[r, i] (dy[r, i] - sum over j of dy[r, j] y[r, j]), y the softmax
template <class T>
void softmax_grad_rows(const T* dy, const T* y, int64_t rows, int64_t n, T* dx);

/// dx[r, i] = dy[r, i] - exp(y[r, i]) sum over j of dy[r, j], y the log_softmax
template <class T>
void log_softmax_grad_rows(const T* dy, const T* y, int64_t rows, int64_t n, T* dx);

/// losses[r] = log(sum over j of exp(x[r, j])) - x[r, labels[r]]. sums [rows, 2] keeps each row's
/// largest element m and the sum of exp(x[r, j] - m).
template <class T>
void cross_entropy_rows(const T* x, int64_t rows, int64_t n, const int64_t* labels, T* losses,
                        T* sums);

/// dx[r, i] = dy[r] (softmax(x[r])[i] - (1 if i == labels[r] else 0)), from the sums kept above.
template <class T>
void cross_entropy_grad_rows(const T* x, int64_t rows, int64_t n, const int64_t* labels,
                             const T* sums, const T* dy, T* dx);

}  // namespace bb::kernels
