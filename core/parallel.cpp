#include "bb/core/parallel.h"

#include <pthread.h>
#include <signal.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>

#include "bb/core/cpu.h"
#include "bb/core/error.h"

namespace bb {
namespace {

/// The work below which another thread does not pay. Opening a region costs less than 1 us where
/// its workers look out for work, but up to 10 us in a virtual machine where they sleep.
constexpr double kMinWorkAwakeNs = 2'500;
constexpr double kMinWorkNs = 10'000;
/// Work between the two that a thread does alone before it wakes a worker all the same: waking then
/// costs a tenth, and what follows finds the worker awake.
constexpr double kWakeAfterNs = 100'000;
/// Large regions are cut finer than threads need, so that a late worker leaves its share to others.
constexpr int kRangesPerThread = 4;
/// How long a worker without work, and a caller whose workers are not done, look out before they
/// sleep: some times what waking them costs, and the usual time between two regions of a training
/// step.
constexpr std::chrono::microseconds kSpin{100};

/// Ranges are dealt out in shares, one for each of up to so many threads.
constexpr int kMaxShares = 16;
constexpr int kMaxWorkers = 255;
constexpr int kMaxRegions = 32;  // at once; the callers of more run theirs alone

std::atomic<int> g_limit{0};  // 0: not asked for yet
constinit std::atomic<bool> g_share_all = false;
constinit thread_local bool t_inside = false;  // a region: workers always are
constinit thread_local double t_alone_ns = 0;  // work done alone for want of a worker awake

int default_threads() {
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    if (const int n = std::atoi(text); n >= 1) return n;
  }
  return available_cpus();
}

/// Looks out until done(); whether that came true in time.
template <class Done>
bool spin(const Done& done) {
  if (done()) return true;
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 8; ++i) {
      if (done()) return true;
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield");
#endif
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

#if defined(__linux__)
int current_cpu() { return sched_getcpu(); }

/// Moves the calling worker off the CPU of the thread that woke it. Where every CPU is busy, be it
/// with work of low priority, Linux often wakes a worker there, and it would get to run only when
/// the one that it should help does not.
void make_way(int waker_cpu) {
  cpu_set_t all;
  if (sched_getcpu() != waker_cpu || sched_getaffinity(0, sizeof all, &all) != 0) return;
  if (CPU_COUNT(&all) < num_threads()) return;
  cpu_set_t others = all;
  CPU_CLR(static_cast<size_t>(waker_cpu), &others);
  if (sched_setaffinity(0, sizeof others, &others) == 0) sched_setaffinity(0, sizeof all, &all);
}
#else
int current_cpu() { return 0; }
void make_way(int) {}
#endif

/// One parallel_for, on its caller's stack. The caller and its workers take ranges until none is
/// left, each from its own share first: from one parallel_for to the next, a thread finds in its
/// caches what it left there.
struct Region {
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  int64_t n;
  int64_t align;
  detail::RangeFn fn;
  void* context;
  int64_t ranges;
  int most_workers;
  int share_count = std::min(most_workers + 1, kMaxShares);
  std::array<Share, kMaxShares> shares{};
  std::mutex mutex{};  // of the error
  std::exception_ptr error{};
  int64_t error_at = 0;

  void deal() {
    for (int i = 0; i < share_count; ++i) {
      Share& share = shares[static_cast<size_t>(i)];
      share.next.store(ranges * i / share_count, std::memory_order_relaxed);
      share.end = ranges * (i + 1) / share_count;
    }
  }
  /// `thread`: 0 is the caller, the workers follow.
  void work(int thread) {
    for (int k = 0; k < share_count; ++k) {
      Share& share = shares[static_cast<size_t>((thread + k) % share_count)];
      for (int64_t i; (i = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;) run(i);
    }
  }
  void run(int64_t index) {
    const int64_t blocks = (n + align - 1) / align;
    const int64_t begin = blocks * index / ranges * align;
    const int64_t end = std::min(n, blocks * (index + 1) / ranges * align);
    try {
      fn(context, begin, end);
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!error || begin < error_at) {
        error = std::current_exception();
        error_at = begin;
      }
    }
  }
};

/// The workers of the process. The pool has no locks and no destructor: nothing waits for a worker
/// at exit, and a forked child, which has none of its parent's threads, begins with a new pool.
///
/// A caller puts its region on a post. A worker counts itself in before it looks whether the post
/// is open; the caller closes the post before it looks whether workers are in. So either the worker
/// stays out, or the caller waits for it. Likewise a worker announces that it sleeps before it
/// looks for new regions a last time, and a caller opens its region before it looks for sleepers.
/// Both need the order of all accesses that std::atomic gives by default.
class Pool {
 public:
  struct alignas(64) Post {
    std::atomic<bool> taken{false};
    std::atomic<bool> open{false};  // may have ranges left
    std::atomic<int> workers{0};    // that may be using `region`
    std::atomic<bool> awaited{false};
    Region* region = nullptr;
  };
  /// A free post, or null.
  Post* take_post() {
    for (Post& post : posts_) {
      if (!post.taken.load(std::memory_order_relaxed) && !post.taken.exchange(true)) return &post;
    }
    return nullptr;
  }

  /// Runs the region on the calling thread and the workers that come in time.
  void run(Post& post, Region& region) {
    start_workers();
    region.deal();
    post.region = &region;
    post.open = true;
    ++opened_;
    wake(region.most_workers);
    t_inside = true;
    region.work(0);
    t_inside = false;
    post.open = false;
    if (!spin([&] { return post.workers == 0; })) {
      post.awaited = true;
      while (const int workers = post.workers) post.workers.wait(workers);
      post.awaited = false;
    }
    post.taken = false;
  }

  int looking() const { return looking_.load(std::memory_order_relaxed); }

 private:
  enum State { kBusy, kLooking, kAsleep };
  struct alignas(64) Worker {
    std::atomic<int> state{kBusy};
    std::atomic<int> waker_cpu{0};
  };

  /// Starts what num_threads() allows and does not run yet.
  void start_workers();

  /// A worker's life. Of the workers, the first num_threads() - 1 may work.
  void serve(int index) {
    t_inside = true;
    std::atomic<int>& state = workers_[static_cast<size_t>(index)].state;
    for (;;) {
      const unsigned seen = opened_;
      bool helped = false;
      if (index < num_threads() - 1) {
        for (Post& post : posts_) helped |= help(post, index + 1);
      }
      if (helped) continue;
      state = kLooking;
      ++looking_;
      const bool found = spin([&] { return opened_ != seen; });
      --looking_;
      if (!found) {
        state = kAsleep;
        if (opened_ == seen) {
          state.wait(kAsleep);
          make_way(workers_[static_cast<size_t>(index)].waker_cpu);
        }
      }
      state = kBusy;
    }
  }

  /// Whether the post had a place for another worker.
  bool help(Post& post, int thread) {
    if (!post.open) return false;
    const int before = post.workers++;
    const bool joins = post.open && before < post.region->most_workers;
    if (joins) {
      wake(post.region->most_workers - before - 1);
      post.region->work(thread);
      post.open = false;
    }
    if (--post.workers == 0 && post.awaited) post.workers.notify_all();
    return joins;
  }

  /// Sees to it that `wanted` workers come. Wakes two at most, because that takes time: they wake
  /// others.
  void wake(int wanted) {
    const int allowed = std::min(started_.load(), num_threads() - 1);
    int woken = 0;
    for (int i = 0; i < allowed && wanted > 0 && woken < 2; ++i) {
      std::atomic<int>& state = workers_[static_cast<size_t>(i)].state;
      int now = state;
      if (now == kLooking) --wanted;
      if (now != kAsleep) continue;
      workers_[static_cast<size_t>(i)].waker_cpu = current_cpu();
      if (state.compare_exchange_strong(now, kBusy)) {
        state.notify_one();
        --wanted;
        ++woken;
      }
    }
  }

  alignas(64) std::atomic<unsigned> opened_{0};  // regions so far
  alignas(64) std::atomic<int> started_{0};
  alignas(64) std::atomic<int> looking_{0};  // workers that look out for regions
  std::atomic<bool> starting_{false};
  std::atomic<int> most_{kMaxWorkers};  // less where the system refused
  std::array<Post, kMaxRegions> posts_{};
  std::array<Worker, kMaxWorkers> workers_{};
};
static_assert(std::is_trivially_destructible_v<Pool>);

constinit Pool g_pool;

void Pool::start_workers() {
  const int wanted = std::min(num_threads() - 1, most_.load());
  if (started_ >= wanted || starting_.exchange(true)) return;
  static std::atomic<bool> fork_seen_to = false;
  if (!fork_seen_to.exchange(true)) {
    pthread_atfork(nullptr, nullptr, [] { new (&g_pool) Pool; });
  }
  sigset_t all, before;  // signals are for the program's own threads
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    while (started_ < wanted) {
      std::thread(&Pool::serve, this, started_.load()).detach();
      ++started_;
    }
  } catch (const std::system_error&) {
    most_ = started_.load();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  starting_ = false;
}

}  // namespace

int num_threads() {
  int n = g_limit.load(std::memory_order_relaxed);
  if (n == 0) {
    const int fresh = default_threads();
    if (g_limit.compare_exchange_strong(n, fresh)) n = fresh;
  }
  return n;
}

void set_num_threads(int n) {
  if (n < 1) {
    throw ValueError("set_num_threads: the number of threads must be at least 1, got " +
                     std::to_string(n));
  }
  g_limit.store(n, std::memory_order_relaxed);
}

int threads_for(int64_t n, double cost_ns) {
  const bool share_all = g_share_all.load(std::memory_order_relaxed);
  const double work_ns =
      share_all ? std::numeric_limits<double>::infinity() : static_cast<double>(n) * cost_ns;
  if (work_ns < 2 * kMinWorkAwakeNs || n < 2) return 1;
  const int limit = num_threads();
  if (limit == 1 || t_inside) return 1;
  const int awake = 1 + g_pool.looking();
  if (awake == 1 && work_ns < 2 * kMinWorkNs) {
    t_alone_ns += work_ns;
    if (t_alone_ns < kWakeAfterNs) return 1;
    t_alone_ns = 0;
    return 2;
  }
  const double worth =
      std::max(work_ns / kMinWorkNs, std::min<double>(work_ns / kMinWorkAwakeNs, awake));
  const double most = std::min(worth, static_cast<double>(n));
  return most < limit ? static_cast<int>(most) : limit;
}

void detail::share_all_work(bool on) { g_share_all = on; }

void detail::run_parallel(int threads, int64_t n, double cost_ns, int64_t align, RangeFn fn,
                          void* context) {
  Pool::Post* post = g_pool.take_post();
  if (!post) return fn(context, 0, n);
  // As many to each thread: with three ranges, two threads would need the time of two.
  const double each = static_cast<double>(n) * cost_ns / kMinWorkNs / threads;
  const int64_t most = std::min(int64_t{threads} * kRangesPerThread, (n + align - 1) / align);
  const int64_t even = threads * (each < kRangesPerThread ? static_cast<int64_t>(each) + 1
                                                          : int64_t{kRangesPerThread});
  Region region{.n = n,
                .align = align,
                .fn = fn,
                .context = context,
                .ranges = std::min(even, most),
                .most_workers = threads - 1};
  g_pool.run(*post, region);
  if (region.error) std::rethrow_exception(region.error);
}

}  // namespace bb
