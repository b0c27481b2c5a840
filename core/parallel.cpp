#include "bb/core/parallel.h"

#include <omp.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>

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
#ifdef BB_TSAN
// ThreadSanitizer does not see libgomp's own synchronisation: fork and join are spelled out for it.
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#define BB_NO_TSAN __attribute__((no_sanitize("thread")))
#else
#define __tsan_acquire(address) static_cast<void>(address)
#define __tsan_release(address) static_cast<void>(address)
#define BB_NO_TSAN
#endif

namespace bb {
namespace {

/// A region on t threads costs about 0.5 us + what waking them takes: below this, another thread
/// does not pay.
constexpr double kMinWorkNs = 10'000;

int default_threads() {
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    if (const int n = std::atoi(text); n >= 1) return n;
  }
  return available_cpus();
}

std::atomic<int>& limit() {
  static std::atomic<int> threads{default_threads()};
  return threads;
}

/// Workers lent to all regions that run now. Each user thread that opens a region gets an OpenMP
/// team of its own: the sum of all teams' extra threads stays below the limit.
std::atomic<int> g_lent{0};

class Loan {
 public:
  explicit Loan(int wanted) {
    int lent = g_lent.load(std::memory_order_relaxed);
    do {
      granted_ = std::clamp(num_threads() - 1 - lent, 0, wanted);
    } while (granted_ > 0 &&
             !g_lent.compare_exchange_weak(lent, lent + granted_, std::memory_order_relaxed));
  }
  ~Loan() {
    if (granted_ > 0) g_lent.fetch_sub(granted_, std::memory_order_relaxed);
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  int granted() const { return granted_; }

 private:
  int granted_ = 0;
};

struct Region {
  int64_t n;
  int64_t align;
  detail::RangeFn fn;
  void* context;
  std::mutex mutex{};
  std::exception_ptr error{};
  int64_t error_at = 0;

  void run(int index, int count) {
    const int64_t blocks = (n + align - 1) / align;
    const int64_t begin = blocks * index / count * align;
    const int64_t end = std::min(n, blocks * (index + 1) / count * align);
    if (begin >= end) return;
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

/// The one place where a team is formed.
BB_NO_TSAN void open_region(Region* region, int threads) {
  __tsan_release(region);
#pragma omp parallel num_threads(threads) default(none) firstprivate(region)
  {
    __tsan_acquire(region);
    region->run(omp_get_thread_num(), omp_get_num_threads());
    __tsan_release(region);
  }
  __tsan_acquire(region);
}

}  // namespace

int num_threads() { return limit().load(std::memory_order_relaxed); }

void set_num_threads(int n) {
  if (n < 1) {
    throw ValueError("set_num_threads: the number of threads must be at least 1, got " +
                     std::to_string(n));
  }
  limit().store(n, std::memory_order_relaxed);
}

int threads_for(int64_t n, double cost_ns) {
  const double worth = static_cast<double>(n) * cost_ns / kMinWorkNs;
  if (worth < 2 || n < 2) return 1;
  const int limit = num_threads();
  if (limit == 1 || omp_in_parallel()) return 1;
  const double most = std::min(worth, static_cast<double>(n));
  return most < limit ? static_cast<int>(most) : limit;
}

void detail::run_parallel(int threads, int64_t n, int64_t align, RangeFn fn, void* context) {
  const Loan loan(threads - 1);
  if (loan.granted() == 0) return fn(context, 0, n);
  Region region{.n = n, .align = align, .fn = fn, .context = context};
  open_region(&region, loan.granted() + 1);
  if (region.error) std::rethrow_exception(region.error);
}

}  // namespace bb
