#include "bb/core/storage.h"

#include <new>

namespace bb::detail {
namespace {

// Small data lies behind its header, in one block; larger data in a block of its own, so that the
// header does not push a power of two into the next size class.
constexpr int64_t kHeader = 64;
constexpr int64_t kInlineBytes = 1024;
static_assert(sizeof(Storage) <= kHeader);

size_t block_bytes(int64_t bytes) {
  return static_cast<size_t>(kHeader + (bytes <= kInlineBytes ? bytes : 0));
}

constinit thread_local bool t_inference_mode = false;

}  // namespace

bool inference_mode() { return t_inference_mode; }
void set_inference_mode(bool enabled) { t_inference_mode = enabled; }

Ref<Storage> Storage::allocate(int64_t bytes) {
  const bool is_inline = bytes <= kInlineBytes;
  void* block = detail::allocate(block_bytes(bytes));
  auto* storage = new (block) Storage;
  storage->borrowed_ = true;  // until there is data to give back
  Ref<Storage> result(storage);
  storage->data_ = is_inline ? static_cast<char*>(block) + kHeader
                             : detail::allocate(static_cast<size_t>(bytes));
  storage->bytes_ = bytes;
  storage->borrowed_ = false;
  return result;
}

Ref<Storage> Storage::borrow(void* data, int64_t bytes, std::shared_ptr<void> owner) {
  auto* storage = new (detail::allocate(kHeader)) Storage;
  storage->data_ = data;
  storage->bytes_ = bytes;
  storage->borrowed_ = true;
  storage->owner_ = std::move(owner);
  return Ref<Storage>(storage);
}

void Storage::destroy() {
  const bool borrowed = borrowed_;
  const int64_t bytes = bytes_;
  void* data = data_;
  this->~Storage();
  if (!borrowed && bytes > kInlineBytes) detail::deallocate(data, static_cast<size_t>(bytes));
  detail::deallocate(this, borrowed ? static_cast<size_t>(kHeader) : block_bytes(bytes));
}

}  // namespace bb::detail
