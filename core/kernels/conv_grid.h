#pragma once

#include "bb/core/kernels/conv.h"

/// The maps of conv.h on register tiles, without a matrix of windows. A channel's image lies in the
/// cache with its padding, its rows one after another, and with a stride of s taken apart into s
/// phases: then element k of all windows of a row is a run of adjacent elements, and the row of the
/// matrix of windows that it would be is read where it is. The columns between one row of windows
/// and the next are computed too, and dropped.
namespace bb::kernels {

/// Whether this processor has the tiles.
template <class T>
bool has_vectors();
/// Whether they serve here: where images are not mostly padding.
template <class T>
bool has_grid(const ConvShape& shape);

template <class T>
void grid_conv(const ConvShape& shape, const T* x, const T* w, const ConvEpilogue<T>& epilogue,
               T* y);
template <class T>
void grid_conv_grad_input(const ConvShape& shape, const T* dy, const T* w, T* dx);
/// An infinity or NaN in x may reach all elements of dw of its channel, also those that no window
/// takes it to.
template <class T>
void grid_conv_grad_weight(const ConvShape& shape, const T* x, const T* dy, T* dw);

}  // namespace bb::kernels
