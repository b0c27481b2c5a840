// Who keeps what alive, graphs of any depth, and several threads.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <thread>
#include <vector>

#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/classification_loss.h"
#include "bb/autograd/ops/extremum.h"
#include "bb/autograd/ops/linalg.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/softmax.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/memory.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BB_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BB_SANITIZED 1
#endif

namespace bb {
namespace {

// Sanitizers make an op tens of times slower, and the frames of a recursion larger.
#ifdef BB_SANITIZED
constexpr int kShorter = 10;
#else
constexpr int kShorter = 1;
#endif

using autograd::Saved;

int64_t live() { return memory::stats().live_bytes; }
Tensor number(double value) { return tensor(value, kFloat64).requires_grad_(); }

// ---------------------------------------------------------------- records die with their tensors

TEST(Records, DieWithTheirTensors) {
  const Tensor x = ones({64}).requires_grad_();
  const int64_t before = live();
  Tensor y = x;
  for (int i = 0; i < 100; ++i) y = (y * 2).tanh();
  const int64_t with_graph = live();
  EXPECT_GT(with_graph - before, 100 * 64 * 4) << "the saved outputs live";
  y = Tensor();
  EXPECT_EQ(live(), before);
}

TEST(Records, OfADroppedBranchDieWhileTheRestLives) {
  const Tensor x = ones({1000}).requires_grad_();
  const Tensor trunk = x * 2;
  const int64_t before = live();
  Tensor branch = trunk;
  for (int i = 0; i < 10; ++i) branch = branch.exp();
  branch = Tensor();
  EXPECT_EQ(live(), before);
  trunk.sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>()[999], 2.f);
}

TEST(Records, LetGoOfWhatTheySavedAfterBackward) {
  const Tensor x = ones({1000}).requires_grad_();
  x.sum().backward();
  const int64_t before = live();
  Tensor h = x;
  for (int i = 0; i < 10; ++i) h = (h * 0.5).tanh();
  const Tensor loss = h.sum();
  h = Tensor();
  EXPECT_GT(live() - before, 10 * 4000);
  loss.backward();
  EXPECT_LT(live() - before, 4000) << "only the loss is left";
}

TEST(Records, KeepNoDataThatTheirPullbackDoesNotNeed) {
  const Tensor x = ones({1000}).requires_grad_();
  const int64_t before = live();
  Tensor y = x;
  for (int i = 0; i < 10; ++i) y = -(y + 1) - y;
  EXPECT_LT(live() - before, 2 * 4000 + 30 * 512) << "one output, and records";
}

TEST(Records, ALoopOfForwardPassesWithoutBackwardKeepsMemoryFlat) {
  const Tensor x = ones({4, 8});
  const Tensor w = ones({8, 8}).requires_grad_();
  Tensor loss;
  memory::Stats early;
  for (int i = 1; i <= 100'000 / kShorter; ++i) {
    loss = (x.matmul(w)).relu().sum();
    if (i == 1000) {
      memory::reset_peak();
      early = memory::stats();
    }
  }
  const memory::Stats late = memory::stats();
  EXPECT_EQ(late.live_bytes, early.live_bytes);
  EXPECT_EQ(late.cached_bytes, early.cached_bytes);
  EXPECT_LT(late.peak_bytes - early.peak_bytes, 128 * 1024);
}

// Graphs whose pullback needs the op's own output: a cycle, if it kept the output itself.
TEST(Records, OfOpsThatSaveTheirOutputAreNoCycle) {
  using Op = std::function<Tensor(const Tensor&)>;
  const Op own = [](const Tensor& x) {  // captures its own output, as users will
    Tensor y = no_grad([&] { return x.exp(); });
    return autograd::record("own", {x}, y, [y](const Tensor& dy) { return dy * y; });
  };
  const Op saved = [](const Tensor& x) {
    Tensor y = no_grad([&] { return x.exp(); });
    return autograd::record("saved", {x}, y,
                            [y = Saved::output(y)](const Tensor& dy) { return dy * *y; });
  };
  const std::pair<const char*, Op> ops[] = {
      {"exp", bb::exp},
      {"tanh", bb::tanh},
      {"sqrt", bb::sqrt},
      {"sigmoid", bb::sigmoid},
      {"relu", bb::relu},
      {"pow", [](const Tensor& x) { return pow(2.0, x) + pow(x, x); }},
      {"max", [](const Tensor& x) { return max(x); }},
      {"max of a dim", [](const Tensor& x) { return max(x, 1).values; }},
      {"softmax", [](const Tensor& x) { return softmax(x, 1); }},
      {"log_softmax", [](const Tensor& x) { return log_softmax(x, 0); }},
      {"cross_entropy",
       [](const Tensor& x) {
         return cross_entropy(x, tensor({1, 0}));
       }},
      {"own output captured", own},
      {"Saved::output", saved},
  };
  for (const auto& [name, op] : ops) {
    const Tensor x = tensor({{0.5, 1.5, 2.5}, {1.0, 3.0, 2.0}}, kFloat64).requires_grad_();
    (void)op(x).sum().item<double>();  // what is made once
    const int64_t before = live();
    { const Tensor dropped = op(x); }
    EXPECT_EQ(live(), before) << name << ", dropped";
    (void)autograd::grad(op(x).sum(), {x});
    EXPECT_EQ(live(), before) << name << ", after backward";
    {
      const Tensor first = autograd::grad(op(x).sum(), {x}, {}, {.create_graph = true})[0];
      if (first.requires_grad()) (void)autograd::grad(first.sum(), {x});
    }
    EXPECT_EQ(live(), before) << name << ", after two";
  }
}

TEST(Records, OfAGraphWhoseBackwardThrewDieToo) {
  const Tensor x = ones({100}).requires_grad_();
  const int64_t before = live();
  {
    const Tensor a = x * 2;
    const Tensor bad = autograd::record("bad", {x}, ones({100}),
                                        [](const Tensor&) -> Tensor { throw std::bad_alloc(); });
    EXPECT_THROW((a + bad).sum().backward(), std::bad_alloc);
  }
  EXPECT_EQ(live(), before);
}

TEST(Records, LeafAndItsGradientDieWithTheTensor) {
  const int64_t before = live();
  {
    Tensor x = ones({1000}).requires_grad_();
    (x * x).sum().backward();
    EXPECT_GE(live() - before, 2 * 4000);
  }
  EXPECT_EQ(live(), before);
}

TEST(Records, GraphOutlivesTheLeafsHandle) {
  Tensor w = number(3);
  Tensor x = number(2);
  const Tensor y = x * w;
  x = Tensor();
  y.backward();
  EXPECT_EQ(w.grad().item<double>(), 2);
}

// ---------------------------------------------------------------- depth

constexpr int kMillion = 1'000'000 / kShorter;

Tensor chain(const Tensor& x, int length) {
  Tensor y = x;
  for (int i = 0; i < length; ++i) y = -y;
  return y;
}

TEST(DeepGraph, AMillionOpsRunBackward) {
  const Tensor x = number(3);
  const int64_t before = live();
  {
    const Tensor y = chain(x, kMillion + 1);
    EXPECT_EQ(y.item<double>(), -3);
    y.backward();
    EXPECT_EQ(x.grad().item<double>(), -1);
  }
  EXPECT_LE(live() - before, 1024) << "the gradient is all that is left";
}

TEST(DeepGraph, AMillionOpsAreDroppedWithoutBackward) {
  const Tensor x = number(3);
  const int64_t before = live();
  Tensor y = chain(x, kMillion);
  EXPECT_GT(live() - before, int64_t{kMillion} * 64);
  y = Tensor();
  EXPECT_EQ(live(), before);
}

TEST(DeepGraph, IsDroppedAfterARetainingBackward) {
  const Tensor x = number(3);
  Tensor y = chain(x, kMillion / 5);
  y.backward({}, true);
  y.backward({}, true);
  EXPECT_EQ(x.grad().item<double>(), 2);
  const int64_t with_graph = live();
  y = Tensor();
  EXPECT_LT(live(), with_graph - int64_t{kMillion} / 5 * 64);
}

// Here closures keep tensors, which keep records, which keep closures.
TEST(DeepGraph, HeldBySavedValuesIsDropped) {
  const Tensor x = number(1);
  const int64_t before = live();
  Tensor y = x;
  for (int i = 0; i < kMillion / 5; ++i) y = y * x;
  y.backward({}, true);
  EXPECT_EQ(x.grad().item<double>(), kMillion / 5 + 1);
  Tensor(x).set_grad(Tensor());
  y = Tensor();
  EXPECT_EQ(live(), before);
}

TEST(DeepGraph, OfSecondOrderIsDropped) {
  const Tensor x = number(1);
  const int64_t before = live();
  {
    constexpr int kLength = 20'000 / kShorter;
    Tensor y = x;
    for (int i = 0; i < kLength; ++i) y = y * x;
    const Tensor first = autograd::grad(y, {x}, {}, {.create_graph = true})[0];
    EXPECT_EQ(first.item<double>(), kLength + 1);
    EXPECT_EQ(autograd::grad(first, {x})[0].item<double>(), (kLength + 1.0) * kLength);
  }
  EXPECT_EQ(live(), before);
}

TEST(DeepGraph, WideOneWaitsForAllItsGradients) {
  constexpr int kWidth = 50'000 / kShorter;
  const Tensor x = number(2);
  const Tensor h = x * x;
  std::vector<Tensor> parts;
  for (int i = 0; i < kWidth; ++i) parts.push_back(h * (i % 3));
  Tensor total = parts[0];
  for (int i = 1; i < kWidth; ++i) total = total + parts[static_cast<size_t>(i)];
  total.backward();
  double factors = 0;
  for (int i = 0; i < kWidth; ++i) factors += i % 3;
  EXPECT_EQ(x.grad().item<double>(), 4 * factors);
}

TEST(DeepGraph, PullsEachRecordOnceAndInFallingOrder) {
  std::vector<int> order;
  const Tensor x = number(1);
  Tensor y = x;
  for (int i = 0; i < 1000; ++i) {
    const Tensor copy = no_grad([&] { return y * 1; });
    y = autograd::record("step", {y, x}, copy, [&order, i](const Tensor& dy) {
      order.push_back(i);
      return std::array<Tensor, 2>{dy, dy};
    });
  }
  y.backward();
  ASSERT_EQ(order.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], 999 - i);
  EXPECT_EQ(x.grad().item<double>(), 1001);
}

// ---------------------------------------------------------------- threads

// d/dx of sum over i of tanh(x w)_i, many times over; returns the last gradient.
double work(const Tensor& shared, double value, int rounds) {
  double result = 0;
  for (int i = 0; i < rounds; ++i) {
    const Tensor x = number(value);
    Tensor y = x * shared;
    for (int k = 0; k < 5; ++k) y = (y * 0.5 + x).tanh();
    y.sum().backward();
    result = x.grad().item<double>();
  }
  return result;
}

void differentiate_in(int threads) {
  const Tensor shared = tensor({0.1, 0.2, 0.3, 0.4}, kFloat64);
  const int64_t before = live();
  std::vector<double> results(static_cast<size_t>(threads));
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&, t] { results[static_cast<size_t>(t)] = work(shared, 0.1 * t, 100); });
  for (std::thread& thread : running) thread.join();
  for (int t = 0; t < threads; ++t)
    EXPECT_EQ(results[static_cast<size_t>(t)], work(shared, 0.1 * t, 1)) << t;
  EXPECT_EQ(live(), before);
}

TEST(Threads, TwoDifferentiateTheirOwnGraphsAtOnce) { differentiate_in(2); }
TEST(Threads, EightDifferentiateTheirOwnGraphsAtOnce) { differentiate_in(8); }

TEST(Threads, GraphBuiltInOneIsDifferentiatedInAnother) {
  const Tensor x = number(2);
  Tensor y;
  std::thread([&] {
    y = x;
    for (int i = 0; i < 1000; ++i) y = y + x;
  }).join();
  std::thread([&] { y.backward(); }).join();
  EXPECT_EQ(x.grad().item<double>(), 1001);
}

TEST(Threads, GraphGoesOnInAnotherThread) {
  const Tensor x = number(2);
  Tensor h = chain(x * x, 5000);  // positions far above those of a new thread
  std::thread([&] {
    const Tensor a = h * 3;
    h = a * h + a;  // 3 h^2 + 3 h
  }).join();
  (h + x * x).backward();  // slope (6 h + 3) 2 x + 2 x at h = 4
  EXPECT_EQ(x.grad().item<double>(), 27 * 4 + 4);
}

TEST(Threads, GraphBuiltInOneIsDroppedInAnother) {
  const Tensor x = number(2);
  const int64_t before = live();
  Tensor y;
  std::thread([&] { y = chain(x, 10'000).exp(); }).join();
  std::thread([&] { y = Tensor(); }).join();
  EXPECT_EQ(live(), before);
}

TEST(Threads, RecordingIsSwitchedForOneThreadAlone) {
  const NoGrad off;
  bool elsewhere = false;
  std::thread([&] { elsewhere = is_grad_enabled(); }).join();
  EXPECT_TRUE(elsewhere);
  EXPECT_FALSE(is_grad_enabled());
}

}  // namespace
}  // namespace bb
