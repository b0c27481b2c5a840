// What products, einsum and linear systems say of operands that do not fit.
#include <gtest/gtest.h>

#include <limits>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

TEST(LinalgErrors, Products) {
  const Tensor a = ones({2, 3}), b = ones({3, 4}), v = ones({3});
  expect_error<ShapeError>([&] { mm(a, v); },
                           "mm: a must have 2 dimensions and b 2\n  a [2, 3]   b [3]");
  expect_error<ShapeError>([&] { mm(a, a); },
                           "mm: inner sizes differ: 3 and 2\n  a [2, 3]   b [2, 3]");
  expect_error<ShapeError>(
      [] {
        bmm(ones({2, 1, 3}), ones({1, 3, 1}));
      },
      "bmm: batches differ: 2 and 1\n  a [2, 1, 3]   b [1, 3, 1]");
  expect_error<ShapeError>([&] { mv(v, v); },
                           "mv: a must have 2 dimensions and v 1\n  a [3]   v [3]");
  EXPECT_THROW(mv(a, ones({2})), ShapeError);
  expect_error<ShapeError>([&] { dot(a, v); },
                           "dot: a must have 1 dimension and b 1\n  a [2, 3]   b [3]");
  EXPECT_THROW(dot(v, ones({2})), ShapeError);
  expect_error<DTypeError>(
      [&] {
        mm(a, ones({3, 4}, kFloat64));
      },
      "mm: operands must have one dtype, not bool\n"
      "  a float32 [2, 3]   b float64 [3, 4]\n"
      "  hint: convert with to(kFloat32)");
  EXPECT_THROW(dot(ones({3}, kBool), ones({3}, kBool)), DTypeError);
  expect_error<ShapeError>([&] { outer(a, v); },
                           "outer: operands must be vectors\n  a [2, 3]   b [3]");
  expect_error<ShapeError>(
      [] {
        kron(ones({1, 1, 1, 1, 1}), ones({2}));
      },
      "kron: at most 4 dimensions\n  a [1, 1, 1, 1, 1]   b [2]");
  const Tensor wide = ones({1}).expand({std::numeric_limits<int64_t>::max()});
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"kron", [&] { kron(wide, wide); }}, {"outer", [&] { outer(wide, wide); }}})
    expect_error<ShapeError>(fn, name +
                                     ": the result is larger than any memory\n"
                                     "  a [9223372036854775807]   b [9223372036854775807]");
  const Tensor column = ones({1, 1}).expand({int64_t{1} << 40, 1});
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"matmul", [&] { matmul(column, column.t()); }},
           {"mm", [&] { mm(column, column.t()); }},
           {"addmm", [&] { addmm(v, column, column.t()); }}})
    expect_error<ShapeError>(fn, name +
                                     ": the result is larger than any memory\n"
                                     "  a [1099511627776, 1]   b [1, 1099511627776]");
  expect_error<ShapeError>([&] { linear(column, column); },
                           "linear: the result is larger than any memory\n"
                           "  x [1099511627776, 1]   weight [1099511627776, 1]");
  expect_error<ShapeError>([&] { addmm(ones({5}), a, b); },
                           "addmm: x does not broadcast to the product [2, 4]\n"
                           "  x [5]   a [2, 3]   b [3, 4]");
  expect_error<ShapeError>(
      [&] {
        addmm(ones({1, 2, 4}), a, b);
      },
      "addmm: x does not broadcast to the product [2, 4]\n"
      "  x [1, 2, 4]   a [2, 3]   b [3, 4]");
  expect_error<DTypeError>([&] { addmm(ones({4}, kFloat64), a, b); },
                           "addmm: operands must have one dtype\n"
                           "  x float64 [4]   a float32 [2, 3]");
  EXPECT_THROW(baddbmm(ones({4}), a, b), ShapeError);
  expect_error<ShapeError>(
      [&] {
        addmv(ones({2, 1}), a, v);
      },
      "addmv: x does not broadcast to the product [2]\n  x [2, 1]   a [2, 3]   v [3]");
}

TEST(LinalgErrors, Einsum) {
  const Tensor a = ones({2, 3}), b = ones({4, 5});
  expect_error<ShapeError>(
      [&] {
        einsum("ik,kj->ij", {a, b});
      },
      "einsum: label 'k' has sizes 3 and 4 in 'ik,kj->ij'\n"
      "  operand 0 [2, 3]   operand 1 [4, 5]");
  expect_error<ShapeError>([&] { einsum("ii", {a}); },
                           "einsum: label 'i' has sizes 2 and 3 in 'ii'\n  operand 0 [2, 3]");
  // A size of 1 is repeated between operands, not within one.
  expect_error<ShapeError>(
      [] {
        einsum("ii", {ones({1, 3})});
      },
      "einsum: label 'i' has sizes 1 and 3 within operand 0, in 'ii'\n"
      "  operand 0 [1, 3]");
  expect_error<ShapeError>(
      [&] {
        einsum("...,...", {a, b});
      },
      "einsum: a dimension of '...' has sizes 2 and 4 in '...,...'\n"
      "  operand 0 [2, 3]   operand 1 [4, 5]");
  expect_error<ShapeError>([&] { einsum("ijk", {a}); },
                           "einsum: operand 0 has 2 dimensions, but its term in 'ijk' labels 3\n"
                           "  operand 0 [2, 3]");
  EXPECT_THROW(einsum("i", {a}), ShapeError);
  expect_error<ValueError>([&] { einsum("ij,jk", {a}); },
                           "einsum: 'ij,jk' is for 2 operands, but 1 is given\n  operand 0 [2, 3]");
  expect_error<ValueError>(
      [&] {
        einsum("ij", {a, b});
      },
      "einsum: 'ij' is for 1 operand, but 2 are given\n"
      "  operand 0 [2, 3]   operand 1 [4, 5]");
  expect_error<ValueError>([] { einsum("", {}); }, "einsum: there are no operands");
  expect_error<ValueError>([&] { einsum("i1", {a}); },
                           "einsum: '1' is not a label in 'i1'\n  operand 0 [2, 3]");
  expect_error<ValueError>([&] { einsum("ij->k", {a}); },
                           "einsum: label 'k' of the result is in no operand in 'ij->k'\n"
                           "  operand 0 [2, 3]");
  expect_error<ValueError>([&] { einsum("ij->ii", {a}); },
                           "einsum: label 'i' is twice in the result in 'ij->ii'\n"
                           "  operand 0 [2, 3]");
  expect_error<ValueError>([&] { einsum("...i...->i", {a}); },
                           "einsum: a second '...' within a term in '...i...->i'\n"
                           "  operand 0 [2, 3]");
  EXPECT_THROW(einsum("ij->i->j", {a}), ValueError);
  EXPECT_THROW(einsum("i.j", {a}), ValueError);
  expect_error<DTypeError>(
      [&] {
        einsum("ij,jk", {a, ones({3, 2}, kFloat64)});
      },
      "einsum: all operands must have one dtype, not bool\n"
      "  operand 0 float32 [2, 3]   operand 1 float64 [3, 2]\n"
      "  hint: convert with to(kFloat32)");
  expect_error<DTypeError>([] { einsum("i->", {ones({2}, kBool)}); },
                           "einsum: all operands must have one dtype, not bool\n"
                           "  operand 0 bool [2]\n  hint: convert with to(kFloat32)");
  expect_error<ShapeError>(
      [] {
        einsum("abcde,fghij", {ones({1, 1, 1, 1, 1}), ones({1, 1, 1, 1, 1})});
      },
      "einsum: a product of two operands would have 10 labels; a tensor has at most 8 dimensions\n"
      "  abcde [1, 1, 1, 1, 1]   fghij [1, 1, 1, 1, 1]");
}

TEST(LinalgErrors, EinsumWithAResultTooLarge) {
  const Tensor wide = ones({1}).expand({int64_t{1} << 40});
  expect_error<ShapeError>(
      [&] {
        einsum("i,j->ij", {wide, wide});
      },
      "einsum: the result is larger than any memory\n  i [1099511627776]   j [1099511627776]");
}

TEST(LinalgErrors, MatricesThatAreNotSquare) {
  const Tensor x = ones({2, 3});
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"cholesky", [&] { x.cholesky(); }},
           {"inverse", [&] { x.inverse(); }},
           {"det", [&] { x.det(); }},
           {"slogdet", [&] { x.slogdet(); }}})
    expect_error<ShapeError>(fn,
                             name + ": x must be a square matrix or a batch of them\n  x [2, 3]");
  expect_error<ShapeError>([&] { solve(x, x); },
                           "solve: a must be a square matrix or a batch of them\n  a [2, 3]");
  EXPECT_THROW(solve_triangular(x, x), ShapeError);
  EXPECT_THROW(ones({3}).det(), ShapeError);
  expect_error<DTypeError>(
      [] {
        ones({2, 2}, kInt64).det();
      },
      "det: needs floating point\n  x int64 [2, 2]\n"
      "  hint: convert with to(kFloat32)");
}

TEST(LinalgErrors, SystemsThatDoNotFit) {
  const Tensor a = ones({2, 2});
  expect_error<ShapeError>(
      [&] {
        solve(a, ones({3, 2}));
      },
      "solve: b's rows must be a's\n  a [2, 2]   b [3, 2]");
  EXPECT_THROW(solve(a, ones({3})), ShapeError);
  EXPECT_THROW(solve(a, ones({})), ShapeError);
  expect_error<DTypeError>([&] { solve(a, ones({2}, kFloat64)); },
                           "solve: a and b must have one dtype\n"
                           "  a float32 [2, 2]   b float64 [2]");
  expect_error<ShapeError>(
      [&] {
        solve_triangular(a, ones({3, 2}));
      },
      "solve_triangular: b's rows must be a's\n  a [2, 2]   b [3, 2]");
  expect_error<ShapeError>(
      [&] {
        solve_triangular(a, ones({2, 3}), {.left = false});
      },
      "solve_triangular: b's columns must be a's\n  a [2, 2]   b [2, 3]");
  EXPECT_THROW(solve_triangular(a, ones({2})), ShapeError);
  expect_error<ShapeError>(
      [] {
        solve_triangular(ones({2, 2, 2}), ones({3, 2, 1}));
      },
      "solve_triangular: shapes do not broadcast: at dimension 3 from the end "
      "they are 2 and 3\n  a [2, 2, 2]   b [3, 2, 1]\n"
      "  hint: sizes must be equal, or one of them 1");
}

TEST(LinalgErrors, MatricesWithoutAResult) {
  const Tensor good = diag(ones({3})), flat = ones({3, 3});
  expect_error<ValueError>([&] { flat.inverse(); },
                           "inverse: matrix is singular (pivot 1 is 0)\n  x [3, 3]");
  expect_error<ValueError>(
      [&] {
        solve(stack({good, flat}), ones({3, 1}));
      },
      "solve: matrix [1] of the batch is singular (pivot 1 is 0)\n"
      "  a [2, 3, 3]");
  expect_error<ValueError>(
      [&] {
        stack({stack({good, good}), stack({flat, good})}).cholesky();
      },
      "cholesky: matrix [1, 0] of the batch is not positive definite (the leading minor of order 2 "
      "is not positive)\n  x [2, 2, 3, 3]");
  expect_error<ValueError>(
      [&] { (good * -1.0).cholesky(); },
      "cholesky: matrix is not positive definite (the leading minor of order 1 "
      "is not positive)\n  x [3, 3]");
  EXPECT_THROW((good * std::numeric_limits<double>::quiet_NaN()).cholesky(), ValueError);
}

}  // namespace
}  // namespace bb
