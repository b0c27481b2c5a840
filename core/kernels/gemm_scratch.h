#pragma once

#include <cstddef>
#include <memory>
#include <new>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace bb::kernels {

/// Memory of the calling thread's own, for the panels of one product at a time: the next call takes
/// it again. Large pages where the system has them: panels on scattered small pages collide in the
/// caches' sets and overrun the translation buffers.
inline void* gemm_scratch(size_t bytes) {
  constexpr size_t kLargePage = size_t{2} << 20;
  struct Free {
    void operator()(void* data) const { ::operator delete (data, std::align_val_t{kLargePage}); }
  };
  thread_local std::unique_ptr<void, Free> data;
  thread_local size_t size = 0;
  if (size < bytes) {
    data.reset();
    size = 0;
    const size_t whole = (bytes + kLargePage - 1) / kLargePage * kLargePage;
    data.reset(::operator new (whole, std::align_val_t{kLargePage}));
#if defined(__linux__)
    madvise(data.get(), whole, MADV_HUGEPAGE);
#endif
    size = whole;
  }
  return data.get();
}

}  // namespace bb::kernels
