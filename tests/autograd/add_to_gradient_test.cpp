// Gradients of a few elements, added in place to what an input has received.
#include "bb/autograd/add_to_gradient.h"

#include <gtest/gtest.h>

#include <vector>

#include "bb/bb.h"

namespace bb {
namespace {

using Floats = std::vector<float>;

TEST(AddToGradient, PartsOfOneTensor) {
  Tensor x = zeros({2, 3}).requires_grad_();
  const Tensor y = x * 1;  // the sum is a record's at first, then the leaf's
  ((y.select(0, 0) * 2).sum() + (y.narrow(1, 1, 2) * 10).sum() + y.slice(1, 0, 3, 2).sum() +
   y.diagonal().sum())
      .backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{4, 12, 13, 1, 11, 11}));
}

TEST(AddToGradient, OfALeafThatHasOne) {
  Tensor w = zeros({4, 1}).requires_grad_();
  for (int pass = 0; pass < 3; ++pass) embedding(tensor({1, 3, 1}), w).sum().backward();
  EXPECT_EQ(w.grad().to_vector<float>(), (Floats{0, 6, 0, 3}));
  embedding(tensor({1, 2}), w, {.padding_idx = 1}).sum().backward();
  EXPECT_EQ(w.grad().to_vector<float>(), (Floats{0, 6, 1, 3}));
}

TEST(AddToGradient, TakesNoSecondTableWhereThereIsAGradient) {
  Tensor w = zeros({1 << 16, 16}).requires_grad_();
  embedding(tensor({1}), w).sum().backward();
  memory::reset_peak();
  const int64_t before = memory::stats().live_bytes;
  (embedding(tensor({1}), w).sum() + w.select(0, 1).sum() + w.narrow(0, 5, 7).sum()).backward();
  EXPECT_LT(memory::stats().peak_bytes - before, 64 * 1024);  // of 4 MiB
}

TEST(AddToGradient, LeavesAloneWhatOthersSee) {
  Tensor w = zeros({2, 1}).requires_grad_();
  embedding(tensor({1}), w).sum().backward();
  const Tensor seen = w.grad();
  embedding(tensor({1}), w).sum().backward();
  EXPECT_EQ(seen.to_vector<float>(), (Floats{0, 1}));
  EXPECT_EQ(w.grad().to_vector<float>(), (Floats{0, 2}));
}

TEST(AddToGradient, HooksGetTheWholeGradientOfAPass) {
  Tensor w = zeros({2, 1}).requires_grad_();
  std::vector<Floats> seen;
  const auto handle = w.register_hook([&](const Tensor& g) {
    seen.push_back(g.to_vector<float>());
    return Tensor();
  });
  for (int pass = 0; pass < 2; ++pass)
    (embedding(tensor({1}), w).sum() + w.select(0, 0).sum()).backward();
  EXPECT_EQ(seen, (std::vector<Floats>{{1, 1}, {1, 1}}));
  EXPECT_EQ(w.grad().to_vector<float>(), (Floats{2, 2}));
}

TEST(AddToGradient, GradReturnsItsOwnAndLeavesLeavesAlone) {
  Tensor w = zeros({2, 1}).requires_grad_();
  embedding(tensor({1}), w).sum().backward();
  const Tensor y = embedding(tensor({0, 1}), w).sum() + w.select(0, 0).sum();
  EXPECT_EQ(autograd::grad(y, std::vector{w})[0].to_vector<float>(), (Floats{2, 1}));
  EXPECT_EQ(w.grad().to_vector<float>(), (Floats{0, 1}));
}

TEST(AddToGradient, RecordedGradientsAreDifferentiable) {
  Tensor x = tensor({2.f, 3.f}).requires_grad_();
  const Tensor y = square(x.select(0, 0)).sum() + pow(x.select(0, 0), 3).sum();
  autograd::backward(y, {}, {.create_graph = true});
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{16, 0}));
  const Tensor first = x.grad();
  x.set_grad({});
  first.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Floats{14, 0}));
}

TEST(AddToGradient, IsRefusedOutsideAPullback) {
  bool called = false;
  EXPECT_FALSE(autograd::add_to_gradient(0, [&](Tensor&) { called = true; }));
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace bb
