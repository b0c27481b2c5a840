#include "bb/core/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "../message_of.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {
namespace {

constexpr DType kAll[] = {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64};

using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;

// [2, 3], 0 to 5.
Tensor counted() { return arange(6).view({2, 3}); }

template <class T>
class TensorOf : public ::testing::Test {};
using AllTypes = ::testing::Types<uint8_t, int32_t, int64_t, float, double>;
TYPED_TEST_SUITE(TensorOf, AllTypes);

TYPED_TEST(TensorOf, CopiesElementsInAndOut) {
  std::vector<TypeParam> elements{1, 2, 3, 4, 5, 6};
  Tensor x = Tensor::copy_of(std::span<const TypeParam>(elements), {2, 3});
  EXPECT_EQ(x.dtype(), dtype_of<TypeParam>);
  EXPECT_EQ(x.shape(), (Shape{2, 3}));
  EXPECT_EQ(x.to_vector<TypeParam>(), elements);
  elements[0] = 9;
  EXPECT_EQ(x.data<TypeParam>()[0], 1) << "it is a copy";
  x.data<TypeParam>()[5] = 7;
  EXPECT_EQ(x.to_vector<TypeParam>()[5], 7);
}

TYPED_TEST(TensorOf, ItemConverts) {
  const Tensor x = tensor(5, dtype_of<TypeParam>);
  EXPECT_EQ(x.item<TypeParam>(), TypeParam{5});
  EXPECT_EQ(x.item<double>(), 5.0);
  EXPECT_EQ(x.item<int>(), 5);
  EXPECT_EQ(x.item<bool>(), true);
}

TYPED_TEST(TensorOf, BorrowsWithoutACopy) {
  TypeParam elements[] = {1, 2, 3, 4};
  Tensor x = Tensor::borrow(elements, {2, 2}, nullptr);
  EXPECT_EQ(x.dtype(), dtype_of<TypeParam>);
  EXPECT_EQ(x.data<TypeParam>(), elements);
  elements[3] = 8;
  EXPECT_EQ(x.to_vector<TypeParam>()[3], 8);
  x.fill_(6);
  EXPECT_EQ(elements[0], 6);
}

TEST(Tensor, BoolElementsComeInAndOut) {
  const bool elements[] = {true, false, true};
  const Tensor x = Tensor::copy_of(std::span<const bool>(elements), {3});
  EXPECT_EQ(x.to_vector<bool>(), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(x.slice(0, 1, 2).item<bool>(), false);
  EXPECT_EQ(x.slice(0, 2, 3).item<double>(), 1.0);
}

TEST(Tensor, CopyOfChecksTheCount) {
  const float three[] = {1, 2, 3};
  EXPECT_EQ(message_of<ShapeError>([&] {
              Tensor::copy_of(std::span<const float>(three), {2, 2});
            }),
            "copy_of: 3 elements do not fill shape [2, 2] (4 elements)");
  EXPECT_THROW(Tensor::copy_of(std::span<const float>(three), {}), ShapeError);
  EXPECT_THROW(Tensor::copy_of(std::span<const float>(three), {-1, -3}), ShapeError);
  EXPECT_EQ(Tensor::copy_of(std::span<const float>(), {0, 7}).numel(), 0);
}

TEST(TensorBorrow, KeepsTheOwnerWhileAnythingLooksAtIt) {
  int released = 0;
  auto* memory = new float[6]{0, 1, 2, 3, 4, 5};
  std::shared_ptr<void> owner(memory, [&released](void* p) {
    delete[] static_cast<float*>(p);
    ++released;
  });
  Tensor x = Tensor::borrow(memory, {2, 3}, std::move(owner));
  Tensor column = x.transpose(0, 1).slice(0, 2, 3);
  const Tensor copy = x.clone();
  x = Tensor();
  EXPECT_EQ(released, 0);
  EXPECT_EQ(column.to_vector<float>(), (Floats{2, 5}));
  column = Tensor();
  EXPECT_EQ(released, 1) << "the copy must not keep it";
  EXPECT_EQ(copy.to_vector<float>()[5], 5.f);
}

TEST(TensorBorrow, KeepsTheOwnerForBackward) {
  int released = 0;
  auto* memory = new float[1]{3};
  Tensor x = Tensor::borrow(memory, {1}, std::shared_ptr<void>(memory, [&released](void* p) {
                              delete[] static_cast<float*>(p);
                              ++released;
                            }));
  Tensor w = tensor({2.0}).requires_grad_();
  Tensor y = x * w;
  x = Tensor();
  EXPECT_EQ(released, 0);
  y.backward();
  EXPECT_EQ(w.grad().item<float>(), 3.f);
  y = Tensor();
  EXPECT_EQ(released, 1);
}

TEST(TensorBorrow, BadArgumentsThrow) {
  float element = 0;
  EXPECT_EQ(message_of<ValueError>([] { Tensor::borrow<float>(nullptr, {2}, nullptr); }),
            "borrow: a null pointer for shape [2]");
  EXPECT_EQ(message_of<ShapeError>([&] { Tensor::borrow(&element, {-1}, nullptr); }),
            "borrow: negative size in shape [-1]");
  EXPECT_THROW(Tensor::borrow(&element, {int64_t{1} << 62}, nullptr), ShapeError);
  EXPECT_EQ(Tensor::borrow<float>(nullptr, {0, 2}, nullptr).numel(), 0);
}

TEST(Tensor, DataChecksTheType) {
  Tensor x = tensor({1, 2});
  const std::string text =
      "tensor: asked for elements as float32, but this is int64 [2]\n"
      "  hint: convert with to(float32)";
  EXPECT_EQ(message_of<DTypeError>([&] { (void)x.data<float>(); }), text);
  EXPECT_EQ(message_of<DTypeError>([&] { (void)std::as_const(x).data<float>(); }), text);
  EXPECT_EQ(message_of<DTypeError>([&] { (void)x.to_vector<float>(); }), text);
  for (DType dtype : kAll) {
    Tensor y = zeros({2}, dtype);
    visit(dtype, [&]<class T>() { EXPECT_EQ(y.data<T>(), y.raw_data()); });
  }
}

TEST(Tensor, ItemNeedsOneElement) {
  EXPECT_EQ(message_of<ShapeError>([] { (void)counted().item<float>(); }),
            "item: only a tensor of one element has an item, this is int64 [2, 3]");
  EXPECT_THROW((void)zeros({0}).item<float>(), ShapeError);
  EXPECT_EQ(counted().slice(0, 1, 2).slice(1, 2, 3).item<int64_t>(), 5) << "an offset view";
  EXPECT_EQ(tensor(2.75).item<int>(), 2);
  const int64_t large = (int64_t{1} << 53) + 1;  // no double
  EXPECT_EQ(tensor(large).item<int64_t>(), large);
}

TEST(Tensor, ToVectorIsRowMajorWhateverTheStrides) {
  const Tensor x = counted();
  EXPECT_EQ(x.transpose(0, 1).to_vector<int64_t>(), (Ints{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(x.slice(1, 0, 3, 2).to_vector<int64_t>(), (Ints{0, 2, 3, 5}));
  EXPECT_EQ(x.slice(0, 1, 2).expand({2, 3}).to_vector<int64_t>(), (Ints{3, 4, 5, 3, 4, 5}));
  EXPECT_EQ(zeros({0, 3}).to_vector<float>(), Floats{});
  EXPECT_EQ(tensor(4).to_vector<int64_t>(), Ints{4});
}

TEST(Tensor, HandlesShareOneTensor) {
  Tensor x = zeros({2});
  Tensor y = x;
  EXPECT_TRUE(y.is(x));
  EXPECT_EQ(x.use_count(), 2);
  y.fill_(3);
  EXPECT_EQ(x.to_vector<float>(), (Floats{3, 3}));
  y = zeros({2});
  EXPECT_FALSE(y.is(x));
  EXPECT_EQ(x.use_count(), 1);
  EXPECT_EQ(x.to_vector<float>(), (Floats{3, 3})) << "assignment must not write through";
}

TEST(Tensor, MovedFromIsUndefined) {
  Tensor x = zeros({2});
  const Tensor y = std::move(x);
  EXPECT_FALSE(x.defined());  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(y.defined());
}

TEST(Tensor, CloneSharesNothing) {
  Tensor x = counted().transpose(0, 1);
  Tensor y = x.clone();
  EXPECT_FALSE(y.shares_storage(x));
  EXPECT_TRUE(y.is_contiguous());
  y.fill_(9);
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{0, 3, 1, 4, 2, 5}));
}

TEST(Tensor, ViewsShareElements) {
  Tensor x = counted();
  const Tensor views[] = {x.view({3, 2}),      x.transpose(0, 1), x.slice(1, 1, 3), x.unsqueeze(0),
                          x.expand({4, 2, 3}), x.permute({1, 0}), x.detach(),       x.alias()};
  for (const Tensor& view : views) {
    EXPECT_TRUE(view.shares_storage(x));
    EXPECT_FALSE(view.is(x));
  }
  const uint32_t before = x.version();
  x.slice(0, 1, 2).slice(1, 2, 3).fill_(77);
  EXPECT_EQ(views[0].to_vector<int64_t>(), (Ints{0, 1, 2, 3, 4, 77}));
  EXPECT_EQ(views[1].to_vector<int64_t>(), (Ints{0, 3, 1, 4, 2, 77}));
  EXPECT_EQ(views[2].to_vector<int64_t>(), (Ints{1, 2, 4, 77}));
  for (const Tensor& view : views) EXPECT_EQ(view.version(), before + 1) << "one count for all";
}

TEST(Tensor, StridesAndContiguityOfViews) {
  const Tensor x = zeros({4, 6});
  EXPECT_EQ(x.strides(), (Shape{6, 1}));
  EXPECT_TRUE(x.is_contiguous());

  EXPECT_EQ(x.transpose(0, 1).strides(), (Shape{1, 6}));
  EXPECT_FALSE(x.transpose(0, 1).is_contiguous());

  EXPECT_EQ(x.slice(1, 1, 5, 2).strides(), (Shape{6, 2}));
  EXPECT_EQ(x.slice(1, 1, 5, 2).offset(), 1);
  EXPECT_FALSE(x.slice(1, 1, 5, 2).is_contiguous());

  EXPECT_EQ(x.slice(0, 1, 3).offset(), 6);
  EXPECT_TRUE(x.slice(0, 1, 3).is_contiguous()) << "whole rows";

  EXPECT_EQ(x.unsqueeze(0).expand({3, 4, 6}).strides(), (Shape{0, 6, 1}));
  EXPECT_FALSE(x.unsqueeze(0).expand({3, 4, 6}).is_contiguous());
  EXPECT_TRUE(x.transpose(0, 1).contiguous().is_contiguous());
}

TEST(Tensor, SizeCountsFromBothEnds) {
  const Tensor x = zeros({4, 6});
  EXPECT_EQ(x.size(0), 4);
  EXPECT_EQ(x.size(-1), 6);
  EXPECT_EQ(x.size(-2), 4);
  EXPECT_EQ(
      message_of<IndexError>([&] { (void)x.size(2); }),
      "size: dim 2 is out of range for a tensor of 2 dimensions (-2 to 1 allowed)\n  x [4, 6]");
  EXPECT_THROW((void)x.size(-3), IndexError);
}

TEST(Tensor, OfNoDimensions) {
  const Tensor x = tensor(2.0);
  EXPECT_EQ(x.dim(), 0);
  EXPECT_EQ(x.numel(), 1);
  EXPECT_EQ(x.shape(), Shape{});
  EXPECT_EQ(x.strides(), Shape{});
  EXPECT_TRUE(x.is_contiguous());
  EXPECT_EQ(message_of<IndexError>([&] { (void)x.size(0); }),
            "size: dim 0 asked of a 0-d tensor, which has no sizes\n  x []");
  EXPECT_EQ((x + x).shape(), Shape{});
  EXPECT_EQ((x * counted()).shape(), (Shape{2, 3}));
  EXPECT_EQ(x.sum().item<float>(), 2.f);
  EXPECT_EQ(x.exp().log().item<float>(), 2.f);
  EXPECT_EQ(x.view({1, 1}).view({}).item<float>(), 2.f);
  EXPECT_EQ(x.expand({3}).to_vector<float>(), (Floats{2, 2, 2}));
  EXPECT_EQ(x.transpose(0, -1).item<float>(), 2.f);
  EXPECT_EQ(x.clone().fill_(4).item<float>(), 4.f);
}

TEST(Tensor, OfNoElements) {
  for (const Shape& shape : {Shape{0}, Shape{2, 0}, Shape{0, 3}, Shape{2, 0, 3}}) {
    Tensor x = zeros(shape);
    EXPECT_EQ(x.numel(), 0);
    EXPECT_TRUE(x.is_contiguous());
    EXPECT_TRUE(x.transpose(0, -1).is_contiguous()) << fmt::format("{}", shape);
    EXPECT_EQ((x + 1).shape(), shape);
    EXPECT_EQ((x * x).exp().shape(), shape);
    EXPECT_EQ((x + tensor({1.0})).shape(), shape);
    EXPECT_EQ(x.sum().item<float>(), 0.f);
    EXPECT_TRUE(std::isnan(x.mean().item<float>()));
    EXPECT_EQ(x.clone().shape(), shape);
    EXPECT_EQ(x.to(kInt64).dtype(), kInt64);
    EXPECT_EQ(x.fill_(3).add_(x).shape(), shape);
    EXPECT_EQ(x.flatten().shape(), Shape{0});
    EXPECT_EQ(x.to_vector<float>(), Floats{});
  }
}

TEST(Tensor, OfNoElementsHasAGradient) {
  Tensor x = zeros({0, 3}).requires_grad_();
  (x * 2).exp().sum().backward();
  EXPECT_EQ(x.grad().shape(), (Shape{0, 3}));
}

TEST(Tensor, UndefinedAnswersOnlyWhetherItIs) {
  const Tensor x;
  EXPECT_FALSE(x.defined());
  EXPECT_FALSE(x.requires_grad());
  EXPECT_TRUE(x.is(Tensor()));
  EXPECT_FALSE(x.is(zeros({1})));
  EXPECT_EQ(describe(x), "undefined");
  EXPECT_EQ(to_string(x), "undefined tensor");

  const std::string text =
      "tensor: this one is undefined (made by Tensor(), or a gradient that was never computed)\n"
      "  hint: test it with defined() first";
  EXPECT_EQ(message_of<ValueError>([&] { (void)x.shape(); }), text);
  EXPECT_EQ(message_of<ValueError>([&] { (void)x.dtype(); }), text);
  EXPECT_EQ(message_of<ValueError>([&] { (void)x.numel(); }), text);
  EXPECT_EQ(message_of<ValueError>([&] { (void)x.data<float>(); }), text);
  EXPECT_EQ(message_of<ValueError>([&] { (void)x.item<float>(); }), text);
  EXPECT_EQ(message_of<ValueError>([&] { (void)Tensor().requires_grad_(); }), text);

  // Ops name themselves and show their operands.
  const auto of_op = [](const std::string& who, const std::string& operands) {
    return who + " is undefined (made by Tensor(), or a gradient that was never computed)\n  " +
           operands + "\n  hint: test with defined() first";
  };
  EXPECT_EQ(message_of<ValueError>([&] { (void)x.clone(); }), of_op("clone: x", "x undefined"));
  EXPECT_EQ(message_of<ValueError>([&] { (void)(x + 1); }), of_op("add: a", "a undefined"));
  EXPECT_EQ(message_of<ValueError>([&] { (void)(zeros({2}) * x); }),
            of_op("mul: b", "a float32 [2]   b undefined"));
  EXPECT_EQ(message_of<ValueError>([&] { (void)Tensor().fill_(1); }),
            of_op("fill_: x", "x undefined"));
  EXPECT_EQ(message_of<ValueError>([&] { (void)zeros({2}).copy_(x); }),
            of_op("copy_: source", "tensor float32 [2]   source undefined"));
}

TEST(Tensor, SoleOwnerIsTheOnlyHandleAndTheOnlyView) {
  Tensor x = zeros({2, 2});
  EXPECT_TRUE(x.is_sole_owner());
  {
    const Tensor handle = x;
    EXPECT_FALSE(x.is_sole_owner());
  }
  {
    const Tensor view = x.transpose(0, 1);
    EXPECT_FALSE(x.is_sole_owner());
    EXPECT_FALSE(view.is_sole_owner());
  }
  EXPECT_TRUE(x.is_sole_owner());
}

TEST(ToString, OfNumbersAndRows) {
  EXPECT_EQ(to_string(tensor({1.0, -2.5})), "[1.0000, -2.5000]\nfloat32 [2]");
  EXPECT_EQ(to_string(tensor(5)), "5\nint64 []");
  EXPECT_EQ(to_string(tensor({true, false})), "[true, false]\nbool [2]");
  EXPECT_EQ(to_string(tensor({7, 255}, kUInt8)), "[7, 255]\nuint8 [2]");
  EXPECT_EQ(to_string(tensor({INFINITY, NAN}, kFloat64)), "[inf, nan]\nfloat64 [2]");
  EXPECT_EQ(fmt::format("{}", tensor({1})), "[1]\nint64 [1]");
}

TEST(ToString, IndentsInnerRows) {
  EXPECT_EQ(to_string(counted()), "[[0, 1, 2],\n [3, 4, 5]]\nint64 [2, 3]");
  EXPECT_EQ(to_string(counted().transpose(0, 1)), "[[0, 3],\n [1, 4],\n [2, 5]]\nint64 [3, 2]");
  EXPECT_EQ(to_string(arange(4).view({2, 2, 1})),
            "[[[0],\n  [1]],\n [[2],\n  [3]]]\nint64 [2, 2, 1]");
}

TEST(ToString, OfNoElements) {
  EXPECT_EQ(to_string(zeros({0})), "[]\nfloat32 [0]");
  EXPECT_EQ(to_string(zeros({2, 0})), "[[],\n []]\nfloat32 [2, 0]");
  EXPECT_EQ(to_string(zeros({0, 2})), "[]\nfloat32 [0, 2]");
}

TEST(ToString, ShortensDimensionsOfALargeTensor) {
  EXPECT_EQ(to_string(arange(1001)), "[0, 1, 2, ..., 998, 999, 1000]\nint64 [1001]");
  EXPECT_EQ(to_string(arange(1002).view({334, 3})),
            "[[0, 1, 2],\n [3, 4, 5],\n [6, 7, 8],\n ...,\n [993, 994, 995],\n [996, 997, 998],\n"
            " [999, 1000, 1001]]\nint64 [334, 3]");
  EXPECT_EQ(to_string(arange(1000)).find("..."), std::string::npos);
}

TEST(Describe, NamesDTypeAndShape) {
  EXPECT_EQ(describe(counted()), "int64 [2, 3]");
  EXPECT_EQ(describe(tensor(1.0)), "float32 []");
}

}  // namespace
}  // namespace bb
