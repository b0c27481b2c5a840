#include "bb/core/page_range.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "bb/core/poison.h"

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace bb::detail {
namespace {

// A huge page is one fault instead of 512 and one entry of the processor's address table. A chunk
// is asked for as one where nothing of it is backed yet.
constexpr int64_t kChunk = 512;  // pages: 2 MiB
// Memory goes back in pieces of this many pages (64 KiB: the largest page of any Linux); what is
// left of a piece is likely wanted next.
constexpr int64_t kPiece = 16;
constexpr int64_t kMostTried = 32;  // free blocks of one bin

int64_t round_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

// Four bins to each doubling; every block of a bin is smaller than any of a higher one.
int bin_of(int64_t pages) {
  if (pages < 4) return static_cast<int>(pages);
  const int shift = std::bit_width(static_cast<uint64_t>(pages)) - 3;
  return 4 * shift + static_cast<int>(pages >> shift);
}

// Calls fn(word, mask) for each word of the bits [first, end).
template <class F>
void for_words(int64_t first, int64_t end, F&& fn) {
  while (first < end) {
    const int64_t word = first / 64, stop = std::min(end, (word + 1) * 64);
    const uint64_t ones = stop - first == 64 ? ~uint64_t{0} : (uint64_t{1} << (stop - first)) - 1;
    fn(word, ones << (first % 64));
    first = stop;
  }
}

#ifdef __linux__
constexpr bool kHasRanges = true;
char* reserve_addresses(int64_t bytes) {
  void* p =
      mmap(nullptr, static_cast<size_t>(bytes), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<char*>(p);
}
void release_addresses(char* p, int64_t bytes) { munmap(p, static_cast<size_t>(bytes)); }
// Only now does the system promise memory, so that where it keeps account, it can refuse.
bool make_usable(char* p, int64_t bytes) {
  return mprotect(p, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE) == 0;
}
void drop(char* p, int64_t bytes) { madvise(p, static_cast<size_t>(bytes), MADV_DONTNEED); }
void ask_for_huge(char* p, int64_t bytes, bool huge) {
  madvise(p, static_cast<size_t>(bytes), huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}
int64_t system_page() {
  static const int64_t bytes = sysconf(_SC_PAGESIZE);
  return bytes;
}
#else  // the owner falls back to blocks of the C library
constexpr bool kHasRanges = false;
char* reserve_addresses(int64_t) { return nullptr; }
void release_addresses(char*, int64_t) {}
bool make_usable(char*, int64_t) { return false; }
void drop(char*, int64_t) {}
void ask_for_huge(char*, int64_t, bool) {}
int64_t system_page() { return PageRange::kPageBytes; }
#endif

}  // namespace

bool PageRange::reserve(int64_t pages) {
  if (!kHasRanges || pages >= kNone - kChunk || system_page() > kPiece * kPageBytes) return false;
  pages = round_up(pages, kChunk);
  constexpr int64_t kChunkBytes = kChunk * kPageBytes;
  const int64_t chunks = pages / kChunk;
  const int64_t table_bytes =
      round_up(pages * static_cast<int64_t>(sizeof(Page)) + pages / 8 +
                   chunks * static_cast<int64_t>(sizeof(uint16_t) + sizeof(bool)),
               kChunkBytes);
  mapping_bytes_ = table_bytes + kChunkBytes + pages * kPageBytes;
  mapping_ = reserve_addresses(mapping_bytes_);
  if (!mapping_) return false;
  if (!make_usable(mapping_, table_bytes)) {  // zeros, and without memory until they are written
    release();
    return false;
  }
  pages_ = reinterpret_cast<Page*>(mapping_);
  backed_ = reinterpret_cast<uint64_t*>(pages_ + pages);
  chunk_backed_ = reinterpret_cast<uint16_t*>(backed_ + pages / 64);
  chunk_huge_ = reinterpret_cast<bool*>(chunk_backed_ + chunks);
  const auto after_tables = reinterpret_cast<intptr_t>(mapping_) + table_bytes;
  begin_ = mapping_ + (round_up(after_tables, kChunkBytes) - reinterpret_cast<intptr_t>(mapping_));
  reserved_ = pages;
  bins_.fill(kNone);
  ask_for_huge(begin_, reserved_ * kPageBytes, false);  // unless we say so
  return true;
}

void PageRange::release() {
  unpoison(begin_, static_cast<size_t>(usable_ * kPageBytes));
  release_addresses(mapping_, mapping_bytes_);
  *this = PageRange();
}

char* PageRange::take(int64_t pages) {
  int64_t first = best_fit(pages);
  if (first == kNone) {
    if (!extend(pages)) return nullptr;
    first = usable_ - pages_[usable_ - 1].length;
  }
  remove_free(first);
  const int64_t rest = pages_[first].length - pages;
  mark(first, pages, false);
  if (rest > 0) add_free(first + pages, rest);
  return begin_ + first * kPageBytes;
}

void PageRange::put(char* block, int64_t pages) {
  int64_t first = page_of(block), end = first + pages;
  assert(pages_[first].length == pages && !pages_[first].free);
  if (first > 0 && pages_[first - 1].free) {
    first -= pages_[first - 1].length;
    remove_free(first);
  }
  if (end < usable_ && pages_[end].free) {
    remove_free(end);
    end += pages_[end].length;
  }
  add_free(first, end - first);
}

// The smallest of the blocks first met that serves: of the bin of this size, which holds smaller
// ones too, or else of the next bin that holds any.
int64_t PageRange::best_fit(int64_t pages) const {
  int64_t best = kNone, best_length = INT64_MAX;
  for (int bin = bin_of(pages); bin < kBins && best == kNone; ++bin) {
    const uint64_t used = bins_used_[static_cast<size_t>(bin) / 64] >> (bin % 64);
    if (!used) {
      bin |= 63;
      continue;
    }
    bin += std::countr_zero(used);
    int64_t tried = 0;
    for (uint32_t i = bins_[static_cast<size_t>(bin)]; i != kNone && tried < kMostTried;
         i = pages_[i].next, ++tried) {
      const int64_t length = pages_[i].length;
      if (length >= pages && length < best_length) best = i, best_length = length;
      if (length == pages) break;
    }
  }
  return best;
}

// Makes the last block a free one of at least `pages` pages.
bool PageRange::extend(int64_t pages) {
  const bool last_is_free = usable_ > 0 && pages_[usable_ - 1].free;
  const int64_t last = last_is_free ? pages_[usable_ - 1].length : 0;
  const int64_t more = round_up(std::max<int64_t>(pages - last, 1), kChunk);
  if (more > reserved_ - usable_) return false;
  char* const end = begin_ + usable_ * kPageBytes;
  if (!make_usable(end, more * kPageBytes)) return false;
  poison(end, static_cast<size_t>(more * kPageBytes));
  if (last_is_free) remove_free(usable_ - last);
  add_free(usable_ - last, last + more);
  usable_ += more;
  return true;
}

void PageRange::mark(int64_t first, int64_t pages, bool free) {
  for (int64_t i : {first, first + pages - 1}) {
    pages_[i].length = static_cast<uint32_t>(pages);
    pages_[i].free = free;
  }
}

void PageRange::add_free(int64_t first, int64_t pages) {
  mark(first, pages, true);
  const auto bin = static_cast<size_t>(bin_of(pages));
  uint32_t& head = bins_[bin];
  pages_[first].prev = kNone;
  pages_[first].next = head;
  if (head != kNone) pages_[head].prev = static_cast<uint32_t>(first);
  head = static_cast<uint32_t>(first);
  bins_used_[bin / 64] |= uint64_t{1} << (bin % 64);
}

void PageRange::remove_free(int64_t first) {
  const Page& page = pages_[first];
  const auto bin = static_cast<size_t>(bin_of(page.length));
  if (page.next != kNone) pages_[page.next].prev = page.prev;
  if (page.prev != kNone) {
    pages_[page.prev].next = page.next;
  } else {
    bins_[bin] = page.next;
    if (page.next == kNone) bins_used_[bin / 64] &= ~(uint64_t{1} << (bin % 64));
  }
}

int64_t PageRange::count_backed(int64_t first, int64_t end) const {
  int64_t count = 0;
  while (first < end) {
    const int64_t chunk = first / kChunk, stop = std::min(end, (chunk + 1) * kChunk);
    const int64_t in_chunk = chunk_backed_[chunk];
    if (in_chunk == kChunk || in_chunk == 0 || stop - first == kChunk)
      count += in_chunk == kChunk ? stop - first : in_chunk;
    else
      for_words(first, stop,
                [&](int64_t word, uint64_t mask) { count += std::popcount(backed_[word] & mask); });
    first = stop;
  }
  return count;
}

void PageRange::set_backed(int64_t first, int64_t end, bool backed) {
  for_words(first, end, [&](int64_t word, uint64_t mask) {
    uint64_t& bits = backed_[word];
    const int before = std::popcount(bits);
    bits = backed ? bits | mask : bits & ~mask;
    uint16_t& in_chunk = chunk_backed_[word / (kChunk / 64)];
    in_chunk = static_cast<uint16_t>(in_chunk + std::popcount(bits) - before);
  });
}

int64_t PageRange::unbacked(const char* block, int64_t pages) const {
  const int64_t first = page_of(block);
  return pages - count_backed(first, first + pages);
}

int64_t PageRange::back(char* block, int64_t pages, int64_t spare) {
  const int64_t first = page_of(block), end = first + pages;
  int64_t newly = 0, huge_from = 0, huge_to = 0;  // chunks
  const auto ask = [&] {
    if (huge_from < huge_to)
      ask_for_huge(begin_ + huge_from * kChunk * kPageBytes,
                   (huge_to - huge_from) * kChunk * kPageBytes, true);
  };
  for (int64_t chunk = first / kChunk; chunk * kChunk < end; ++chunk) {
    if (chunk_backed_[chunk] == kChunk) continue;
    const int64_t from = std::max(first, chunk * kChunk), to = std::min(end, (chunk + 1) * kChunk);
    const int64_t extra = kChunk - (to - from);
    const bool huge = chunk_backed_[chunk] == 0 && extra <= spare;
    const int64_t before = chunk_backed_[chunk];
    if (huge) {
      spare -= extra;
      set_backed(chunk * kChunk, (chunk + 1) * kChunk, true);
      chunk_huge_[chunk] = true;
      if (huge_to != chunk) {
        ask();
        huge_from = chunk;
      }
      huge_to = chunk + 1;
    } else {
      set_backed(from, to, true);
    }
    newly += chunk_backed_[chunk] - before;
  }
  ask();
  return newly;
}

int64_t PageRange::give_back(int64_t pages) {
  int64_t given = 0;
  for (size_t bin = kBins; bin-- > 0 && given < pages;)
    for (uint32_t i = bins_[bin]; i != kNone && given < pages; i = pages_[i].next)
      given += give_back_block(i, pages - given);
  return given;
}

// From the end on, since the next block comes out of the beginning. A huge page goes as one where
// its chunk lies within the block; what is left of one is no longer asked for as huge, lest the
// system should fill it up again.
int64_t PageRange::give_back_block(int64_t first, int64_t wanted) {
  const int64_t unit = std::max<int64_t>(1, system_page() / kPageBytes);
  const int64_t begin = round_up(first, unit);
  const int64_t end = (first + pages_[first].length) / unit * unit;
  int64_t from = end, to = end, given = 0;
  while (from > begin && given < wanted) {
    const int64_t chunk = (from - 1) / kChunk;
    if (chunk_backed_[chunk] == 0) {
      from = std::max(begin, chunk * kChunk);
      if (given == 0) to = from;
      continue;
    }
    const int64_t piece = chunk_huge_[chunk] ? kChunk : kPiece;
    const int64_t stop = from;
    from = std::max(begin, (from - 1) / piece * piece);
    const int64_t count = count_backed(from, stop);
    if (given == 0 && count == 0) to = from;
    given += count;
  }
  if (given == 0) return 0;
  for (int64_t chunk = from / kChunk; chunk * kChunk < to; ++chunk) {
    if (!chunk_huge_[chunk]) continue;
    ask_for_huge(begin_ + chunk * kChunk * kPageBytes, kChunk * kPageBytes, false);
    chunk_huge_[chunk] = false;
  }
  drop(begin_ + from * kPageBytes, (to - from) * kPageBytes);
  set_backed(from, to, false);
  return given;
}

}  // namespace bb::detail
