#include "bb/autograd/checkpoint.h"

#include <gtest/gtest.h>

#include <thread>

#include "../message_of.h"
#include "bb/autograd/testing.h"
#include "bb/bb.h"
#include "bb/tests/same_bits.h"

namespace bb {
namespace {

using bb::testing::bytes_of;

// Three layers with dropout; x is used twice within and once more outside.
struct Blocks : nn::Module {
  nn::Linear a = add("a", nn::Linear(8, 8)), b = add("b", nn::Linear(8, 8));
  bool checkpoints = false;

  Tensor block(const Tensor& x) { return x + dropout(tanh(b(relu(a(x)))) * x, 0.3, true); }
  Tensor forward(const Tensor& x) override {
    Tensor h = x;
    for (int i = 0; i < 3; ++i)
      h = checkpoints ? checkpoint([this](const Tensor& v) { return block(v); }, {h}) : block(h);
    return h * x;
  }
};

std::vector<Tensor> results(Blocks& blocks, const Tensor& x) {
  manual_seed(5);
  const Tensor input = x.clone().requires_grad_();
  const Tensor y = blocks(input);
  y.sum().backward();
  std::vector<Tensor> all{y.detach(), input.grad(), rand({3})};
  for (const Tensor& parameter : blocks.parameters()) all.push_back(parameter.grad());
  blocks.zero_grad();
  return all;
}

TEST(Checkpoint, GivesBitwiseTheSameResultsAndGradients) {
  Blocks blocks;
  const Tensor x = randn({16, 8});
  const auto plain = results(blocks, x);
  blocks.checkpoints = true;
  EXPECT_EQ(bytes_of(plain) == bytes_of(results(blocks, x)), true);
}

TEST(Checkpoint, KeepsNoValuesUntilBackward) {
  const Tensor x = randn({1000}).requires_grad_();
  const auto chain = [](const Tensor& v) {
    Tensor h = v;
    for (int i = 0; i < 20; ++i) h = sin(h);
    return h;
  };
  const auto held = [&](auto&& make) {
    const auto before = memory::stats().live_bytes;
    const Tensor y = make();
    return memory::stats().live_bytes - before;
  };
  const auto plain = held([&] { return chain(x); });
  const auto saved = held([&] { return checkpoint(chain, {x}); });
  EXPECT_GT(plain, 20 * 4000);
  EXPECT_LT(saved, plain / 4);
}

TEST(Checkpoint, FreesWhatItComputedAgain) {
  const auto before = memory::stats().live_bytes;
  {
    const Tensor x = randn({1000}).requires_grad_();
    checkpoint([](const Tensor& v) { return sin(sin(v)); }, {x}).sum().backward();
  }
  EXPECT_EQ(memory::stats().live_bytes, before);
}

// What backward holds at once of a checkpoint is what it would have kept without one.
TEST(Checkpoint, KeepsOfItsSecondRunNoResultThatIsCheapToComputeAgain) {
  const Tensor x = randn({1024, 64}).requires_grad_(), w = randn({64, 64}).requires_grad_();
  const auto chain = [&](const Tensor& v) {
    Tensor h = v;
    for (int i = 0; i < 8; ++i) h = linear(gelu(layer_norm(h, {64})), w);
    return h;
  };
  const auto peak = [&](auto&& make) {
    const Tensor y = make();
    const auto before = memory::stats().live_bytes;
    memory::reset_peak();
    y.sum().backward();
    return memory::stats().peak_bytes - before;
  };
  const int64_t one = 1024 * 64 * 4;
  peak([&] { return chain(x); });  // gradients of the leaves stay
  const auto plain = peak([&] { return chain(x); });
  const auto saved = peak([&] { return checkpoint(chain, {x}); });
  EXPECT_LT(saved - plain, 12 * one);  // eight sums, without as many results of norms and of gelu
}

TEST(Checkpoint, MayLieWithinAnother) {
  const auto inner = [](const Tensor& v) { return sin(v) * v; };
  const auto outer = [&](const Tensor& v) {
    return checkpoint(inner, {checkpoint(inner, {v}) * v});
  };
  const auto nested = [&](const Tensor& v) { return checkpoint(outer, {v}); };
  const auto plain = [&](const Tensor& v) { return inner(inner(v) * v); };
  const Tensor x = randn({7}, kFloat64);
  const auto gradient = [&](const auto& fn) {
    const Tensor leaf = x.clone().requires_grad_();
    fn(leaf).sum().backward();
    return bytes_of({leaf.grad()});
  };
  EXPECT_EQ(gradient(nested) == gradient(plain), true);
}

TEST(Checkpoint, CanBeDifferentiatedTwice) {
  const auto fn = [](const Tensor& x, const Tensor& w) {
    return checkpoint([](const Tensor& a, const Tensor& b) { return tanh(a * b) * exp(a); },
                      {x, w});
  };
  EXPECT_GRADCHECK(fn, {randn({5}, kFloat64), randn({5}, kFloat64)});
  EXPECT_GRADGRADCHECK(fn, {randn({5}, kFloat64), randn({5}, kFloat64)});
}

TEST(Checkpoint, TakesAndReturnsSeveralTensors) {
  const Tensor x = randn({3}).requires_grad_(), w = randn({3}).requires_grad_();
  const auto both = checkpoint_all(
      [](const std::vector<Tensor>& v) {
        return std::vector<Tensor>{v[0] * v[1], sin(v[0])};
      },
      {x, w});
  (both[0] + both[1]).sum().backward();
  EXPECT_EQ(w.grad().to_vector<float>(), x.detach().to_vector<float>());
  EXPECT_EQ(x.grad().to_vector<float>(), (w + cos(x)).detach().to_vector<float>());
}

TEST(Checkpoint, RunsAgainOnlyAsFarAsTheLastValue) {
  const Tensor x = randn({4, 8}).requires_grad_(), w = randn({8, 8}).requires_grad_();
  int begun = 0, finished = 0;
  const auto fn = [&](const Tensor& v) {
    ++begun;
    const Tensor y = matmul(tanh(v), w);
    ++finished;
    return y + v;
  };
  const auto grads = [&](const Tensor& y) { return autograd::grad({y.sum()}, {x, w}); };
  const auto plain = grads(fn(x));
  EXPECT_EQ(bytes_of(grads(checkpoint(fn, {x}))), bytes_of(plain));
  EXPECT_EQ(begun, 3);
  EXPECT_EQ(finished, 2);
  // Nor does one within another run to its end.
  const auto outer = [&](const Tensor& v) { return checkpoint(fn, {v}); };
  EXPECT_EQ(bytes_of(grads(checkpoint(outer, {x}))), bytes_of(plain));
}

TEST(Checkpoint, AFunctionMayCatchWhatEndsItsSecondRun) {
  const Tensor x = randn({8}).requires_grad_();
  const Tensor y = checkpoint(
      [](const Tensor& v) {
        try {
          return sin(v);
        } catch (...) {
          throw std::runtime_error("caught");
        }
      },
      {x});
  y.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), cos(x).detach().to_vector<float>());
}

TEST(Checkpoint, TwoThreadsMayWantItsValues) {
  const Tensor x = randn({64}).requires_grad_();
  const auto fn = [](const Tensor& v) { return tanh(sin(v) * v) * exp(v); };
  const Tensor loss = checkpoint(fn, {checkpoint(fn, {x})}).sum();
  const auto grads = [&] {
    return bytes_of(autograd::grad({loss}, {x}, {}, {.retain_graph = true}));
  };
  const auto expected = grads();
  int wrong = 0;
  std::thread other([&] {
    for (int i = 0; i < 50; ++i) wrong += grads() != expected;
  });
  for (int i = 0; i < 50; ++i) EXPECT_EQ(grads(), expected);
  other.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Checkpoint, BackwardTwiceWithRetainGraph) {
  const Tensor x = randn({3}).requires_grad_();
  const Tensor y = checkpoint([](const Tensor& v) { return sin(v); }, {x}).sum();
  y.backward({}, true);
  y.backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (cos(x) * 2).detach().to_vector<float>());
}

TEST(Checkpoint, OfAFunctionThatDoesNotRepeatItselfThrows) {
  const Tensor x = randn({3}).requires_grad_();
  int calls = 0;
  const Tensor y = checkpoint(
      [&](const Tensor& v) {
        Tensor h = sin(v);
        return ++calls == 1 ? sin(h) : h;
      },
      {x});
  EXPECT_EQ(message_of<ValueError>([&] { y.sum().backward(); }),
            "checkpoint: the function did not repeat itself: 2 values were saved for backward, "
            "and 1 when it ran again\n"
            "  hint: it must not depend on what changes between forward and backward");
}

TEST(Checkpoint, OfAFunctionThatSavesOtherShapesThrowsEachTime) {
  const Tensor x = randn({1, 1, 16, 16}).requires_grad_();
  int calls = 0;
  const Tensor y = checkpoint(
      [&](const Tensor& v) {
        return max_pool2d(++calls == 1 ? v : v.slice(2, 0, 4).slice(3, 0, 4).clone(), 2);
      },
      {x});
  const Tensor dy = ones_like(y);
  for (int time = 0; time < 2; ++time)
    EXPECT_NE(message_of<ValueError>([&] {
                y.backward(dy, true);
              }).find("checkpoint: the function did not repeat itself"),
              std::string::npos);
}

TEST(Checkpoint, FindsWhatWasChangedInPlace) {
  const auto inside = [](const Tensor& v) {
    Tensor y = v * 1;
    const Tensor z = y * y;
    y.add_(1);
    return z + y;
  };
  const Tensor x = randn({3}).requires_grad_(), w = randn({3});
  EXPECT_THROW(inside(x).sum().backward(), ValueError);
  EXPECT_EQ(message_of<ValueError>([&] { checkpoint(inside, {x}).sum().backward(); }),
            "checkpoint: a value that backward needs was changed in place\n"
            "  float32 [3], saved at version 0, now at version 1\n"
            "  hint: use the out-of-place form, or clone() before changing it");
  const Tensor y = checkpoint([&](const Tensor& v) { return v * w; }, {x});
  Tensor(w).mul_(10);
  EXPECT_THROW(y.sum().backward(), ValueError);
}

TEST(Checkpoint, MayDifferentiateWithin) {
  const auto direct = [](const Tensor& v) {
    const Tensor g = autograd::grad((v * v * v).sum(), {v}, {.create_graph = true})[0];
    return g * g;
  };
  const Tensor a = tensor({1.0, 2.0, 3.0}).requires_grad_(),
               b = a.detach().clone().requires_grad_();
  direct(a).sum().backward();
  checkpoint(direct, {b}).sum().backward();
  EXPECT_EQ(a.grad().to_vector<float>(), b.grad().to_vector<float>());
}

TEST(Checkpoint, DrawsTheSameNumbersWhileOthersDrawToo) {
  const auto differs = [] {
    int wrong = 0;
    for (int i = 0; i < 200; ++i) {
      const Tensor x = (rand({64}) + 1).requires_grad_();
      const Tensor y = checkpoint([](const Tensor& v) { return dropout(v, 0.5, true) * v; }, {x});
      y.sum().backward();
      // d (m x^2) / dx = 2 m x: where y is 0, so is the gradient.
      const auto value = y.detach().to_vector<float>(), slope = x.grad().to_vector<float>();
      for (size_t k = 0; k < value.size(); ++k) wrong += (value[k] == 0) != (slope[k] == 0);
    }
    return wrong;
  };
  int other = 0;
  std::thread thread([&] { other = differs(); });
  const int mine = differs();
  thread.join();
  EXPECT_EQ(mine + other, 0);
}

TEST(Checkpoint, SavesNoInferenceTensorEither) {
  const Tensor x = inference_mode([] { return ones({2}); }), w = full({2}, 3.0).requires_grad_();
  const auto product = [](const Tensor& a, const Tensor& b) { return a * b; };
  const std::string text =
      "mul: backward needs a tensor that was made in inference mode\n"
      "  float32 [2]\n  hint: clone() it outside inference mode, and use the clone";
  EXPECT_EQ(message_of<ValueError>([&] { product(w, x); }), text);
  EXPECT_EQ(message_of<ValueError>([&] { checkpoint(product, {w, x}); }), text);
  EXPECT_EQ(
      message_of<ValueError>([&] { checkpoint([&](const Tensor& v) { return v * x; }, {w}); }),
      text);
  EXPECT_EQ(message_of<ValueError>([&] {
              const auto inner = [&](const Tensor& v) { return checkpoint(product, {v, x}); };
              checkpoint(inner, {w});
            }),
            text);
  // One that is only read, or saved for nothing, may be there.
  const auto reads = [&](const Tensor& v) { return exp(x) * 0 + (v + x) * v; };
  checkpoint(reads, {w}).sum().backward();
  EXPECT_EQ(w.grad().to_vector<float>(), (std::vector<float>{7, 7}));
}

TEST(Checkpoint, WithoutRecordingIsTheFunction) {
  const Tensor x = randn({3}).requires_grad_();
  const Tensor y = no_grad([&] { return checkpoint([](const Tensor& v) { return sin(v); }, {x}); });
  EXPECT_FALSE(y.requires_grad());
  EXPECT_EQ(y.to_vector<float>(), sin(x).detach().to_vector<float>());
}

}  // namespace
}  // namespace bb
