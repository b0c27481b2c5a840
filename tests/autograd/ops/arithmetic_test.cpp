// Forms of arithmetic with a factor or a rounding, on integers and in their errors.
#include "bb/autograd/ops/arithmetic.h"

#include <gtest/gtest.h>

#include <limits>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

using Whole = std::vector<int64_t>;
using Floats = std::vector<float>;

Whole whole(const Tensor& x) { return x.to(kInt64).to_vector<int64_t>(); }

TEST(Alpha, IsOfTheResultsDType) {
  const Tensor i = tensor({1, 2}), f = tensor({1.0, 2.0}), b = tensor({true, false});
  const Tensor u = tensor({1, 2}, kUInt8);
  EXPECT_EQ(whole(add(i, i, 2)), (Whole{3, 6}));
  EXPECT_EQ(whole(sub(i, i, 2)), (Whole{-1, -2}));
  EXPECT_EQ(add(i, f, 2.5).to_vector<float>(), (Floats{3.5, 7}));
  EXPECT_EQ(f.sub(i, 0.5).to_vector<float>(), (Floats{0.5, 1}));
  EXPECT_EQ(whole(u.add(u, -1)), (Whole{0, 0}));
  EXPECT_EQ(add(b, b, 2).dtype(), kBool);
  EXPECT_EQ(whole(add(b, i, 2)), (Whole{3, 4}));
  EXPECT_EQ(whole(add(b, b, true)), (Whole{1, 0}));
  expect_error<ValueError>([&] { add(i, i, 2.5); },
                           "add: a real alpha does not suit a result of int64");
  expect_error<ValueError>([&] { sub(f, f, true); },
                           "sub: a bool alpha does not suit a result of float32");
  expect_error<ValueError>([&] { add(u, u, 300); },
                           "add: uint8 cannot hold 300\n  hint: convert to a wider dtype first");
  EXPECT_THROW(add(b, b, 2.5), ValueError);
  EXPECT_THROW(sub(b, b, 1), DTypeError);
  Tensor flags = b.clone();
  EXPECT_THROW(flags.add_(i, 2), DTypeError);
}

TEST(RoundedDivision, OfIntegers) {
  const Tensor x = tensor({7, -7, 6});
  for (DType dtype : {kInt32, kInt64}) {
    const Tensor a = x.to(dtype), b = tensor({-2, -2, 3}, dtype);
    EXPECT_EQ(whole(div(a, b, RoundingMode::kTrunc)), (Whole{-3, 3, 2}));
    EXPECT_EQ(whole(div(a, b, RoundingMode::kFloor)), (Whole{-4, 3, 2}));
    EXPECT_EQ(div(a, 2, RoundingMode::kFloor).dtype(), dtype);
    EXPECT_EQ(whole(div(a, 2, RoundingMode::kFloor)), (Whole{3, -4, 3}));
    EXPECT_EQ(whole(a.div(2, RoundingMode::kTrunc)), (Whole{3, -3, 3}));
  }
  EXPECT_EQ(whole(div(tensor({7, 250}, kUInt8), 3, RoundingMode::kFloor)), (Whole{2, 83}));
  EXPECT_EQ(whole(div(tensor({7}, kUInt8), -1, RoundingMode::kFloor)), Whole{0}) << "-1 is 255";
  const Tensor least = tensor({std::numeric_limits<int64_t>::min()});
  EXPECT_EQ(whole(div(least, -1, RoundingMode::kFloor)), whole(least)) << "wraps, as in PyTorch";
  EXPECT_EQ(whole(div(least, -1, RoundingMode::kTrunc)), whole(least));
  EXPECT_EQ(div(x, 2.0, RoundingMode::kFloor).to_vector<float>(), (Floats{3, -4, 3}));
}

TEST(RoundedDivision, Errors) {
  const Tensor x = tensor({1, 2}), mask = tensor({true, false});
  expect_error<ValueError>([&] { div(x, 0, RoundingMode::kTrunc); },
                           "div: an integer is divided by 0\n  a int64 [2]\n"
                           "  hint: convert with to(kFloat32), which gives NaN");
  EXPECT_THROW(div(x, tensor({1, 0}), RoundingMode::kFloor), ValueError);
  expect_error<DTypeError>([&] { div(mask, mask, RoundingMode::kFloor); },
                           "div: bool is not supported\n  a bool [2]   b bool [2]\n"
                           "  hint: convert with to(kInt64)");
  EXPECT_THROW(div(ones({2, 3}), ones({4}), RoundingMode::kTrunc), ShapeError);
  expect_error<DTypeError>([&] { round(x, 1); },
                           "round: needs floating point\n  x int64 [2]\n"
                           "  hint: convert with to(kFloat32)");
}

// PyTorch's gradients there are NaN, of inf times 0; these are the limits.
TEST(Activations, HaveTheirLimitsAtInfinity) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const auto& [name, fn] : std::vector<std::pair<const char*, Tensor (*)(const Tensor&)>>{
           {"silu", silu},
           {"mish", mish},
           {"gelu", [](const Tensor& x) { return gelu(x); }},
           {"gelu tanh",
            [](const Tensor& x) { return gelu(x, {.approximate = GeluApproximate::kTanh}); }}}) {
    Tensor x = tensor({kInfinity, -kInfinity}).requires_grad_();
    const Tensor y = fn(x);
    y.sum().backward();
    EXPECT_EQ(y.to_vector<float>()[0], kInfinity) << name;
    EXPECT_EQ(y.to_vector<float>()[1], 0) << name;
    EXPECT_EQ(x.grad().to_vector<float>(), (Floats{1, 0})) << name;
    const auto recorded = autograd::grad(fn(x).sum(), {x}, {.create_graph = true});
    EXPECT_EQ(recorded[0].to_vector<float>(), (Floats{1, 0})) << name;
  }
}

}  // namespace
}  // namespace bb
