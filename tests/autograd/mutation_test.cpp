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

TEST(Mutation, ByAConstantLeavesAGradientOfZero) {
  const Tensor x = leaf({1, 2});
  Tensor y = x * 3;
  y.zero_();
  EXPECT_TRUE(y.requires_grad());
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{0, 0}));
  Tensor z = x * 3;
  z.copy_(floats({5, 6}));
  EXPECT_TRUE(z.requires_grad());
  (z * z).sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{0, 0}));
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
            "add_: a view that was made under no_grad() is changed in place while recording\n"
            "  tensor float32 [2, 1]\n"
            "  hint: make views while recording, change them under no_grad(), or clone() first");
  no_grad([&] { view.add_(1); });
  EXPECT_EQ(y.to_vector<float>(), (Floats{3, 5}));
}

TEST(Mutation, OfAnAliasThatAnOpOfSeveralOutputsMadeThrows) {
  const Tensor x = leaf({1, 2});
  const Tensor h = x * 1;
  auto parts =
      autograd::record("halves", {h}, {h.detach().slice(0, 0, 1), h.detach().slice(0, 1, 2)},
                       [](const std::vector<Tensor>& dy) {
                         return std::vector<Tensor>{cat({dy[0], dy[1]})};
                       });
  EXPECT_THROW(parts[0].mul_(2), ValueError);
  EXPECT_EQ(h.to_vector<float>(), (Floats{1, 2}));
}

TEST(Mutation, OfABaseWhoseViewWasMadeWithoutRecordingIsFoundWhereTheViewIsUsed) {
  const Tensor w = leaf({1, 2});
  Tensor buffer = zeros({2});
  const Tensor view = no_grad([&] { return buffer.view({2, 1}); });
  buffer.add_(1);  // not recorded: the view follows
  EXPECT_EQ((view * 1).to_vector<float>(), (Floats{1, 1}));
  buffer.add_(w);
  EXPECT_EQ(message_of<ValueError>([&] {
              view* w.view({2, 1});
            }),
            "view: a view that was made under no_grad() is used after those elements were changed "
            "in place\n"
            "  tensor float32 [2, 1]\n"
            "  hint: make views while recording, change them under no_grad(), or clone() first");
  EXPECT_EQ(no_grad([&] { return view * 1; }).to_vector<float>(), (Floats{2, 3}));
}

TEST(Mutation, OfWhatAUsersOpGivesBackIsNotTakenForAView) {
  const auto reversed = [](const Tensor& x) {
    return autograd::record("reverse", {x}, x.detach(), [](const Tensor& dy) { return -dy; });
  };
  const Tensor w = leaf({1, 2});
  reversed(w).sum().backward();
  EXPECT_EQ(w.grad().to_vector<float>(), (Floats{-1, -1}));
  Tensor h = w * 1;
  Tensor y = reversed(h);
  EXPECT_EQ(message_of<ValueError>([&] { y.add_(1); }),
            "add_: a result of reverse, which shows elements of its input, is changed in place "
            "while recording\n"
            "  tensor float32 [2]\n"
            "  hint: make views while recording, change them under no_grad(), or clone() first");
  h.add_(1);
  EXPECT_EQ(message_of<ValueError>([&] { (y * 2).sum(); }),
            "view: a result of reverse, which shows elements of its input, is used after those "
            "elements were changed in place\n"
            "  tensor float32 [2]\n"
            "  hint: make views while recording, change them under no_grad(), or clone() first");
}

TEST(Mutation, KeepsRetainGrad) {
  const Tensor w = leaf({1, 2});
  Tensor x = w * 2;
  x.retain_grad();
  x.mul_(3);
  x.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{1, 1}));
  Tensor h = w * 2;
  h.retain_grad();
  Tensor part = h.slice(0, 0, 1);
  part.mul_(3);
  (h * h).sum().backward();
  EXPECT_EQ(h.grad().to_vector<float>(), (Floats{12, 8}));
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

// Each in-place form against the op that it is the in-place form of: values, first and second
// gradients, recorded; values alone, not recorded; the tensor itself comes back.
struct Form {
  const char* name;
  std::function<Tensor&(Tensor& x, const Tensor& b)> in_place;
  std::function<Tensor(const Tensor& x, const Tensor& b)> out_of_place;
};

const std::vector<Form>& forms() {
  static const Tensor mask = tensor({{true, false, true}, {false, false, true}});
  static const Tensor index = tensor({{0, 1, 1}, {1, 0, 0}}), places = tensor({1, 0});
  static const std::vector<Form> all{
      {"pow_", [](Tensor& x, auto& b) -> Tensor& { return x.pow_(b); },
       [](auto& x, auto& b) { return pow(x, b); }},
      {"pow_ by a number", [](Tensor& x, auto&) -> Tensor& { return x.pow_(1.5); },
       [](auto& x, auto&) { return pow(x, 1.5); }},
      {"lerp_", [](Tensor& x, auto& b) -> Tensor& { return x.lerp_(b, b); },
       [](auto& x, auto& b) { return lerp(x, b, b); }},
      {"lerp_ by a number", [](Tensor& x, auto& b) -> Tensor& { return x.lerp_(b, 0.3); },
       [](auto& x, auto& b) { return lerp(x, b, 0.3); }},
      {"neg_", [](Tensor& x, auto&) -> Tensor& { return x.neg_(); },
       [](auto& x, auto&) { return -x; }},
      {"abs_", [](Tensor& x, auto&) -> Tensor& { return x.abs_(); },
       [](auto& x, auto&) { return abs(x); }},
      {"square_", [](Tensor& x, auto&) -> Tensor& { return x.square_(); },
       [](auto& x, auto&) { return square(x); }},
      {"sqrt_", [](Tensor& x, auto&) -> Tensor& { return x.sqrt_(); },
       [](auto& x, auto&) { return sqrt(x); }},
      {"rsqrt_", [](Tensor& x, auto&) -> Tensor& { return x.rsqrt_(); },
       [](auto& x, auto&) { return rsqrt(x); }},
      {"reciprocal_", [](Tensor& x, auto&) -> Tensor& { return x.reciprocal_(); },
       [](auto& x, auto&) { return reciprocal(x); }},
      {"exp_", [](Tensor& x, auto&) -> Tensor& { return x.exp_(); },
       [](auto& x, auto&) { return exp(x); }},
      {"log_", [](Tensor& x, auto&) -> Tensor& { return x.log_(); },
       [](auto& x, auto&) { return log(x); }},
      {"sin_", [](Tensor& x, auto&) -> Tensor& { return x.sin_(); },
       [](auto& x, auto&) { return sin(x); }},
      {"cos_", [](Tensor& x, auto&) -> Tensor& { return x.cos_(); },
       [](auto& x, auto&) { return cos(x); }},
      {"tanh_", [](Tensor& x, auto&) -> Tensor& { return x.tanh_(); },
       [](auto& x, auto&) { return tanh(x); }},
      {"sigmoid_", [](Tensor& x, auto&) -> Tensor& { return x.sigmoid_(); },
       [](auto& x, auto&) { return sigmoid(x); }},
      {"relu_", [](Tensor& x, auto&) -> Tensor& { return x.relu_(); },
       [](auto& x, auto&) { return relu(x); }},
      {"floor_", [](Tensor& x, auto&) -> Tensor& { return x.floor_(); },
       [](auto& x, auto&) { return floor(x); }},
      {"ceil_", [](Tensor& x, auto&) -> Tensor& { return x.ceil_(); },
       [](auto& x, auto&) { return ceil(x); }},
      {"round_", [](Tensor& x, auto&) -> Tensor& { return x.round_(); },
       [](auto& x, auto&) { return round(x); }},
      {"trunc_", [](Tensor& x, auto&) -> Tensor& { return x.trunc_(); },
       [](auto& x, auto&) { return trunc(x); }},
      {"clamp_", [](Tensor& x, auto&) -> Tensor& { return x.clamp_(0.9, 1.7); },
       [](auto& x, auto&) { return clamp(x, 0.9, 1.7); }},
      {"clamp_ by tensors", [](Tensor& x, auto& b) -> Tensor& { return x.clamp_(b * 0.5, b); },
       [](auto& x, auto& b) { return clamp(x, b * 0.5, b); }},
      {"tril_", [](Tensor& x, auto&) -> Tensor& { return x.tril_(); },
       [](auto& x, auto&) { return tril(x); }},
      {"triu_", [](Tensor& x, auto&) -> Tensor& { return x.triu_(1); },
       [](auto& x, auto&) { return triu(x, 1); }},
      {"masked_fill_", [](Tensor& x, auto&) -> Tensor& { return x.masked_fill_(mask, 3.0); },
       [](auto& x, auto&) { return masked_fill(x, mask, 3.0); }},
      {"masked_fill_ by a tensor",
       [](Tensor& x, auto& b) -> Tensor& { return x.masked_fill_(mask, b.sum()); },
       [](auto& x, auto& b) { return masked_fill(x, mask, b.sum()); }},
      {"masked_scatter_", [](Tensor& x, auto& b) -> Tensor& { return x.masked_scatter_(mask, b); },
       [](auto& x, auto& b) { return masked_scatter(x, mask, b); }},
      {"scatter_",
       [](Tensor& x, auto& b) -> Tensor& {
         return x.scatter_(0, places.view({2, 1}), b);
       },
       [](auto& x, auto& b) {
         return scatter(x, 0, places.view({2, 1}), b);
       }},
      {"scatter_ of a number",
       [](Tensor& x, auto&) -> Tensor& { return x.scatter_(0, index, 3.0); },
       [](auto& x, auto&) { return scatter(x, 0, index, 3.0); }},
      {"scatter_add_", [](Tensor& x, auto& b) -> Tensor& { return x.scatter_add_(0, index, b); },
       [](auto& x, auto& b) { return scatter_add(x, 0, index, b); }},
      {"index_add_", [](Tensor& x, auto& b) -> Tensor& { return x.index_add_(0, places, b, 2); },
       [](auto& x, auto& b) { return index_add(x, 0, places, b, 2); }},
      {"index_copy_", [](Tensor& x, auto& b) -> Tensor& { return x.index_copy_(0, places, b); },
       [](auto& x, auto& b) { return index_copy(x, 0, places, b); }},
      {"index_fill_", [](Tensor& x, auto&) -> Tensor& { return x.index_fill_(1, tensor({2}), 4); },
       [](auto& x, auto&) { return index_fill(x, 1, tensor({2}), 4); }},
  };
  return all;
}

TEST(InPlaceForms, AreTheirOpsRecordedOrNot) {
  const Tensor a = rand({2, 3}, kFloat64) + 0.6, b = rand({2, 3}, kFloat64) + 0.6;
  for (const Form& form : forms()) {
    SCOPED_TRACE(form.name);
    Tensor x = a.clone();
    const uint32_t version = x.version();
    Tensor& same = form.in_place(x, b);
    EXPECT_EQ(&same, &x);
    EXPECT_GT(x.version(), version);
    const auto right = form.out_of_place(a, b).to_vector<double>();
    EXPECT_EQ(x.to_vector<double>(), right);
    // A view whose elements lie apart, not recorded.
    Tensor wide = zeros({2, 6}, kFloat64);
    Tensor apart = wide.slice(1, 0, 6, 2);
    apart.copy_(a);
    form.in_place(apart, b);
    EXPECT_EQ(apart.to_vector<double>(), right);
    EXPECT_EQ(wide.slice(1, 1, 6, 2).to_vector<double>(), std::vector<double>(6, 0));

    expect_right(
        [&](In in) {
          Tensor y = in[0] * 1;
          return form.in_place(y, in[1]) * in[0];
        },
        {a, b});
    expect_right(
        [&](In in) {
          Tensor y = stack({in[0], in[1]});
          Tensor part = y.select(0, 0);
          form.in_place(part, in[1]);
          return y * y;
        },
        {a, b});
    Tensor leaf = a.clone().requires_grad_();
    EXPECT_THROW(form.in_place(leaf, b), ValueError);
    EXPECT_EQ(leaf.to_vector<double>(), a.to_vector<double>());
  }
}

}  // namespace
}  // namespace bb
