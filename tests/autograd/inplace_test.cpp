// Tensor's in-place methods (autograd/ops/inplace.cpp).
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "../message_of.h"
#include "bb/bb.h"

namespace bb {
namespace {

using Floats = std::vector<float>;
using Ints = std::vector<int64_t>;

Tensor floats(std::initializer_list<Scalar> values) { return tensor(values, kFloat32); }
Tensor counted() { return arange(6).view({2, 3}); }

TEST(InPlace, Values) {
  Tensor x = floats({1, 2, 3});
  x.add_(floats({10, 20, 30}));
  EXPECT_EQ(x.to_vector<float>(), (Floats{11, 22, 33}));
  x.sub_(floats({1, 2, 3}));
  EXPECT_EQ(x.to_vector<float>(), (Floats{10, 20, 30}));
  x.mul_(floats({1, 2, 0.5}));
  EXPECT_EQ(x.to_vector<float>(), (Floats{10, 40, 15}));
  x.div_(floats({5, 8, 3}));
  EXPECT_EQ(x.to_vector<float>(), (Floats{2, 5, 5}));
}

TEST(InPlace, ValuesWithANumber) {
  Tensor x = floats({1, 2});
  x.add_(3).mul_(2.5).sub_(0.5).div_(0.5);
  EXPECT_EQ(x.to_vector<float>(), (Floats{19, 24}));
  x.fill_(7);
  EXPECT_EQ(x.to_vector<float>(), (Floats{7, 7}));
  x.zero_();
  EXPECT_EQ(x.to_vector<float>(), (Floats{0, 0}));
}

TEST(InPlace, OperatorsChangeTheTensorForAllItsHandles) {
  Tensor x = floats({8, 8});
  const Tensor handle = x;
  x += 2;
  x -= floats({1, 2});
  x *= floats({2, 2});
  x /= 3;
  EXPECT_EQ(handle.to_vector<float>(), (Floats{6, 16.f / 3}));
  x -= 1;
  x *= 2;
  x += floats({1, 0});
  x /= floats({11, 1});
  EXPECT_EQ(handle.to_vector<float>()[0], 1.f);
  EXPECT_TRUE(handle.is(x));
}

TEST(InPlace, ReturnTheTensorItself) {
  Tensor x = floats({1, 2});
  EXPECT_EQ(&x.add_(1), &x);
  EXPECT_EQ(&x.copy_(floats({3, 4})), &x);
  EXPECT_EQ(&x.fill_(1), &x);
  EXPECT_EQ(&(x *= 2), &x);
}

TEST(InPlace, BroadcastTheOperand) {
  Tensor x = counted();
  x.add_(tensor({10, 20, 30}));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{10, 21, 32, 13, 24, 35}));
  x.sub_(tensor({10, 13}).view({2, 1}));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{0, 11, 22, 0, 11, 22}));
  x.mul_(tensor(2));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{0, 22, 44, 0, 22, 44}));
  x.copy_(tensor({1, 2, 3}));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{1, 2, 3, 1, 2, 3}));
}

TEST(InPlace, ChangeViewsWhereTheyLie) {
  Tensor x = counted();
  x.transpose(0, 1).add_(tensor({100, 200}));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{100, 101, 102, 203, 204, 205}));
  x.slice(1, 0, 3, 2).fill_(0);
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{0, 101, 0, 0, 204, 0}));
  x.slice(1, 1, 2).copy_(tensor({7, 8}).view({2, 1}));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{0, 7, 0, 0, 8, 0}));
}

TEST(InPlace, TakeNumbersAndEmptyTensors) {
  EXPECT_EQ(tensor(2.0).add_(tensor(3.0)).item<float>(), 5.f);
  EXPECT_EQ(zeros({0, 3}).add_(floats({1, 2, 3})).mul_(2).shape(), (Shape{0, 3}));
  EXPECT_EQ(zeros({0}).copy_(zeros({1})).numel(), 0);
}

TEST(InPlace, KeepTheDType) {
  Tensor x = floats({1, 2});
  x.add_(tensor({0.5, 0.25}, kFloat64));
  EXPECT_EQ(x.dtype(), kFloat32);
  EXPECT_EQ(x.to_vector<float>(), (Floats{1.5, 2.25}));
  Tensor i = tensor({1, 2}, kInt32);
  i.add_(tensor({10, 20}, kInt64)).mul_(2);
  EXPECT_EQ(i.to_vector<int32_t>(), (std::vector<int32_t>{22, 44}));
}

TEST(InPlace, ResultOfAHigherKindThrows) {
  Tensor x = tensor({1, 2});
  EXPECT_EQ(message_of<DTypeError>([&] { x.mul_(2.5); }),
            "mul_: the result is float32, which int64 [2] cannot hold\n"
            "  hint: convert first, x = x.to(float32)");
  EXPECT_THROW(x.add_(floats({1, 2})), DTypeError);
  EXPECT_EQ(message_of<DTypeError>([&] { x.div_(2); }),
            "div_: the result is float32, which int64 [2] cannot hold\n"
            "  hint: convert first, x = x.to(float32)");
  Tensor flags = tensor({true, false});
  EXPECT_EQ(message_of<DTypeError>([&] { flags.add_(1); }),
            "add_: the result is int64, which bool [2] cannot hold\n"
            "  hint: convert first, x = x.to(int64)");
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{1, 2}));
}

TEST(InPlace, CopyAndFillConvert) {
  Tensor x = zeros({3}, kInt32);
  x.copy_(tensor({1.9, -1.9, 2.0}, kFloat64));
  EXPECT_EQ(x.to_vector<int32_t>(), (std::vector<int32_t>{1, -1, 2}));
  x.fill_(3.7);
  EXPECT_EQ(x.to_vector<int32_t>(), (std::vector<int32_t>{3, 3, 3}));
  Tensor flags = zeros({2}, kBool);
  flags.copy_(floats({0, 0.5}));
  EXPECT_EQ(flags.to_vector<bool>(), (std::vector<bool>{false, true}));
}

// ---------------------------------------------------------------- shapes that do not fit

TEST(InPlace, OperandLargerThanTheTensorThrows) {
  Tensor x = floats({1, 2});
  EXPECT_EQ(message_of<ShapeError>([&] {
              x.add_(zeros({3, 2}));
            }),
            "add_: the operand is larger than the tensor it would change\n"
            "  tensor [2]   operand [3, 2]");
  EXPECT_THROW(tensor(1.0).add_(zeros({1})), ShapeError);
  EXPECT_EQ(message_of<ShapeError>([&] { x.mul_(zeros({3})); }),
            "mul_: shapes do not broadcast: at dimension 1 from the end they are 2 and 3\n"
            "  a [2]   b [3]\n"
            "  hint: sizes must be equal, or one of them 1");
  EXPECT_EQ(message_of<ShapeError>([&] {
              x.copy_(zeros({3, 2}));
            }),
            "copy_: the source does not fit\n  tensor [2]   source [3, 2]");
  EXPECT_EQ(x.to_vector<float>(), (Floats{1, 2}));
}

TEST(InPlace, ExpandedTensorThrows) {
  Tensor x = floats({1, 2, 3}).expand({2, 3});
  const std::string text =
      ": several elements of the tensor share memory\n"
      "  x [2, 3] with strides [0, 1]\n"
      "  hint: clone() it first";
  EXPECT_EQ(message_of<ValueError>([&] { x.add_(1); }), "add_" + text);
  EXPECT_EQ(message_of<ValueError>([&] { x.mul_(zeros({2, 3})); }), "mul_" + text);
  EXPECT_EQ(message_of<ValueError>([&] { x.copy_(zeros({2, 3})); }), "copy_" + text);
  EXPECT_EQ(x.to_vector<float>(), (Floats{1, 2, 3, 1, 2, 3}));
  Tensor one = floats({5}).expand({1});
  EXPECT_EQ(one.add_(1).item<float>(), 6.f) << "nothing is shared here";
}

// ---------------------------------------------------------------- operands that overlap

// Against the same op on a copy of the operand, for sizes around the vector lengths.
TEST(InPlaceOverlap, ReadsTheOperandAsItWasBefore) {
  for (int64_t n : {2, 3, 4, 7, 8, 16, 17, 100}) {
    const Tensor original = arange(0, n * n, 1, kFloat64).view({n, n});
    const auto check = [&](const char* what, auto target_of, auto operand_of) {
      for (int op = 0; op < 4; ++op) {
        Tensor actual = original.clone(), expected = original.clone();
        Tensor target = target_of(actual), expected_target = target_of(expected);
        const Tensor shared = operand_of(actual), separate = operand_of(original.clone());
        if (op == 0) target.add_(shared), expected_target.add_(separate);
        if (op == 1) target.sub_(shared), expected_target.sub_(separate);
        if (op == 2) target.mul_(shared), expected_target.mul_(separate);
        if (op == 3) target.copy_(shared), expected_target.copy_(separate);
        ASSERT_TRUE(actual.to_vector<double>() == expected.to_vector<double>())
            << what << ", op " << op << ", n " << n;
      }
    };
    const auto all = [](const Tensor& x) { return x; };
    const auto first_row = [](const Tensor& x) { return x.slice(0, 0, 1); };
    const auto first_column = [](const Tensor& x) { return x.slice(1, 0, 1); };
    const auto last_row = [n](const Tensor& x) { return x.slice(0, n - 1, n); };
    const auto but_first = [n](const Tensor& x) { return x.view({n * n}).slice(0, 1, n * n); };
    const auto but_last = [n](const Tensor& x) { return x.view({n * n}).slice(0, 0, n * n - 1); };
    const auto transposed = [](const Tensor& x) { return x.transpose(0, 1); };
    const auto flat = [n](const Tensor& x) { return x.view({n * n}); };
    const auto first_element = [n](const Tensor& x) { return x.view({n * n}).slice(0, 0, 1); };
    const auto first_number = [](const Tensor& x) {
      return x.slice(0, 0, 1).slice(1, 0, 1).view({});
    };
    check("itself", all, all);
    check("transposed", all, transposed);
    check("into transposed", transposed, all);
    check("first row", all, first_row);
    check("first column", all, first_column);
    check("last row", all, last_row);
    check("shifted forwards", but_first, but_last);
    check("shifted backwards", but_last, but_first);
    check("first element", flat, first_element);
    check("first element as a number", flat, first_number);
  }
}

TEST(InPlaceOverlap, ByHand) {
  Tensor x = tensor({1, 2, 3, 4});
  x.slice(0, 1, 4).add_(x.slice(0, 0, 3));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{1, 3, 5, 7}));
  x.slice(0, 1, 4).copy_(x.slice(0, 0, 3));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{1, 1, 3, 5}));
  x = tensor({3, 2, 3, 4});
  x.add_(x.slice(0, 0, 1));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{6, 5, 6, 7}));
  x = tensor({{1, 2}, {3, 4}});
  x.copy_(x.transpose(0, 1));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{1, 3, 2, 4}));
}

// ---------------------------------------------------------------- versions and the tape

TEST(InPlace, RaisesTheVersionByOne) {
  Tensor x = floats({1, 2});
  uint32_t version = x.version();
  const auto raised = [&] { return x.version() == ++version; };
  x.add_(1);
  EXPECT_TRUE(raised());
  x.sub_(x.clone());
  EXPECT_TRUE(raised());
  x.mul_(2);
  EXPECT_TRUE(raised());
  x.div_(2);
  EXPECT_TRUE(raised());
  x.fill_(2);
  EXPECT_TRUE(raised());
  x.copy_(floats({5, 6}));
  EXPECT_TRUE(raised());
  x.slice(0, 0, 1).add_(1);
  EXPECT_TRUE(raised()) << "through a view";
}

TEST(InPlace, FailedOneLeavesVersionAndValues) {
  Tensor x = tensor({1, 2});
  const uint32_t version = x.version();
  EXPECT_THROW(x.add_(zeros({3}, kInt64)), ShapeError);
  EXPECT_THROW(x.add_(0.5), DTypeError);
  EXPECT_THROW(x.copy_(zeros({3})), ShapeError);
  EXPECT_EQ(x.version(), version);
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{1, 2}));
}

TEST(InPlace, WithoutRecordingChangesALeafAndLeavesItOne) {
  Tensor w = floats({1, 2}).requires_grad_();
  (w * w).sum().backward();
  no_grad([&] { w.sub_(w.grad() * 0.5); });
  EXPECT_EQ(w.to_vector<float>(), (Floats{0, 0}));
  EXPECT_TRUE(w.is_leaf());
  EXPECT_TRUE(w.requires_grad());
  EXPECT_EQ(w.grad().to_vector<float>(), (Floats{2, 4}));
  w.detach().add_(3);
  EXPECT_EQ(w.to_vector<float>(), (Floats{3, 3}));
}

TEST(InPlace, GradientsCanBeChangedAtOnce) {
  Tensor w = floats({1, 2}).requires_grad_();
  (w * 3).sum().backward();
  w.grad().mul_(2);
  EXPECT_EQ(w.grad().to_vector<float>(), (Floats{6, 6}));
}

// ---------------------------------------------------------------- each form against its op

struct Form {
  const char* name;
  std::function<void(Tensor&)> in_place;
  std::function<Tensor(const Tensor&)> op;
};

// For an x in [0.2, 0.8].
std::vector<Form> forms() {
  static const Tensor other = floats({0.5, 0.3, 0.9, 0.4});
  return {
      {"abs_", [](Tensor& x) { x.abs_(); }, [](const Tensor& x) { return abs(x); }},
      {"sign_", [](Tensor& x) { x.sign_(); }, [](const Tensor& x) { return sign(x); }},
      {"square_", [](Tensor& x) { x.square_(); }, [](const Tensor& x) { return square(x); }},
      {"rsqrt_", [](Tensor& x) { x.rsqrt_(); }, [](const Tensor& x) { return rsqrt(x); }},
      {"reciprocal_", [](Tensor& x) { x.reciprocal_(); },
       [](const Tensor& x) { return reciprocal(x); }},
      {"exp2_", [](Tensor& x) { x.exp2_(); }, [](const Tensor& x) { return exp2(x); }},
      {"expm1_", [](Tensor& x) { x.expm1_(); }, [](const Tensor& x) { return expm1(x); }},
      {"log2_", [](Tensor& x) { x.log2_(); }, [](const Tensor& x) { return log2(x); }},
      {"log10_", [](Tensor& x) { x.log10_(); }, [](const Tensor& x) { return log10(x); }},
      {"log1p_", [](Tensor& x) { x.log1p_(); }, [](const Tensor& x) { return log1p(x); }},
      {"erf_", [](Tensor& x) { x.erf_(); }, [](const Tensor& x) { return erf(x); }},
      {"tan_", [](Tensor& x) { x.tan_(); }, [](const Tensor& x) { return tan(x); }},
      {"asin_", [](Tensor& x) { x.asin_(); }, [](const Tensor& x) { return asin(x); }},
      {"acos_", [](Tensor& x) { x.acos_(); }, [](const Tensor& x) { return acos(x); }},
      {"atan_", [](Tensor& x) { x.atan_(); }, [](const Tensor& x) { return atan(x); }},
      {"sinh_", [](Tensor& x) { x.sinh_(); }, [](const Tensor& x) { return sinh(x); }},
      {"cosh_", [](Tensor& x) { x.cosh_(); }, [](const Tensor& x) { return cosh(x); }},
      {"silu_", [](Tensor& x) { x.silu_(); }, [](const Tensor& x) { return silu(x); }},
      {"logical_not_", [](Tensor& x) { x.logical_not_(); },
       [](const Tensor& x) { return logical_not(x); }},
      {"leaky_relu_(0.3)", [](Tensor& x) { x.leaky_relu_(0.3); },
       [](const Tensor& x) { return leaky_relu(x, 0.3); }},
      {"elu_(0.7)", [](Tensor& x) { x.elu_(0.7); }, [](const Tensor& x) { return elu(x, 0.7); }},
      {"hardtanh_(0.3, 0.6)", [](Tensor& x) { x.hardtanh_(0.3, 0.6); },
       [](const Tensor& x) { return hardtanh(x, 0.3, 0.6); }},
      {"round_(1)", [](Tensor& x) { x.round_(1); }, [](const Tensor& x) { return round(x, 1); }},
      {"add_(other, 2)", [](Tensor& x) { x.add_(other, 2); },
       [](const Tensor& x) { return add(x, other, 2); }},
      {"sub_(other, 2)", [](Tensor& x) { x.sub_(other, 2); },
       [](const Tensor& x) { return sub(x, other, 2); }},
      {"div_(other, kFloor)", [](Tensor& x) { x.div_(other, RoundingMode::kFloor); },
       [](const Tensor& x) { return div(x, other, RoundingMode::kFloor); }},
      {"div_(0.1, kTrunc)", [](Tensor& x) { x.div_(0.1, RoundingMode::kTrunc); },
       [](const Tensor& x) { return div(x, 0.1, RoundingMode::kTrunc); }},
      {"atan2_(other)", [](Tensor& x) { x.atan2_(other); },
       [](const Tensor& x) { return atan2(x, other); }},
      {"fmod_(other)", [](Tensor& x) { x.fmod_(other); },
       [](const Tensor& x) { return fmod(x, other); }},
      {"fmod_(0.3)", [](Tensor& x) { x.fmod_(0.3); }, [](const Tensor& x) { return fmod(x, 0.3); }},
      {"remainder_(other)", [](Tensor& x) { x.remainder_(other); },
       [](const Tensor& x) { return remainder(x, other); }},
      {"remainder_(-0.3)", [](Tensor& x) { x.remainder_(-0.3); },
       [](const Tensor& x) { return remainder(x, -0.3); }},
      {"cumsum_(0)", [](Tensor& x) { x.cumsum_(0); }, [](const Tensor& x) { return cumsum(x, 0); }},
      {"cumprod_(0)", [](Tensor& x) { x.cumprod_(0); },
       [](const Tensor& x) { return cumprod(x, 0); }},
      {"eq_(other)", [](Tensor& x) { x.eq_(other); }, [](const Tensor& x) { return eq(x, other); }},
      {"eq_(0.5)", [](Tensor& x) { x.eq_(0.5); }, [](const Tensor& x) { return eq(x, 0.5); }},
      {"ne_(other)", [](Tensor& x) { x.ne_(other); }, [](const Tensor& x) { return ne(x, other); }},
      {"ne_(0.5)", [](Tensor& x) { x.ne_(0.5); }, [](const Tensor& x) { return ne(x, 0.5); }},
      {"lt_(other)", [](Tensor& x) { x.lt_(other); }, [](const Tensor& x) { return lt(x, other); }},
      {"lt_(0.5)", [](Tensor& x) { x.lt_(0.5); }, [](const Tensor& x) { return lt(x, 0.5); }},
      {"le_(other)", [](Tensor& x) { x.le_(other); }, [](const Tensor& x) { return le(x, other); }},
      {"le_(0.5)", [](Tensor& x) { x.le_(0.5); }, [](const Tensor& x) { return le(x, 0.5); }},
      {"gt_(other)", [](Tensor& x) { x.gt_(other); }, [](const Tensor& x) { return gt(x, other); }},
      {"gt_(0.5)", [](Tensor& x) { x.gt_(0.5); }, [](const Tensor& x) { return gt(x, 0.5); }},
      {"ge_(other)", [](Tensor& x) { x.ge_(other); }, [](const Tensor& x) { return ge(x, other); }},
      {"ge_(0.5)", [](Tensor& x) { x.ge_(0.5); }, [](const Tensor& x) { return ge(x, 0.5); }},
      {"logical_and_(other)", [](Tensor& x) { x.logical_and_(other); },
       [](const Tensor& x) { return logical_and(x, other); }},
      {"logical_or_(other)", [](Tensor& x) { x.logical_or_(other); },
       [](const Tensor& x) { return logical_or(x, other); }},
      {"logical_xor_(other)", [](Tensor& x) { x.logical_xor_(other); },
       [](const Tensor& x) { return logical_xor(x, other); }},
  };
}

TEST(InPlaceForms, AreTheirOps) {
  for (const Form& form : forms()) {
    const Tensor start = floats({0.2, 0.5, 0.3, 0.8});
    Tensor plain = start.clone();
    const uint32_t version = plain.version();
    form.in_place(plain);
    EXPECT_EQ(plain.to_vector<float>(), form.op(start).to(kFloat32).to_vector<float>())
        << form.name;
    EXPECT_EQ(plain.version(), version + 1) << form.name;

    Tensor a = start.clone().requires_grad_(), b = start.clone().requires_grad_();
    Tensor y = a * 1;
    form.in_place(y);
    EXPECT_EQ(y.to_vector<float>(), plain.to_vector<float>()) << form.name;
    EXPECT_THROW(form.in_place(a), ValueError) << form.name << " of a leaf";
    const Tensor expected = form.op(b * 1);
    y.sum().backward();
    if (expected.requires_grad()) expected.sum().backward();
    const Tensor slope = b.grad().defined() ? b.grad() : zeros({4});  // none of truths
    EXPECT_EQ(a.grad().to_vector<float>(), slope.to_vector<float>()) << form.name;
  }
}

TEST(InPlaceForms, OfIntegers) {
  Tensor x = tensor({7, -7, 6});
  x.bitwise_and_(tensor({6, 7, 3}));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{6, 1, 2}));
  x.bitwise_or_(tensor({1, 2, 4}));
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{7, 3, 6}));
  x.bitwise_xor_(tensor({1, 1, 1})).bitwise_not_();
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{-7, -3, -8}));
  x.div_(2, RoundingMode::kFloor);
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{-4, -2, -4}));
  x.remainder_(3).lt_(2);
  EXPECT_EQ(x.to_vector<int64_t>(), (Ints{0, 1, 0}));
  Tensor small = tensor({100, 100, 100}, kUInt8);
  EXPECT_EQ(small.cumsum_(0).to_vector<uint8_t>(), (std::vector<uint8_t>{100, 200, 44}));
  EXPECT_EQ(message_of<DTypeError>([&] { x.erf_(); }),
            "erf_: the result is float32, which int64 [3] cannot hold\n"
            "  hint: convert first, x = x.to(float32)");
  EXPECT_THROW(tensor({true}).cumsum_(0), DTypeError);
}

}  // namespace
}  // namespace bb
