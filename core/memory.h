#pragma once

#include <cstddef>
#include <cstdint>

namespace bb::memory {

/// What the library's allocator holds, in bytes. A request counts as what it takes: up to 32 KiB a
/// multiple of 64 bytes, and above 256 bytes at most a quarter more than asked for; beyond, whole
/// pages of 4 KiB. live_bytes + cached_bytes is what the system has lent: it stays within 1.25 x
/// the highest live_bytes since the start + 512 KiB, and what other running threads keep (256 KiB
/// each, by and large).
struct Stats {
  int64_t live_bytes = 0;    ///< handed out and not given back
  int64_t cached_bytes = 0;  ///< given back and kept for reuse
  int64_t peak_bytes = 0;    ///< highest live_bytes since the start or reset_peak()
};

/// Counters over all threads. Other running threads' last changes, up to 64 KiB each, may not be in
/// yet.
Stats stats();

/// Starts peak_bytes anew from what is live now.
void reset_peak();

/// Gives what is cached (by this thread and by all in common) back to the system.
void trim();

}  // namespace bb::memory

namespace bb::detail {

/// Memory from the caching allocator, aligned to 64 bytes, or to 4 KiB above 32 KiB. Small blocks
/// given back are kept by size class, first by the thread, then by all threads in common; large
/// ones join with free neighbours. Throws std::bad_alloc.
void* allocate(size_t bytes);

/// Gives a block back; `bytes` as asked for. Any thread may do it.
void deallocate(void* block, size_t bytes) noexcept;

/// While it lives, this thread's allocations together stay within `bytes`; one that would not
/// throws std::bad_alloc. For building what an untrusted file describes.
class AllocationBudget {
 public:
  explicit AllocationBudget(int64_t bytes);
  ~AllocationBudget();
  AllocationBudget(const AllocationBudget&) = delete;
  AllocationBudget& operator=(const AllocationBudget&) = delete;

 private:
  int64_t before_;
};

}  // namespace bb::detail
