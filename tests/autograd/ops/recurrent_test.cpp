// Recurrent layers beyond what tests/op_cases shows, and their errors.
#include "bb/autograd/ops/recurrent.h"

#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"
#include "bb/tests/same_bits.h"

namespace bb {
namespace {

using Over = std::function<Tensor(const std::vector<Tensor>&)>;  // of x, h0, c0, weights

// Each kind of layer with its gates, all results in one.
std::vector<std::pair<int64_t, Over>> kinds(const RecurrentOptions& options = {}) {
  const auto weights = [](const std::vector<Tensor>& in) {
    return std::vector<Tensor>{in.begin() + 3, in.end()};
  };
  const auto flat = [](const Tensor& y, const Tensor& h) {
    return cat({y.flatten(), h.flatten()});
  };
  return {{4,
           [=](const std::vector<Tensor>& in) {
             const auto [y, h, c] = lstm(in[0], {in[1], in[2]}, weights(in), options);
             return cat({flat(y, h), c.flatten()});
           }},
          {3,
           [=](const std::vector<Tensor>& in) {
             const auto [y, h] = gru(in[0], in[1], weights(in), options);
             return flat(y, h);
           }},
          {1,
           [=](const std::vector<Tensor>& in) {
             const auto [y, h] = rnn_tanh(in[0], in[1], weights(in), options);
             return flat(y, h);
           }},
          {1, [=](const std::vector<Tensor>& in) {
             const auto [y, h] = rnn_relu(in[0], in[1], weights(in), options);
             return flat(y, h);
           }}};
}

std::vector<Tensor> operands(int64_t gates, int64_t steps, int64_t batch, int64_t hidden,
                             int64_t directions, DType dtype) {
  manual_seed(3);
  std::vector<Tensor> in{randn({steps, batch, 5}, dtype), randn({directions, batch, hidden}, dtype),
                         randn({directions, batch, hidden}, dtype)};
  for (int64_t i = 0; i < directions; ++i) {
    in.push_back(randn({gates * hidden, 5}, dtype) * 0.3);
    in.push_back(randn({gates * hidden, hidden}, dtype) * 0.1);
    for (int bias = 0; bias < 2; ++bias) in.push_back(randn({gates * hidden}, dtype));
  }
  for (Tensor& x : in) x = x.detach().requires_grad_();
  return in;
}

// Several blocks of sequences and whole vectors: the kernels' gradients against those of composed
// ops, which create_graph asks for.
TEST(Recurrent, BothWaysBackAgree) {
  for (const auto& [gates, layer] : kinds({.bidirectional = true})) {
    const auto in = operands(gates, 5, 37, 19, 2, kFloat64);
    const Tensor y = layer(in);
    std::vector<Tensor> reached;
    for (const Tensor& x : in)
      if (gates == 4 || &x != &in[2]) reached.push_back(x);
    const Tensor dy = randn(y.shape(), kFloat64);
    const auto fused = autograd::grad(y, reached, dy, {.retain_graph = true});
    const auto composed = autograd::grad(y, reached, dy, {.create_graph = true});
    for (size_t i = 0; i < fused.size(); ++i) {
      EXPECT_FALSE(fused[i].requires_grad());
      EXPECT_TRUE(composed[i].requires_grad());
      const double error = (fused[i] - composed[i].detach()).abs().max().item<double>();
      EXPECT_LT(error, 1e-11) << gates << " gates, operand " << i;
      EXPECT_GT(fused[i].abs().max().item<double>(), 0.01);
    }
  }
}

// Weights within a core's cache and beyond it.
TEST(Recurrent, AnyNumberOfThreadsGivesTheSameBits) {
  for (const int64_t hidden : {24, 280}) {
    for (const auto& [gates, layer] : kinds()) {
      std::vector<std::vector<std::string>> seen;
      for (const int threads : {1, 2, 3, 8}) {
        const bb::testing::Threads scope(threads);
        const auto in = operands(gates, 3, 50, hidden, 1, kFloat32);
        const Tensor y = layer(in);
        y.sum().backward();
        std::vector<Tensor> results{y};
        for (const Tensor& x : in)
          if (x.grad().defined()) results.push_back(x.grad());
        seen.push_back(bb::testing::bytes_of(results));
        EXPECT_TRUE(seen.back() == seen[0]) << threads << " threads, " << gates << " gates";
      }
    }
  }
}

TEST(Recurrent, UndefinedStatesAreZeros) {
  for (const auto& [gates, layer] : kinds()) {
    auto in = operands(gates, 2, 3, 4, 1, kFloat32);
    in[1] = in[2] = Tensor();
    const auto implicit = layer(in).to_vector<float>();
    in[1] = in[2] = zeros({1, 3, 4});
    EXPECT_EQ(implicit, layer(in).to_vector<float>());
  }
  const Tensor x = ones({2, 3}), w_ih = ones({16, 3}), w_hh = ones({16, 4});
  EXPECT_EQ(lstm_cell(x, {}, w_ih, w_hh).h.to_vector<float>(),
            lstm_cell(x, {zeros({2, 4}), zeros({2, 4})}, w_ih, w_hh).h.to_vector<float>());
}

TEST(Recurrent, DropoutIsOfTheOutputsBetweenLayers) {
  const auto lower = operands(1, 4, 3, 6, 1, kFloat32), upper = operands(1, 4, 3, 5, 1, kFloat32);
  const std::vector<Tensor> one{lower.begin() + 3, lower.end()};
  std::vector<Tensor> two = one;
  for (const Shape& shape : {Shape{6, 6}, Shape{6, 6}, Shape{6}, Shape{6}})
    two.push_back(ones(shape));
  const auto all = [&](double p) {
    return rnn_tanh(lower[0], {}, two, {.num_layers = 2, .dropout = p});
  };
  // The second layer sees zeros: its steps are alike whatever x is. The first one's state is not
  // touched, nor is a single layer.
  const auto dropped = all(1);
  EXPECT_EQ(dropped.outputs.select(1, 0).to_vector<float>(),
            dropped.outputs.select(1, 1).to_vector<float>());
  EXPECT_NE(all(0).outputs.select(1, 0).to_vector<float>(),
            all(0).outputs.select(1, 1).to_vector<float>());
  EXPECT_EQ(dropped.h.select(0, 0).to_vector<float>(),
            rnn_tanh(lower[0], {}, one, {.dropout = 1}).h.select(0, 0).to_vector<float>());
}

TEST(Recurrent, OneRecordForALayer) {
  const auto in = operands(4, 9, 2, 3, 1, kFloat32);
  const auto [y, h, c] = lstm(in[0], {}, {in[3], in[4], in[5], in[6]});
  EXPECT_EQ(autograd::detail::node_of(y)->inputs().size(), 1u);
  const auto& layer = autograd::detail::node_of(y)->inputs()[0];
  EXPECT_STREQ(layer->name, "lstm");
  EXPECT_TRUE(layer->inputs()[0]->is_leaf());
}

TEST(Recurrent, AChangedOutputIsSeenInBackward) {
  const auto in = operands(4, 2, 2, 3, 1, kFloat32);
  const auto [y, h, c] = lstm(in[0], {}, {in[3], in[4], in[5], in[6]});
  const Tensor loss = y.sum() + h.sum();
  Tensor raw = y.detach();
  raw.zero_();
  EXPECT_THROW(loss.backward(), ValueError);
}

// The last h and c are tensors of their own.
TEST(Recurrent, StatesMayChangeInPlace) {
  const auto in = operands(3, 2, 2, 3, 1, kFloat32);
  const auto [y, h] = gru(in[0], {}, {in[3], in[4], in[5], in[6]});
  Tensor state = h.detach();
  state.zero_();
  EXPECT_NO_THROW(y.sum().backward());
}

TEST(RecurrentErrors, ShapesThatDoNotFit) {
  const Tensor x = ones({5, 2, 3}), w_ih = ones({16, 3}), w_hh = ones({16, 4}), b = ones({16});
  expect_error<ShapeError>(
      [&] {
        lstm(ones({5, 3}), {}, {w_ih, w_hh});
      },
      "lstm: x must be [T,N,I]\n"
      "  x float32 [5, 3]\n  w_ih float32 [16, 3]   w_hh float32 [16, 4]\n"
      "  hint: one sequence is a batch of one, unsqueeze(1)");
  expect_error<ShapeError>(
      [&] {
        lstm(ones({2, 0, 3}), {}, {w_ih, w_hh}, {.batch_first = true});
      },
      "lstm: x has no steps, T must be at least 1\n"
      "  x float32 [2, 0, 3]\n  w_ih float32 [16, 3]   w_hh float32 [16, 4]");
  expect_error<ShapeError>(
      [&] {
        lstm(x, {}, {ones({16, 7}), w_hh});
      },
      "lstm: w_ih must be [4*H, I] = [16, 3]\n"
      "  x float32 [5, 2, 3]\n  w_ih float32 [16, 7]   w_hh float32 [16, 4]");
  expect_error<ShapeError>(
      [&] {
        gru(x, {}, {w_ih, w_hh});
      },
      "gru: w_hh must be [3*H, H]\n"
      "  x float32 [5, 2, 3]\n  w_ih float32 [16, 3]   w_hh float32 [16, 4]");
  expect_error<ShapeError>(
      [&] {
        lstm(x, {ones({2, 2, 4}), ones({1, 2, 4})}, {w_ih, w_hh, b, b});
      },
      "lstm: h0 must be [num_layers * directions, N, H] = [1, 2, 4]\n"
      "  x float32 [5, 2, 3]   h0 float32 [2, 2, 4]   c0 float32 [1, 2, 4]\n"
      "  w_ih float32 [16, 3]   w_hh float32 [16, 4]   b_ih float32 [16]   b_hh float32 [16]");
  expect_error<ShapeError>(
      [&] {
        lstm(x, {}, {w_ih, w_hh, w_ih, w_hh}, {.num_layers = 2});
      },
      "lstm: w_ih of layer 1 must be [4*H, I] = [16, 4]\n"
      "  x float32 [5, 2, 3]\n  layer 1: w_ih float32 [16, 3]   w_hh float32 [16, 4]");
  expect_error<ShapeError>(
      [&] {
        gru(x, {}, {ones({6, 3}), ones({6, 2}), ones({9, 3}), ones({9, 3})},
            {.bidirectional = true});
      },
      "gru: w_hh of layer 0, reverse must be that of the first = [6, 2]\n"
      "  x float32 [5, 2, 3]\n  layer 0, reverse: w_ih float32 [9, 3]   w_hh float32 [9, 3]");
  expect_error<ShapeError>([&] { lstm_cell(x, {}, w_ih, w_hh); },
                           "lstm_cell: x must be [N,I]\n"
                           "  x float32 [5, 2, 3]\n  w_ih float32 [16, 3]   w_hh float32 [16, 4]\n"
                           "  hint: one sequence is a batch of one, unsqueeze(0)");
  expect_error<ShapeError>(
      [&] {
        rnn_relu_cell(ones({2, 3}), ones({3, 4}), ones({4, 3}), ones({4, 4}));
      },
      "rnn_relu_cell: h must be [N, H] = [2, 4]\n"
      "  x float32 [2, 3]   h float32 [3, 4]\n  w_ih float32 [4, 3]   w_hh float32 [4, 4]");
  EXPECT_THROW(lstm(x, {ones({1, 2, 4}), ones({1, 3, 4})}, {w_ih, w_hh}), ShapeError);
  EXPECT_THROW(lstm(x, {}, {w_ih, w_hh, ones({4}), b}), ShapeError);
  EXPECT_THROW(lstm_cell(ones({2, 3}), {}, w_ih, w_hh, b, ones({1, 16})), ShapeError);
}

TEST(RecurrentErrors, Numbers) {
  const Tensor x = ones({5, 2, 3}), w_ih = ones({6, 3}), w_hh = ones({6, 2});
  expect_error<ValueError>(
      [&] {
        gru(x, {}, {w_ih, w_hh, w_ih});
      },
      "gru: each layer takes 2 weights, or 4 with biases: got 3 for num_layers 1\n"
      "  x float32 [5, 2, 3]\n  weight 0 [6, 3]   weight 1 [6, 2]   weight 2 [6, 3]");
  expect_error<ValueError>(
      [&] {
        gru(x, {}, {w_ih, w_hh}, {.num_layers = 2, .bidirectional = true});
      },
      "gru: each layer takes 4 weights, or 8 with biases: got 2 for num_layers 2\n"
      "  x float32 [5, 2, 3]\n  weight 0 [6, 3]   weight 1 [6, 2]");
  expect_error<ValueError>(
      [&] {
        gru(x, {}, {w_ih, w_hh}, {.num_layers = 0});
      },
      "gru: num_layers must be at least 1, got 0\n"
      "  x float32 [5, 2, 3]\n  weight 0 [6, 3]   weight 1 [6, 2]");
  expect_error<ValueError>(
      [&] {
        gru(x, {}, {w_ih, w_hh}, {.dropout = 1.5});
      },
      "gru: dropout must lie in [0, 1], got 1.5\n"
      "  x float32 [5, 2, 3]\n  weight 0 [6, 3]   weight 1 [6, 2]");
  expect_error<ValueError>(
      [&] {
        gru(x, {}, {w_ih, Tensor()});
      },
      "gru: w_hh is undefined\n"
      "  x float32 [5, 2, 3]\n  w_ih float32 [6, 3]   w_hh undefined");
  expect_error<DTypeError>(
      [&] {
        gru(x, {}, {w_ih, w_hh.to(kFloat64)});
      },
      "gru: all operands must have one floating-point dtype\n"
      "  x float32 [5, 2, 3]\n  w_ih float32 [6, 3]   w_hh float64 [6, 2]");
  EXPECT_THROW(gru(x.to(kInt64), {}, {w_ih.to(kInt64), w_hh.to(kInt64)}), DTypeError);
  EXPECT_THROW(gru(x, {}, {}), ValueError);
  EXPECT_THROW(gru(x, {}, {w_ih, w_hh}, {.num_layers = int64_t{1} << 62}), ValueError);
}

}  // namespace
}  // namespace bb
