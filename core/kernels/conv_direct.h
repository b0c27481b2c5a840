#pragma once

#include "bb/core/kernels/conv.h"

/// The maps of conv.h for depthwise convolutions, without panels: rows of results are sums of the
/// padded rows of an image, moved, one for each element of the filter.
namespace bb::kernels {

/// Rows of results and what they see: result i of row r sees from[r * from_row + i + taps[k]] for
/// each element k of the filter. Elements that whole vectors of results would see can be read too.
template <class T>
struct SeenRows {
  int64_t rows, n;  ///< of results; and results in each
  const T* from;
  int64_t from_row;
  int64_t count;  ///< of taps
  const int64_t* taps;
  int64_t row;  ///< from one row of results to the next in memory
};

/// What is done with them, in one instruction set.
template <class T>
struct RowOps {
  int64_t lanes;
  /// y[r, i] = bias + sum over k of filter[k] * what r, i sees by tap k; or relu of that.
  void (*correlate)(const SeenRows<T>& seen, const T* filter, T bias, bool relu, T* y);
  /// Adds dy[r, i] * what r, i sees by tap k, for all r and i, to vector k of sums, in an order
  /// that follows from the sizes alone.
  void (*add_products)(const SeenRows<T>& seen, const T* dy, T* sums);
  /// to[k] += the sum of vector k of `sums`, which becomes zeros, for k < n.
  void (*join)(int64_t n, T* sums, T* to);
};

template <class T>
void depthwise_conv(const ConvShape& shape, const T* x, const T* w, const ConvEpilogue<T>& epilogue,
                    T* y);
template <class T>
void depthwise_conv_grad_input(const ConvShape& shape, const T* dy, const T* w, T* dx);
/// An infinity or NaN in x may reach all elements of dw of its channel, also those that no window
/// takes it to.
template <class T>
void depthwise_conv_grad_weight(const ConvShape& shape, const T* x, const T* dy, T* dw);

}  // namespace bb::kernels
