// Hooks on tensors and modules, retain_grad.
#include "bb/autograd/hooks.h"

#include <gtest/gtest.h>

#include "../message_of.h"
#include "bb/bb.h"

namespace bb {
namespace {

using Floats = std::vector<float>;
Tensor leaf(std::initializer_list<Scalar> values) {
  return tensor(values, kFloat32).requires_grad_();
}

TEST(TensorHook, SeesTheWholeGradientOnce) {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * 3;
  std::vector<Floats> seen;
  y.register_hook([&](const Tensor& dy) { seen.push_back(dy.to_vector<float>()); });
  (y * y + y).sum().backward();
  EXPECT_EQ(seen, (std::vector<Floats>{{7, 13}}));
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{21, 39}));
}

TEST(TensorHook, ReplacesTheGradient) {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * 3;
  y.register_hook([](const Tensor& dy) { return dy * 10; });
  x.register_hook([](const Tensor& dx) { return dx + 1; });
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{31, 31}));
}

TEST(TensorHook, RunsInOrderAndCanBeTakenAway) {
  const Tensor x = leaf({1, 2});
  std::string order;
  HookHandle first = x.register_hook([&](const Tensor&) { order += 'a'; });
  x.register_hook([&](const Tensor& dx) {
    order += 'b';
    return dx * 2;
  });
  (x * 1).sum().backward();
  first.remove();
  (x * 1).sum().backward();
  EXPECT_EQ(order, "abb");
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{4, 4}));
}

TEST(TensorHook, IsPartOfASecondDerivative) {
  const Tensor x = leaf({3});
  const Tensor y = x * x;
  y.register_hook([](const Tensor& dy) { return dy * 2; });
  const Tensor dx = autograd::grad(y.sum(), {x}, {.create_graph = true})[0];
  EXPECT_EQ(dx.item<float>(), 12);
  EXPECT_EQ(autograd::grad(dx.sum(), {x})[0].item<float>(), 4);
}

TEST(TensorHook, ThatReturnsAMisfitThrows) {
  const Tensor x = leaf({1, 2});
  x.register_hook([](const Tensor&) { return zeros({3}); });
  EXPECT_EQ(message_of<ShapeError>([&] { (x * 1).sum().backward(); }),
            "backward: a hook returned a gradient that does not fit\n"
            "  returned float32 [3]   gradient float32 [2], of leaf");
  EXPECT_EQ(message_of<ValueError>([] { zeros({2}).register_hook([](const Tensor&) {}); }),
            "register_hook: float32 [2] has no gradient to call a hook with\n"
            "  hint: call requires_grad_() first");
}

TEST(RetainGrad, KeepsTheGradientOfAResult) {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * 3;
  y.retain_grad();
  (y * y).sum().backward();
  EXPECT_EQ(y.grad().to_vector<float>(), (Floats{6, 12}));
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{18, 36}));
  EXPECT_THROW(zeros({2}).retain_grad(), ValueError);
  EXPECT_NO_THROW(x.retain_grad());
}

struct Net : nn::Module {
  nn::Linear in = add("in", nn::Linear(3, 4)), out = add("out", nn::Linear(4, 2));
  Tensor forward(const Tensor& x) override { return out(relu(in(x))); }
};

TEST(ModuleHook, SeesAndReplacesInputAndOutput) {
  Net net;
  const Tensor x = randn({5, 3}), plain = net(x);
  Tensor seen_in, seen_out;
  net.in.register_forward_pre_hook([&](nn::Module& module, const Tensor& value) {
    EXPECT_EQ(module.type(), "Linear");
    seen_in = value;
    return Tensor();
  });
  HookHandle doubling = net.out.register_forward_hook(
      [&](nn::Module&, const Tensor&, const Tensor& y) { return y * 2; });
  net.out.register_forward_hook([&](nn::Module&, const Tensor&, const Tensor& y) {
    seen_out = y;
    return Tensor();
  });
  const Tensor y = net(x);
  EXPECT_TRUE(seen_in.is(x));
  EXPECT_EQ(y.to_vector<float>(), (plain * 2).to_vector<float>());
  EXPECT_EQ(seen_out.to_vector<float>(), y.to_vector<float>());
  doubling.remove();
  EXPECT_EQ(net(x).to_vector<float>(), plain.to_vector<float>());
}

TEST(ModuleHook, OnAModuleBeforeAnActivationSeesItsOwnOutput) {
  nn::Sequential model{nn::Linear(3, 4), nn::ReLU()};
  const Tensor x = randn({5, 3}), plain = model(x);
  Tensor seen;
  model.children()[0].second->register_forward_hook(
      [&](nn::Module&, const Tensor&, const Tensor& y) {
        seen = y;
        return Tensor();
      });
  EXPECT_EQ(model(x).to_vector<float>(), plain.to_vector<float>());
  EXPECT_LT(seen.detach().to_vector<float>(), relu(seen.detach()).to_vector<float>());
}

TEST(ModuleHook, InBackwardHasTheGradientsOfInputAndOutput) {
  nn::Linear layer(3, 2);
  const Tensor x = randn({5, 3}).requires_grad_();
  Tensor seen_dx, seen_dy;
  layer.register_full_backward_hook([&](const Tensor& dx, const Tensor& dy) {
    seen_dx = dx;
    seen_dy = dy;
    return dx * 2;
  });
  const Tensor y = layer(x), dy = randn({5, 2});
  y.backward(dy);
  EXPECT_EQ(seen_dy.to_vector<float>(), dy.to_vector<float>());
  const Tensor right = matmul(dy, layer.parameters()[0].detach());
  EXPECT_EQ(seen_dx.to_vector<float>(), right.to_vector<float>());
  EXPECT_EQ(x.grad().to_vector<float>(), (right * 2).to_vector<float>());

  int calls = 0;
  nn::Linear first(3, 2);
  first.register_full_backward_hook([&](const Tensor& dx, const Tensor&) {
    ++calls;
    EXPECT_FALSE(dx.defined());
    return Tensor();
  });
  first(x.detach()).sum().backward();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace bb
