#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <torch/torch.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "../harness.h"

namespace {

/// The default allocator, with the bytes that it has lent. Its blocks may outlive its use.
class Counting final : public c10::Allocator {
 public:
  static Counting& instance() {
    static auto* counting = new Counting;  // never ended: blocks come back until the very last
    return *counting;
  }

  c10::DataPtr allocate(size_t bytes) override {
    void* data = base->raw_allocate(bytes);
    if (data) {
      const std::lock_guard guard(lock_);
      sizes_[data] = bytes;
      live_bytes += static_cast<int64_t>(bytes);
      peak_bytes = std::max(peak_bytes, live_bytes);
    }
    return {data, data, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    base->copy_data(to, from, bytes);
  }

  c10::Allocator* const base = c10::GetCPUAllocator();
  int64_t live_bytes = 0, peak_bytes = 0;

 private:
  static void release(void* data) {
    Counting& self = instance();
    if (data) {
      const std::lock_guard guard(self.lock_);
      const auto block = self.sizes_.find(data);
      self.live_bytes -= static_cast<int64_t>(block->second);
      self.sizes_.erase(block);
    }
    self.base->raw_deallocate(data);
  }

  std::mutex lock_;
  std::unordered_map<void*, size_t> sizes_;
};

}  // namespace

void versus::set_threads(int threads) { at::set_num_threads(threads); }

int64_t versus::peak_bytes(const std::function<void()>& start, const std::function<void()>& f) {
  Counting& counting = Counting::instance();
  const int64_t before = counting.live_bytes;
  c10::SetCPUAllocator(&counting);  // not while times are taken
  start();
  counting.peak_bytes = counting.live_bytes;
  f();
  c10::SetCPUAllocator(counting.base);
  return counting.peak_bytes - before;
}

int main(int argc, char** argv) {
  // Large blocks stay in the process: without it, every large result costs LibTorch page faults.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, -1);
  return versus::run(argc, argv);
}
