// Elementwise ops on integers and bools, and what a golden row cannot show of their gradients.
#include "bb/autograd/ops/pointwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "bb/bb.h"

namespace bb {
namespace {

std::vector<int64_t> whole(const Tensor& x) { return x.to(kInt64).to_vector<int64_t>(); }
using Whole = std::vector<int64_t>;

TEST(Pointwise, IntegersStayIntegers) {
  for (DType dtype : {kInt32, kInt64}) {
    const Tensor x = tensor({-7, 0, 3}, dtype);
    for (const auto& [y, expected] : std::vector<std::pair<Tensor, Whole>>{
             {abs(x), {7, 0, 3}},
             {sign(x), {-1, 0, 1}},
             {square(x), {49, 0, 9}},
             {floor(x), {-7, 0, 3}},
             {round(x), {-7, 0, 3}},
             {maximum(x, tensor({1, 1, 1}, dtype)), {1, 1, 3}},
             {minimum(x, tensor({1, 1, 1}, dtype)), {-7, 0, 1}},
             {clamp(x, -2, 2), {-2, 0, 2}},
             {clamp(x, -2), {-2, 0, 3}},
             {relu6(x * 3), {0, 0, 6}},
             {remainder(x, 4), {1, 0, 3}},
             {remainder(x, -4), {-3, 0, -1}},
             {fmod(x, 4), {-3, 0, 3}},
             {fmod(x, -1), {0, 0, 0}},
             {bitwise_and(x, tensor({6, 6, 6}, dtype)), {0, 0, 2}},
             {bitwise_or(x, tensor({4, 4, 4}, dtype)), {-3, 4, 7}},
             {bitwise_xor(x, tensor({1, 1, 1}, dtype)), {-8, 1, 2}},
             {bitwise_not(x), {6, -1, -4}}}) {
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_EQ(whole(y), expected);
    }
  }
  const Tensor bytes = tensor({0, 3, 250}, kUInt8);
  EXPECT_EQ(whole(abs(bytes)), (Whole{0, 3, 250}));
  EXPECT_EQ(whole(sign(bytes)), (Whole{0, 1, 1}));
  EXPECT_EQ(whole(clamp(bytes, 1, 1000)), (Whole{1, 3, 250})) << "a bound beyond the range";
  EXPECT_EQ(whole(clamp(bytes, -5)), (Whole{0, 3, 250}));
  EXPECT_EQ(whole(remainder(bytes, 7)), (Whole{0, 3, 5}));
}

TEST(Pointwise, TheSmallestIntegerTrapsNothing) {
  const Tensor x = tensor({std::numeric_limits<int64_t>::min()});
  EXPECT_EQ(whole(remainder(x, -1)), Whole{0});
  EXPECT_EQ(whole(fmod(x, -1)), Whole{0});
  EXPECT_EQ(whole(abs(x)), Whole{std::numeric_limits<int64_t>::min()}) << "wraps, as in PyTorch";
}

TEST(Pointwise, BoolsAreLogical) {
  const Tensor a = tensor({true, true, false, false}), b = tensor({true, false, true, false});
  for (const auto& [y, expected] :
       std::vector<std::pair<Tensor, Whole>>{{maximum(a, b), {1, 1, 1, 0}},
                                             {minimum(a, b), {1, 0, 0, 0}},
                                             {logical_and(a, b), {1, 0, 0, 0}},
                                             {logical_or(a, b), {1, 1, 1, 0}},
                                             {logical_xor(a, b), {0, 1, 1, 0}},
                                             {logical_not(a), {0, 0, 1, 1}},
                                             {bitwise_and(a, b), {1, 0, 0, 0}},
                                             {bitwise_or(a, b), {1, 1, 1, 0}},
                                             {bitwise_xor(a, b), {0, 1, 1, 0}},
                                             {bitwise_not(a), {0, 0, 1, 1}},
                                             {sign(a), {1, 1, 0, 0}}}) {
    EXPECT_EQ(y.dtype(), kBool);
    EXPECT_EQ(whole(y), expected);
  }
  EXPECT_EQ(square(a).dtype(), kInt64);
  EXPECT_EQ(clamp(a, 0, 1).dtype(), kInt64);
}

TEST(Pointwise, IntegersBecomeFloat32WhereTheResultIsNotWhole) {
  const Tensor x = tensor({1, 2});
  for (const Tensor& y : {reciprocal(x), rsqrt(x), exp2(x), log1p(x), atan(x), atan2(x, x),
                          sigmoid(x), clamp(x, 0.5, 1.5)})
    EXPECT_EQ(y.dtype(), kFloat32);
  EXPECT_EQ(whole(clamp(x, 0.5, 1.5) * 2), (Whole{2, 3}));
}

TEST(Pointwise, DTypesPromoteOverThreeOperands) {
  const Tensor x = ones({2}), wide = ones({2}, kFloat64), number = ones({}, kFloat64);
  EXPECT_EQ(clamp(x, wide, wide).dtype(), kFloat64);
  EXPECT_EQ(lerp(x, x, number).dtype(), kFloat32) << "a 0-d tensor does not widen its own kind";
  EXPECT_EQ(clamp(tensor({1, 2}), number, number).dtype(), kFloat64) << "but a lesser kind";
  EXPECT_EQ(where(tensor({true}), 1, 2).dtype(), kInt64);
  EXPECT_EQ(where(tensor({true}), 1.0, 2).dtype(), kFloat32);
  EXPECT_EQ(where(tensor({true}), true, false).dtype(), kBool);
  EXPECT_EQ(where(tensor({true}), wide, 2).dtype(), kFloat64);
}

TEST(Pointwise, IntegersAreFinite) {
  const Tensor x = tensor({1, 0});
  EXPECT_EQ(whole(isnan(x)), (Whole{0, 0}));
  EXPECT_EQ(whole(isinf(x)), (Whole{0, 0}));
  EXPECT_EQ(whole(isfinite(x)), (Whole{1, 1}));
  EXPECT_EQ(isfinite(x).dtype(), kBool);
}

// A step's gradient is 0 but there: a sum of a rounded and a plain part has a gradient.
TEST(Pointwise, RoundingsAreOnTheTape) {
  const Tensor x = tensor({0.4, 1.6}).requires_grad_();
  for (const Tensor& y : {floor(x), ceil(x), round(x), trunc(x), sign(x)}) {
    EXPECT_TRUE(y.requires_grad());
    const auto grads = autograd::grad(y.sum(), {x});
    EXPECT_EQ(grads[0].to_vector<float>(), (std::vector<float>{0, 0}));
  }
}

TEST(Pointwise, SoftplusDoesNotOverflow) {
  const auto y = softplus(tensor({800.0, -800.0, 30.0}, kFloat64), {.threshold = 1e9});
  EXPECT_EQ(y.to_vector<double>()[0], 800);
  EXPECT_EQ(y.to_vector<double>()[1], 0);
  EXPECT_DOUBLE_EQ(y.to_vector<double>()[2], 30 + std::log1p(std::exp(-30.0)));
  const auto small = softplus(tensor({-80.0, -30.0}, kFloat64)).to_vector<double>();
  EXPECT_DOUBLE_EQ(small[0], std::exp(-80.0));
  EXPECT_DOUBLE_EQ(small[1], std::log1p(std::exp(-30.0)));
}

TEST(Pointwise, MethodsNameTheSameOps) {
  const Tensor x = tensor({-0.75, 0.5}), y = tensor({0.25, 2.0});
  const auto same = [](const Tensor& a, const Tensor& b) {
    return a.dtype() == b.dtype() &&
           a.to(kFloat64).to_vector<double>() == b.to(kFloat64).to_vector<double>();
  };
  EXPECT_TRUE(same(x.abs(), abs(x)));
  EXPECT_TRUE(same(x.expm1(), expm1(x)));
  EXPECT_TRUE(same(x.atan2(y), atan2(x, y)));
  EXPECT_TRUE(same(x.clamp(-0.5, 0.25), clamp(x, -0.5, 0.25)));
  EXPECT_TRUE(same(x.clamp(y, y), clamp(x, y, y)));
  EXPECT_TRUE(same(x.maximum(y), maximum(x, y)));
  EXPECT_TRUE(same(x.minimum(y), minimum(x, y)));
  EXPECT_TRUE(same(x.lerp(y, 0.25), lerp(x, y, 0.25)));
  EXPECT_TRUE(same(x.remainder(y), remainder(x, y)));
  EXPECT_TRUE(same(x.fmod(0.5), fmod(x, 0.5)));
  EXPECT_TRUE(same(x.where(x.gt(0), y), where(gt(x, 0), x, y)));
  EXPECT_TRUE(same(x.where(x.le(0), 3.0), where(le(x, 0), x, 3.0)));
  EXPECT_TRUE(same(x.eq(0.5), eq(x, 0.5)));
  EXPECT_TRUE(same(x.ne(y), ne(x, y)));
  EXPECT_TRUE(same(x.lt(0).logical_not(), ge(x, 0)));
}

}  // namespace
}  // namespace bb
