#include "bb/core/large_blocks.h"

#include <algorithm>
#include <cstdlib>

#include "bb/core/poison.h"

#ifdef __linux__
#include <unistd.h>
#endif

namespace bb::detail {
namespace {

constexpr int64_t kPage = PageRange::kPageBytes;
constexpr int64_t kLeastRange = (int64_t{16} << 20) / kPage;
// From here on, a block that begins or ends within a huge page takes all of it: a few per cent.
// Below, only what fills huge pages gets them, so that a small program stays small.
constexpr int64_t kHugeFrom = int64_t{16} << 20;

int64_t pages_of(size_t bytes) {
  return (static_cast<int64_t>(bytes + kRedZone) + kPage - 1) / kPage;
}

// Addresses cost nothing, but one range finds room for a block more often than several would.
int64_t range_pages() {
#ifdef __linux__
  const int64_t memory = sysconf(_SC_PHYS_PAGES) * (sysconf(_SC_PAGESIZE) / kPage);
  return std::max(memory, kLeastRange);
#else
  return kLeastRange;
#endif
}

}  // namespace

int64_t LargeBlocks::taken(size_t bytes) { return pages_of(bytes) * kPage; }

void* LargeBlocks::allocate(size_t bytes, int64_t limit) {
  const int64_t pages = pages_of(bytes);
  PageRange* range = nullptr;
  if (char* block = take(pages, range)) {
    const int64_t needed = range->unbacked(block, pages) * kPage;
    if (lent_ + needed > limit) give_back(lent_ + needed - limit);
    const int64_t spare = lent_ >= kHugeFrom ? std::max<int64_t>(limit - lent_ - needed, 0) : 0;
    lent_ += range->back(block, pages, spare / kPage) * kPage;
    unpoison(block, bytes);
    return block;
  }
  if (lent_ + pages * kPage > limit) give_back(lent_ + pages * kPage - limit);
  void* block = std::aligned_alloc(kPage, static_cast<size_t>(pages * kPage));
  if (block) lent_ += pages * kPage;
  return block;
}

void LargeBlocks::deallocate(void* block, size_t bytes) {
  const int64_t pages = pages_of(bytes);
  for (PageRange& range : ranges_) {
    if (!range.contains(block)) continue;
    poison(block, static_cast<size_t>(pages * kPage));
    range.put(static_cast<char*>(block), pages);
    return;
  }
  std::free(block);
  lent_ -= pages * kPage;
}

void LargeBlocks::give_back(int64_t bytes) {
  int64_t pages = (bytes + kPage - 1) / kPage;
  for (PageRange& range : ranges_) {
    const int64_t given = range.give_back(pages);
    pages -= given;
    lent_ -= given * kPage;
    if (pages <= 0) return;
  }
}

char* LargeBlocks::take(int64_t pages, PageRange*& from) {
  for (PageRange& range : ranges_) {
    from = &range;
    if (char* block = range.take(pages)) return block;
  }
  from = add_range(pages);
  if (!from) return nullptr;
  char* block = from->take(pages);
  if (!block) {
    from->release();
    ranges_.pop_back();
  }
  return block;
}

// Where the system limits the addresses of a process, a quarter at a time is left to others.
PageRange* LargeBlocks::add_range(int64_t pages) {
  PageRange& range = ranges_.emplace_back();
  for (int64_t size = range_pages();; size /= 4) {
    const bool least = size <= std::max(pages, kLeastRange);
    if (range.reserve(least ? pages : size)) return &range;
    if (least) break;
  }
  ranges_.pop_back();
  return nullptr;
}

}  // namespace bb::detail
