#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bb::detail {

/// A range of addresses, reserved from the system once and cut into blocks of whole pages. Free
/// neighbours join. Memory comes behind a page when it is first part of a block, and stays until
/// give_back(). What is known of the pages lies apart from them, so that blocks begin on a page and
/// touch each other. Not safe for threads: the owner locks.
class PageRange {
 public:
  static constexpr int64_t kPageBytes = 4096;  // our unit; the system's pages may be larger

  /// Reserves addresses for up to `pages` pages; false where the system refuses.
  bool reserve(int64_t pages);
  /// Gives the addresses back.
  void release();

  /// Takes a block out of the smallest free block that serves, else out of addresses not used
  /// before. Returns null where there are not enough, or the system refuses. The block may be
  /// used after back().
  char* take(int64_t pages);
  void put(char* block, int64_t pages);

  /// Pages of a block that have no memory yet.
  int64_t unbacked(const char* block, int64_t pages) const;
  /// Counts memory behind the whole block, up to `spare` pages more where that makes huge pages,
  /// and asks the system for these. Returns how many pages are newly backed.
  int64_t back(char* block, int64_t pages, int64_t spare);
  /// Gives memory behind free blocks back, of the largest first, until that of `pages` pages went
  /// or none is left. Returns how many it was.
  int64_t give_back(int64_t pages);

  bool contains(const void* block) const {
    return block >= begin_ && block < begin_ + reserved_ * kPageBytes;
  }

 private:
  static constexpr int kBins = 128;
  static constexpr uint32_t kNone = UINT32_MAX;

  // A page's entry holds something if it is the first or the last of its block.
  struct Page {
    uint32_t length;      // of the block
    uint32_t next, prev;  // in its bin; a free block's first page only
    bool free;
  };

  int64_t best_fit(int64_t pages) const;
  bool extend(int64_t pages);
  void mark(int64_t first, int64_t pages, bool free);
  void add_free(int64_t first, int64_t pages);
  void remove_free(int64_t first);
  int64_t count_backed(int64_t first, int64_t end) const;
  void set_backed(int64_t first, int64_t end, bool backed);
  int64_t give_back_block(int64_t first, int64_t wanted);
  int64_t page_of(const char* block) const { return (block - begin_) / kPageBytes; }

  char* mapping_ = nullptr;  // all that was reserved: the tables below, then the pages
  int64_t mapping_bytes_ = 0;
  Page* pages_ = nullptr;             // by page
  uint64_t* backed_ = nullptr;        // a bit for each page
  uint16_t* chunk_backed_ = nullptr;  // by chunk: how many of its pages are backed
  bool* chunk_huge_ = nullptr;        // by chunk: whether the system was asked for a huge page
  char* begin_ = nullptr;
  int64_t reserved_ = 0;  // pages
  int64_t usable_ = 0;    // pages so far, from the first
  std::array<uint32_t, kBins> bins_{};
  std::array<uint64_t, kBins / 64> bins_used_{};
};

}  // namespace bb::detail
