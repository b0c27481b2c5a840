#include "bb/core/memory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "bb/core/large_blocks.h"
#include "bb/core/poison.h"

#ifdef __linux__
#include <pthread.h>
#endif

namespace bb::detail {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kLargestSmall = size_t{32} << 10;  // larger blocks are LargeBlocks'
constexpr size_t kLargest = size_t{1} << 46;
constexpr int kClassesPerDoubling = 4;
constexpr size_t kClasses = 32;
constexpr size_t kThreadBytesPerClass = size_t{64} << 10;
constexpr size_t kThreadBlocksPerClass = 128;
constexpr int64_t kThreadBytes = int64_t{256} << 10;
constexpr int64_t kPublishBytes = int64_t{64} << 10;
constexpr int64_t kSlackBytes = int64_t{512} << 10;

// Classes of small blocks are 64, then four to each doubling, in multiples of 64: 64 128 192 256
// 320 384 448 512 640 ... 32768
constexpr size_t class_bytes(size_t index) {
  if (index < kClassesPerDoubling) return (index + 1) * kAlignment;
  const size_t shift = index / kClassesPerDoubling - 1;
  return (kClassesPerDoubling + index % kClassesPerDoubling + 1) * kAlignment << shift;
}
static_assert(class_bytes(kClasses - 1) == kLargestSmall);

constexpr auto kClassOf = [] {  // by the request in units of kAlignment, rounded up
  std::array<uint8_t, kLargestSmall / kAlignment + 1> classes{};
  size_t index = 0;
  for (size_t units = 0; units < classes.size(); ++units) {
    if (units * kAlignment > class_bytes(index)) ++index;
    classes[units] = static_cast<uint8_t>(index);
  }
  return classes;
}();

struct SizeClass {
  size_t index;
  size_t bytes;
};

SizeClass size_class(size_t bytes) {
  const size_t index = kClassOf[(bytes + kAlignment - 1) / kAlignment];
  return {index, class_bytes(index)};
}

// What all threads share, behind one mutex: large blocks, and the small ones that no thread keeps.
class Common {
 public:
  static Common& instance() {
    static auto* common = [] {  // never destroyed: static tensors may outlive anything
      auto* made = new Common;
#ifdef __linux__
      // A child must find the mutex free and what it guards whole.
      pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                     [] { instance().mutex_.unlock(); });
#endif
      return made;
    }();
    return *common;
  }

  void* allocate_large(size_t bytes) {
    const int64_t taken = LargeBlocks::taken(bytes);
    std::lock_guard lock(mutex_);
    const int64_t most = bound(taken);
    void* block = large_.allocate(bytes, most - small_);
    if (!block) {
      evict_to(0);
      block = large_.allocate(bytes, most - small_);
    }
    if (!block) throw std::bad_alloc();
    keep_to(most);
    publish(taken);
    return block;
  }

  void deallocate_large(void* block, size_t bytes) {
    std::lock_guard lock(mutex_);
    large_.deallocate(block, bytes);
    publish(-LargeBlocks::taken(bytes));
  }

  // Gives 1 to `count` small blocks of a class: cached ones, or else a new one.
  size_t take(SizeClass size, size_t count, void** out) {
    std::lock_guard lock(mutex_);
    auto& list = lists_[size.index];
    count = std::min(count, list.size());
    if (count > 0) {
      std::copy(list.end() - static_cast<std::ptrdiff_t>(count), list.end(), out);
      list.resize(list.size() - count);
      return count;
    }
    const auto bytes = static_cast<int64_t>(size.bytes);
    keep_to(bound(bytes) - bytes);
    void* block = std::aligned_alloc(kAlignment, size.bytes);
    if (!block) {
      evict_to(0);
      block = std::aligned_alloc(kAlignment, size.bytes);
    }
    if (!block) throw std::bad_alloc();
    poison(block, size.bytes);
    small_ += bytes;
    *out = block;
    return 1;
  }

  void put(SizeClass size, size_t count, void* const* blocks) {
    std::lock_guard lock(mutex_);
    lists_[size.index].insert(lists_[size.index].end(), blocks, blocks + count);
  }

  void trim() {
    std::lock_guard lock(mutex_);
    evict_to(0);
  }

  // Whether keeping to the bound took all that is cached in common and was not enough. What
  // other threads keep cannot be reached; a thread can give its own.
  bool is_over_bound() const { return over_bound_.load(std::memory_order_relaxed); }

  void keep_to_bound() {
    std::lock_guard lock(mutex_);
    keep_to(bound(0));
  }

  void publish(int64_t live_change) {
    const int64_t live = live_.fetch_add(live_change, std::memory_order_relaxed) + live_change;
    if (live_change < 0) return;
    raise(peak_, live);
    raise(highest_, live);
  }

  memory::Stats stats() {
    std::lock_guard lock(mutex_);
    const int64_t live = live_.load(std::memory_order_relaxed);
    return {live, std::max<int64_t>(0, small_ + large_.lent() - live),
            peak_.load(std::memory_order_relaxed)};
  }

  void reset_peak() { peak_.store(live_.load(std::memory_order_relaxed)); }

 private:
  static void raise(std::atomic<int64_t>& to, int64_t value) {
    int64_t seen = to.load(std::memory_order_relaxed);
    while (seen < value && !to.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
  }

  // The most that the system may have lent when `more` is asked for.
  int64_t bound(int64_t more) const {
    const int64_t highest = std::max(live_.load(std::memory_order_relaxed) + more,
                                     highest_.load(std::memory_order_relaxed));
    return highest + highest / 4 + kSlackBytes;
  }

  void keep_to(int64_t most) {
    evict_to(most);
    over_bound_.store(small_ + large_.lent() > most, std::memory_order_relaxed);
  }

  // Gives back what is cached until the system has lent at most `bytes` or none is left: memory
  // behind large blocks, then small blocks, of each the largest first.
  void evict_to(int64_t bytes) {
    if (small_ + large_.lent() <= bytes) return;
    large_.give_back(small_ + large_.lent() - bytes);
    for (size_t index = kClasses; index-- > 0;) {
      auto& list = lists_[index];
      while (!list.empty() && small_ + large_.lent() > bytes) {
        unpoison(list.back(), class_bytes(index));
        std::free(list.back());
        list.pop_back();
        small_ -= static_cast<int64_t>(class_bytes(index));
      }
    }
  }

  std::mutex mutex_;
  LargeBlocks large_;
  std::array<std::vector<void*>, kClasses> lists_;
  int64_t small_ = 0;  // bytes lent as small blocks
  std::atomic<int64_t> live_{0}, peak_{0};
  std::atomic<int64_t> highest_{0};  // peak since the start, whatever reset_peak() does
  std::atomic<bool> over_bound_{false};
};
// Made before there are threads: were it made while another thread forks, the child would wait for
// ever for it to be ready.
[[maybe_unused]] const Common& g_common = Common::instance();

// The small blocks that one thread keeps for itself, without locks, and the part of its count not
// yet published.
class ThreadCache {
 public:
  ThreadCache() {
    size_t total = 0;
    for (size_t index = 0; index < kClasses; ++index) total += capacity(index);
    blocks_ = std::make_unique<void*[]>(total);
    void** begin = blocks_.get();
    for (size_t index = 0; index < kClasses; ++index) {
      lists_[index] = {begin, begin, begin + capacity(index)};
      begin += capacity(index);
    }
  }
  ~ThreadCache() { flush(); }
  ThreadCache(const ThreadCache&) = delete;
  ThreadCache& operator=(const ThreadCache&) = delete;

  void* take(SizeClass size) {
    List& list = lists_[size.index];
    if (list.end == list.begin) [[unlikely]] {
      keep_to_bound();
      refill(size);
    }
    void* block = *--list.end;
    count(static_cast<int64_t>(size.bytes));
    unpoison(block, size.bytes);
    return block;
  }

  void put(SizeClass size, void* block) {
    poison(block, size.bytes);
    List& list = lists_[size.index];
    if (list.end == list.limit) [[unlikely]]
      hand_over(size, capacity(size.index) / 2);
    *list.end++ = block;
    count(-static_cast<int64_t>(size.bytes));
  }

  void publish() {
    kept_ -= unpublished_;
    Common::instance().publish(std::exchange(unpublished_, 0));
  }

  // Gives all that the thread keeps to the common cache.
  void flush() {
    for (size_t index = 0; index < kClasses; ++index)
      hand_over({index, class_bytes(index)},
                static_cast<size_t>(lists_[index].end - lists_[index].begin));
    publish();
  }

  void keep_to_bound() {
    if (!Common::instance().is_over_bound()) return;
    flush();
    Common::instance().keep_to_bound();
  }

 private:
  struct List {
    void** begin;
    void** end;
    void** limit;
  };

  static constexpr size_t capacity(size_t index) {
    return std::clamp<size_t>(kThreadBytesPerClass / class_bytes(index), 2, kThreadBlocksPerClass);
  }

  [[gnu::noinline]] void refill(SizeClass size) {
    List& list = lists_[size.index];
    const size_t count = Common::instance().take(size, capacity(size.index) / 2, list.begin);
    list.end = list.begin + count;
    kept_ += static_cast<int64_t>(count * size.bytes);
  }

  [[gnu::noinline]] void hand_over(SizeClass size, size_t count) {
    if (count == 0) return;
    List& list = lists_[size.index];
    list.end -= count;
    Common::instance().put(size, count, list.end);
    kept_ -= static_cast<int64_t>(count * size.bytes);
  }

  void count(int64_t change) {
    unpublished_ += change;
    if (std::abs(unpublished_) >= kPublishBytes) [[unlikely]]
      publish_and_limit();
  }

  [[gnu::noinline]] void publish_and_limit() {
    publish();
    if (kept_ > kThreadBytes) flush();
  }

  std::array<List, kClasses> lists_;
  std::unique_ptr<void*[]> blocks_;
  int64_t unpublished_ = 0;
  int64_t kept_ = 0;  // bytes in the lists, less unpublished_
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

// What allocate() does seldom: the checks, large blocks, and a thread's first or last allocations.
[[gnu::noinline]] void* allocate_checked(size_t bytes) {
  if (int64_t& budget = thread_state.budget; budget != kNoBudget) {
    if (bytes > static_cast<uint64_t>(budget)) throw std::bad_alloc();
    budget -= static_cast<int64_t>(bytes);
  }
  if (bytes > kLargest) throw std::bad_alloc();
  if (bytes <= kLargestSmall)
    return with_cache([&](ThreadCache& cache) { return cache.take(size_class(bytes)); });
  void* block = Common::instance().allocate_large(bytes);
  if (thread_state.cache) thread_state.cache->keep_to_bound();
  return block;
}

[[gnu::noinline]] void deallocate_checked(void* block, size_t bytes) noexcept {
  if (bytes > kLargestSmall) return Common::instance().deallocate_large(block, bytes);
  with_cache([&](ThreadCache& cache) { cache.put(size_class(bytes), block); });
}

}  // namespace

void* allocate(size_t bytes) {
  ThreadState& state = thread_state;
  if (!state.cache || state.budget != kNoBudget || bytes > kLargestSmall) [[unlikely]]
    return allocate_checked(bytes);
  return state.cache->take(size_class(bytes));
}

void deallocate(void* block, size_t bytes) noexcept {
  ThreadState& state = thread_state;
  if (!state.cache || bytes > kLargestSmall) [[unlikely]]
    return deallocate_checked(block, bytes);
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
  return detail::Common::instance().stats();
}

void reset_peak() {
  detail::with_cache([](detail::ThreadCache& cache) { cache.publish(); });
  detail::Common::instance().reset_peak();
}

void trim() {
  detail::with_cache([](detail::ThreadCache& cache) { cache.flush(); });
  detail::Common::instance().trim();
}

}  // namespace bb::memory
