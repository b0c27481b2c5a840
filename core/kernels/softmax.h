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
  /// log(sum over i of exp(x[i]))
  T (*log_sum_exp)(const T* x, int64_t n);
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

/// losses[r] = log_sums[r] - x[r, labels[r]], log_sums[r] = log(sum over j of exp(x[r, j])).
template <class T>
void cross_entropy_rows(const T* x, int64_t rows, int64_t n, const int64_t* labels, T* losses,
                        T* log_sums);

/// dx[r, i] = dy[r] (exp(x[r, i] - log_sums[r]) - (1 if i == labels[r] else 0))
template <class T>
void cross_entropy_grad_rows(const T* x, int64_t rows, int64_t n, const int64_t* labels,
                             const T* log_sums, const T* dy, T* dx);

}  // namespace bb::kernels
