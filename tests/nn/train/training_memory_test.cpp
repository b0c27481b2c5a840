// What training holds when every batch has another size.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "bb/bb.h"

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

#ifdef BB_SANITIZED
constexpr int kSteps = 200;
#else
constexpr int kSteps = 10'000;
#endif

// Flat: what the system has lent after step 100 is never more than 3% above what it was then. Not
// 0%: the largest batch may come later, and then more lives at once.
bool stays_flat() {
  manual_seed(0);
  nn::Sequential model{nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU(),
                       nn::Linear(64, 10)};
  optim::Adam opt(model.parameters(), {.lr = 1e-3});
  std::mt19937 random(1);
  int64_t at_100 = 0, most = 0;
  for (int step = 1; step <= kSteps; ++step) {
    const auto batch = static_cast<int64_t>(1 + random() % 512);
    {
      const Tensor x = full({batch, 784}, 0.5), y = zeros({batch}, kInt64);
      opt.zero_grad();
      const Tensor loss = cross_entropy(model(x), y);
      loss.backward();
      opt.step();
    }
    const memory::Stats stats = memory::stats();
    const int64_t lent = stats.live_bytes + stats.cached_bytes;
    most = std::max(most, lent);
    if (step == 100) at_100 = lent;
  }
  const int64_t peak = memory::stats().peak_bytes;
  std::fprintf(stderr, "lent %ld after 100 steps, %ld at most; peak of live %ld\n",
               static_cast<long>(at_100), static_cast<long>(most), static_cast<long>(peak));
  return most <= at_100 + at_100 * 3 / 100 && most < peak + peak / 2;
}

// In a process of its own, whose peak is this test's alone.
TEST(TrainingMemoryDeathTest, IsFlatUnderRandomBatchSizesAndNearWhatLives) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(stays_flat() ? 0 : 1), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace bb
