#include "bb/core/creation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <new>
#include <vector>

#include "../message_of.h"
#include "bb/core/error.h"

namespace bb {
namespace {

constexpr DType kAll[] = {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64};

template <class T>
using Values = std::vector<T>;

TEST(Creation, FillsEveryDType) {
  for (DType dtype : kAll) {
    visit(dtype, [dtype]<class T>() {
      EXPECT_EQ(zeros({2, 2}, dtype).to_vector<T>(), Values<T>(4, T{0})) << name(dtype);
      EXPECT_EQ(ones({3}, dtype).to_vector<T>(), Values<T>(3, T{1})) << name(dtype);
      EXPECT_EQ(full({2}, 7, dtype).to_vector<T>(), Values<T>(2, static_cast<T>(7)));
      EXPECT_EQ(empty({4, 5}, dtype).dtype(), dtype);
    });
  }
}

TEST(Creation, MakesRowMajorTensorsOffTheTape) {
  for (const Tensor& x : {empty({2, 3}), zeros({2, 3}), ones({2, 3}), full({2, 3}, 1.5)}) {
    EXPECT_EQ(x.shape(), (Shape{2, 3}));
    EXPECT_EQ(x.strides(), (Shape{3, 1}));
    EXPECT_EQ(x.dtype(), kFloat32);
    EXPECT_FALSE(x.requires_grad());
    EXPECT_TRUE(x.is_leaf());
  }
}

TEST(Creation, FullTakesTheDTypeOfItsValue) {
  EXPECT_EQ(full({1}, 2.5).dtype(), kFloat32);
  EXPECT_EQ(full({1}, 2).dtype(), kInt64);
  EXPECT_EQ(full({1}, true).dtype(), kBool);
  EXPECT_EQ(full({2}, 2.9, kInt32).to_vector<int32_t>(), (Values<int32_t>{2, 2}));
  const int64_t large = (int64_t{1} << 53) + 1;  // no double
  EXPECT_EQ(full({1}, large).item<int64_t>(), large);
}

TEST(Creation, LikeTakesShapeAndDTypeButNotStrides) {
  const Tensor x = zeros({2, 3}, kInt32).transpose(0, 1);
  EXPECT_EQ(zeros_like(x).to_vector<int32_t>(), Values<int32_t>(6, 0));
  EXPECT_EQ(ones_like(x).to_vector<int32_t>(), Values<int32_t>(6, 1));
  EXPECT_EQ(full_like(x, 4.5).to_vector<int32_t>(), Values<int32_t>(6, 4));
  EXPECT_EQ(empty_like(x).dtype(), kInt32);
  for (const Tensor& y : {zeros_like(x), ones_like(x), full_like(x, 4), empty_like(x)}) {
    EXPECT_EQ(y.shape(), (Shape{3, 2}));
    EXPECT_TRUE(y.is_contiguous());
  }
  EXPECT_FALSE(zeros_like(zeros({2}).requires_grad_()).requires_grad());
}

TEST(Creation, TakesNumbersAndEmptyShapes) {
  EXPECT_EQ(ones({}).numel(), 1);
  EXPECT_EQ(ones({}).item<float>(), 1.f);
  EXPECT_EQ(zeros({0}).numel(), 0);
  EXPECT_EQ(zeros({3, 0, 2}).shape(), (Shape{3, 0, 2}));
  EXPECT_EQ(zeros(Shape::filled(8, 1)).dim(), 8);
}

TEST(Creation, NegativeSizeThrows) {
  const std::string text = ": negative size in shape [2, -1]";
  EXPECT_EQ(message_of<ShapeError>([] { (void)empty({2, -1}); }), "empty" + text);
  EXPECT_EQ(message_of<ShapeError>([] { (void)zeros({2, -1}); }), "zeros" + text);
  EXPECT_EQ(message_of<ShapeError>([] { (void)ones({2, -1}); }), "ones" + text);
  EXPECT_EQ(message_of<ShapeError>([] { (void)full({2, -1}, 1); }), "full" + text);
  EXPECT_EQ(message_of<ShapeError>([] { (void)eye(2, -1); }), "eye" + text);
  EXPECT_THROW((void)empty({-1, -1}), ShapeError) << "the product is positive";
  EXPECT_THROW((void)empty({0, -1}), ShapeError) << "the product is 0";
}

TEST(Creation, SizeOverflowThrowsShapeError) {
  constexpr int64_t k62 = int64_t{1} << 62;
  EXPECT_EQ(message_of<ShapeError>([] { (void)empty({k62}); }),
            "empty: float32 [4611686018427387904] is larger than any memory");
  const std::string text = " [4611686018427387904] is larger than any memory";
  EXPECT_EQ(message_of<ShapeError>([] { (void)arange(k62); }), "arange: int64" + text);
  EXPECT_EQ(message_of<ShapeError>([] { (void)linspace(0, 1, k62); }), "linspace: float32" + text);
  EXPECT_EQ(message_of<ShapeError>([] { (void)ones({k62}); }), "ones: float32" + text);
  EXPECT_THROW((void)empty({k62, 4}), ShapeError);
  EXPECT_THROW((void)empty({k62, 2, 1}, kBool), ShapeError);
}

// No elements, but strides that no int64 holds.
TEST(Creation, SizeOverflowBesideAZeroThrowsShapeError) {
  constexpr int64_t k62 = int64_t{1} << 62;
  EXPECT_EQ(empty({k62, 4, 0}).strides(), (Shape{4, 1, 1})) << "the first size has no stride";
  EXPECT_THROW((void)zeros({0, 4, k62}), ShapeError);
  EXPECT_THROW((void)zeros({0}).reshape({0, 4, k62}), ShapeError);
  EXPECT_EQ(zeros({1 << 20, 1 << 20, 0}).numel(), 0) << "large, but it fits";
}

TEST(Creation, MoreThanTheMachineCouldHoldIsBadAlloc) {
  EXPECT_THROW((void)empty({int64_t{1} << 50}, kFloat64), std::bad_alloc);
  EXPECT_THROW((void)empty({int64_t{1} << 60}, kBool), std::bad_alloc);
}

TEST(Arange, OfIntegers) {
  EXPECT_EQ(arange(5).to_vector<int64_t>(), (Values<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(arange(0).shape(), Shape{0});
  EXPECT_EQ(arange(2, 11, 3, kInt32).to_vector<int32_t>(), (Values<int32_t>{2, 5, 8}));
  EXPECT_EQ(arange(2, 12, 3, kInt32).to_vector<int32_t>(), (Values<int32_t>{2, 5, 8, 11}));
  EXPECT_EQ(arange(3, 0, -1, kInt64).to_vector<int64_t>(), (Values<int64_t>{3, 2, 1}));
  EXPECT_EQ(arange(3, 3, 1, kInt64).numel(), 0);
}

TEST(Arange, OfRealNumbers) {
  EXPECT_EQ(arange(0, 1, 0.25, kFloat32).to_vector<float>(),
            (Values<float>{0.f, 0.25f, 0.5f, 0.75f}));
  EXPECT_EQ(arange(0.5, 3, 1, kFloat64).to_vector<double>(), (Values<double>{0.5, 1.5, 2.5}));
  EXPECT_EQ(arange(0, 1, 0.1, kFloat64).numel(), 10);
  EXPECT_EQ(arange(0, 1, 0.1, kFloat64).to_vector<double>()[7], 7 * 0.1) << "steps are not summed";
}

TEST(Arange, StepThatLeadsNowhereThrows) {
  EXPECT_EQ(message_of<ValueError>([] { (void)arange(-1); }),
            "arange: step 1 does not lead from start 0 to end -1");
  EXPECT_EQ(message_of<ValueError>([] { (void)arange(0, 5, 0, kInt64); }),
            "arange: step 0 does not lead from start 0 to end 5");
  EXPECT_EQ(message_of<ValueError>([] { (void)arange(0, 1.5, -0.5, kFloat32); }),
            "arange: step -0.5 does not lead from start 0 to end 1.5");
  EXPECT_THROW((void)arange(0, 0, 0, kInt64), ValueError);
  EXPECT_THROW((void)arange(0, INFINITY, 1, kFloat32), ValueError);
  EXPECT_THROW((void)arange(0, NAN, 1, kFloat32), ValueError);
}

TEST(TensorOfNumbers, TakesTheHighestDType) {
  EXPECT_EQ(tensor({1, 2}).dtype(), kInt64);
  EXPECT_EQ(tensor({1.f, 2.f}).dtype(), kFloat32);
  EXPECT_EQ(tensor({1.0, 2.0}).dtype(), kFloat32);
  EXPECT_EQ(tensor({true, false}).dtype(), kBool);
  EXPECT_EQ(tensor({true, 2}).dtype(), kInt64);
  EXPECT_EQ(tensor({{1, 2}, {3, 4.5}}).dtype(), kFloat32);
  EXPECT_EQ(tensor({1, 2}, kFloat64).dtype(), kFloat64);
}

TEST(TensorOfNumbers, HoldsThemInOrder) {
  EXPECT_EQ(tensor({1, 2.5, -3}).to_vector<float>(), (Values<float>{1.f, 2.5f, -3.f}));
  EXPECT_EQ(tensor({4}).shape(), Shape{1});
  EXPECT_EQ(tensor({1.9, -1.9}, kInt32).to_vector<int32_t>(), (Values<int32_t>{1, -1}));
  EXPECT_EQ(tensor({0.0, 0.5}, kBool).to_vector<bool>(), (Values<bool>{false, true}));
  const Tensor x = tensor({{1, 2, 3}, {4, 5, 6}});
  EXPECT_EQ(x.shape(), (Shape{2, 3}));
  EXPECT_EQ(x.to_vector<int64_t>(), (Values<int64_t>{1, 2, 3, 4, 5, 6}));
}

TEST(TensorOfNumbers, OfOneNumberIsZeroD) {
  EXPECT_EQ(tensor(2.5).shape(), Shape{});
  EXPECT_EQ(tensor(2.5).item<float>(), 2.5f);
  EXPECT_EQ(tensor(3).dtype(), kInt64);
  EXPECT_EQ(tensor(0.1, kFloat64).item<double>(), 0.1);
}

TEST(TensorOfNumbers, RaggedRowsThrow) {
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)tensor({{1, 2}, {3, 4}, {5, 6, 7}});
            }),
            "tensor: rows of 2 and 3 numbers");
  EXPECT_EQ(message_of<ShapeError>([] {
              (void)tensor({{1.0, 2.0}, {3.0, 4.0}, {}}, kFloat64);
            }),
            "tensor: rows of 2 and 0 numbers");
}

TEST(TensorOfNumbers, CopiesAVector) {
  std::vector<double> numbers{1, 2, 3};
  const Tensor x = tensor(numbers);
  numbers[0] = 9;
  EXPECT_EQ(x.dtype(), kFloat64);
  EXPECT_EQ(x.to_vector<double>(), (Values<double>{1, 2, 3}));
  EXPECT_EQ(tensor(std::vector<uint8_t>{}).shape(), Shape{0});
}

TEST(Creation, LikeTakesAnotherDTypeToo) {
  const Tensor x = zeros({2, 3}, kInt32);
  for (const Tensor& y : {empty_like(x, kFloat64), zeros_like(x, kFloat64), ones_like(x, kFloat64),
                          full_like(x, 2.5, kFloat64)}) {
    EXPECT_EQ(y.dtype(), kFloat64);
    EXPECT_EQ(y.shape(), x.shape());
  }
  EXPECT_EQ(full_like(x, 2.5, kFloat64).to_vector<double>()[5], 2.5);
}

TEST(Creation, ArangeTakesTheDTypeOfItsNumbers) {
  EXPECT_EQ(arange(3).to_vector<int64_t>(), (Values<int64_t>{0, 1, 2}));
  EXPECT_EQ(arange(2, 5).to_vector<int64_t>(), (Values<int64_t>{2, 3, 4}));
  EXPECT_EQ(arange(5, 0, -2).to_vector<int64_t>(), (Values<int64_t>{5, 3, 1}));
  EXPECT_EQ(arange(1.5).to_vector<float>(), (Values<float>{0, 1}));
  EXPECT_EQ(arange(0, 1, 0.25).to_vector<float>(), (Values<float>{0, 0.25, 0.5, 0.75}));
  EXPECT_EQ(arange(2, kFloat64).to_vector<double>(), (Values<double>{0, 1}));
  EXPECT_EQ(message_of<ShapeError>([] { (void)arange(1e300); }),
            "arange: 1e+300 numbers are more than any memory holds");
}

TEST(Creation, LinspaceMeetsBothEnds) {
  EXPECT_EQ(linspace(0, 1, 5).to_vector<float>(), (Values<float>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(linspace(3, -3, 3, kFloat64).to_vector<double>(), (Values<double>{3, 0, -3}));
  EXPECT_EQ(linspace(0, 10, 3, kInt64).to_vector<int64_t>(), (Values<int64_t>{0, 5, 10}));
  EXPECT_EQ(linspace(2, 7, 1).to_vector<float>(), Values<float>{2});
  EXPECT_EQ(linspace(2, 7, 0).shape(), Shape{0});
  const auto x = linspace(0.1, 0.7, 1001).to_vector<float>();
  EXPECT_EQ(x.front(), 0.1f);
  EXPECT_EQ(x.back(), 0.7f);
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_FLOAT_EQ(x[i], static_cast<float>(0.1 + 0.6 * static_cast<double>(i) / 1000));
  EXPECT_EQ(message_of<ValueError>([] { (void)linspace(0, 1, -1); }),
            "linspace: steps -1 is negative");
}

TEST(Creation, EyeHasOnesOnTheDiagonal) {
  EXPECT_EQ(eye(2).to_vector<float>(), (Values<float>{1, 0, 0, 1}));
  EXPECT_EQ(eye(2, 3, kInt64).to_vector<int64_t>(), (Values<int64_t>{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(eye(3, 2).to_vector<float>(), (Values<float>{1, 0, 0, 1, 0, 0}));
  EXPECT_EQ(eye(2, kBool).dtype(), kBool);
  EXPECT_EQ(eye(0).shape(), (Shape{0, 0}));
  EXPECT_THROW((void)eye(-1), ShapeError);
  EXPECT_THROW((void)eye(int64_t{1} << 40), ShapeError) << "2^80 elements";
}

TEST(Creation, ArangeOfWholeNumbersIsExactHoweverLarge) {
  constexpr int64_t kFar = int64_t{1} << 60;
  EXPECT_EQ(arange(kFar, kFar + 3).to_vector<int64_t>(),
            (std::vector<int64_t>{kFar, kFar + 1, kFar + 2}));
  EXPECT_EQ(arange(5, -6, -5).to_vector<int64_t>(), (std::vector<int64_t>{5, 0, -5}));
  EXPECT_EQ(arange(0, 10, 2.5, kInt64).to_vector<int64_t>(), (std::vector<int64_t>{0, 2, 4, 6}));
  EXPECT_EQ(arange(3, 3).numel(), 0);
  EXPECT_THROW(arange(3, 2), ValueError);
  EXPECT_THROW(arange(0, 2, 0), ValueError);
}

TEST(Creation, RowsOfOneNumber) {
  EXPECT_EQ(tensor({{3}}).shape(), (Shape{1, 1}));
  EXPECT_EQ(tensor({{3}}).dtype(), kInt64);
  EXPECT_EQ(tensor({{3}, {4}}, kFloat64).shape(), (Shape{2, 1}));
  EXPECT_EQ(tensor({{1.5, 2.0}, {3.0, 4.0}}).dtype(), kFloat32);
  EXPECT_EQ(tensor({{1, 2.5}, {3, 4}}).dtype(), kFloat32) << "of several types";
  EXPECT_EQ(tensor({{true, false}}).dtype(), kBool);
}

}  // namespace
}  // namespace bb
