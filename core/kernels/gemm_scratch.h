#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace bb::kernels {

/// Memory of the calling thread's own, for one panel at a time: the next call takes it again.
inline void* gemm_scratch(size_t bytes) {
  struct Free {
    void operator()(void* data) const { ::operator delete (data, std::align_val_t{64}); }
  };
  thread_local std::unique_ptr<void, Free> data;
  thread_local size_t size = 0;
  if (size < bytes) {
    data.reset();
    size = 0;
    data.reset(::operator new (bytes, std::align_val_t{64}));
    size = bytes;
  }
  return data.get();
}

}  // namespace bb::kernels
