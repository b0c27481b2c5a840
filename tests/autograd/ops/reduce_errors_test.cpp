// What reductions and scans say of what they cannot reduce.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

using Actions = std::vector<std::pair<std::string, std::function<void()>>>;
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(ReduceErrors, DimsOutOfRange) {
  const Tensor x = ones({2, 3});
  for (const auto& [name, fn] : Actions{
           {"prod", [&] { x.prod(2); }},
           {"var", [&] { x.var(2); }},
           {"std", [&] { x.std(2); }},
           {"norm", [&] { x.norm(2, {2}); }},
           {"logsumexp", [&] { x.logsumexp(2); }},
           {"min", [&] { x.min(2); }},
           {"median", [&] { x.median(2); }},
           {"amax", [&] { x.amax(2); }},
           {"amin", [&] { x.amin(2); }},
           {"argmin", [&] { x.argmin(2); }},
           {"any", [&] { x.any(2); }},
           {"all", [&] { x.all(2); }},
           {"count_nonzero", [&] { x.count_nonzero({2}); }},
           {"cumsum", [&] { x.cumsum(2); }},
           {"cumprod", [&] { x.cumprod(2); }},
       })
    expect_error<IndexError>(
        fn,
        name +
            ": dim 2 is out of range for a tensor of 2 dimensions (-2 to 1 allowed)\n  x [2, 3]");
}

TEST(ReduceErrors, DimsGivenTwice) {
  const Tensor x = ones({2, 3});
  for (const auto& [name, fn] : Actions{
           {"var",
            [&] {
              x.var({0, -2});
            }},
           {"std",
            [&] {
              x.std({0, -2});
            }},
           {"norm",
            [&] {
              x.norm(2, {0, -2});
            }},
           {"logsumexp",
            [&] {
              x.logsumexp({0, -2});
            }},
           {"amax",
            [&] {
              x.amax({0, -2});
            }},
           {"amin",
            [&] {
              x.amin({0, -2});
            }},
           {"any",
            [&] {
              x.any({0, -2});
            }},
           {"all",
            [&] {
              x.all({0, -2});
            }},
           {"count_nonzero",
            [&] {
              x.count_nonzero({0, -2});
            }},
       })
    expect_error<ValueError>(fn, name + ": dim -2 is given twice\n  x [2, 3]   dims [0, -2]");
}

TEST(ReduceErrors, NothingToFind) {
  const Tensor x = ones({0, 3});
  for (const auto& [name, fn, what] :
       std::vector<std::tuple<std::string, std::function<void()>, std::string>>{
           {"min", [&] { x.min(); }, "smallest element"},
           {"amax", [&] { x.amax(); }, "largest element"},
           {"amin", [&] { x.amin(0); }, "smallest element"},
           {"argmin", [&] { x.argmin(); }, "smallest element"},
           {"norm", [&] { x.norm(kInf); }, "norm of order inf"},
           {"norm", [&] { x.norm(-1, {0}); }, "norm of order -1"},
       })
    expect_error<ValueError>(fn, name + ": an empty tensor has no " + what + "\n  x [0, 3]");
  expect_error<ValueError>([&] { x.min(0); },
                           "min: no smallest element along a dimension of size 0\n"
                           "  x [0, 3]   dim 0");
  expect_error<ValueError>([&] { x.median(0); },
                           "median: no median along a dimension of size 0\n  x [0, 3]   dim 0");
  EXPECT_THROW(x.argmin(0), ValueError);
  // Nothing is asked of empty lines here.
  EXPECT_EQ(x.amax(1).shape(), Shape{0});
  EXPECT_EQ(x.min(1).values.shape(), Shape{0});
  EXPECT_EQ(x.median(1).indices.shape(), Shape{0});
  EXPECT_EQ(x.norm(kInf, {1}).shape(), Shape{0});
}

TEST(ReduceErrors, DTypes) {
  const Tensor x = ones({2}, kInt64);
  for (const auto& [name, fn] :
       Actions{{"var", [&] { x.var(); }}, {"std", [&] { x.std(); }}, {"norm", [&] { x.norm(); }}})
    expect_error<DTypeError>(fn, name +
                                     ": needs floating point\n  x int64 [2]\n"
                                     "  hint: convert with to(kFloat32)");
  expect_error<DTypeError>(
      [] { median(ones({2}, kBool)); },
      "median: bool is not supported\n  x bool [2]\n  hint: convert with to(kInt64)");
  EXPECT_THROW(median(ones({2}, kBool), 0), DTypeError);
  expect_error<ValueError>([] { norm(ones({2}), std::nan("")); }, "norm: p is NaN\n  x [2]");
}

TEST(ReduceErrors, UndefinedOperands) {
  EXPECT_THROW(prod(Tensor()), ValueError);
  EXPECT_THROW(var(Tensor()), ValueError);
  EXPECT_THROW(any(Tensor()), ValueError);
  EXPECT_THROW(cumprod(Tensor(), 0), ValueError);
  EXPECT_THROW(median(Tensor()), ValueError);
}

}  // namespace
}  // namespace bb
