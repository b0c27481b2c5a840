#pragma once

#include "bb/core/kernels/conv.h"

/// The maps of conv.h for depthwise convolutions, without panels: a sum of shifted rows for each
/// element of a filter.
namespace bb::kernels {

/// What they do with rows, in one instruction set.
template <class T>
struct RowOps {
  void (*add_scaled)(int64_t n, T a, const T* x, T* y);  ///< y[i] += a x[i]
  T (*dot)(int64_t n, const T* x, const T* y);           ///< sum of x[i] y[i]; order by n alone
  void (*relu)(int64_t n, T* y);                         ///< y[i] = relu(y[i])
};

template <class T>
void depthwise_conv(const ConvShape& shape, const T* x, const T* w, const ConvEpilogue<T>& epilogue,
                    T* y);
template <class T>
void depthwise_conv_grad_input(const ConvShape& shape, const T* dy, const T* w, T* dx);
template <class T>
void depthwise_conv_grad_weight(const ConvShape& shape, const T* x, const T* dy, T* dw);

}  // namespace bb::kernels
