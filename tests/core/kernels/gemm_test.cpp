#include "bb/core/kernels/gemm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <vector>

#include "bb/core/cpu.h"
#include "bb/core/kernels/blis.h"
#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

enum class Layout { kRows, kColumns, kGaps };  // unit column stride, unit row stride, neither

/// A matrix with memory of its own, and room before and after each row that must stay as it is.
template <typename T>
struct Matrix {
  std::vector<T> memory;
  MatrixRef<T> ref;
  int64_t rows, cols;

  Matrix(int64_t m, int64_t n, Layout layout, std::mt19937& random, int64_t padding = 0)
      : rows(m), cols(n) {
    switch (layout) {
      case Layout::kRows:
        ref = {nullptr, cols + padding, 1};
        break;
      case Layout::kColumns:
        ref = {nullptr, 1, rows + padding};
        break;
      case Layout::kGaps:
        ref = {nullptr, 2 * cols + padding, 2};
        break;
    }
    memory.resize(static_cast<size_t>(1 + std::max<int64_t>(0, rows - 1) * ref.row_stride +
                                      std::max<int64_t>(0, cols - 1) * ref.col_stride));
    std::uniform_real_distribution<T> values(-1, 1);
    for (T& x : memory) x = values(random);
    ref.data = memory.data();
  }
  Matrix(const Matrix& other)
      : memory(other.memory), ref(other.ref), rows(other.rows), cols(other.cols) {
    ref.data = memory.data();
  }
  operator MatrixRef<const T>() const { return ref; }
};

template <typename T>
T relu(T x) {
  return x < 0 ? T{0} : x;
}

/// Sums in a wider type than T.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;

/// Compares gemm() on `c` with wider arithmetic, the memory between C's elements included. The
/// bound is that of any order of summation (Higham, Accuracy and Stability, 3.5): gamma_q = q u /
/// (1 - q u) times the sum of the magnitudes, q roundings of k products and what the epilogue adds.
template <typename T>
void expect_right(const Matrix<T>& a, const Matrix<T>& b, Matrix<T> c, const GemmEpilogue<T>& e) {
  const int64_t m = c.rows, n = c.cols, k = a.cols;
  const Wide<T> unit = std::numeric_limits<T>::epsilon() / 2;
  const Wide<T> roundings = static_cast<Wide<T>>(k + 5) * unit;
  const Wide<T> gamma = roundings / (1 - roundings);
  std::vector<Wide<T>> expected(c.memory.begin(), c.memory.end());
  std::vector<Wide<T>> bound(c.memory.size(), 0);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      Wide<T> sum = 0, magnitude = 0;
      for (int64_t p = 0; p < k; ++p) {
        const Wide<T> term = Wide<T>{*a.ref.at(i, p)} * Wide<T>{*b.ref.at(p, j)};
        sum += term;
        magnitude += std::abs(term);
      }
      const size_t at = static_cast<size_t>(c.ref.at(i, j) - c.ref.data);
      Wide<T> x = e.alpha == 0 ? 0 : e.alpha * sum;
      magnitude *= std::abs(e.alpha);
      if (e.beta != 0) {
        x += e.beta * Wide<T>{c.memory[at]};
        magnitude += std::abs(e.beta * Wide<T>{c.memory[at]});
      }
      if (e.bias) {
        x += e.bias[j];
        magnitude += std::abs(Wide<T>{e.bias[j]});
      }
      if (e.activation == Activation::kRelu) x = relu(x);
      expected[at] = x;
      bound[at] = gamma * magnitude;
    }
  }
  gemm<T>(m, n, k, a, b, c.ref, e);
  for (size_t at = 0; at < expected.size(); ++at) {
    if (std::isnan(expected[at]) && std::isnan(c.memory[at])) continue;  // between C's elements
    ASSERT_LE(std::abs(c.memory[at] - expected[at]), bound[at])
        << m << "x" << n << "x" << k << " at " << at << ": " << c.memory[at] << " not "
        << static_cast<double>(expected[at]) << ", C strides " << c.ref.row_stride << " "
        << c.ref.col_stride << ", alpha " << e.alpha << " beta " << e.beta;
  }
}

template <typename T>
class Gemm : public ::testing::Test {
 protected:
  ~Gemm() override { set_num_threads(before_); }
  std::mt19937 random_{7};
  const int before_ = num_threads();

  int64_t draw(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  Layout layout() { return static_cast<Layout>(draw(0, 2)); }
};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Gemm, Types);

TYPED_TEST(Gemm, MatchesWiderArithmeticOverRandomShapesLayoutsAndEpilogues) {
  using T = TypeParam;
  const T scales[] = {0, 1, T(-0.5)};
  // Around the edges of tiles, panels and blocks, primes, and anything.
  const int64_t edges[] = {0,  1,  2,  5,  6,  7,  12, 13, 16,  17,
                           31, 32, 33, 47, 63, 64, 65, 97, 127, 129};
  const int64_t depths[] = {0, 1, 2, 3, 15, 16, 17, 511, 512, 513, 1031, 3001};
  const auto side = [&] {
    return this->draw(0, 1) ? edges[this->draw(0, std::ssize(edges) - 1)] : this->draw(1, 70);
  };
  for (int repeat = 0; repeat < 300; ++repeat) {
    const int64_t m = side(), n = side(),
                  k = this->draw(0, 1) ? depths[this->draw(0, std::ssize(depths) - 1)] : side();
    Matrix<T> a(m, k, this->layout(), this->random_, this->draw(0, 3));
    Matrix<T> b(k, n, this->layout(), this->random_, this->draw(0, 3));
    Matrix<T> c(m, n, this->layout(), this->random_, this->draw(0, 3));
    Matrix<T> bias(1, n, Layout::kRows, this->random_);
    GemmEpilogue<T> e;
    e.alpha = scales[this->draw(0, 2)];
    e.beta = scales[this->draw(0, 2)];
    if (e.beta == 0)
      std::fill(c.memory.begin(), c.memory.end(), std::numeric_limits<T>::quiet_NaN());
    if (this->draw(0, 1)) e.bias = bias.memory.data();
    if (this->draw(0, 1)) e.activation = Activation::kRelu;
    set_num_threads(static_cast<int>(this->draw(1, 8)));
    ASSERT_NO_FATAL_FAILURE(expect_right(a, b, c, e));
  }
}

TYPED_TEST(Gemm, MatchesFloat64InEveryTransposeOfEdgeShapes) {
  using T = TypeParam;
  const int64_t shapes[][3] = {{1, 1, 1},    {1, 100, 33},  {100, 1, 33}, {1, 1, 500},
                               {6, 64, 1},   {7, 65, 2},    {12, 31, 17}, {13, 16, 16},
                               {32, 10, 64}, {5, 129, 1100}};
  for (const auto& [m, n, k] : shapes) {
    for (Layout in_a : {Layout::kRows, Layout::kColumns}) {
      for (Layout in_b : {Layout::kRows, Layout::kColumns}) {
        for (Layout in_c : {Layout::kRows, Layout::kColumns}) {
          Matrix<T> a(m, k, in_a, this->random_), b(k, n, in_b, this->random_),
              c(m, n, in_c, this->random_);
          Matrix<T> bias(1, n, Layout::kRows, this->random_);
          ASSERT_NO_FATAL_FAILURE(expect_right(a, b, c, GemmEpilogue<T>{}));
          ASSERT_NO_FATAL_FAILURE(expect_right(
              a, b, c, GemmEpilogue<T>{2, T(0.5), bias.memory.data(), Activation::kRelu}));
        }
      }
    }
  }
}

TYPED_TEST(Gemm, MatchesFloat64OnLargerShapes) {
  using T = TypeParam;
  // The last ones reach the packing of both operands, several blocks of A and chunks of columns.
  const int64_t shapes[][3] = {{40, 90, 2100},  {97, 400, 40},   {300, 97, 30},   {33, 784, 64},
                               {270, 270, 600}, {140, 1100, 60}, {130, 260, 1100}};
  for (int layouts = 0; layouts < 8 * static_cast<int>(std::size(shapes)); ++layouts) {
    const auto& [m, n, k] = shapes[layouts / 8];
    const auto pick = [&](int bit) { return layouts & bit ? Layout::kColumns : Layout::kRows; };
    // Far apart rows make large products pack what they would read in place.
    const int64_t padding = layouts / 8 >= 4 ? 1024 : 0;
    Matrix<T> a(m, k, pick(1), this->random_, padding), b(k, n, pick(2), this->random_, padding);
    Matrix<T> c(m, n, pick(4), this->random_), bias(1, n, Layout::kRows, this->random_);
    ASSERT_NO_FATAL_FAILURE(
        expect_right(a, b, c, GemmEpilogue<T>{1, 1, bias.memory.data(), Activation::kRelu}));
  }
}

TYPED_TEST(Gemm, DoesNotReadCWhenBetaIsZero) {
  using T = TypeParam;
  for (int64_t size : {1, 5, 33, 130}) {
    for (Layout in_c : {Layout::kRows, Layout::kColumns, Layout::kGaps}) {
      Matrix<T> a(size, 600, Layout::kRows, this->random_),
          b(600, size, Layout::kRows, this->random_);
      Matrix<T> c(size, size, in_c, this->random_);
      for (int64_t k : {0, 7, 600}) {
        for (T& x : c.memory) x = std::numeric_limits<T>::quiet_NaN();
        gemm<T>(size, size, k, a, b, c.ref);
        for (int64_t i = 0; i < size; ++i) {
          for (int64_t j = 0; j < size; ++j)
            ASSERT_FALSE(std::isnan(*c.ref.at(i, j))) << size << " " << k;
        }
      }
    }
  }
}

TYPED_TEST(Gemm, TakesZeroSizes) {
  using T = TypeParam;
  T c[6] = {1, -2, 3, -4, 5, -6};
  const T bias[3] = {10, 20, 30};
  gemm<T>(0, 3, 4, {}, {}, {c, 3, 1});
  gemm<T>(2, 0, 4, {}, {}, {c, 3, 1});
  EXPECT_EQ(c[0], 1);
  gemm<T>(2, 3, 0, {}, {}, {c, 3, 1}, {1, 2, bias, Activation::kRelu});
  EXPECT_EQ(std::vector<T>(c, c + 6), (std::vector<T>{12, 16, 36, 2, 30, 18}));
  gemm<T>(2, 3, 0, {}, {}, {c, 3, 1});
  EXPECT_EQ(std::vector<T>(c, c + 6), std::vector<T>(6, 0));
}

TYPED_TEST(Gemm, PropagatesNaNAndInfinity) {
  using T = TypeParam;
  constexpr T kInf = std::numeric_limits<T>::infinity();
  constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();
  for (int64_t size : {1, 3, 20, 70}) {
    for (Layout in_b : {Layout::kRows, Layout::kColumns}) {
      Matrix<T> a(size, size, Layout::kRows, this->random_), b(size, size, in_b, this->random_);
      Matrix<T> c(size, size, Layout::kRows, this->random_);
      *a.ref.at(size / 2, size / 2) = 0;
      *b.ref.at(size / 2, 0) = kInf;  // 0 * inf: NaN in one element, infinity or NaN in its column
      *b.ref.at(size / 2, size - 1) = kNaN;  // NaN in a whole column, zeros in A or not
      gemm<T>(size, size, size, a, b, c.ref, {1, 0, nullptr, Activation::kRelu});
      for (int64_t i = 0; i < size; ++i) {
        EXPECT_TRUE(std::isnan(*c.ref.at(i, size - 1)));
        if (size > 1) {
          const T factor = *a.ref.at(i, size / 2);
          const T x = *c.ref.at(i, 0);
          EXPECT_TRUE(factor == 0 ? std::isnan(x) : x == (factor > 0 ? kInf : T{0}))
              << i << " " << x;
        }
        for (int64_t j = 1; j + 1 < size; ++j) EXPECT_TRUE(std::isfinite(*c.ref.at(i, j)));
      }
    }
  }
}

TYPED_TEST(Gemm, RepeatsRowsOfStrideZero) {
  using T = TypeParam;
  Matrix<T> row(1, 40, Layout::kRows, this->random_), b(40, 50, Layout::kRows, this->random_);
  Matrix<T> c(30, 50, Layout::kRows, this->random_), d(40, 50, Layout::kRows, this->random_);
  gemm<T>(30, 50, 40, {row.ref.data, 0, 1}, b, c.ref);
  for (int64_t i = 1; i < 30; ++i) {
    for (int64_t j = 0; j < 50; ++j) ASSERT_EQ(*c.ref.at(i, j), *c.ref.at(0, j));
  }
  gemm<T>(40, 50, 1, {row.ref.data, 1, 0}, {b.ref.data, 0, 0}, d.ref);
  for (int64_t i = 0; i < 40; ++i) {
    for (int64_t j = 0; j < 50; ++j)
      ASSERT_EQ(*d.ref.at(i, j), row.memory[static_cast<size_t>(i)] * b.memory[0]);
  }
}

TYPED_TEST(Gemm, IsBitwiseTheSameForAnyNumberOfThreads) {
  using T = TypeParam;
  const int64_t shapes[][3] = {{32, 128, 784},  {64, 10, 1280},  {301, 203, 150}, {3, 1000, 700},
                               {530, 300, 260}, {270, 530, 520}, {16, 784, 64}};
  for (const auto& [m, n, k] : shapes) {
    for (int transposes = 0; transposes < 4; ++transposes) {
      Matrix<T> a(m, k, transposes & 1 ? Layout::kColumns : Layout::kRows, this->random_);
      Matrix<T> b(k, n, transposes & 2 ? Layout::kColumns : Layout::kRows, this->random_);
      Matrix<T> c(m, n, Layout::kRows, this->random_), bias(1, n, Layout::kRows, this->random_);
      std::vector<T> first;
      for (int threads : {1, 2, 3, 4, 5, 6, 7, 8}) {
        set_num_threads(threads);
        Matrix<T> result = c;
        gemm<T>(m, n, k, a, b, result.ref, {T(0.7), T(0.3), bias.memory.data(), Activation::kRelu});
        if (first.empty()) first = result.memory;
        ASSERT_EQ(first, result.memory)
            << m << "x" << n << "x" << k << " with " << threads << " threads";
      }
    }
  }
}

TYPED_TEST(Gemm, BatchedEqualsOneByOne) {
  using T = TypeParam;
  const int64_t m = 17, n = 33, k = 21;
  for (int64_t batch : {0, 1, 2, 60}) {
    Matrix<T> a(batch * m, k, Layout::kRows, this->random_),
        b(k, n, Layout::kColumns, this->random_);
    Matrix<T> c(batch * m, n, Layout::kRows, this->random_),
        bias(batch, n, Layout::kRows, this->random_);
    const BatchStrides strides{.a = m * k, .b = 0, .c = m * n, .bias = n};
    std::vector<T> expected = c.memory;
    for (int64_t i = 0; i < batch; ++i) {
      gemm<T>(m, n, k, {a.ref.data + i * m * k, k, 1}, b, {expected.data() + i * m * n, n, 1},
              {1, 1, bias.ref.data + i * n, Activation::kNone});
    }
    for (int threads : {1, 3}) {
      set_num_threads(threads);
      Matrix<T> result = c;
      result.ref.data = result.memory.data();
      gemm_batched<T>(batch, m, n, k, a, b, result.ref, strides,
                      {1, 1, bias.ref.data, Activation::kNone});
      ASSERT_EQ(expected, result.memory);

      // By pointers, in another order, with a bias for each and with one for all.
      std::vector<const T*> as, bs, biases;
      std::vector<T*> cs;
      result.memory = c.memory;
      for (int64_t i = batch - 1; i >= 0; --i) {
        as.push_back(a.ref.data + i * m * k);
        bs.push_back(b.ref.data);
        cs.push_back(result.memory.data() + i * m * n);
        biases.push_back(bias.ref.data + i * n);
      }
      const MatrixRef<const T> a_strides{nullptr, k, 1};
      const MatrixRef<const T> b_strides{nullptr, b.ref.row_stride, b.ref.col_stride};
      BatchPointers<T> pointers{as.data(), bs.data(), cs.data(), biases.data()};
      gemm_batched<T>(batch, m, n, k, a_strides, b_strides, {nullptr, n, 1}, pointers, {1, 1});
      ASSERT_EQ(expected, result.memory);
      pointers.bias = nullptr;
      result.memory = c.memory;
      gemm_batched<T>(batch, m, n, k, a_strides, b_strides, {nullptr, n, 1}, pointers,
                      {1, 1, bias.ref.data});
      if (batch > 0) {
        ASSERT_TRUE(std::equal(expected.begin(), expected.begin() + m * n, result.memory.begin()));
        ASSERT_EQ(batch == 1, result.memory == expected);
      }
    }
  }
}

TYPED_TEST(Gemm, BatchesOfLargeProductsEqualOneByOneOnAnyNumberOfThreads) {
  using T = TypeParam;
  const int64_t m = 200, n = 300, k = 260, batch = 3;
  Matrix<T> a(batch * m, k, Layout::kRows, this->random_), b(k, n, Layout::kRows, this->random_);
  Matrix<T> c(batch * m, n, Layout::kRows, this->random_);
  std::vector<T> expected(c.memory.size());
  for (int64_t i = 0; i < batch; ++i)
    gemm<T>(m, n, k, {a.ref.data + i * m * k, k, 1}, b, {expected.data() + i * m * n, n, 1});
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    gemm_batched<T>(batch, m, n, k, a, b, c.ref, {.a = m * k, .b = 0, .c = m * n, .bias = 0});
    ASSERT_EQ(expected, c.memory);
  }
}

TYPED_TEST(Gemm, ServesSeveralUserThreadsAtOnce) {
  using T = TypeParam;
  set_num_threads(2);
  const int64_t m = 96, n = 130, k = 200;
  Matrix<T> a(m, k, Layout::kRows, this->random_), b(k, n, Layout::kColumns, this->random_);
  Matrix<T> c(m, n, Layout::kRows, this->random_);
  gemm<T>(m, n, k, a, b, c.ref);
  std::vector<std::thread> users;
  std::vector<int> same(4, 0);
  for (size_t u = 0; u < same.size(); ++u) {
    users.emplace_back([&, u] {
      for (int repeat = 0; repeat < 5; ++repeat) {
        std::vector<T> mine(c.memory.size());
        gemm<T>(m, n, k, a, b, {mine.data(), n, 1});
        same[u] += mine == c.memory;
      }
    });
  }
  for (auto& user : users) user.join();
  EXPECT_EQ(same, std::vector<int>(4, 5));
}

TYPED_TEST(Gemm, BlisMatchesFloat64) {
  using T = TypeParam;
  for (const auto& [m, n, k] : {std::tuple{1, 1, 1}, {7, 100, 33}, {96, 97, 300}, {150, 13, 64}}) {
    Matrix<T> a(m, k, this->layout(), this->random_), b(k, n, this->layout(), this->random_);
    Matrix<T> c(m, n, this->layout(), this->random_);
    Matrix<T> expected = c;
    gemm<T>(m, n, k, a, b, expected.ref, {.alpha = 2, .beta = -1});
    blis_gemm<T>(m, n, k, 2, a, b, -1, c.ref);
    const T tolerance = std::numeric_limits<T>::epsilon() * T(4 * k);
    for (size_t at = 0; at < c.memory.size(); ++at)
      ASSERT_NEAR(c.memory[at], expected.memory[at], tolerance);
  }
}

TYPED_TEST(Gemm, BlisComputesAlignedBlocksAsItDoesTheWhole) {
  using T = TypeParam;
  const int64_t step = blis_align<T>();
  const int64_t m = 2 * step + 5, n = step + 7, k = 300;
  for (Layout in_c : {Layout::kRows, Layout::kColumns}) {
    Matrix<T> a(m, k, this->layout(), this->random_), b(k, n, this->layout(), this->random_);
    Matrix<T> whole(m, n, in_c, this->random_);
    Matrix<T> blocks = whole;
    blis_gemm<T>(m, n, k, T(0.7), a, b, T(0.3), whole.ref);
    const auto block = [&](int64_t i, int64_t j, int64_t rows, int64_t cols) {
      blis_gemm<T>(rows, cols, k, T(0.7), a.ref.block(i, 0), b.ref.block(0, j), T(0.3),
                   blocks.ref.block(i, j));
    };
    block(0, 0, step, n);
    block(step, 0, m - step, step);
    block(step, step, m - step, n - step);
    ASSERT_EQ(whole.memory, blocks.memory);
  }
}

TEST(Blis, UsesTheSubConfigurationThatFitsTheProcessor) {
  if (std::getenv("BLIS_ARCH_TYPE") != nullptr) GTEST_SKIP() << "BLIS_ARCH_TYPE is set";
  if (!expected_blis_config().empty()) {
    EXPECT_EQ(blis_config(), expected_blis_config());
  }
  if (cpu_info().avx2) {
    EXPECT_NE(blis_config(), "generic");
  }
  EXPECT_EQ(std::getenv("BLIS_ARCH_TYPE"), nullptr)
      << "child processes must not inherit our choice";
}

}  // namespace
}  // namespace bb::kernels
