#include "bb/core/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/core/creation.h"
#include "bb/core/random.h"

namespace bb {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

int64_t live() { return memory::stats().live_bytes; }
Tensor bytes(int64_t n) { return empty({n}, kUInt8); }

TEST(Memory, CountsATensorWhileItLives) {
  const int64_t before = live();
  {
    const Tensor x = bytes(kMiB);
    EXPECT_GE(live() - before, kMiB);
    EXPECT_LE(live() - before, kMiB + kMiB / 4 + 4096);
    const Tensor view = x.slice(0, 0, 10);
    EXPECT_LE(live() - before, kMiB + kMiB / 4 + 4096) << "a view has no elements of its own";
  }
  EXPECT_EQ(live(), before);
}

TEST(Memory, ViewKeepsTheElements) {
  const int64_t before = live();
  Tensor view = bytes(kMiB).slice(0, 5, 6);
  EXPECT_GE(live() - before, kMiB);
  view = Tensor();
  EXPECT_EQ(live(), before);
}

TEST(Memory, PeakIsTheHighestSinceItWasReset) {
  memory::reset_peak();
  const int64_t before = live();
  EXPECT_EQ(memory::stats().peak_bytes, before);
  { const Tensor a = bytes(8 * kMiB), b = bytes(4 * kMiB); }
  const int64_t peak = memory::stats().peak_bytes - before;
  EXPECT_GE(peak, 12 * kMiB);
  EXPECT_LE(peak, 15 * kMiB + 8192);
  { const Tensor c = bytes(kMiB); }
  EXPECT_EQ(memory::stats().peak_bytes - before, peak) << "a lower point changed it";
  memory::reset_peak();
  EXPECT_EQ(memory::stats().peak_bytes, live());
}

TEST(Memory, TrimGivesBackWhatIsCached) {
  memory::trim();
  { const Tensor x = bytes(8 * kMiB), y = bytes(100); }
  EXPECT_GE(memory::stats().cached_bytes, 8 * kMiB);
  const int64_t before = live();
  const Tensor kept = full({1000}, 3);
  memory::trim();
  EXPECT_LE(memory::stats().cached_bytes, kMiB / 16);
  EXPECT_GE(live(), before + 8000) << "what lives is not touched";
  EXPECT_EQ(kept.to_vector<int64_t>(), std::vector<int64_t>(1000, 3));
  EXPECT_EQ(bytes(8 * kMiB).numel(), 8 * kMiB) << "and there is more to be had";
}

TEST(Memory, FreedBlockServesTheNextOfItsSize) {
  const void* first = bytes(3 * kMiB).raw_data();
  EXPECT_EQ(bytes(3 * kMiB).raw_data(), first);
}

TEST(Memory, SteadyLoopTakesNothingNew) {
  const Tensor w = rand({200, 150});
  const auto step = [&w] {
    Tensor h = w;
    for (int i = 0; i < 5; ++i) h = (h * 2 + w).transpose(0, 1).contiguous().transpose(0, 1);
    return h.sum().item<float>();
  };
  step();
  memory::reset_peak();
  step();
  const memory::Stats after_one = memory::stats();
  for (int i = 0; i < 10; ++i) step();
  const memory::Stats after_many = memory::stats();
  EXPECT_EQ(after_many.live_bytes, after_one.live_bytes);
  EXPECT_EQ(after_many.cached_bytes, after_one.cached_bytes);
  EXPECT_EQ(after_many.peak_bytes, after_one.peak_bytes);
}

TEST(Memory, EverySizeIsUsableAlignedAndRoundedUpByAQuarterAtMost) {
  for (int64_t n = 1; n < 3 * kMiB; n = n < 700 ? n + 1 : n + n / 7) {
    const int64_t before = live();
    void* block = detail::allocate(static_cast<size_t>(n));
    const int64_t taken = live() - before;
    EXPECT_GE(taken, n);
    EXPECT_LE(taken, std::max(n + 63, n + n / 4)) << n;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % 64, 0u) << n;
    std::memset(block, 0xAB, static_cast<size_t>(n));  // asan: all of it is ours
    detail::deallocate(block, static_cast<size_t>(n));
    EXPECT_EQ(live(), before) << n;
  }
}

TEST(Memory, BlockOfNoBytesIsABlock) {
  void* a = detail::allocate(0);
  void* b = detail::allocate(0);
  EXPECT_NE(a, nullptr);
  EXPECT_NE(a, b);
  detail::deallocate(a, 0);
  detail::deallocate(b, 0);
}

TEST(Memory, BlocksDoNotOverlap) {
  std::vector<std::pair<uint8_t*, size_t>> blocks;
  for (size_t i = 0; i < 500; ++i) {
    const size_t n = 1 + i * 37 % 1500;
    blocks.emplace_back(static_cast<uint8_t*>(detail::allocate(n)), n);
    std::memset(blocks.back().first, static_cast<int>(i % 251), n);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto [block, n] = blocks[i];
    EXPECT_TRUE(std::all_of(block, block + n, [&](uint8_t b) { return b == i % 251; })) << i;
    detail::deallocate(block, n);
  }
}

TEST(Memory, MoreThanAnyMachineHoldsIsBadAlloc) {
  const int64_t before = live();
  for (int shift : {47, 50, 56, 62})
    EXPECT_THROW(detail::allocate(size_t{1} << shift), std::bad_alloc) << shift;
  EXPECT_THROW(detail::allocate(SIZE_MAX), std::bad_alloc);
  EXPECT_THROW((void)bytes(int64_t{1} << 50), std::bad_alloc);
  EXPECT_EQ(live(), before);
}

// In a process of its own, whose peak is this test's alone.
TEST(MemoryDeathTest, IsBoundedUnderEverChangingSizes) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto stays_within = [] {
    memory::reset_peak();
    for (int64_t i = 0; i < 100; ++i) {
      const Tensor large = bytes((2 + i % 7) * kMiB + i * 31'676),
                   other = bytes(kMiB + i * 256 * 1024);
      const memory::Stats stats = memory::stats();
      const int64_t most = stats.peak_bytes + stats.peak_bytes / 4 + 16 * kMiB;
      if (stats.live_bytes + stats.cached_bytes > most + kMiB) {
        std::fprintf(stderr, "step %d: live %ld cached %ld peak %ld\n", static_cast<int>(i),
                     static_cast<long>(stats.live_bytes), static_cast<long>(stats.cached_bytes),
                     static_cast<long>(stats.peak_bytes));
        return false;
      }
    }
    return true;
  };
  EXPECT_EXIT(std::_Exit(stays_within() ? 0 : 1), ::testing::ExitedWithCode(0), "");
}

TEST(Memory, ManyThreadsAllocateAndFreeEachOthersBlocks) {
  constexpr int kThreads = 4, kRounds = 3000;
  const int64_t before = live();
  struct Mailbox {
    std::mutex mutex;
    std::vector<Tensor> tensors;
  };
  std::vector<Mailbox> mailboxes(kThreads);
  std::vector<std::thread> threads;
  std::vector<int64_t> wrong(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto self = static_cast<size_t>(t);
      for (int i = 0; i < kRounds; ++i) {
        const int64_t n = i % 100 == 0 ? 400'000 : 1 + i * 31 % 5000;
        Tensor x = bytes(n);
        x.data<uint8_t>()[0] = static_cast<uint8_t>(n);
        x.data<uint8_t>()[n - 1] = static_cast<uint8_t>(n);
        Mailbox& next = mailboxes[(self + 1) % kThreads];
        {
          std::lock_guard lock(next.mutex);
          next.tensors.push_back(std::move(x));
        }
        std::vector<Tensor> received;
        {
          std::lock_guard lock(mailboxes[self].mutex);
          if (mailboxes[self].tensors.size() > 20) received.swap(mailboxes[self].tensors);
        }
        for (const Tensor& y : received)
          wrong[self] += y.data<uint8_t>()[0] != static_cast<uint8_t>(y.numel());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int64_t count : wrong) EXPECT_EQ(count, 0);
  mailboxes.clear();
  EXPECT_EQ(live(), before);
}

TEST(Memory, TensorMayOutliveTheThreadThatMadeIt) {
  const int64_t before = live();
  Tensor x;
  std::thread([&x] { x = full({100}, 7); }).join();
  EXPECT_EQ(x.to_vector<int64_t>(), std::vector<int64_t>(100, 7));
  x = Tensor();
  EXPECT_EQ(live(), before);
}

// thread_locals end in the reverse order of their making: this one after the thread's cache.
TEST(Memory, TensorMayOutliveItsThreadsCache) {
  const int64_t before = live();
  std::thread([] {
    static thread_local Tensor kept;
    EXPECT_FALSE(kept.defined());
    kept = full({100}, 7);
  }).join();
  EXPECT_EQ(live(), before);
}

TEST(AllocationBudget, LimitsWhatThisThreadTakesTogether) {
  const int64_t before = live();
  {
    const detail::AllocationBudget budget(10'000);
    const Tensor a = bytes(4000), b = bytes(4000);
    EXPECT_THROW((void)bytes(4000), std::bad_alloc);
    EXPECT_THROW((void)bytes(kMiB), std::bad_alloc);
    std::thread([] { EXPECT_EQ(bytes(kMiB).numel(), kMiB) << "another thread is free"; }).join();
  }
  EXPECT_EQ(bytes(kMiB).numel(), kMiB) << "the end of the scope lifts it";
  EXPECT_EQ(live(), before);
}

TEST(AllocationBudget, OfNothingAllowsNothing) {
  const detail::AllocationBudget budget(0);
  EXPECT_THROW((void)bytes(1), std::bad_alloc);
}

TEST(AllocationBudget, LiftsWhenAnExceptionPasses) {
  try {
    const detail::AllocationBudget budget(100);
    (void)bytes(kMiB);
    FAIL() << "nothing was thrown";
  } catch (const std::bad_alloc&) {
  }
  EXPECT_EQ(bytes(kMiB).numel(), kMiB);
}

TEST(AllocationBudget, InnerOneDoesNotLoosenTheOuter) {
  const detail::AllocationBudget outer(10'000);
  {
    const detail::AllocationBudget inner(1'000'000);
    EXPECT_THROW((void)bytes(20'000), std::bad_alloc);
    (void)bytes(6000);
  }
  EXPECT_THROW((void)bytes(6000), std::bad_alloc) << "what the inner one took counts";
}

TEST(AllocationBudget, AFailureAtAnyPointLeaksNothing) {
  const int64_t before = live();
  int failures = 0, successes = 0;
  for (int64_t budget = 0; budget < 6000; budget += 16) {
    try {
      const detail::AllocationBudget scope(budget);
      (void)bytes(4096);
      ++successes;
    } catch (const std::bad_alloc&) {
      ++failures;
    }
    ASSERT_EQ(live(), before) << "budget " << budget;
  }
  EXPECT_GT(failures, 256);
  EXPECT_GT(successes, 50);
}

}  // namespace
}  // namespace bb
