// What ops make of integers, of bools and of numbers that a dtype cannot hold: PyTorch's answers.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

using Whole = std::vector<int64_t>;
using Floats = std::vector<float>;
using Actions = std::vector<std::pair<std::string, std::function<void()>>>;

Whole whole(const Tensor& x) { return x.to(kInt64).to_vector<int64_t>(); }

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Integers, ProductsAreExactAndWrap) {
  for (DType dtype : {kUInt8, kInt32, kInt64}) {
    const Tensor a = tensor({{1, 2}, {3, 4}}, dtype), v = tensor({1, 2}, dtype);
    for (const auto& [y, expected] : std::vector<std::pair<Tensor, Whole>>{
             {matmul(a, a), {7, 10, 15, 22}},
             {matmul(a.t(), a), {10, 14, 14, 20}},
             {mm(a, a), {7, 10, 15, 22}},
             {mv(a, v), {5, 11}},
             {dot(v, v), {5}},
             {outer(v, v), {1, 2, 2, 4}},
             {bmm(a.unsqueeze(0), a.unsqueeze(0)), {7, 10, 15, 22}},
             {einsum("ij,jk->ik", {a, a}), {7, 10, 15, 22}},
             {addmm(a, a, a), {8, 12, 18, 26}},
             {addmm(a, a, a, {.beta = 3, .alpha = 2}), {17, 26, 39, 56}},
             {addmm(a, a, a, {.beta = 0.5, .alpha = 2.5}), {14, 20, 30, 44}},
             {addmv(v, a, v, {.alpha = 2}), {11, 24}},
             {baddbmm(a.unsqueeze(0), a.unsqueeze(0), a.unsqueeze(0)), {8, 12, 18, 26}},
             {linear(a, a), {5, 11, 11, 25}},
             {linear(a.unsqueeze(0), a, v), {6, 13, 12, 27}}}) {
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_EQ(whole(y), expected);
    }
    EXPECT_EQ(whole(matmul(zeros({2, 0}, dtype), zeros({0, 1}, dtype))), (Whole{0, 0}));
  }
  const Tensor bytes = tensor({{100, 200}}, kUInt8);
  EXPECT_EQ(whole(matmul(bytes, tensor({1, 3}, kUInt8).unsqueeze(1))), Whole{188});
  const Tensor most = full({1, 1}, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(whole(matmul(most, full({1, 1}, 2))), Whole{-2});
  EXPECT_EQ(whole(linear(tensor({{-1, 2}}), tensor({{1, 0}, {0, 1}}), {}, Activation::kRelu)),
            (Whole{0, 2}));
}

TEST(Integers, ProductsBroadcastTheirBatches) {
  const Tensor a = arange(12).view({2, 1, 2, 3}), b = arange(18).view({3, 3, 2});
  const Tensor y = matmul(a, b);
  EXPECT_EQ(y.shape(), (Shape{2, 3, 2, 2}));
  EXPECT_EQ(whole(y), whole(matmul(a.to(kFloat64), b.to(kFloat64))));
}

TEST(Integers, SumsWithinEinsumAreInt64) {
  const Tensor a = tensor({{1, 2}, {3, 4}}, kInt32), v = tensor({1, 2}, kInt32);
  EXPECT_EQ(einsum("ij->i", {a}).dtype(), kInt64);
  EXPECT_EQ(whole(einsum("ij,k->ik", {a, v})), (Whole{3, 6, 7, 14}));
  EXPECT_EQ(whole(einsum("ij,jk,l->il", {a, a, v})), (Whole{17, 34, 37, 74}));
}

TEST(Integers, MaximaOfWindows) {
  for (DType dtype : {kUInt8, kInt32, kInt64}) {
    const Tensor x = arange(1, 9).view({1, 2, 2, 2}).to(dtype);
    const auto [values, indices] = max_pool2d_with_indices(x, 2);
    EXPECT_EQ(values.dtype(), dtype);
    EXPECT_EQ(whole(values), (Whole{4, 8}));
    EXPECT_EQ(whole(indices), (Whole{3, 3}));
    EXPECT_EQ(whole(max_pool3d(x, 2)), Whole{8});
    EXPECT_EQ(whole(adaptive_max_pool2d(x, 1)), (Whole{4, 8}));
  }
  const Tensor below = arange(-4, 0).view({1, 1, 4});
  EXPECT_EQ(whole(max_pool1d(below, 2, {.padding = 1})), (Whole{-4, -2, -1}));
  expect_error<DTypeError>(
      [] {
        max_pool2d(ones({1, 2, 2}, kBool), 2);
      },
      "max_pool2d: bool is not supported\n  x bool [1, 2, 2]\n"
      "  hint: convert with to(kUInt8)");
  expect_error<DTypeError>(
      [] {
        avg_pool2d(ones({1, 2, 2}, kInt64), 2);
      },
      "avg_pool2d: needs floating point\n  x int64 [1, 2, 2]\n"
      "  hint: convert with to(kFloat32)");
}

TEST(Integers, NegativePowersLoseTheFraction) {
  const Tensor x = tensor({2, 1, -1, -1, 0, 3, -2}), e = tensor({-1, -2, -3, -4, -1, -2, -1});
  EXPECT_EQ(whole(pow(x, e)), (Whole{0, 1, -1, 1, 0, 0, 0}));
  EXPECT_EQ(whole(pow(x.to(kInt32), e.to(kInt32))), (Whole{0, 1, -1, 1, 0, 0, 0}));
  EXPECT_EQ(whole(pow(2, tensor({-1, 2}))), (Whole{0, 4}));
  EXPECT_EQ(whole(tensor({1, 2}).pow_(tensor(-1))), (Whole{1, 0}));
  expect_error<ValueError>([&] { pow(x, -1); },
                           "pow: integers to negative integer powers are not integers\n"
                           "  hint: convert the base with to(kFloat32)");
  EXPECT_EQ(pow(tensor({1, 2}), -1.0).to_vector<float>(), (Floats{1, 0.5}));
  EXPECT_EQ(pow(tensor({1, 3}), 2.0).dtype(), kFloat32) << "a real exponent widens";
  EXPECT_EQ(whole(pow(tensor({true, false}), 2)), (Whole{1, 0}));
}

TEST(Numbers, PowersThatAreRoots) {
  const Tensor x = tensor({-kInfinity, -0.0, 0.0, -1.0, 4.0});
  const auto roots = pow(x, 0.5).to_vector<float>();
  EXPECT_TRUE(std::isnan(roots[0])) << "as a number 0.5 means sqrt()";
  EXPECT_TRUE(std::signbit(roots[1]));
  EXPECT_EQ(roots[4], 2);
  EXPECT_EQ(pow(x, full({5}, 0.5)).to_vector<float>()[0], kInfinity) << "as a tensor, C's pow()";
  EXPECT_EQ(pow(x, -0.5).to_vector<float>()[1], -kInfinity);
}

// ---- Numbers that a dtype cannot hold

TEST(Numbers, ThatDoNotFitThrow) {
  const Tensor u = tensor({1, 2}, kUInt8), mask = tensor({true, false}), at = tensor({0});
  Tensor y = u.clone();
  for (const auto& [name, fn] : Actions{
           {"full", [] { full({2}, 300, kUInt8); }},
           {"tensor",
            [] {
              tensor({1, 300}, kUInt8);
            }},
           {"tensor", [] { tensor(300, kUInt8); }},
           {"tensor",
            [] {
              tensor({{1, 2}, {3, 300}}, kUInt8);
            }},
           {"fill_", [&] { y.fill_(300); }},
           {"masked_fill", [&] { masked_fill(u, mask, 300); }},
           {"masked_fill", [&] { masked_fill(u, mask, tensor(300)); }},
           {"where", [&] { where(mask, u, 300); }},
           {"where", [&] { where(mask, 300, u); }},
           {"index_fill", [&] { index_fill(u, 0, at, 300); }},
           {"scatter", [&] { scatter(u, 0, at, 300); }},
           {"index_put", [&] { index_put(u, {at}, 300); }},
           {"index_put_", [&] { y.index_put_({at}, 300); }},
           {"pad",
            [&] {
              pad(u, {1, 1}, {.value = 300});
            }},
           {"pow", [&] { pow(u, 300); }},
       })
    expect_error<ValueError>(
        fn, name + ": uint8 cannot hold 300\n  hint: convert to a wider dtype first");
  EXPECT_EQ(whole(y), (Whole{1, 2})) << "nothing was written";

  using Limits = std::numeric_limits<int64_t>;
  for (const auto& [value, dtype] :
       std::vector<std::pair<Scalar, DType>>{{-256, kUInt8},
                                             {-2.5, kUInt8},
                                             {256.0, kUInt8},
                                             {kNan, kInt32},
                                             {int64_t{1} << 31, kInt32},
                                             {Limits::min(), kInt32},
                                             {0x1p63, kInt64},
                                             {kInfinity, kInt64},
                                             {-0x1.1p63, kInt64},
                                             {1e60, kFloat32},
                                             {-1e60, kFloat32}})
    EXPECT_THROW(full({2}, value, dtype), ValueError) << name(dtype) << " " << value.to_double();
  expect_error<ValueError>(
      [] { full({}, 1e60, kFloat32); },
      "full: float32 cannot hold 1e+60\n  hint: convert to a wider dtype first");
}

TEST(Numbers, ThatFitButForTheFractionAreCut) {
  for (const auto& [value, dtype, expected] :
       std::vector<std::tuple<Scalar, DType, int64_t>>{{-1, kUInt8, 255},
                                                       {-255, kUInt8, 1},
                                                       {255.5, kUInt8, 255},
                                                       {2.7, kInt32, 2},
                                                       {-0x1p63, kInt64, INT64_MIN},
                                                       {0x1p31 - 0.5, kInt32, INT32_MAX},
                                                       {kNan, kBool, 1},
                                                       {0.5, kBool, 1}})
    EXPECT_EQ(whole(full({}, value, dtype)), Whole{expected}) << value.to_double();
  EXPECT_EQ(full({}, kInfinity, kFloat32).item<float>(), kInfinity);
  const Tensor x = tensor({1, 2}), mask = tensor({true, false});
  EXPECT_EQ(whole(masked_fill(x, mask, 2.5)), (Whole{2, 2}));
  EXPECT_EQ(whole(masked_fill(x, mask, tensor(3.5))), (Whole{3, 2}));
  EXPECT_EQ(whole(index_fill(x, 0, tensor({0}), 2.5)), (Whole{2, 2}));
  EXPECT_EQ(whole(scatter(x, 0, tensor({0}), 2.5)), (Whole{2, 2}));
}

TEST(Numbers, OfArithmeticWrap) {
  const Tensor u = tensor({1, 2}, kUInt8);
  EXPECT_EQ(whole(u + 300), (Whole{45, 46}));
  EXPECT_EQ(whole(u - 3), (Whole{254, 255}));
  EXPECT_EQ(whole(u * 300), (Whole{44, 88}));
  EXPECT_EQ(whole(u + tensor(300)), (Whole{45, 46}));
  EXPECT_EQ(whole(eq(u, 257)), (Whole{1, 0}));
  EXPECT_EQ(whole(remainder(u, 300)), (Whole{1, 2}));
  EXPECT_THROW(remainder(u, 256), ValueError) << "256 is 0 to uint8";
  EXPECT_THROW(fmod(u, tensor(256)), ValueError);
}

TEST(Numbers, BoundsBeyondAllNumbers) {
  const Tensor u = tensor({1, 2}, kUInt8);
  EXPECT_EQ(whole(clamp(u, -5, 300)), (Whole{1, 2}));
  expect_error<ValueError>([&] { clamp(u, 300); }, "clamp: min 300 is above all numbers of uint8");
  expect_error<ValueError>([&] { clamp(u, 0, -1); }, "clamp: max -1 is below all numbers of uint8");
  EXPECT_THROW(clamp(u, 300, 400), ValueError);
}

// ---- Bools

TEST(Bools, AreNotSubtracted) {
  const Tensor mask = tensor({true, false}), x = tensor({1, 2}), f = tensor({1.0, 2.0});
  expect_error<DTypeError>(
      [&] { mask - mask; },
      "sub: bool is not supported\n  a bool [2]   b bool [2]\n"
      "  hint: logical_xor() tells where masks differ, logical_not() inverts one");
  for (const auto& fn : std::vector<std::function<void()>>{
           [&] { mask - 1; }, [&] { mask - 1.5; }, [&] { 1 - mask; }, [&] { x - mask; },
           [&] { mask - x; }, [&] { f - mask; }, [&] { f - true; }, [&] { true - x; }})
    EXPECT_THROW(fn(), DTypeError);
  Tensor y = x.clone();
  expect_error<DTypeError>(
      [&] { y.sub_(mask); },
      "sub_: bool is not supported\n  a int64 [2]   b bool [2]\n"
      "  hint: logical_xor() tells where masks differ, logical_not() inverts one");
  EXPECT_THROW(y.sub_(true), DTypeError);
  expect_error<DTypeError>(
      [&] { -mask; },
      "neg: bool is not supported\n  x bool [2]\n  hint: logical_not() inverts a mask");
}

TEST(Bools, HaveAnExtremumButNoPlaceOfIt) {
  const Tensor mask = tensor({true, false});
  EXPECT_EQ(mask.max().item<bool>(), true);
  EXPECT_EQ(mask.amin().item<bool>(), false);
  EXPECT_EQ(mask.min(0).indices.item<int64_t>(), 1);
  for (const auto& [name, fn] : Actions{{"argmax", [&] { argmax(mask); }},
                                        {"argmin", [&] { argmin(mask); }},
                                        {"argmax", [&] { argmax(mask, 0); }},
                                        {"median", [&] { median(mask); }},
                                        {"median", [&] { median(mask, 0); }}})
    expect_error<DTypeError>(fn, name +
                                     ": bool is not supported\n  x bool [2]\n"
                                     "  hint: convert with to(kInt64)");
}

// ---- Floating point only

TEST(FloatingPoint, FunctionsThatDoNotPromote) {
  const Tensor x = tensor({1, 2});
  for (const auto& [name, fn] : Actions{
           {"leaky_relu", [&] { leaky_relu(x); }},
           {"prelu", [&] { prelu(x, ones({1})); }},
           {"elu", [&] { elu(x); }},
           {"selu", [&] { selu(x); }},
           {"hardsigmoid", [&] { hardsigmoid(x); }},
           {"hardswish", [&] { hardswish(x); }},
           {"gelu", [&] { gelu(x); }},
           {"silu", [&] { silu(x); }},
           {"mish", [&] { mish(x); }},
           {"softplus", [&] { softplus(x); }},
           {"logsigmoid", [&] { logsigmoid(x); }},
           {"glu", [&] { glu(x); }},
           {"softmax", [&] { softmax(x, 0); }},
           {"log_softmax", [&] { log_softmax(x, 0); }},
       })
    expect_error<DTypeError>(fn, name +
                                     ": needs floating point\n  x int64 [2]\n"
                                     "  hint: convert with to(kFloat32)");
  EXPECT_EQ(relu(x).dtype(), kInt64);
  EXPECT_EQ(hardtanh(x).dtype(), kInt64);
  EXPECT_EQ(logsumexp(x, {0}).dtype(), kFloat32);
  EXPECT_EQ(sigmoid(tensor({true})).dtype(), kFloat32);
  expect_error<DTypeError>([] { prelu(ones({2}), ones({1}, kFloat64)); },
                           "prelu: x and weight must have one dtype\n"
                           "  x float32 [2]   weight float64 [1]");
  expect_error<DTypeError>([&] { lerp(x, x, 0.5); },
                           "lerp: all operands must have one floating-point dtype\n"
                           "  a int64 [2]   b int64 [2]   weight int64 [2]");
}

// ---- Values with a tensor of places

TEST(IndexPut, TakesValuesOfTheSameDType) {
  const Tensor f = tensor({1.0, 2.0}), at = tensor({0});
  expect_error<DTypeError>(
      [&] { index_put(f, {at}, tensor({3})); },
      "index_put: where a tensor picks the places, x and value must have one dtype\n"
      "  x float32 [2]   value int64 [1]\n  hint: value.to(float32)");
  EXPECT_THROW(f.clone().index_put_({at}, tensor({3.0}, kFloat64)), DTypeError);
  EXPECT_EQ(index_put(f, {at}, 3).to_vector<float>(), (Floats{3, 2}));
  EXPECT_EQ(index_put(f, {indexing::Slice(0, 1)}, tensor({3})).to_vector<float>(), (Floats{3, 2}));
}

TEST(Masks, OfBytesAreRefused) {
  const Tensor f = tensor({1.0, 2.0}), bytes = ones({2}, kUInt8);
  for (const auto& fn : std::vector<std::function<void()>>{
           [&] { where(bytes, f, f); }, [&] { masked_fill(f, bytes, 1); },
           [&] { masked_select(f, bytes); }, [&] { masked_scatter(f, bytes, f); },
           [&] { f.index({bytes}); }})
    EXPECT_THROW(fn(), DTypeError);
}

// ---- Nothing at all

TEST(Empty, MedianOfNothing) {
  Tensor x = zeros({0, 3}).requires_grad_();
  const Tensor y = median(x);
  EXPECT_TRUE(std::isnan(y.item<float>()));
  y.backward();
  EXPECT_EQ(x.grad().shape(), (Shape{0, 3}));
  EXPECT_THROW(median(zeros({0}, kInt64)), ValueError);
  EXPECT_THROW(median(zeros({0, 3}), 0), ValueError);
}

TEST(Empty, ShapesOfManyRowsOfNothing) {
  const int64_t many = int64_t{1} << 62;
  const Tensor x = zeros({many, 0});
  EXPECT_EQ(x.numel(), 0);
  EXPECT_EQ(x.strides(), (Shape{1, 1}));
  EXPECT_EQ((x + 1).shape(), (Shape{many, 0}));
  EXPECT_EQ(to_string(x),
            "[[],\n [],\n [],\n ...,\n [],\n [],\n []]\nfloat32 [4611686018427387904, 0]");
  EXPECT_THROW(zeros({0, many, many}), ShapeError);
  EXPECT_THROW(zeros({many, 4}), ShapeError);
}

}  // namespace
}  // namespace bb
