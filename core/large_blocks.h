#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bb/core/page_range.h"

namespace bb::detail {

/// Blocks of whole pages out of a few ranges of addresses, or of the C library where the system
/// gives no range. Not safe for threads: the owner locks.
class LargeBlocks {
 public:
  /// What a block of `bytes` takes: whole pages.
  static int64_t taken(size_t bytes);

  /// A block that begins on a page, null where the system has no memory. Where lent() would pass
  /// `limit`, memory behind free blocks goes back to the system first.
  void* allocate(size_t bytes, int64_t limit);
  void deallocate(void* block, size_t bytes);

  /// Gives memory behind free blocks back, of the largest first, until it was `bytes` or there is
  /// none left.
  void give_back(int64_t bytes);

  /// Bytes that the system has lent.
  int64_t lent() const { return lent_; }

 private:
  char* take(int64_t pages, PageRange*& from);
  PageRange* add_range(int64_t pages);

  std::vector<PageRange> ranges_;
  int64_t lent_ = 0;
};

}  // namespace bb::detail
