#include "bb/core/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/core/creation.h"
#include "bb/core/random.h"

#ifdef __linux__
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BB_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define BB_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define BB_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define BB_TSAN 1
#endif

namespace bb {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

int64_t live() { return memory::stats().live_bytes; }
int64_t lent() {
  const memory::Stats stats = memory::stats();
  return stats.live_bytes + stats.cached_bytes;
}
Tensor bytes(int64_t n) { return empty({n}, kUInt8); }

// In a process of its own, whose peak is the test's alone.
template <class F>
void in_own_process(F&& holds) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::_Exit(holds() ? 0 : 1), ::testing::ExitedWithCode(0), "");
}

// Says what is wrong where there is more lent than memory.h promises: `others` is what other
// threads may keep or have not counted yet.
bool within_bound(int64_t others = 0) {
  const memory::Stats stats = memory::stats();
  const int64_t most = stats.peak_bytes + stats.peak_bytes / 4 + kMiB / 2 + others;
  if (stats.live_bytes + stats.cached_bytes <= most) return true;
  std::fprintf(stderr, "live %ld cached %ld peak %ld\n", static_cast<long>(stats.live_bytes),
               static_cast<long>(stats.cached_bytes), static_cast<long>(stats.peak_bytes));
  return false;
}

// A block whose contents say whose it is.
struct Filled {
  explicit Filled(size_t size)
      : n(size), data(static_cast<uint8_t*>(detail::allocate(size))), value(tag()) {
    std::memset(data, value, n);
  }
  Filled(Filled&& other) noexcept
      : n(other.n), data(std::exchange(other.data, nullptr)), value(other.value) {}
  Filled& operator=(Filled&& other) noexcept {
    std::swap(n, other.n);
    std::swap(data, other.data);
    std::swap(value, other.value);
    return *this;
  }
  ~Filled() {
    if (data) detail::deallocate(data, n);
  }
  bool is_whole() const { return data[0] == value && std::memcmp(data, data + 1, n - 1) == 0; }
  uint8_t tag() const { return static_cast<uint8_t>(reinterpret_cast<uintptr_t>(data) / 64 * 37); }

  size_t n;
  uint8_t* data;
  uint8_t value;
};

// From 1 byte to 2 MiB, each doubling as likely as another.
size_t any_size(std::mt19937& random) {
  const size_t doubling = size_t{1} << random() % 21;
  return doubling + random() % doubling;
}

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
  const int64_t of_others = memory::stats().cached_bytes;  // other threads' own
  { const Tensor x = bytes(8 * kMiB), y = bytes(100); }
  EXPECT_GE(memory::stats().cached_bytes, 8 * kMiB);
  const int64_t before = live();
  const Tensor kept = full({1000}, 3);
  memory::trim();
  EXPECT_LE(memory::stats().cached_bytes, of_others + kMiB / 16);
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

TEST(MemoryDeathTest, IsBoundedUnderEverChangingSizes) {
  in_own_process([] {
    for (int64_t i = 0; i < 100; ++i) {
      const Tensor large = bytes((2 + i % 7) * kMiB + i * 31'676),
                   other = bytes(kMiB + i * 256 * 1024);
      if (!within_bound()) return false;
    }
    return true;
  });
}

TEST(MemoryDeathTest, IsBoundedUnderRandomSizesOfAllKinds) {
  in_own_process([] {
    std::mt19937 random(1);
    std::vector<Filled> blocks;
    for (int i = 0; i < 5000; ++i) {
      // Between few blocks and many, so that much is cached, and of changing sizes.
      const size_t most = i / 500 % 2 ? 20 : 200;
      while (blocks.size() >= most) {
        std::swap(blocks[random() % blocks.size()], blocks.back());
        if (!blocks.back().is_whole()) return false;
        blocks.pop_back();
      }
      blocks.emplace_back(any_size(random));
      if (!within_bound()) return false;
    }
    return std::all_of(blocks.begin(), blocks.end(), [](const Filled& b) { return b.is_whole(); });
  });
}

TEST(MemoryDeathTest, IsBoundedWithThreadsThatFreeEachOthersBlocks) {
  in_own_process([] {
    constexpr int kThreads = 4;
    std::mutex mutex;
    std::vector<Filled> shared;
    std::atomic<bool> good = true;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t));
        for (int i = 0; i < 2000 && good; ++i) {
          Filled block(any_size(random));
          {
            std::lock_guard lock(mutex);
            if (shared.size() < 100) {
              shared.push_back(std::move(block));
              continue;
            }
            std::swap(block, shared[random() % shared.size()]);
          }
          if (!block.is_whole()) good = false;
          // Each other thread may keep 256 KiB and hold back 64 KiB of its count.
          if (i % 16 == 0 && !within_bound((kThreads - 1) * kMiB / 2)) good = false;
        }
      });
    for (std::thread& thread : threads) thread.join();
    return good.load();
  });
}

TEST(MemoryDeathTest, FreeBlocksJoin) {
  in_own_process([] {
    std::vector<Tensor> parts;
    for (int i = 0; i < 64; ++i) parts.push_back(bytes(kMiB / 16));
    std::shuffle(parts.begin(), parts.end(), std::mt19937(1));
    parts.clear();
    const int64_t before = lent();
    const Tensor whole = bytes(4 * kMiB);
    const bool took_nothing = lent() - before < 4096;
    if (!took_nothing) std::fprintf(stderr, "%ld more\n", static_cast<long>(lent() - before));
    return took_nothing;
  });
}

TEST(Memory, WhatWasGivenBackCanBeHadAgain) {
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::vector<Filled> blocks;
    for (size_t n = 1000; n < 3'000'000; n += n / 3) blocks.emplace_back(n);
    for (size_t i = 0; i < blocks.size(); i += 2) blocks[i] = Filled(100);
    memory::trim();  // between blocks that live
    for (size_t n = 1000; n < 9'000'000; n += n / 2) blocks.emplace_back(n);
    for (const Filled& block : blocks) EXPECT_TRUE(block.is_whole()) << block.n;
  }
}

TEST(Memory, AThreadKeepsLittleForItself) {
  memory::trim();
  const int64_t before = lent();
  std::atomic<bool> freed = false, done = false;
  std::thread thread([&] {
    {
      std::vector<Filled> blocks;
      for (size_t i = 0; i < 3000; ++i) blocks.emplace_back(1 + i * 7 % 5000);
    }
    freed = true;
    while (!done) std::this_thread::yield();
  });
  while (!freed) std::this_thread::yield();
  memory::trim();
  EXPECT_LE(lent() - before, 256 * 1024 + 2 * 64 * 1024);
  done = true;
  thread.join();
  memory::trim();
  EXPECT_LE(lent() - before, 64 * 1024) << "an ended thread keeps nothing";
}

#ifdef __linux__
TEST(Memory, AChildForkedAmidOtherThreadsWorkCanAllocate) {
#ifdef BB_TSAN
  GTEST_SKIP() << "ThreadSanitizer allows no threads after a fork of several";
#endif
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 2; ++t)
    threads.emplace_back([&done, t] {
      std::mt19937 random(t);
      while (!done) Filled(40'000 + random() % 100'000);
    });
  for (int i = 0; i < 30; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(20);  // ends a child that waits for a lock for ever
      _exit(Filled(100'000).is_whole() && Filled(20'000).is_whole() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
}

#if !defined(BB_ASAN) && !defined(BB_TSAN)
int64_t resident() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  long all = 0, resident = 0;
  const int read = std::fscanf(file, "%ld %ld", &all, &resident);
  std::fclose(file);
  return read == 2 ? resident * sysconf(_SC_PAGESIZE) : -1;
}

TEST(MemoryDeathTest, WhatIsLentIsWhatTheProcessHolds) {
  in_own_process([] {
    const int64_t process = resident() - lent();
    const auto agree = [&](const char* when) {
      const int64_t difference = resident() - lent() - process;
      if (std::abs(difference) < kMiB) return true;
      std::fprintf(stderr, "%s: %ld more than lent\n", when, static_cast<long>(difference));
      return false;
    };
    std::vector<Filled> blocks;
    for (size_t i = 0; i < 4; ++i) blocks.emplace_back(kMiB);
    if (!agree("small: huge pages would double it")) return false;
    for (size_t i = 0; i < 60; ++i) blocks.emplace_back(500'000 + i * 10'000);
    blocks.emplace_back(20 * kMiB);
    if (!agree("large")) return false;
    blocks.erase(blocks.begin() + 20, blocks.end());
    if (!agree("cached")) return false;
    memory::trim();
    return agree("trimmed") && lent() < 16 * kMiB;
  });
}

TEST(MemoryDeathTest, WorksWhereAddressesAreLimited) {
  in_own_process([] {
    std::FILE* file = std::fopen("/proc/self/statm", "r");
    long pages = 0;
    if (std::fscanf(file, "%ld", &pages) != 1) return false;
    std::fclose(file);
    const rlim_t most = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + 300 * kMiB);
    const rlimit limit{most, most};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return false;
    std::vector<Filled> blocks;
    for (int i = 0; i < 10; ++i) blocks.emplace_back(15 * kMiB);
    bool refused = false;
    try {
      (void)bytes(kMiB * 400);
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    blocks.emplace_back(30 * kMiB);
    return refused &&
           std::all_of(blocks.begin(), blocks.end(), [](const Filled& b) { return b.is_whole(); });
  });
}
#endif
#endif

#ifdef BB_ASAN
void write_after_free(size_t n, size_t at) {
  auto* block = static_cast<char*>(detail::allocate(n));
  detail::deallocate(block, n);
  static_cast<volatile char*>(block)[at] = 1;
}
void write_behind(size_t n) {
  const Filled before(n), after(n);
  static_cast<volatile uint8_t*>(before.data)[n] = 1;
}

TEST(MemoryDeathTest, AsanSeesUseOfFreeBlocksAndStepsBeyondTheirEnds) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(write_after_free(100, 0), "use-after-poison");
  EXPECT_DEATH(write_after_free(5000, 4000), "use-after-poison");
  EXPECT_DEATH(write_after_free(100'000, 0), "use-after-poison");
  EXPECT_DEATH(write_after_free(5'000'000, 4'999'999), "use-after-poison");
  EXPECT_DEATH(write_behind(100'000), "use-after-poison");
  EXPECT_DEATH(write_behind(256 * 4096), "use-after-poison");
}
#endif

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
