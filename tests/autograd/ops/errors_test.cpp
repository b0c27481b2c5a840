// What each op says of operands that do not fit: the texts are part of the contract.
#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

TEST(OpErrors, ShapesThatDoNotBroadcast) {
  const Tensor a = ones({2, 3}), b = ones({4});
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"add", [&] { a + b; }},
           {"sub", [&] { a - b; }},
           {"mul", [&] { a* b; }},
           {"div", [&] { a / b; }},
           {"eq", [&] { eq(a, b); }},
           {"add_", [&] { Tensor(a).add_(b); }}}) {
    expect_error<ShapeError>(
        fn, name +
                ": shapes do not broadcast: at dimension 1 from the end they are 3 and 4\n"
                "  a [2, 3]   b [4]\n"
                "  hint: sizes must be equal, or one of them 1");
  }
  // Operands have the names of the declaration.
  for (const auto& [start, roles, fn] :
       std::vector<std::tuple<std::string, std::string, std::function<void()>>>{
           {"pow", "x [2, 3]   exponent [4]", [&] { pow(a, b); }},
           {"where", "mask [2, 3]   a [2, 3]   b [4]", [&] { where(gt(a, 0), a, b); }},
           {"copy_", "tensor [2, 3]   source [4]", [&] { Tensor(a).copy_(b); }},
           {"pow_", "x [2, 3]   exponent [4]", [&] { Tensor(a).pow_(b); }},
       })
    expect_error<ShapeError>(
        fn, start + ": shapes do not broadcast: at dimension 1 from the end they are 3 and 4\n  " +
                roles + "\n  hint: sizes must be equal, or one of them 1");
}

TEST(OpErrors, InPlaceOperandLargerThanTheTensor) {
  expect_error<ShapeError>(
      [] {
        ones({3}).add_(ones({2, 3}));
      },
      "add_: the operand is larger than the tensor it would change\n"
      "  tensor [3]   operand [2, 3]");
}

TEST(OpErrors, Matmul) {
  expect_error<ShapeError>(
      [] {
        matmul(ones({2, 3}), ones({4, 5}));
      },
      "matmul: inner sizes differ: 3 and 4\n"
      "  a [2, 3]   b [4, 5]\n"
      "  hint: a.size(-1) must equal b.size(-2)");
  expect_error<ShapeError>(
      [] {
        matmul(ones({}), ones({4, 5}));
      },
      "matmul: operands need at least one dimension\n"
      "  a []   b [4, 5]\n"
      "  hint: use * for numbers");
  expect_error<ShapeError>(
      [] {
        matmul(ones({2, 3, 4}), ones({3, 4, 5}));
      },
      "matmul: shapes do not broadcast: at dimension 3 from the end they are 2 and 3\n"
      "  a [2, 3, 4]   b [3, 4, 5]\n"
      "  hint: sizes must be equal, or one of them 1");
  expect_error<DTypeError>(
      [] {
        matmul(ones({2, 3}), ones({3, 4}, kFloat64));
      },
      "matmul: both operands must have one dtype, not bool\n"
      "  a float32 [2, 3]   b float64 [3, 4]\n"
      "  hint: convert with to(kFloat32)");
  EXPECT_THROW(matmul(ones({2, 3}, kBool), ones({3, 4}, kBool)), DTypeError);
}

TEST(OpErrors, Linear) {
  expect_error<ShapeError>(
      [] {
        linear(ones({2, 3}), ones({5, 4}));
      },
      "linear: x's last size must be weight.size(1)\n"
      "  x [2, 3]   weight [5, 4] (out, in)");
  expect_error<ShapeError>(
      [] {
        linear(ones({2, 4}), ones({5, 4}), ones({4}));
      },
      "linear: bias must be [5], weight.size(0)\n"
      "  bias [4]   weight [5, 4] (out, in)");
  EXPECT_THROW(linear(ones({}), ones({5, 4})), ShapeError);
  EXPECT_THROW(linear(ones({2, 4}), ones({4})), ShapeError);
  EXPECT_THROW(linear(ones({2, 4}), ones({5, 4}), ones({5}, kFloat64)), DTypeError);
}

TEST(OpErrors, DimsOutOfRange) {
  const Tensor x = ones({2, 3});
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"sum", [&] { x.sum(2); }},
           {"mean", [&] { x.mean(2); }},
           {"max", [&] { x.max(2); }},
           {"argmax", [&] { x.argmax(2); }},
           {"softmax", [&] { x.softmax(2); }},
           {"log_softmax", [&] { x.log_softmax(2); }},
           {"transpose", [&] { x.transpose(0, 2); }},
           {"squeeze", [&] { x.squeeze(2); }},
           {"flatten", [&] { x.flatten(2); }},
           {"slice", [&] { x.slice(2, 0, 1); }},
           {"size", [&] { x.size(2); }}}) {
    expect_error<IndexError>(
        fn,
        name +
            ": dim 2 is out of range for a tensor of 2 dimensions (-2 to 1 allowed)\n  x [2, 3]");
  }
  EXPECT_THROW(x.unsqueeze(3), IndexError);
  EXPECT_THROW(x.permute({0, 2}), IndexError);
  expect_error<ValueError>(
      [&] {
        x.sum({0, -2});
      },
      "sum: dim -2 is given twice\n  x [2, 3]   dims [0, -2]");
  expect_error<ValueError>(
      [&] {
        x.permute({0, 0});
      },
      "permute: dim 0 is given twice\n  x [2, 3]   dims [0, 0]");
}

TEST(OpErrors, ViewsAndReshapes) {
  expect_error<ShapeError>(
      [] {
        ones({2, 3}).reshape({4, -1});
      },
      "reshape: 6 elements do not fit the shape\n  x [2, 3]   shape [4, -1]");
  expect_error<ShapeError>(
      [] {
        ones({2, 3}).reshape({-1, -1});
      },
      "reshape: only one size may be -1\n  x [2, 3]   shape [-1, -1]");
  expect_error<ShapeError>(
      [] {
        ones({2, 3}).view({-2, -3});
      },
      "view: size -2 at dimension 0 is negative\n  x [2, 3]   shape [-2, -3]");
  expect_error<ShapeError>(
      [] {
        ones({2, 3}).t().view({6});
      },
      "view: the strides do not allow this shape without a copy\n"
      "  x [3, 2] with strides [1, 3]   shape [6]\n"
      "  hint: use reshape()");
  EXPECT_THROW(ones({2, 3}).reshape({int64_t{1} << 62, 4}), ShapeError);
  EXPECT_THROW(ones({0}).reshape({0, -1}), ShapeError);
  expect_error<ShapeError>(
      [] {
        ones({2, 3}).expand({4, 3});
      },
      "expand: only dimensions of size 1 can be repeated, and new ones come first\n"
      "  x [2, 3]   shape [4, 3]");
  EXPECT_THROW(ones({3}).expand({-1, 3}), ShapeError);
  EXPECT_THROW(ones({2, 3}).expand({3}), ShapeError);
  expect_error<ShapeError>(
      [] {
        ones({2, 3, 4}).permute({0, 1});
      },
      "permute: 2 dims given for a tensor of 3\n  x [2, 3, 4]   dims [0, 1]");
  expect_error<ShapeError>([] { ones({}).slice(0, 0, 1); },
                           "slice: a 0-d tensor cannot be sliced\n  x []");
  expect_error<ValueError>([] { ones({3}).slice(0, 0, 1, 0); },
                           "slice: step 0 is not positive\n  x [3]");
  expect_error<ValueError>([] { ones({3}).slice(0, 0, 1, -1); },
                           "slice: step -1 is not positive\n  x [3]\n"
                           "  hint: flip() turns the order round");
  expect_error<ShapeError>(
      [] {
        ones({2, 3}).flatten(1, 0);
      },
      "flatten: start_dim must not come after end_dim\n  x [2, 3]   start_dim 1   end_dim 0");
}

TEST(OpErrors, EmptyReductionsWithoutIdentity) {
  expect_error<ValueError>(
      [] {
        ones({0, 3}).max();
      },
      "max: an empty tensor has no largest element\n  x [0, 3]");
  expect_error<ValueError>(
      [] {
        ones({0, 3}).argmax(0);
      },
      "argmax: no largest element along a dimension of size 0\n  x [0, 3]   dim 0");
  EXPECT_EQ(ones({0, 3}).max(1).values.shape(), Shape{0});
}

TEST(OpErrors, DTypes) {
  expect_error<DTypeError>([] { ones({2}, kInt64).mean(); },
                           "mean: needs floating point\n  x int64 [2]\n"
                           "  hint: convert with to(kFloat32)");
  expect_error<DTypeError>([] { where(ones({2}), ones({2}), ones({2})); },
                           "where: the mask must be bool\n"
                           "  mask float32 [2]   a float32 [2]   b float32 [2]\n"
                           "  hint: compare, as mask != 0");
  expect_error<ValueError>([] { pow(ones({2}, kInt64), -1); },
                           "pow: integers to negative integer powers are not integers\n"
                           "  hint: convert the base with to(kFloat32)");
  EXPECT_THROW(dropout(ones({2}, kInt64)), DTypeError);
  EXPECT_THROW(dropout(ones({2}), 1.5), ValueError);
}

TEST(OpErrors, UndefinedOperands) {
  EXPECT_THROW(Tensor() + ones({2}), ValueError);
  EXPECT_THROW(matmul(ones({2, 2}), Tensor()), ValueError);
  EXPECT_THROW(relu(Tensor()), ValueError);
  EXPECT_THROW(Tensor().sum(), ValueError);
  EXPECT_THROW(Tensor().backward(), ValueError);
}

}  // namespace
}  // namespace bb
