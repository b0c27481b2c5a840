#include <gtest/gtest.h>

#include "bb/bb.h"

namespace bb {
namespace {

using UnaryOp = std::function<Tensor(const Tensor&)>;

// Ops whose pullbacks may write over the gradient that they are given.
std::vector<std::pair<const char*, UnaryOp>> ops() {
  const Tensor w = randn({3, 3, 3, 3});
  return {{"relu", [](const Tensor& x) { return relu(x); }},
          {"gelu", [](const Tensor& x) { return gelu(x); }},
          {"silu", [](const Tensor& x) { return silu(x); }},
          {"mish", [](const Tensor& x) { return mish(x); }},
          {"tanh", [](const Tensor& x) { return tanh(x); }},
          {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
          {"sin", [](const Tensor& x) { return sin(x); }},
          {"batch_norm",
           [](const Tensor& x) { return batch_norm(x, {}, {}, {}, {}, {.training = true}); }},
          {"batch_norm with residual",
           [](const Tensor& x) {
             return batch_norm(x, {}, {}, {}, {}, {.training = true, .residual = x});
           }},
          {"batch_norm with residual and relu",
           [](const Tensor& x) {
             return batch_norm(x, {}, {}, {}, {},
                               {.training = true, .residual = x, .activation = Activation::kRelu});
           }},
          {"layer_norm", [](const Tensor& x) { return layer_norm(x, {4}); }},
          {"conv2d with relu",
           [w](const Tensor& x) {
             return conv2d(x, w, {}, {.padding = 1, .activation = Activation::kRelu});
           }},
          {"linear with relu",
           [v = randn({4, 4})](const Tensor& x) { return linear(x, v, {}, Activation::kRelu); }}};
}

bool same(const Tensor& a, const Tensor& b) { return eq(a, b).all().item<bool>(); }

TEST(WriteOver, NobodysGradientChanges) {
  for (const auto& [name, op] : ops()) {
    Tensor x = randn({2, 3, 4, 4}).requires_grad_();
    const Tensor dy = randn({2, 3, 4, 4}), before = dy.clone();
    op(x).backward(dy);
    const Tensor expected = x.grad().clone();
    EXPECT_TRUE(same(dy, before)) << name << ": the caller's";

    // In the middle of a graph, where the gradient is nobody's but for what follows.
    const auto again = [&](const auto& look) {
      x.set_grad({});
      Tensor y = op(x);
      look(y);
      (y * before).sum().backward();
      return x.grad();
    };
    EXPECT_TRUE(same(again([](const Tensor&) {}), expected)) << name;
    Tensor seen;
    const Tensor with_hook = again(
        [&](const Tensor& y) { y.register_hook([&seen](const Tensor& grad) { seen = grad; }); });
    EXPECT_TRUE(same(with_hook, expected)) << name << ": a hook's";
    EXPECT_TRUE(same(seen, before)) << name << ": a hook's";
    Tensor retaining;
    again([&](const Tensor& y) {
      y.retain_grad();
      retaining = y;
    });
    EXPECT_TRUE(same(retaining.grad(), before)) << name << ": one that is retained";

    // The same gradient goes to two results, seen as rows.
    x.set_grad({});
    const Tensor both = op(x).reshape({6, 16}) + op(x).reshape({6, 16});
    both.backward(before.reshape({6, 16}));
    EXPECT_LT((x.grad() - expected * 2).abs().max().item<float>(), 1e-5) << name << ": of a sum";
    EXPECT_TRUE(same(dy, before)) << name << ": of a sum";

    const Tensor y = op(x);
    const auto grads = autograd::grad({(y * before).sum()}, {y, x});
    EXPECT_TRUE(same(grads[0], before)) << name << ": one that was asked for";
    EXPECT_TRUE(same(grads[1], expected)) << name << ": one that was asked for";
  }
}

TEST(WriteOver, LentMemoryStaysAsItIs) {
  std::vector<float> memory(16, 1.0f);
  const Tensor x = full({16}, -1.0).requires_grad_();
  Tensor y = relu(x);
  y.register_hook(
      [&](const Tensor&) { return Tensor::borrow(memory.data(), {16}, std::shared_ptr<void>()); });
  (y * 2.0).sum().backward();
  EXPECT_EQ(memory, std::vector<float>(16, 1.0f));
  EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(16, 0.0f));
}

TEST(WriteOver, AnActivationsGradientTakesNoMemory) {
  const Tensor x = randn({256, 256}).requires_grad_();
  const Tensor y = tanh(gelu(silu(tanh(x)))) * 2.0;
  const Tensor loss = y.sum();
  memory::reset_peak();
  const auto before = memory::stats().live_bytes;
  loss.backward();
  // The gradient of y, that of the product, and one value that is computed again.
  EXPECT_LT(memory::stats().peak_bytes - before, 4 * 256 * 256 * 4);
}

}  // namespace
}  // namespace bb
