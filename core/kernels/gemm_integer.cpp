#include "bb/core/kernels/gemm_integer.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "bb/core/parallel.h"

namespace bb::kernels {

template <class T>
void gemm_integer(int64_t m, int64_t n, int64_t k, MatrixRef<const T> a, MatrixRef<const T> b,
                  MatrixRef<T> c, T alpha, T beta) {
  using U = std::make_unsigned_t<T>;  // signed numbers must not overflow
  const double row_ns = 0.5 * static_cast<double>(n) * static_cast<double>(k + 1);
  parallel_for(m, row_ns, [&](int64_t begin, int64_t end) {
    std::vector<U> sums(static_cast<size_t>(n));
    for (int64_t i = begin; i < end; ++i) {
      std::fill(sums.begin(), sums.end(), U{0});
      for (int64_t p = 0; p < k; ++p) {
        const auto factor = static_cast<U>(*a.at(i, p));
        for (int64_t j = 0; j < n; ++j) {
          U& sum = sums[static_cast<size_t>(j)];
          sum = static_cast<U>(sum + factor * static_cast<U>(*b.at(p, j)));
        }
      }
      for (int64_t j = 0; j < n; ++j) {
        const auto scaled = static_cast<U>(static_cast<U>(alpha) * sums[static_cast<size_t>(j)]);
        const U before =
            beta == 0 ? U{0} : static_cast<U>(static_cast<U>(beta) * static_cast<U>(*c.at(i, j)));
        *c.at(i, j) = static_cast<T>(static_cast<U>(scaled + before));
      }
    }
  });
}

template void gemm_integer(int64_t, int64_t, int64_t, MatrixRef<const uint8_t>,
                           MatrixRef<const uint8_t>, MatrixRef<uint8_t>, uint8_t, uint8_t);
template void gemm_integer(int64_t, int64_t, int64_t, MatrixRef<const int32_t>,
                           MatrixRef<const int32_t>, MatrixRef<int32_t>, int32_t, int32_t);
template void gemm_integer(int64_t, int64_t, int64_t, MatrixRef<const int64_t>,
                           MatrixRef<const int64_t>, MatrixRef<int64_t>, int64_t, int64_t);

}  // namespace bb::kernels
