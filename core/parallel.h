#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace bb {

/// The most threads that this process computes with at once, the callers' own included.
/// At first: OMP_NUM_THREADS where it is set, else the CPUs that the affinity mask and the cgroup's
/// quota allow.
int num_threads();

/// Sets num_threads(). Results do not depend on it, down to the last bit. Throws ValueError if n
/// < 1.
void set_num_threads(int n);

/// The threads that `parallel_for(n, cost_ns, ...)` will use at most, so many that a further one
/// never loses: each has about 10 us of work, or 2.5 us where the workers are awake from earlier
/// work; 1 inside a parallel_for.
int threads_for(int64_t n, double cost_ns);

namespace detail {
/// For tests: whether parallel_for shares any work, however small.
void share_all_work(bool on);

using RangeFn = void (*)(void* context, int64_t begin, int64_t end);
void run_parallel(int threads, int64_t n, double cost_ns, int64_t align, RangeFn fn, void* context);
}  // namespace detail

/// Calls fn(begin, end) over disjoint ranges that together cover [0, n), on one or more threads.
/// cost_ns: estimated time of one item on one core, in nanoseconds; decides how many threads are
/// used (threads_for). One thread means a plain call fn(0, n). align: ranges begin at multiples of
/// it. Threads take ranges as they get to it, so that one may run several, and the caller all. An
/// exception that fn throws reaches the caller, of several the one from the lowest range; the other
/// ranges still run. How [0, n) is cut depends on num_threads(): each item must give the same
/// result in any cut.
///   parallel_for(n, 0.5, [&](int64_t begin, int64_t end) { for (auto i = begin; i < end; ++i) y[i]
///   = f(x[i]); });
template <class F>
void parallel_for(int64_t n, double cost_ns, F&& fn, int64_t align = 1) {
  if (n <= 0) return;
  const int64_t blocks = align == 1 ? n : (n + align - 1) / align;
  const int threads = threads_for(blocks, cost_ns * static_cast<double>(std::min(align, n)));
  if (threads == 1) {
    fn(int64_t{0}, n);
    return;
  }
  using Fn = std::remove_reference_t<F>;
  detail::run_parallel(
      threads, n, cost_ns, align,
      [](void* context, int64_t begin, int64_t end) { (*static_cast<Fn*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&fn)));
}

}  // namespace bb
