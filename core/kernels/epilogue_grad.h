#pragma once

#include <cstdint>

namespace bb::kernels {

/// Backwards through what gemm() does to a product on its way to memory, y = relu(product + bias),
/// in one pass:
///   dz[i, j] = dy[i, j] where y[i, j] > 0 or is NaN, else 0
///   dbias[j] = sum over i of dz[i, j]
/// All [m, n] without gaps, dz perhaps over dy; dbias has n elements, or is null. T is float or
/// double. Rows are summed in blocks, blocks in pairs: the order depends on m alone.
template <class T>
void relu_bias_grad(int64_t m, int64_t n, const T* dy, const T* y, T* dz, T* dbias);

}  // namespace bb::kernels
