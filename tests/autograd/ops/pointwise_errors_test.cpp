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
           {"atan2", [&] { atan2(a, b); }},
           {"maximum", [&] { maximum(a, b); }},
           {"minimum", [&] { minimum(a, b); }},
           {"clamp", [&] { clamp(a, b); }},
           {"clamp", [&] { clamp(a, Tensor(), b); }},
           {"clamp", [&] { clamp(a, a, b); }},
           {"lerp", [&] { lerp(a, b, 0.5); }},
           {"lerp", [&] { lerp(a, a, b); }},
           {"fmod", [&] { fmod(a, b); }},
           {"remainder", [&] { remainder(a, b); }},
           {"logical_and", [&] { logical_and(a, b); }},
           {"logical_or", [&] { logical_or(a, b); }},
           {"logical_xor", [&] { logical_xor(a, b); }},
           {"bitwise_and", [&] { bitwise_and(whole, wholes); }},
           {"bitwise_or", [&] { bitwise_or(whole, wholes); }},
           {"bitwise_xor", [&] { bitwise_xor(whole, wholes); }},
           {"where", [&] { where(gt(a, 0), b, 1.0); }},
       }) {
    expect_error<ShapeError>(
        fn, name +
                ": shapes do not broadcast: at dimension 1 from the end they are 3 and 4\n"
                "  a [2, 3]   b [4]\n"
                "  hint: sizes must be equal, or one of them 1");
  }
}

TEST(PointwiseErrors, DTypesThatAnOpDoesNotTake) {
  const Tensor mask = ones({2}, kBool), x = ones({2});
  for (const auto& [name, fn] : Actions{
           {"abs", [&] { abs(mask); }},
           {"floor", [&] { floor(mask); }},
           {"ceil", [&] { ceil(mask); }},
           {"round", [&] { round(mask); }},
           {"trunc", [&] { trunc(mask); }},
           {"fmod", [&] { fmod(mask, mask); }},
           {"remainder", [&] { remainder(mask, mask); }},
       })
    expect_error<DTypeError>(fn, name + ": bool is not supported");
  for (const auto& [name, fn] : Actions{
           {"bitwise_and", [&] { bitwise_and(x, mask); }},
           {"bitwise_or", [&] { bitwise_or(mask, x); }},
           {"bitwise_xor", [&] { bitwise_xor(x, x); }},
           {"bitwise_not", [&] { bitwise_not(x); }},
       })
    expect_error<DTypeError>(fn, name + ": float32 is not supported");
  expect_error<DTypeError>([&] { where(x, 1.0, 2.0); },
                           "where: the mask must be bool\n  mask float32 [2]");
  EXPECT_THROW(where(x, x, 2.0), DTypeError);
}

TEST(PointwiseErrors, Numbers) {
  expect_error<ValueError>([] { clamp(ones({2}), std::nullopt); },
                           "clamp: at least one of min and max must be given");
  EXPECT_THROW(clamp(ones({2}), Tensor()), ValueError);
  expect_error<ValueError>([] { hardtanh(ones({2}), 1, -1); },
                           "hardtanh: min_val 1 is above max_val -1");
  EXPECT_THROW(hardtanh(ones({2}), std::numeric_limits<double>::quiet_NaN()), ValueError);
  expect_error<ValueError>(
      [] {
        remainder(ones({2}, kInt32), tensor({1, 0}));
      },
      "remainder: an integer is divided by 0\n"
      "  hint: convert with to(kFloat32), which gives NaN");
  EXPECT_THROW(remainder(ones({2}, kInt64), 0), ValueError);
  EXPECT_THROW(fmod(ones({2}, kInt64), 0), ValueError);
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
