#pragma once

#include <cstdint>
#include <string_view>

#include "bb/core/kernels/gemm.h"

namespace bb::kernels {

/// Blocks of C whose edges lie at multiples of this are computed alike whatever the other blocks'
/// sizes: the least common multiple of the rows and columns of BLIS's micro-tile.
template <typename T>
int64_t blis_align();

/// C = alpha * A * B + beta * C through BLIS, on the calling thread alone. m, n, k >= 1.
template <typename T>
void blis_gemm(int64_t m, int64_t n, int64_t k, T alpha, MatrixRef<const T> a, MatrixRef<const T> b,
               T beta, MatrixRef<T> c);

/// The name of the BLIS sub-configuration in use: "skx", "haswell", ...
std::string_view blis_config();

/// The sub-configuration that fits this processor best by our measurements; empty where BLIS's own
/// choice stands. BLIS_ARCH_TYPE in the environment overrules it.
std::string_view expected_blis_config();

}  // namespace bb::kernels
