#include "bb/core/parallel.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bb/core/cpu.h"
#include "bb/core/error.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BB_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define BB_TSAN 1
#endif

namespace bb {
namespace {

constexpr double kLongNs = 1e6;  // an item that is worth a thread of its own

/// Whether two ranges run at once, and so on two threads: each waits for the other.
bool two_threads_meet() {
  std::atomic<int> arrived = 0;
  std::atomic<bool> met = true;
  parallel_for(2, kLongNs, [&](int64_t, int64_t) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    for (++arrived; arrived < 2; std::this_thread::yield()) {
      if (std::chrono::steady_clock::now() > deadline) {
        met = false;
        return;
      }
    }
  });
  return met && arrived == 2;
}

#if defined(__linux__)
int64_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}
#endif

class ParallelFor : public ::testing::Test {
 protected:
  ~ParallelFor() override { set_num_threads(before_); }
  const int before_ = num_threads();
};

TEST_F(ParallelFor, CallsEachIndexOnce) {
  for (int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    for (int64_t n : {0, 1, 2, 3, 7, 64, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<size_t>(n));
      parallel_for(n, kLongNs, [&](int64_t begin, int64_t end) {
        EXPECT_LT(begin, end);
        for (int64_t i = begin; i < end; ++i) ++calls[static_cast<size_t>(i)];
      });
      for (const auto& count : calls) EXPECT_EQ(count, 1);
    }
  }
}

TEST_F(ParallelFor, RangesBeginAtMultiplesOfTheAlignment) {
  set_num_threads(3);
  std::atomic<int64_t> covered = 0;
  std::atomic<int> ranges = 0;
  parallel_for(
      1000, kLongNs,
      [&](int64_t begin, int64_t end) {
        EXPECT_EQ(begin % 64, 0);
        EXPECT_TRUE(end % 64 == 0 || end == 1000);
        covered += end - begin;
        ++ranges;
      },
      64);
  EXPECT_EQ(covered, 1000);
  EXPECT_GE(ranges, 3);
}

TEST_F(ParallelFor, UsesSeveralThreadsForMuchWork) {
  set_num_threads(2);
  for (int repeat = 0; repeat < 100; ++repeat) ASSERT_TRUE(two_threads_meet());
}

TEST_F(ParallelFor, WakesWorkersThatSleep) {
  set_num_threads(2);
  for (int repeat = 0; repeat < 20; ++repeat) {
    ASSERT_TRUE(two_threads_meet());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

TEST_F(ParallelFor, GivesEachRangeEnoughWork) {
  set_num_threads(2);
  std::atomic<int64_t> least = 1000;
  parallel_for(100, 1000.0, [&](int64_t begin, int64_t end) {
    int64_t seen = least;
    while (end - begin < seen && !least.compare_exchange_weak(seen, end - begin)) {
    }
  });
  EXPECT_GE(least, 10);  // 10 us
}

TEST_F(ParallelFor, RunsLittleWorkInline) {
  set_num_threads(8);
  const auto caller = std::this_thread::get_id();
  int ranges = 0;
  parallel_for(1000, 4.0, [&](int64_t begin, int64_t end) {  // 4 us
    ++ranges;
    EXPECT_EQ(begin, 0);
    EXPECT_EQ(end, 1000);
    EXPECT_EQ(std::this_thread::get_id(), caller);
  });
  EXPECT_EQ(ranges, 1);
}

TEST_F(ParallelFor, GivesEachThreadEnoughWork) {
  set_num_threads(8);
  EXPECT_EQ(threads_for(1000, 4.0), 1);     // 4 us
  EXPECT_GE(threads_for(1000, 25.0), 2);    // 25 us
  EXPECT_EQ(threads_for(1000, 1000.0), 8);  // 1 ms
  EXPECT_EQ(threads_for(3, 1e9), 3);
  EXPECT_EQ(threads_for(1, 1e9), 1);
  EXPECT_EQ(threads_for(0, 1e9), 1);
}

// Work that does not pay for waking a worker does where one is awake, and when enough has come by.
TEST_F(ParallelFor, SharesARunOfMediumWork) {
  set_num_threads(2);
  int shared = 0;
  for (int i = 0; i < 12; ++i) shared += threads_for(1000, 10.0) == 2;  // 120 us in all
  EXPECT_GE(shared, 1);
}

TEST_F(ParallelFor, RunsNestedCallsInline) {
  set_num_threads(4);
  std::atomic<int> inner = 0;
  parallel_for(4, kLongNs, [&](int64_t begin, int64_t end) {
    const auto outer = std::this_thread::get_id();
    EXPECT_EQ(threads_for(100, kLongNs), 1);
    for (int64_t i = begin; i < end; ++i) {
      parallel_for(100, kLongNs, [&](int64_t first, int64_t last) {
        EXPECT_EQ(std::this_thread::get_id(), outer);
        EXPECT_EQ(last - first, 100);
        ++inner;
      });
    }
  });
  EXPECT_EQ(inner, 4);
}

TEST_F(ParallelFor, CarriesTheFirstExceptionToTheCaller) {
  set_num_threads(4);
  for (int64_t thrower : {0, 50, 99}) {
    std::atomic<int64_t> covered = 0;
    int64_t first = -1;  // of the lowest range that throws
    try {
      parallel_for(100, kLongNs, [&](int64_t begin, int64_t end) {
        covered += end - begin;
        if (begin <= thrower && thrower < end) first = begin;
        if (end > thrower) throw std::runtime_error(std::to_string(begin));
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), std::to_string(first));
    }
    EXPECT_EQ(covered, 100);
  }
}

TEST_F(ParallelFor, ThrowsFromInlineWorkToo) {
  EXPECT_THROW(parallel_for(1, 1.0, [](int64_t, int64_t) { throw std::runtime_error("inline"); }),
               std::runtime_error);
}

TEST_F(ParallelFor, ServesSeveralUserThreadsWithinTheLimit) {
  set_num_threads(3);
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::atomic<int64_t> sum = 0;
  std::vector<std::thread> users;
  for (int u = 0; u < 4; ++u) {
    users.emplace_back([&] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        parallel_for(12, kLongNs, [&](int64_t begin, int64_t end) {
          const int now = ++running;
          int seen = most;
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          for (int64_t i = begin; i < end; ++i) sum += i;
          --running;
        });
      }
    });
  }
  for (auto& user : users) user.join();
  EXPECT_EQ(sum, 4 * 50 * 66);
  EXPECT_LE(most, 4 + 2);  // the users themselves, and the two that may be added
}

TEST_F(ParallelFor, ServesMoreUserThreadsThanItKeepsPlacesFor) {
  set_num_threads(4);
  std::atomic<int64_t> sum = 0;
  std::atomic<int> caught = 0;
  std::vector<std::thread> users;
  for (int u = 0; u < 48; ++u) {
    users.emplace_back([&, u] {
      for (int repeat = 0; repeat < 20; ++repeat) {
        try {
          parallel_for(24, kLongNs, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) sum += i;
            if (begin == 0 && u % 8 == 0) throw std::runtime_error("of this user's own");
          });
        } catch (const std::runtime_error&) {
          ++caught;
        }
      }
    });
  }
  for (auto& user : users) user.join();
  EXPECT_EQ(sum, 48 * 20 * 276);
  EXPECT_EQ(caught, 6 * 20);
}

TEST_F(ParallelFor, FollowsTheNumberOfThreadsUpAndDown) {
  for (int round = 0; round < 20; ++round) {
    for (int threads : {2, 5, 3, 1, 8}) {
      set_num_threads(threads);
      std::atomic<int> running = 0;
      std::atomic<int> most = 0;
      std::atomic<int64_t> sum = 0;
      parallel_for(64, kLongNs, [&](int64_t begin, int64_t end) {
        const int now = ++running;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        for (int64_t i = begin; i < end; ++i) sum += i;
        --running;
      });
      EXPECT_EQ(sum, 64 * 63 / 2);
      EXPECT_LE(most, threads);
    }
  }
}

TEST_F(ParallelFor, SetsTheNumberOfThreadsFromWithin) {
  set_num_threads(2);
  std::atomic<int64_t> covered = 0;
  parallel_for(100, kLongNs, [&](int64_t begin, int64_t end) {
    set_num_threads(begin % 2 == 0 ? 4 : 1);
    covered += end - begin;
  });
  EXPECT_EQ(covered, 100);
}

TEST_F(ParallelFor, OutlivesTheThreadThatOpenedARegion) {
  set_num_threads(2);
  for (int repeat = 0; repeat < 20; ++repeat) {
    bool met = false;
    std::thread([&] { met = two_threads_meet(); }).join();
    EXPECT_TRUE(met);
  }
  EXPECT_TRUE(two_threads_meet());
}

#if defined(__linux__)
TEST_F(ParallelFor, StartsEachWorkerOnce) {
  set_num_threads(3);
  ASSERT_TRUE(two_threads_meet());
  const int64_t before = threads_of_this_process();
  for (int repeat = 0; repeat < 50; ++repeat) ASSERT_TRUE(two_threads_meet());
  EXPECT_LE(threads_of_this_process(), before);
}
#endif

TEST_F(ParallelFor, WorksInAForkedChild) {
#ifdef BB_TSAN
  GTEST_SKIP() << "ThreadSanitizer allows no threads after a fork of several";
#endif
  set_num_threads(2);
  ASSERT_TRUE(two_threads_meet());
  for (int repeat = 0; repeat < 5; ++repeat) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) _exit(two_threads_meet() && two_threads_meet() ? 0 : 1);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(two_threads_meet());
  }
}

TEST_F(ParallelFor, ReadsAndWritesOfTheCallerAreSeenAcrossTheRegion) {
  set_num_threads(2);
  std::vector<int> values(64, 0);  // plain memory: ThreadSanitizer checks fork and join
  for (int round = 0; round < 20; ++round) {
    parallel_for(64, kLongNs, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++values[static_cast<size_t>(i)];
    });
    for (int& value : values) {
      EXPECT_EQ(value, 2 * round + 1);
      ++value;
    }
  }
}

TEST(NumThreads, IsAtLeastOneAndRefusesLess) {
  EXPECT_GE(num_threads(), 1);
  EXPECT_GE(available_cpus(), 1);
  const int before = num_threads();
  try {
    set_num_threads(0);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(), "set_num_threads: the number of threads must be at least 1, got 0");
  }
  EXPECT_EQ(num_threads(), before);
  set_num_threads(5);
  EXPECT_EQ(num_threads(), 5);
  set_num_threads(before);
}

}  // namespace
}  // namespace bb
