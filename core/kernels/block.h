#pragma once

#include <cstddef>
#include <cstdint>

#include "bb/core/memory.h"

namespace bb::kernels {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Memory for as long as it lives; none for 0 elements.
template <class T>
class Block {
 public:
  explicit Block(int64_t elements) : bytes_(static_cast<size_t>(elements) * sizeof(T)) {
    if (bytes_ > 0) data_ = static_cast<T*>(bb::detail::allocate(bytes_));
  }
  ~Block() {
    if (data_) bb::detail::deallocate(data_, bytes_);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  T* data() const { return data_; }

 private:
  size_t bytes_;
  T* data_ = nullptr;
};

}  // namespace bb::kernels
