// Threads that each build and differentiate graphs of their own.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "bb/bb.h"
#include "bb/tests/same_bits.h"

namespace bb {
namespace {

// Graphs of many kinds of records: views, changes in place, hooks, checkpoints, second derivatives.
std::vector<Tensor> work(uint64_t seed) {
  Generator numbers(seed);
  Tensor x = Tensor::empty({6, 8}, kFloat64);
  for (int64_t i = 0; i < x.numel(); ++i)
    x.data<double>()[i] = static_cast<double>(numbers.next() % 1000) / 500 - 1;
  std::vector<Tensor> results;
  for (int step = 0; step < 20; ++step) {
    const Tensor leaf = x.clone().requires_grad_();
    int calls = 0;
    Tensor h = tanh(matmul(leaf, leaf.t()));
    h.register_hook([&](const Tensor&) { ++calls; });
    h = h * 2;
    h.slice(0, 0, 2).mul_(leaf.slice(1, 0, 6).slice(0, 0, 2));
    h = checkpoint([](const Tensor& v) { return sin(v) * exp(v); }, {h});
    const Tensor first = autograd::grad(h.sum() * h.mean(), {leaf}, {.create_graph = true})[0];
    (first * first).sum().backward();
    EXPECT_GT(calls, 0);
    results.push_back(leaf.grad());
    x = x + leaf.grad() * 1e-6;
  }
  return results;
}

TEST(Threads, EachDifferentiateTheirOwnGraphs) {
  constexpr int kThreads = 8;
  std::vector<std::vector<std::string>> together(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      together[static_cast<size_t>(t)] = testing::bytes_of(work(static_cast<uint64_t>(t)));
    });
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < kThreads; ++t)
    EXPECT_EQ(together[static_cast<size_t>(t)] == testing::bytes_of(work(static_cast<uint64_t>(t))),
              true);
}

TEST(Threads, AddToTheGradientOfALeafThatTheyShare) {
  constexpr int kThreads = 8, kRounds = 50;
  const Tensor w = ones({100}).requires_grad_();
  std::atomic<int> calls = 0;
  w.register_hook([&](const Tensor&) { ++calls; });
  const Tensor trunk = w * 2;  // its records too are walked by all
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) (w * w + trunk + w).sum().backward({}, true);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, kThreads * kRounds);
  EXPECT_EQ(w.grad().to_vector<float>(), std::vector<float>(100, 5.0f * kThreads * kRounds));
}

}  // namespace
}  // namespace bb
