// Attention beyond what tests/op_cases shows, and its errors.
#include "bb/autograd/ops/attention.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"
#include "bb/tests/same_bits.h"

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

// ---- By tiles, against the same written with ops

struct Inputs {
  Tensor q, k, v, mask, dy;
  AttentionOptions options = {};

  Inputs to(DType dtype) const {
    const auto convert = [&](const Tensor& x) {
      return x.defined() && x.dtype() != kBool ? x.to(dtype) : x;
    };
    return {convert(q), convert(k), convert(v), convert(mask), convert(dy), options};
  }
};

struct Outcome {
  Tensor y;
  std::vector<Tensor> gradients;
};

template <class F>
Outcome outcome(const Inputs& in, const F& f) {
  const Tensor q = in.q.detach().requires_grad_(), k = in.k.detach().requires_grad_(),
               v = in.v.detach().requires_grad_();
  const Tensor y = f(q, k, v);
  return {y.detach(), autograd::grad(y, std::array{q, k, v}, in.dy)};
}
Outcome by_tiles(const Inputs& in) {
  return outcome(in, [&](const Tensor& q, const Tensor& k, const Tensor& v) {
    return scaled_dot_product_attention(q, k, v, in.mask, in.options);
  });
}
// A query that sees no key gets zeros: it sees all, and its weights count nothing.
Outcome by_ops(const Inputs& in) {
  return outcome(in, [&](const Tensor& q, const Tensor& k, const Tensor& v) {
    const auto heads = [&](const Tensor& x) {
      if (!in.options.enable_gqa) return x;
      std::vector<Tensor> each;
      for (const Tensor& head : x.unbind(-3))
        each.insert(each.end(), static_cast<size_t>(q.size(-3) / x.size(-3)), head);
      return stack(each, -3);
    };
    const double scale = in.options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
    const Tensor scores = matmul(q, heads(k).mT()) * scale;
    Tensor added = zeros(scores.shape(), q.dtype());
    const double inf = std::numeric_limits<double>::infinity();
    if (in.options.is_causal)
      added = added.masked_fill(ones({q.size(-2), k.size(-2)}, kBool).triu(1), -inf);
    if (in.mask.defined())
      added = in.mask.dtype() == kBool ? added.masked_fill(in.mask.logical_not(), -inf)
                                       : added + in.mask;
    const Tensor blind = eq(added, -inf).all(-1, true);
    const Tensor weights = softmax(scores + added.masked_fill(blind, 0), -1);
    return matmul(weights.masked_fill(blind, 0), heads(v));
  });
}

// The largest difference, by the largest element; 0 of none.
double difference(const Tensor& actual, const Tensor& expected) {
  EXPECT_EQ(actual.shape(), expected.shape());
  if (actual.numel() == 0) return 0;
  const Tensor a = actual.to(kFloat64), b = expected.to(kFloat64);
  return abs(a - b).max().item<double>() / std::max(1.0, abs(b).max().item<double>());
}

void expect_agreement(const Inputs& in) {
  const Outcome expected = by_ops(in.to(kFloat64));
  for (const DType dtype : {kFloat64, kFloat32}) {
    const double tolerance = dtype == kFloat64 ? 1e-13 : 1e-5;
    const Outcome actual = by_tiles(in.to(dtype));
    EXPECT_LE(difference(actual.y, expected.y), tolerance);
    for (size_t i = 0; i < 3; ++i)
      EXPECT_LE(difference(actual.gradients[i], expected.gradients[i]), tolerance)
          << "gradient of input " << i << ", " << name(dtype);
  }
}

Inputs random_inputs(const Shape& batch, int64_t queries, int64_t keys, int64_t width,
                     int64_t value_width) {
  const auto rows = [&](int64_t n, int64_t columns) {
    Shape shape = batch;
    shape.push_back(n);
    shape.push_back(columns);
    return randn(shape, kFloat64);
  };
  return {rows(queries, width),
          rows(keys, width),
          rows(keys, value_width),
          {},
          rows(queries, value_width)};
}

TEST(AttentionByTiles, AgreesWithOpsWhereSizesAreNotThoseOfTiles) {
  manual_seed(3);
  for (const auto& [queries, keys, width, value_width] : {std::array<int64_t, 4>{64, 128, 32, 32},
                                                          {65, 129, 7, 33},
                                                          {200, 300, 16, 1},
                                                          {300, 75, 1, 20},
                                                          {127, 1, 8, 8},
                                                          {9, 16, 3, 5},
                                                          {130, 140, 80, 3}}) {
    SCOPED_TRACE(fmt::format("L {} S {} E {} EV {}", queries, keys, width, value_width));
    Inputs in = random_inputs({2, 3}, queries, keys, width, value_width);
    expect_agreement(in);
    in.options = {.is_causal = true, .scale = -0.7};
    expect_agreement(in);
  }
}

TEST(AttentionByTiles, MasksBroadcastInEachDim) {
  manual_seed(4);
  Inputs in = random_inputs({2, 3}, 70, 150, 8, 6);
  for (const Shape& shape :
       {Shape{2, 3, 70, 150}, {70, 150}, {3, 1, 150}, {2, 1, 70, 1}, {1, 1}, {}}) {
    SCOPED_TRACE(to_string(shape));
    in.mask = randn(shape, kFloat64);
    expect_agreement(in);
    in.mask = randn(shape, kFloat64) > -0.5;
    expect_agreement(in);
  }
  in.mask = (randn({150, 70}, kFloat64) > 0).t();
  expect_agreement(in);
}

TEST(AttentionByTiles, QueriesThatSeeNothingAmongOthers) {
  manual_seed(5);
  Inputs in = random_inputs({2}, 80, 140, 8, 6);
  in.mask = (randn({80, 140}, kFloat64) > 0) & (remainder(arange(80), 3) > 0).unsqueeze(1);
  expect_agreement(in);
  const Outcome bool_mask = by_tiles(in);
  EXPECT_EQ(bool_mask.y.select(1, 3).to_vector<double>(), std::vector<double>(12));
  in.mask = zeros({80, 140}, kFloat64)
                .masked_fill(in.mask.logical_not(), -std::numeric_limits<double>::infinity());
  expect_agreement(in);
  // The first keys, a tile of them, are unseen.
  in.mask = (arange(140) > 130).expand({80, 140});
  expect_agreement(in);
}

TEST(AttentionByTiles, HeadsOfKeysAndValuesServeSeveral) {
  manual_seed(6);
  Inputs in = random_inputs({2, 6}, 70, 90, 8, 6);
  in.k = in.k.narrow(1, 0, 2);
  in.v = in.v.narrow(1, 0, 3);
  in.options.enable_gqa = true;
  expect_agreement(in);
  in.k = in.k.narrow(0, 0, 1);
  in.v = in.v.narrow(1, 0, 1);
  in.options.is_causal = true;
  expect_agreement(in);
}

TEST(AttentionByTiles, LeadingDimsBroadcast) {
  manual_seed(7);
  Inputs in = random_inputs({2, 3}, 70, 90, 8, 6);
  in.k = in.k.narrow(0, 0, 1);
  in.v = in.v.select(0, 1);
  in.q = in.q.narrow(1, 1, 1);
  expect_agreement(in);
}

TEST(AttentionByTiles, ReadsViewsOfOneTensorAndGivesGradientsThatLieAlike) {
  manual_seed(8);
  const int64_t batch = 2, tokens = 100, heads = 3, width = 16;
  const Tensor x = randn({batch, tokens, 3 * heads * width}, kFloat64);
  const auto part = [&](int64_t i) {
    return x.chunk(3, 2)[static_cast<size_t>(i)]
        .reshape({batch, tokens, heads, width})
        .transpose(1, 2);
  };
  const Inputs in{part(0),
                  part(1),
                  part(2),
                  {},
                  randn({batch, heads, tokens, width}, kFloat64),
                  {.is_causal = true}};
  expect_agreement(in);
  const Outcome result = by_tiles(in);
  EXPECT_TRUE(result.y.transpose(1, 2).is_contiguous());
  for (const Tensor& gradient : result.gradients)
    EXPECT_TRUE(gradient.transpose(1, 2).is_contiguous());
}

// Scores of few bits, that float32 holds whole beside a large number that all have in common: the
// weights depend on their differences alone.
TEST(AttentionByTiles, LargeScoresKeepTheirDifferences) {
  manual_seed(10);
  for (const double size : {1e4, 1e6}) {
    Inputs in = random_inputs({2}, 80, 150, 8, 6);
    in.q = round(in.q * 2) / 2;
    in.k = round(in.k * 2) / 2;
    in.options.scale = 1;
    in.mask = full({80, 1}, size, kFloat64);
    expect_agreement(in);
    in.mask = Tensor();
    in.options.is_causal = true;
    in.q.select(-1, 0).fill_(size);
    in.k.select(-1, 0).fill_(1);
    const Outcome expected = by_ops(in);
    for (const DType dtype : {kFloat64, kFloat32}) {
      const Outcome actual = by_tiles(in.to(dtype));
      const double tolerance = dtype == kFloat64 ? 1e-13 : 1e-5;
      EXPECT_LE(difference(actual.y, expected.y), tolerance) << size;
      for (size_t i = 0; i < 3; ++i) {
        const Tensor &a = actual.gradients[i], &b = expected.gradients[i];
        // The column of k that q multiplies by `size` has gradients as large.
        EXPECT_LE(difference(a.narrow(-1, 1, 5), b.narrow(-1, 1, 5)), tolerance)
            << size << ", gradient of input " << i << ", " << name(dtype);
      }
    }
  }
}

TEST(AttentionByTiles, NaNStaysInTheQueriesThatSeeIt) {
  Inputs in = random_inputs({}, 100, 100, 4, 4);
  in.k.select(0, 70).fill_(std::numeric_limits<double>::quiet_NaN());
  in.options.is_causal = true;
  const Tensor is_nan = isnan(scaled_dot_product_attention(in.q, in.k, in.v, {}, in.options));
  EXPECT_FALSE(is_nan.slice(0, 0, 70).any().item<bool>());
  EXPECT_TRUE(is_nan.slice(0, 70, 100).all().item<bool>());
  const Tensor mask = (arange(100) != 70).expand({100, 100});
  EXPECT_FALSE(isnan(scaled_dot_product_attention(in.q, in.k, in.v, mask)).any().item<bool>());
}

TEST(AttentionByTiles, SizesOfZero) {
  for (const auto& [batch, queries, keys, width, value_width] :
       {std::array<int64_t, 5>{2, 70, 0, 3, 4},
        {2, 0, 70, 3, 4},
        {0, 70, 70, 3, 4},
        {2, 70, 70, 0, 4},
        {2, 70, 70, 3, 0}}) {
    SCOPED_TRACE(fmt::format("{} {} {} {} {}", batch, queries, keys, width, value_width));
    Inputs in = random_inputs({batch}, queries, keys, width, value_width);
    in.options.scale = 0.5;
    const Outcome result = by_tiles(in), causal = [&] {
      in.options.is_causal = true;
      return by_tiles(in);
    }();
    for (const Outcome& each : {result, causal}) {
      EXPECT_EQ(each.y.shape(), (Shape{batch, queries, value_width}));
      EXPECT_EQ(each.gradients[0].shape(), in.q.shape());
      if (keys == 0) {
        EXPECT_EQ(each.y.to_vector<double>(),
                  std::vector<double>(static_cast<size_t>(each.y.numel())));
      }
      if (queries == 0) {
        EXPECT_EQ(each.gradients[2].to_vector<double>(),
                  std::vector<double>(static_cast<size_t>(in.v.numel())));
      }
    }
    if (width == 0) {
      EXPECT_LE(difference(result.y, in.v.mean({1}, true).expand({2, 70, 4})), 1e-14);
    }
  }
}

TEST(AttentionByTiles, SameBitsForAnyNumberOfThreads) {
  manual_seed(9);
  detail::share_all_work(true);
  for (const int64_t heads : {1, 2, 3}) {  // shared by rows, by heads, unevenly
    Inputs in = random_inputs({heads}, 150, 300, 8, 6).to(kFloat32);
    for (const bool causal : {false, true}) {
      in.options.is_causal = causal;
      std::vector<std::string> one;
      for (const int threads : {1, 2, 4}) {
        const testing::Threads scope(threads);
        const Outcome result = by_tiles(in);
        std::vector<std::string> bytes = testing::bytes_of(result.gradients);
        bytes.push_back(testing::bytes_of(result.y));
        if (threads == 1) one = bytes;
        EXPECT_EQ(bytes, one) << heads << " heads, " << threads << " threads";
      }
    }
  }
  detail::share_all_work(false);
}

TEST(AttentionByTiles, MemoryGrowsWithTheQueriesNotTheirSquare) {
  const testing::Threads scope(1);
  const Inputs in = random_inputs({2}, 1024, 1024, 16, 16).to(kFloat32);
  const int64_t operand = in.q.numel() * 4;
  memory::reset_peak();
  const int64_t before = memory::stats().live_bytes;
  const Outcome result = by_tiles(in);
  // y, three gradients, and little besides: tiles and numbers for each query.
  EXPECT_LT(memory::stats().peak_bytes - before, 4 * operand + 128 * 1024);
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
  // A mask fits the scores, it does not repeat them.
  EXPECT_THROW(scaled_dot_product_attention(q.narrow(1, 0, 1), k, v, ones({3, 5}, kBool)),
               ShapeError);
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
  const auto grouped = [](const Tensor& a, const Tensor& b, const Tensor& c) {
    return scaled_dot_product_attention(a, b, c, {}, {.enable_gqa = true});
  };
  expect_error<ShapeError>(
      [&] {
        grouped(q, ones({0, 5, 4}), ones({0, 5, 6}));
      },
      "scaled_dot_product_attention: there are heads of q, but none of k or v (dim -3)\n"
      "  q float32 [2, 3, 4]   k float32 [0, 5, 4]   v float32 [0, 5, 6]");
  expect_error<ShapeError>(
      [&] {
        grouped(q, k, ones({0, 5, 6}));
      },
      "scaled_dot_product_attention: there are heads of q, but none of k or v (dim -3)\n"
      "  q float32 [2, 3, 4]   k float32 [2, 5, 4]   v float32 [0, 5, 6]");
  expect_error<ShapeError>(
      [&] {
        grouped(q, k, ones({5, 6}));
      },
      "scaled_dot_product_attention: grouped heads need at least three dimensions (..., heads, L "
      "or S, E)\n  q float32 [2, 3, 4]   k float32 [2, 5, 4]   v float32 [5, 6]");
}

TEST(Attention, GroupedWithoutHeadsOfQueriesIsEmpty) {
  for (const int64_t queries : {3, 70})
    for (const int64_t heads : {0, 1, 2}) {
      const Tensor q = ones({2, 0, queries, 4}).requires_grad_();
      const Tensor k = ones({2, heads, 5, 4}).requires_grad_();
      const Tensor v = ones({2, heads, 5, 6}).requires_grad_();
      const Tensor y = scaled_dot_product_attention(q, k, v, {}, {.enable_gqa = true});
      EXPECT_EQ(y.shape(), (Shape{2, 0, queries, 6}));
      y.sum().backward();
      for (const Tensor& x : {q, k, v}) {
        EXPECT_EQ(x.grad().shape(), x.shape());
        EXPECT_FALSE(ne(x.grad(), 0).any().item<bool>());
      }
    }
}

// Scores that overflow to -inf are no mask: NaN, by tiles (32 queries) and by ops (8) alike.
TEST(Attention, OfScoresThatOverflowIsNaN) {
  for (const int64_t queries : {8, 32}) {
    const Tensor q = full({queries, 1}, -1e30), k = full({32, 1}, 1e30), v = ones({32, 2});
    EXPECT_TRUE(isnan(scaled_dot_product_attention(q, k, v)).all().item<bool>()) << queries;
  }
}

TEST(Attention, IsLookedAtByAnomalyDetectionWithoutGradients) {
  const DetectAnomaly guard;
  const Tensor q = full({64, 1}, 1e30);
  EXPECT_THROW(scaled_dot_product_attention(q, q, q), Error);
}

}  // namespace
}  // namespace bb
