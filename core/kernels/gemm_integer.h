#pragma once

#include <cstdint>

#include "bb/core/kernels/gemm.h"

namespace bb::kernels {

/// C = alpha * A * B + beta * C, A [m, k], B [k, n], C [m, n] of uint8_t, int32_t or int64_t, which
/// wrap. Where beta is 0, C is not read. A loop over rows, for indices and counts: not fast.
template <class T>
void gemm_integer(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
                  MatrixRef<T> c, T alpha, T beta);

}  // namespace bb::kernels
