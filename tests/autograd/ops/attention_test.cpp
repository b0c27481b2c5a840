// Attention beyond what tests/op_cases shows, and its errors.
#include "bb/autograd/ops/attention.h"

#include <gtest/gtest.h>

#include <limits>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

TEST(Attention, AQueryThatSeesNothingGetsZerosAndGivesNoGradient) {
  Tensor q = randn({2, 3}).requires_grad_(), k = randn({4, 3}).requires_grad_();
  Tensor v = randn({4, 2}).requires_grad_();
  const Tensor mask = le(arange(4).expand({2, 4}), tensor({-1, 3}).unsqueeze(1));
  const Tensor y = scaled_dot_product_attention(q, k, v, mask);
  EXPECT_EQ(y.slice(0, 0, 1).to_vector<float>(), (std::vector<float>{0, 0}));
  y.sum().backward();
  EXPECT_EQ(q.grad().slice(0, 0, 1).to_vector<float>(), (std::vector<float>{0, 0, 0}));
  for (const Tensor& x : {q, k, v})
    for (float value : x.grad().to_vector<float>()) EXPECT_FALSE(std::isnan(value));
}

TEST(Attention, NoKeysGiveZeros) {
  const Tensor y = scaled_dot_product_attention(ones({2, 3}), ones({0, 3}), ones({0, 2}));
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>(4)));
  EXPECT_EQ(
      scaled_dot_product_attention(ones({2, 3}), ones({0, 3}), ones({0, 2}), ones({2, 0}, kBool))
          .to_vector<float>(),
      (std::vector<float>(4)));
}

TEST(Attention, DropoutIsOfTheWeights) {
  manual_seed(1);
  const Tensor y = scaled_dot_product_attention(zeros({50, 1}), zeros({20, 1}), ones({20, 1}), {},
                                                {.dropout_p = 0.5});
  for (float value : y.to_vector<float>()) {  // a whole number of keys, of 20, doubled
    EXPECT_NEAR(value * 10, std::round(value * 10), 1e-4);
    EXPECT_NEAR(value, 1, 0.8);
  }
  EXPECT_EQ(
      scaled_dot_product_attention(zeros({2, 1}), zeros({3, 1}), ones({3, 1}), {}, {.dropout_p = 1})
          .to_vector<float>(),
      (std::vector<float>{0, 0}));
}

TEST(AttentionErrors, OperandsThatDoNotFit) {
  const Tensor q = ones({2, 3, 4}), k = ones({2, 5, 4}), v = ones({2, 5, 6});
  expect_error<ShapeError>(
      [&] {
        scaled_dot_product_attention(q, ones({2, 5, 3}), v);
      },
      "scaled_dot_product_attention: q [..., L, E], k [..., S, E] and v [..., S, EV] do not fit\n"
      "  q float32 [2, 3, 4]   k float32 [2, 5, 3]   v float32 [2, 5, 6]");
  expect_error<ShapeError>(
      [&] { scaled_dot_product_attention(q, ones({4}), v); },
      "scaled_dot_product_attention: q, k and v need at least two dimensions (..., L or S, E)\n"
      "  q float32 [2, 3, 4]   k float32 [4]   v float32 [2, 5, 6]");
  expect_error<ShapeError>(
      [&] {
        scaled_dot_product_attention(q, k, ones({3, 5, 6}));
      },
      "scaled_dot_product_attention: shapes do not broadcast: at dimension 3 from the end they are "
      "2 and 3\n  q [2, 3, 4]   k [2, 5, 4]   v [3, 5, 6]\n  hint: sizes must be equal, or one of "
      "them 1");
  expect_error<ShapeError>(
      [&] {
        scaled_dot_product_attention(q, k, v, ones({1, 2, 3, 5}, kBool));
      },
      "scaled_dot_product_attention: the mask does not broadcast with the scores [2, 3, 5]\n"
      "  q float32 [2, 3, 4]   k float32 [2, 5, 4]   v float32 [2, 5, 6]   mask bool [1, 2, 3, 5]");
  EXPECT_THROW(scaled_dot_product_attention(q, k, v, ones({4, 5}, kBool)), ShapeError);
  expect_error<DTypeError>(
      [&] {
        scaled_dot_product_attention(q, k, v, ones({3, 5}, kInt64));
      },
      "scaled_dot_product_attention: q, k and v must have one floating-point dtype, a mask that or "
      "bool\n  q float32 [2, 3, 4]   k float32 [2, 5, 4]   v float32 [2, 5, 6]   mask int64 [3, "
      "5]");
  EXPECT_THROW(scaled_dot_product_attention(q, k.to(kFloat64), v), DTypeError);
  expect_error<ValueError>(
      [&] {
        scaled_dot_product_attention(q, k, v, ones({3, 5}, kBool), {.is_causal = true});
      },
      "scaled_dot_product_attention: is_causal is a mask of its own\n"
      "  q float32 [2, 3, 4]   k float32 [2, 5, 4]   v float32 [2, 5, 6]   mask bool [3, 5]\n"
      "  hint: put it into the mask");
  expect_error<ValueError>([&] { scaled_dot_product_attention(q, k, v, {}, {.dropout_p = 2}); },
                           "scaled_dot_product_attention: dropout_p must lie in [0, 1], got 2\n"
                           "  q float32 [2, 3, 4]   k float32 [2, 5, 4]   v float32 [2, 5, 6]");
  expect_error<ShapeError>(
      [&] {
        scaled_dot_product_attention(ones({3, 3, 4}), k, v, {}, {.enable_gqa = true});
      },
      "scaled_dot_product_attention: the heads of k and v (dim -3) must divide those of q\n"
      "  q float32 [3, 3, 4]   k float32 [2, 5, 4]   v float32 [2, 5, 6]");
}

}  // namespace
}  // namespace bb
