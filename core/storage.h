#pragma once

#include <cstdint>
#include <memory>

#include "bb/core/memory.h"
#include "bb/core/ref.h"

namespace bb::detail {

/// Whether storages made on this thread are inference tensors' (bb/autograd/grad_mode.h).
bool inference_mode();
void set_inference_mode(bool enabled);

/// The bytes that one or several tensors look at. Counts in-place changes, so that a value saved
/// for backward can be checked for having been overwritten.
class Storage {
 public:
  /// `bytes` uninitialised bytes of the caching allocator.
  static Ref<Storage> allocate(int64_t bytes);
  /// Memory of the caller's; `owner` keeps it alive.
  static Ref<Storage> borrow(void* data, int64_t bytes, std::shared_ptr<void> owner);

  void* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  uint32_t version() const { return version_; }
  void bump_version() { ++version_; }
  bool is_inference() const { return is_inference_; }
  bool is_borrowed() const { return borrowed_; }

  void retain() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() {
    if (refs_.load(std::memory_order_acquire) == 1 ||
        refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      destroy();
  }
  uint32_t use_count() const { return refs_.load(std::memory_order_relaxed); }

 private:
  Storage() = default;
  void destroy();

  void* data_ = nullptr;
  int64_t bytes_ = 0;
  std::atomic<uint32_t> refs_{0};
  uint32_t version_ = 0;
  bool borrowed_ = false;
  const bool is_inference_ = inference_mode();
  std::shared_ptr<void> owner_;
};

}  // namespace bb::detail
