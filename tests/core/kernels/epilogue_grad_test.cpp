#include "bb/core/kernels/epilogue_grad.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace bb::kernels {
namespace {

template <class T>
void check(int64_t m, int64_t n) {
  std::mt19937 random(static_cast<unsigned>(m * 1000 + n));
  std::uniform_real_distribution<T> values(-1, 1);
  const auto size = static_cast<size_t>(m * n);
  std::vector<T> dy(size), y(size), dz(size, T{7}), dbias(static_cast<size_t>(n), T{7});
  for (T& x : dy) x = values(random);
  for (T& x : y) x = std::max(values(random), T{0});
  if (size > 3) y[3] = std::numeric_limits<T>::quiet_NaN();
  relu_bias_grad<T>(m, n, dy.data(), y.data(), dz.data(), dbias.data());
  std::vector<double> sums(static_cast<size_t>(n));
  for (size_t i = 0; i < size; ++i) {
    const T expected = y[i] <= 0 ? T{0} : dy[i];
    ASSERT_EQ(dz[i], expected) << i << " of " << m << " x " << n;
    sums[i % static_cast<size_t>(n)] += static_cast<double>(expected);
  }
  for (size_t j = 0; j < sums.size(); ++j)
    ASSERT_NEAR(dbias[j], sums[j], std::numeric_limits<T>::epsilon() * 40 * (std::sqrt(m) + 1));
  std::vector<T> again(size, T{7});
  relu_bias_grad<T>(m, n, dy.data(), y.data(), again.data(), nullptr);
  EXPECT_EQ(again, dz);
}

TEST(ReluBiasGrad, MasksAndSumsAnyShape) {
  for (int64_t m : {0, 1, 31, 32, 33, 200, 1000})
    for (int64_t n : {1, 3, 16, 17, 64, 100, 131}) {
      check<float>(m, n);
      check<double>(m, n);
    }
}

}  // namespace
}  // namespace bb::kernels
