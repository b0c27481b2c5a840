#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <torch/torch.h>

#include <atomic>

#include "../harness.h"

namespace {

/// The default allocator, with the bytes that it has lent.
class Counting final : public c10::Allocator {
 public:
  explicit Counting(c10::Allocator* base) : base_(base) {}

  c10::DataPtr allocate(size_t bytes) override {
    const int64_t live = live_bytes_ += static_cast<int64_t>(bytes);
    for (int64_t peak = peak_bytes_; live > peak && !peak_bytes_.compare_exchange_weak(peak, live);)
      continue;
    auto* block = new Block{this, bytes, base_->allocate(bytes)};
    return {block->data.get(), block, &release, block->data.device()};
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    base_->copy_data(to, from, bytes);
  }

  int64_t live() const { return live_bytes_; }
  int64_t peak() const { return peak_bytes_; }
  void reset_peak() { peak_bytes_ = live_bytes_.load(); }

 private:
  struct Block {
    Counting* counter;
    size_t bytes;
    c10::DataPtr data;
  };
  static void release(void* context) {
    auto* block = static_cast<Block*>(context);
    block->counter->live_bytes_ -= static_cast<int64_t>(block->bytes);
    delete block;
  }

  c10::Allocator* base_;
  std::atomic<int64_t> live_bytes_{0}, peak_bytes_{0};
};

}  // namespace

void versus::set_threads(int threads) { at::set_num_threads(threads); }

int64_t versus::peak_bytes(const std::function<void()>& start, const std::function<void()>& f) {
  // Not while times are taken. Blocks may outlive this call: so does their counter.
  c10::Allocator* const base = c10::GetCPUAllocator();
  static Counting counting(base);
  const int64_t before = counting.live();
  c10::SetCPUAllocator(&counting);
  start();
  counting.reset_peak();
  f();
  c10::SetCPUAllocator(base);
  return counting.peak() - before;
}

int main(int argc, char** argv) {
  // Large blocks stay in the process: without it, every large result costs LibTorch page faults.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, -1);
  return versus::run(argc, argv);
}
