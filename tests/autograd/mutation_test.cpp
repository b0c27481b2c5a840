// Changes in place while recording, of tensors, views and bases: bb/autograd/mutation.h.
#include "bb/autograd/mutation.h"

#include <gtest/gtest.h>

#include "../message_of.h"
#include "bb/autograd/testing.h"
#include "bb/bb.h"

namespace bb {
namespace {

using Floats = std::vector<float>;

Tensor floats(std::initializer_list<Scalar> values) { return tensor(values, kFloat32); }
Tensor leaf(std::initializer_list<Scalar> values) { return floats(values).requires_grad_(); }
Tensor doubles(const Shape& shape) { return randn(shape, kFloat64); }

using In = const std::vector<Tensor>&;

void expect_right(const std::function<Tensor(In)>& fn, const std::vector<Tensor>& inputs) {
  EXPECT_GRADCHECK(fn, inputs);
  EXPECT_GRADGRADCHECK(fn, inputs);
}

TEST(Mutation, GivesTheTensorTheHistoryOfTheOp) {
  const Tensor x = leaf({1, 2});
  Tensor y = x * 3;
  Tensor& same = y.mul_(x);
  EXPECT_EQ(&same, &y);
  EXPECT_EQ(y.to_vector<float>(), (Floats{3, 12}));
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{6, 12}));
}

TEST(Mutation, HasTheRightGradients) {
  const auto a = doubles({2, 3}), b = doubles({3}) + 3;
  expect_right([](In x) { return (x[0] * 2).add_(x[1]); }, {a, b});
  expect_right([](In x) { return (x[0] * 2).sub_(x[1]); }, {a, b});
  expect_right([](In x) { return (x[0] * 2).mul_(x[1]); }, {a, b});
  expect_right([](In x) { return (x[0] * 2).div_(x[1]); }, {a, b});
  expect_right([](In x) { return (x[0] * 2).mul_(3).add_(1).div_(2).sub_(4) * x[0]; }, {a});
  expect_right([](In x) { return (x[0] * 2).copy_(x[1] * x[1]); }, {a, b});
  expect_right([](In x) { return (x[0] * 2).mul_(x[0]).mul_(x[0]); }, {a});
  expect_right(
      [](In x) {
        Tensor y = x[0] * 2;
        return y.mul_(y) * x[0];
      },
      {a});
}

TEST(Mutation, OfAConstantByARecordedOperandIsRecorded) {
  const Tensor x = leaf({1, 2});
  Tensor y = zeros({2});
  y.add_(x);
  EXPECT_TRUE(y.requires_grad());
  EXPECT_FALSE(y.is_leaf());
  (y * y).sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{2, 4}));
}

TEST(Mutation, ByAConstantEndsTheHistory) {
  const Tensor x = leaf({1, 2});
  Tensor y = x * 3;
  y.zero_();
  EXPECT_FALSE(y.requires_grad());
  Tensor z = x * 3;
  z.copy_(floats({5, 6}));
  EXPECT_FALSE(z.requires_grad());
}

TEST(Mutation, OfAViewChangesItsBase) {
  const auto a = doubles({3, 4}), row = doubles({4});
  expect_right(
      [](In x) {
        Tensor y = x[0] * 2;
        y.slice(0, 1, 2).mul_(x[1]);
        return y;
      },
      {a, row});
  expect_right(
      [](In x) {
        Tensor y = x[0] * 2;
        y.t().slice(0, 0, 4, 2).copy_(x[0].slice(0, 0, 2).sum());
        return y * y;
      },
      {a});
  expect_right(
      [](In x) {
        Tensor y = x[0] * 2;
        y.view({12}).slice(0, 3, 9).view({2, 3}).zero_();
        return y;
      },
      {a});
}

TEST(Mutation, FillsAConstantPartByPart) {
  const auto a = doubles({4});
  expect_right(
      [](In x) {
        Tensor table = zeros({3, 4}, kFloat64);
        for (int64_t i = 0; i < 3; ++i)
          table.slice(0, i, i + 1).copy_(x[0] * static_cast<double>(i + 1) * x[0]);
        return table;
      },
      {a});
}

TEST(Mutation, OfABaseIsSeenThroughItsViews) {
  const auto a = doubles({3, 4});
  expect_right(
      [](In x) {
        Tensor y = x[0] * 2;
        const Tensor column = y.slice(1, 1, 2), turned = y.t();
        y.mul_(x[0]);
        return column.sum() * turned;
      },
      {a});
  Tensor base = zeros({2});
  const Tensor view = base.view({2, 1});
  EXPECT_FALSE(view.requires_grad());
  base.add_(leaf({1, 2}));
  EXPECT_TRUE(view.requires_grad());
}

TEST(Mutation, OfOneViewIsSeenThroughAnother) {
  const auto a = doubles({3, 4}), b = doubles({4});
  expect_right(
      [](In x) {
        Tensor y = x[0] * 2;
        const Tensor turned = y.t();
        Tensor row = y.slice(0, 1, 2);
        row.mul_(x[1]);
        Tensor column = turned.slice(0, 1, 2);
        column.mul_(3.0).mul_(x[1].sum());
        return turned * turned + row.t();
      },
      {a, b});
}

TEST(Mutation, OfTheBaseUnderAnExpandedViewAddsUpWhatTheViewRepeats) {
  const auto a = doubles({1, 4});
  expect_right(
      [](In x) {
        Tensor y = x[0] * 2;
        const Tensor wide = y.expand({3, 4});
        y.mul_(x[0]);
        return wide * wide;
      },
      {a});
}

TEST(Mutation, BetweenDTypesConverts) {
  const Tensor x = leaf({1, 2});
  Tensor y = (x * 2).to(kFloat64);
  y.mul_(x);
  EXPECT_EQ(y.dtype(), kFloat64);
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{4, 8}));
}

TEST(Mutation, OfALeafThrows) {
  Tensor x = leaf({1, 2});
  EXPECT_EQ(message_of<ValueError>([&] { x.add_(1); }),
            "add_: a leaf that requires a gradient is changed in place while recording\n"
            "  tensor float32 [2]\n"
            "  hint: use the out-of-place form, or no_grad() where no gradient should flow");
  Tensor view = x.view({2, 1});
  EXPECT_EQ(message_of<ValueError>([&] { view.fill_(1); }),
            "fill_: a view of a leaf that requires a gradient is changed in place while "
            "recording\n"
            "  tensor float32 [2, 1]\n"
            "  hint: use the out-of-place form, or no_grad() where no gradient should flow");
  EXPECT_EQ(x.to_vector<float>(), (Floats{1, 2}));
}

TEST(Mutation, OfAViewMadeWithoutRecordingThrows) {
  const Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  Tensor view = no_grad([&] { return y.view({2, 1}); });
  EXPECT_EQ(message_of<ValueError>([&] {
              view.add_(x.view({2, 1}));
            }),
            "add_: a view that was made under no_grad() is changed while recording\n"
            "  tensor float32 [2, 1]\n"
            "  hint: make the view while recording, or change it under no_grad()");
  no_grad([&] { view.add_(1); });
  EXPECT_EQ(y.to_vector<float>(), (Floats{3, 5}));
}

TEST(Mutation, OfASavedValueIsFoundInBackward) {
  const Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  const Tensor z = y * y;
  y.add_(1);
  EXPECT_EQ(message_of<ValueError>([&] { z.sum().backward(); }),
            "mul: a value that backward needs was changed in place after the op ran\n"
            "  float32 [2], saved at version 0, now at version 1\n"
            "  hint: use the out-of-place form, or clone() before changing it");
  Tensor u = x * 2;
  const Tensor v = u.exp();
  u.add_(1);  // exp needs its result, not u
  EXPECT_NO_THROW(v.sum().backward());
  Tensor w = x * 2;
  const Tensor s = w.sin();
  w.slice(0, 0, 1).add_(1);
  EXPECT_THROW(s.sum().backward(), ValueError) << "changed through a view";
}

TEST(Mutation, ThatDoesNotFitChangesNothing) {
  const Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  EXPECT_THROW(y.add_(ones({2, 2})), ShapeError);
  EXPECT_THROW(y.add_(ones({3})), ShapeError);
  EXPECT_THROW(y.copy_(ones({3})), ShapeError);
  EXPECT_EQ(y.to_vector<float>(), (Floats{2, 4}));
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{2, 2}));
  Tensor whole = tensor({1, 2});
  EXPECT_THROW(whole.mul_(x), DTypeError);
}

TEST(Mutation, LeavesNothingAlive) {
  const auto before = memory::stats().live_bytes;
  for (int i = 0; i < 3; ++i) {
    const Tensor x = leaf({1, 2});
    Tensor y = x * 2;
    Tensor view = y.view({2, 1});
    view.mul_(x.view({2, 1}));
    y.add_(view.sum());
    y.sum().backward();
  }
  EXPECT_EQ(memory::stats().live_bytes, before);
}

}  // namespace
}  // namespace bb
