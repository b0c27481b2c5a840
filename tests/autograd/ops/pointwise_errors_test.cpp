// What elementwise ops say of operands that do not fit.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

using Action = std::function<void()>;
using Actions = std::vector<std::pair<std::string, Action>>;

TEST(PointwiseErrors, ShapesThatDoNotBroadcast) {
  const Tensor a = ones({2, 3}), b = ones({4});
  const Tensor whole = ones({2, 3}, kInt64), wholes = ones({4}, kInt64);
  for (const auto& [name, fn] : Actions{
           {"maximum", [&] { maximum(a, b); }},
           {"minimum", [&] { minimum(a, b); }},
           {"lerp", [&] { lerp(a, b, 0.5); }},
           {"fmod", [&] { fmod(a, b); }},
           {"remainder", [&] { remainder(a, b); }},
           {"logical_and", [&] { logical_and(a, b); }},
           {"logical_or", [&] { logical_or(a, b); }},
           {"logical_xor", [&] { logical_xor(a, b); }},
           {"bitwise_and", [&] { bitwise_and(whole, wholes); }},
           {"bitwise_or", [&] { bitwise_or(whole, wholes); }},
           {"bitwise_xor", [&] { bitwise_xor(whole, wholes); }},
       }) {
    expect_error<ShapeError>(
        fn, name +
                ": shapes do not broadcast: at dimension 1 from the end they are 3 and 4\n"
                "  a [2, 3]   b [4]\n"
                "  hint: sizes must be equal, or one of them 1");
  }
  // Operands have the names of the declaration.
  for (const auto& [roles, fn] : Actions{
           {"atan2 y [2, 3]   x [4]", [&] { atan2(a, b); }},
           {"clamp x [2, 3]   min [4]", [&] { clamp(a, b); }},
           {"clamp x [2, 3]   max [4]", [&] { clamp(a, Tensor(), b); }},
           {"clamp x [2, 3]   min [2, 3]   max [4]", [&] { clamp(a, a, b); }},
           {"lerp a [2, 3]   b [2, 3]   weight [4]", [&] { lerp(a, a, b); }},
           {"where mask [2, 3]   a [4]   b []", [&] { where(gt(a, 0), b, 1.0); }},
       }) {
    const size_t space = roles.find(' ');
    expect_error<ShapeError>(
        fn, roles.substr(0, space) +
                ": shapes do not broadcast: at dimension 1 from the end they are 3 and 4\n  " +
                roles.substr(space + 1) + "\n  hint: sizes must be equal, or one of them 1");
  }
  const Tensor wide = ones({1}).expand({int64_t{1} << 40});
  expect_error<ShapeError>([&] { wide.unsqueeze(1) + wide; },
                           "add: the result is larger than any memory\n"
                           "  a [1099511627776, 1]   b [1099511627776]");
}

TEST(PointwiseErrors, DTypesThatAnOpDoesNotTake) {
  const Tensor mask = ones({2}, kBool), x = ones({2});
  for (const auto& [name, fn] : Actions{
           {"abs", [&] { abs(mask); }},
           {"floor", [&] { floor(mask); }},
           {"ceil", [&] { ceil(mask); }},
           {"round", [&] { round(mask); }},
           {"trunc", [&] { trunc(mask); }},
       })
    expect_error<DTypeError>(
        fn, name + ": bool is not supported\n  x bool [2]\n  hint: convert with to(kInt64)");
  for (const auto& [name, fn] :
       Actions{{"fmod", [&] { fmod(mask, mask); }}, {"remainder", [&] { remainder(mask, mask); }}})
    expect_error<DTypeError>(fn, name +
                                     ": bool is not supported\n  a bool [2]   b bool [2]\n"
                                     "  hint: convert with to(kInt64)");
  for (const auto& [name, fn] : Actions{
           {"bitwise_and: float32 is not supported\n  a float32 [2]   b bool [2]",
            [&] { bitwise_and(x, mask); }},
           {"bitwise_or: float32 is not supported\n  a bool [2]   b float32 [2]",
            [&] { bitwise_or(mask, x); }},
           {"bitwise_xor: float32 is not supported\n  a float32 [2]   b float32 [2]",
            [&] { bitwise_xor(x, x); }},
           {"bitwise_not: float32 is not supported\n  x float32 [2]", [&] { bitwise_not(x); }},
       })
    expect_error<DTypeError>(fn, name + "\n  hint: convert with to(kInt64)");
  expect_error<DTypeError>(
      [&] { where(x, 1.0, 2.0); },
      "where: the mask must be bool\n  mask float32 [2]   a float32 []   b float32 []\n"
      "  hint: compare, as mask != 0");
  EXPECT_THROW(where(x, x, 2.0), DTypeError);
}

TEST(PointwiseErrors, Numbers) {
  expect_error<ValueError>([] { clamp(ones({2}), std::nullopt); },
                           "clamp: at least one of min and max must be given\n  x float32 [2]");
  expect_error<ValueError>([] { clamp(ones({2}), Tensor()); },
                           "clamp: at least one of min and max must be given\n"
                           "  x float32 [2]   min undefined   max undefined");
  expect_error<ValueError>([] { hardtanh(ones({2}), 1, -1); },
                           "hardtanh: min_val 1 is above max_val -1\n  x [2]");
  EXPECT_THROW(hardtanh(ones({2}), std::numeric_limits<double>::quiet_NaN()), ValueError);
  expect_error<ValueError>(
      [] {
        remainder(ones({2}, kInt32), tensor({1, 0}));
      },
      "remainder: an integer is divided by 0 at position [1] of b\n"
      "  a int32 [2]   b int64 [2]\n"
      "  hint: convert with to(kFloat32), which gives NaN");
  EXPECT_THROW(remainder(ones({2}, kInt64), 0), ValueError);
  expect_error<ValueError>([] { fmod(ones({2}, kInt64), 0); },
                           "fmod: an integer is divided by 0\n  a int64 [2]\n"
                           "  hint: convert with to(kFloat32), which gives NaN");
  EXPECT_THROW(fmod(ones({2}, kUInt8), zeros({2}, kUInt8)), ValueError);
  EXPECT_TRUE(std::isnan(remainder(tensor(1.0), 0.0).item<float>()));
}

TEST(PointwiseErrors, Prelu) {
  expect_error<ShapeError>(
      [] {
        prelu(ones({2, 3, 4}), ones({4}));
      },
      "prelu: weight must have one element, or one for each of x's 3 channels\n"
      "  x [2, 3, 4] (N,C,...)   weight [4]");
  EXPECT_THROW(prelu(ones({2, 3}), ones({1, 3})), ShapeError);
  EXPECT_THROW(prelu(ones({3}), ones({3})), ShapeError);
  EXPECT_THROW(prelu(ones({2, 3}), ones({0})), ShapeError);
}

TEST(PointwiseErrors, UndefinedOperands) {
  EXPECT_THROW(abs(Tensor()), ValueError);
  EXPECT_THROW(maximum(Tensor(), ones({2})), ValueError);
  EXPECT_THROW(lerp(ones({2}), Tensor(), 0.5), ValueError);
  EXPECT_THROW(silu(Tensor()), ValueError);
}

}  // namespace
}  // namespace bb
