// What golden values cannot show of linear algebra: large matrices, which go by blocks, singular
// ones, strides, products without copies.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "bb/autograd/testing.h"
#include "bb/bb.h"
#include "bb/core/memory.h"

namespace bb {
namespace {

double largest(const Tensor& x) {
  return x.numel() == 0 ? 0 : (x * x).max().item<double>();  // squared
}

Tensor identity(int64_t n) { return diag(ones({n}, kFloat64)); }

// Around the sizes of the blocks.
const std::vector<int64_t> kSizes{1, 2, 31, 32, 33, 63, 64, 65, 100, 150};

TEST(Solve, LargeSystems) {
  for (int64_t n : kSizes) {
    const Tensor a = randn({n, n}, kFloat64), b = randn({n, 3}, kFloat64);
    EXPECT_LT(largest(matmul(a, solve(a, b)) - b), 1e-16) << n;
    EXPECT_LT(largest(matmul(a, a.inverse()) - identity(n)), 1e-16) << n;
    const auto [sign, logabs] = a.slogdet();
    const auto [sign_t, logabs_t] = a.mT().slogdet();
    EXPECT_EQ(sign.item<double>(), sign_t.item<double>()) << n;
    EXPECT_NEAR(logabs.item<double>(), logabs_t.item<double>(), 1e-8) << n;
  }
}

TEST(Solve, LargeTriangularSystems) {
  for (int64_t n : kSizes)
    for (bool upper : {false, true})
      for (bool left : {false, true})
        for (bool unit : {false, true}) {
          const Tensor full = randn({n, n}, kFloat64) / static_cast<double>(n) + 2.0 * identity(n);
          Tensor a = upper ? triu(full) : tril(full);
          if (unit) a = a - diag(a.diagonal()) + identity(n);
          const Tensor b = left ? randn({n, 3}, kFloat64) : randn({3, n}, kFloat64);
          const Tensor x =
              solve_triangular(full, b, {.upper = upper, .left = left, .unitriangular = unit});
          EXPECT_LT(largest((left ? matmul(a, x) : matmul(x, a)) - b), 1e-20)
              << n << upper << left << unit;
        }
}

TEST(Solve, LargeCholeskyReadsOneTriangle) {
  for (int64_t n : kSizes) {
    const Tensor root = randn({n, n}, kFloat64);
    const Tensor x = matmul(root, root.mT()) + identity(n);
    const Tensor junk = triu(full({n, n}, std::numeric_limits<double>::quiet_NaN(), kFloat64), 1);
    const Tensor l = (tril(x) + junk).cholesky();
    EXPECT_LT(largest(matmul(l, l.mT()) - x), 1e-16 * static_cast<double>(n * n)) << n;
    EXPECT_EQ(largest(triu(l, 1)), 0) << n;
    const Tensor u = (triu(x) + junk.mT()).cholesky(true);
    EXPECT_LT(largest(u - l.mT()), 1e-18) << n;
  }
}

TEST(Solve, EmptyMatricesAndBatches) {
  EXPECT_EQ(ones({0, 0}).det().item<float>(), 1);
  EXPECT_EQ(ones({0, 0}).slogdet().logabsdet.item<float>(), 0);
  EXPECT_EQ(ones({0, 2, 2}).inverse().shape(), (Shape{0, 2, 2}));
  EXPECT_EQ(solve(ones({0, 0}), ones({0, 3})).shape(), (Shape{0, 3}));
  EXPECT_EQ(ones({2, 0, 0}).cholesky().shape(), (Shape{2, 0, 0}));
}

TEST(Det, OfSingularMatricesIsZeroAndItsGradientTheCofactors) {
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}, {5.0, 7.0, 9.0}}, kFloat64);
  const Tensor flat = tensor({{1.0, 2.0}, {2.0, 4.0}}, kFloat64).requires_grad_();
  const Tensor y = flat.det();
  EXPECT_EQ(y.item<double>(), 0);
  y.backward();
  const std::vector<double> cofactors{4, -2, -2, 1};
  const auto gradient = flat.grad().to_vector<double>();
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(gradient[i], cofactors[i], 1e-12) << i;
  EXPECT_NEAR(x.det().item<double>(), 0, 1e-12);
  // Of a matrix of rank 0, all cofactors are 0.
  const Tensor nothing = zeros({3, 3}, kFloat64).requires_grad_();
  nothing.det().backward();
  EXPECT_EQ(largest(nothing.grad()) < 1e-20, true);
}

TEST(Slogdet, OfSingularMatrices) {
  const auto [sign, logabs] = stack({ones({2, 2}), diag(tensor({2.0, -3.0}))}).slogdet();
  EXPECT_EQ(sign.to_vector<float>(), (std::vector<float>{0, -1}));
  EXPECT_EQ(logabs[0].item<float>(), -std::numeric_limits<float>::infinity());
  EXPECT_NEAR(logabs[1].item<float>(), std::log(6.0), 1e-6);
  const Tensor x = ones({2, 2}).requires_grad_();
  EXPECT_THROW(x.slogdet().logabsdet.backward(), ValueError);
}

TEST(Cholesky, GradientIsSymmetric) {
  const Tensor root = randn({3, 3}, kFloat64);
  const Tensor x = (matmul(root, root.mT()) + identity(3)).requires_grad_();
  (x.cholesky() * randn({3, 3}, kFloat64)).sum().backward();
  EXPECT_LT(largest(x.grad() - x.grad().mT()), 1e-24);
}

TEST(Matmul, BroadcastOperandsAreNotCopied) {
  const Tensor a = randn({64, 1, 4, 64}), b = randn({50, 64, 4});
  const int64_t before = memory::stats().live_bytes;
  memory::reset_peak();
  const Tensor y = matmul(a, b);  // [64, 50, 4, 4]; copies would take 64 * 50 * 256 floats each
  EXPECT_EQ(y.shape(), (Shape{64, 50, 4, 4}));
  EXPECT_LT(memory::stats().peak_bytes - before, 2 * y.numel() * 4);
  for (int64_t i : {0, 7, 63})
    for (int64_t j : {0, 13, 49})
      EXPECT_LT((y[i][j] - matmul(a[i][0], b[j])).max().item<float>(), 1e-5);
}

TEST(Matmul, BroadcastBatchesOfStridedOperands) {
  const Tensor a = randn({3, 1, 5, 2}, kFloat64).mT().movedim(0, 1);  // [1, 3, 2, 5]
  const Tensor b = randn({4, 5}, kFloat64).mT().expand({2, 1, 5, 4});
  const Tensor y = matmul(a, b);
  EXPECT_EQ(y.shape(), (Shape{2, 3, 2, 4}));
  const Tensor expected = (a.unsqueeze(-1) * b.unsqueeze(-3)).sum(-2);
  EXPECT_LT(largest(y - expected), 1e-24);
}

TEST(Einsum, OfManyOperandsAndSpaces) {
  const Tensor a = randn({2, 3}, kFloat64), b = randn({3}, kFloat64), c = randn({2, 4}, kFloat64);
  const Tensor y = einsum(" ij, j , ik -> kj ", {a, b, c});
  EXPECT_LT(largest(y - matmul(c.mT(), a) * b), 1e-24);
  EXPECT_GRADCHECK(
      [](const Tensor& p, const Tensor& q) {
        return einsum("ij,ik,ik->j", {p, q, q});
      },
      {a, c});
}

TEST(Einsum, OfOneOperandIsAView) {
  const Tensor x = randn({2, 3});
  EXPECT_TRUE(einsum("ij->ji", {x}).shares_storage(x));
}

}  // namespace
}  // namespace bb
