#include "bb/core/memory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define BB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BB_ASAN 1
#endif
#endif
#ifdef BB_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace bb::detail {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmallest = 64;
constexpr int kClassesPerDoubling = 4;
constexpr int kClasses = 160;  // 64 bytes up to 2^46
constexpr size_t kLargest = size_t{1} << 46;
constexpr size_t kThreadLargest = size_t{256} << 10;  // larger blocks go to the common cache
constexpr size_t kThreadBytesPerClass = size_t{512} << 10;
constexpr size_t kThreadBlocksPerClass = 128;
constexpr int64_t kPublishBytes = int64_t{64} << 10;
constexpr int64_t kSlackBytes = int64_t{16} << 20;

// Cached blocks are poisoned, so that asan sees a use after free in them.
void poison([[maybe_unused]] void* block, [[maybe_unused]] size_t bytes) {
#ifdef BB_ASAN
  ASAN_POISON_MEMORY_REGION(block, bytes);
#endif
}
void unpoison([[maybe_unused]] void* block, [[maybe_unused]] size_t bytes) {
#ifdef BB_ASAN
  ASAN_UNPOISON_MEMORY_REGION(block, bytes);
#endif
}

// Classes are 64, then four to each doubling, in multiples of 64: 64 128 192 256 320 384 448 512
// ...
struct SizeClass {
  int index;
  size_t bytes;
};

SizeClass size_class(size_t bytes) {
  const size_t units = (std::max(bytes, size_t{1}) + kSmallest - 1) / kSmallest;
  if (units <= kClassesPerDoubling) return {static_cast<int>(units) - 1, units * kSmallest};
  const int shift = std::bit_width(units - 1) - 3;  // leaves the three highest bits of units - 1
  const size_t top = (units - 1) >> shift;          // 4 to 7
  return {kClassesPerDoubling * shift + static_cast<int>(top), ((top + 1) << shift) * kSmallest};
}

size_t class_bytes(int index) {
  if (index < kClassesPerDoubling) return (static_cast<size_t>(index) + 1) * kSmallest;
  const int shift = (index - kClassesPerDoubling) / kClassesPerDoubling;
  const size_t top = static_cast<size_t>(index - kClassesPerDoubling * shift);
  return ((top + 1) << shift) * kSmallest;
}

using FreeLists = std::array<std::vector<void*>, kClasses>;

// The cache that all threads share, behind one mutex: large blocks and the threads' overflow.
class CommonCache {
 public:
  static CommonCache& instance() {
    static auto* cache = new CommonCache;  // never destroyed: static tensors may outlive anything
    return *cache;
  }

  // Appends 1 to `count` blocks of a class to `out`: cached ones, or else a new one.
  void take(SizeClass size, size_t count, std::vector<void*>& out) {
    std::lock_guard lock(mutex_);
    auto& list = lists_[static_cast<size_t>(size.index)];
    const auto n = static_cast<std::ptrdiff_t>(std::min(count, list.size()));
    if (n > 0) {
      out.insert(out.end(), list.end() - n, list.end());
      list.erase(list.end() - n, list.end());
      return;
    }
    const auto bytes = static_cast<int64_t>(size.bytes);
    make_room(bytes);
    void* block = std::aligned_alloc(kAlignment, size.bytes);
    if (!block) {
      evict_to(0);
      block = std::aligned_alloc(kAlignment, size.bytes);
    }
    if (!block) throw std::bad_alloc();
    poison(block, size.bytes);
    system_ += bytes;
    out.push_back(block);
  }

  // Takes over the last `count` blocks of `from`.
  void put(SizeClass size, size_t count, std::vector<void*>& from) {
    std::lock_guard lock(mutex_);
    auto& list = lists_[static_cast<size_t>(size.index)];
    const auto first = from.end() - static_cast<std::ptrdiff_t>(count);
    list.insert(list.end(), first, from.end());
    from.erase(first, from.end());
  }

  void trim() {
    std::lock_guard lock(mutex_);
    evict_to(0);
  }

  void publish(int64_t live_change) {
    const int64_t live = live_.fetch_add(live_change, std::memory_order_relaxed) + live_change;
    raise(peak_, live);
    raise(highest_, live);
  }

  memory::Stats stats() {
    std::lock_guard lock(mutex_);
    const int64_t live = live_.load(std::memory_order_relaxed);
    return {live, std::max<int64_t>(0, system_ - live), peak_.load(std::memory_order_relaxed)};
  }

  void reset_peak() { peak_.store(live_.load(std::memory_order_relaxed)); }

 private:
  static void raise(std::atomic<int64_t>& to, int64_t value) {
    int64_t seen = to.load(std::memory_order_relaxed);
    while (seen < value && !to.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
  }

  // Under ever-changing sizes, cached blocks that fit nothing go back before more is taken.
  void make_room(int64_t bytes) {
    const int64_t live = live_.load(std::memory_order_relaxed) + bytes;
    const int64_t highest = std::max(live, highest_.load(std::memory_order_relaxed));
    evict_to(std::max<int64_t>(0, highest + highest / 4 + kSlackBytes - bytes));
  }

  // Frees cached blocks, largest first, until the system has lent at most `bytes` or none is left.
  void evict_to(int64_t bytes) {
    for (int index = kClasses - 1; index >= 0; --index) {
      auto& list = lists_[static_cast<size_t>(index)];
      while (!list.empty() && system_ > bytes) {
        unpoison(list.back(), class_bytes(index));
        std::free(list.back());
        list.pop_back();
        system_ -= static_cast<int64_t>(class_bytes(index));
      }
    }
  }

  std::mutex mutex_;
  FreeLists lists_;
  int64_t system_ = 0;  // bytes that the system has lent
  std::atomic<int64_t> live_{0}, peak_{0};
  std::atomic<int64_t> highest_{0};  // peak since the start, whatever reset_peak() does
};

// What one thread keeps for itself, without locks, and the part of its count not yet published.
class ThreadCache {
 public:
  ThreadCache() = default;
  ~ThreadCache() { flush(); }
  ThreadCache(const ThreadCache&) = delete;
  ThreadCache& operator=(const ThreadCache&) = delete;

  void* take(SizeClass size) {
    auto& list = lists_[static_cast<size_t>(size.index)];
    if (list.empty()) [[unlikely]]
      CommonCache::instance().take(size, batch(size), list);
    void* block = list.back();
    list.pop_back();
    count(static_cast<int64_t>(size.bytes));
    unpoison(block, size.bytes);
    return block;
  }

  void put(SizeClass size, void* block) {
    poison(block, size.bytes);
    auto& list = lists_[static_cast<size_t>(size.index)];
    list.push_back(block);
    if (size.bytes > kThreadLargest || list.size() > kThreadBlocksPerClass ||
        list.size() * size.bytes > kThreadBytesPerClass) [[unlikely]]
      hand_over(size, list);
    count(-static_cast<int64_t>(size.bytes));
  }

  [[gnu::noinline]] void publish() {
    CommonCache::instance().publish(std::exchange(unpublished_, 0));
  }

  void flush() {
    for (int index = 0; index < kClasses; ++index) {
      auto& list = lists_[static_cast<size_t>(index)];
      CommonCache::instance().put({index, class_bytes(index)}, list.size(), list);
    }
    publish();
  }

 private:
  // Blocks that move between thread and common cache at a time: half of what the thread may keep.
  static size_t batch(SizeClass size) {
    return std::clamp<size_t>(kThreadBytesPerClass / 2 / size.bytes, 1, kThreadBlocksPerClass / 2);
  }

  [[gnu::noinline]] static void hand_over(SizeClass size, std::vector<void*>& list) {
    const size_t count = size.bytes > kThreadLargest
                             ? list.size()
                             : list.size() - std::min(list.size(), batch(size));
    CommonCache::instance().put(size, count, list);
  }

  void count(int64_t change) {
    unpublished_ += change;
    if (std::abs(unpublished_) >= kPublishBytes) [[unlikely]]
      publish();
  }

  FreeLists lists_;
  int64_t unpublished_ = 0;
};

constexpr int64_t kNoBudget = -1;

// What every allocation looks at, reached without a call where the platform allows it.
struct ThreadState {
  ThreadCache* cache = nullptr;
  bool ended = false;  // the cache is gone, while the thread's last thread_locals still end
  int64_t budget = kNoBudget;
};
#if defined(__ELF__)
__attribute__((tls_model("initial-exec")))
#endif
constinit thread_local ThreadState thread_state;

// The cache itself lies on the heap: a library that is loaded late has little room for
// thread_locals.
void make_cache() {
  struct Owner {
    std::unique_ptr<ThreadCache> cache = std::make_unique<ThreadCache>();
    Owner() { thread_state.cache = cache.get(); }
    ~Owner() {
      thread_state.cache = nullptr;
      thread_state.ended = true;
    }
  };
  static thread_local Owner owner;
}

// Calls fn with the thread's cache, made where there is none yet, or with a short-lived one where
// it has ended.
template <class F>
auto with_cache(F&& fn) {
  if (!thread_state.cache) {
    if (thread_state.ended) {
      ThreadCache temporary;
      return fn(temporary);
    }
    make_cache();
  }
  return fn(*thread_state.cache);
}

// What allocate() does seldom: the checks, and a thread's first or last allocations.
[[gnu::noinline]] void* allocate_checked(size_t bytes) {
  if (int64_t& budget = thread_state.budget; budget != kNoBudget) {
    if (bytes > static_cast<uint64_t>(budget)) throw std::bad_alloc();
    budget -= static_cast<int64_t>(bytes);
  }
  if (bytes > kLargest) throw std::bad_alloc();
  return with_cache([&](ThreadCache& cache) { return cache.take(size_class(bytes)); });
}

[[gnu::noinline]] void deallocate_late(void* block, size_t bytes) noexcept {
  with_cache([&](ThreadCache& cache) { cache.put(size_class(bytes), block); });
}

}  // namespace

void* allocate(size_t bytes) {
  ThreadState& state = thread_state;
  if (!state.cache || state.budget != kNoBudget || bytes > kLargest) [[unlikely]]
    return allocate_checked(bytes);
  return state.cache->take(size_class(bytes));
}

void deallocate(void* block, size_t bytes) noexcept {
  ThreadState& state = thread_state;
  if (!state.cache) [[unlikely]]
    return deallocate_late(block, bytes);
  state.cache->put(size_class(bytes), block);
}

// Within another budget, before_ is the part of it that this one leaves untouched.
AllocationBudget::AllocationBudget(int64_t bytes) : before_(thread_state.budget) {
  int64_t& budget = thread_state.budget;
  budget = std::max<int64_t>(bytes, 0);
  if (before_ == kNoBudget) return;
  budget = std::min(budget, before_);
  before_ -= budget;
}
AllocationBudget::~AllocationBudget() {
  thread_state.budget = before_ == kNoBudget ? kNoBudget : before_ + thread_state.budget;
}

}  // namespace bb::detail

namespace bb::memory {

Stats stats() {
  detail::with_cache([](detail::ThreadCache& cache) { cache.publish(); });
  return detail::CommonCache::instance().stats();
}

void reset_peak() {
  detail::with_cache([](detail::ThreadCache& cache) { cache.publish(); });
  detail::CommonCache::instance().reset_peak();
}

void trim() {
  detail::with_cache([](detail::ThreadCache& cache) { cache.flush(); });
  detail::CommonCache::instance().trim();
}

}  // namespace bb::memory
