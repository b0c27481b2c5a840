#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define BB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BB_ASAN 1
#endif
#endif
#ifdef BB_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace bb::detail {

/// Free memory is poisoned, so that asan sees a use after free in it.
inline void poison([[maybe_unused]] void* block, [[maybe_unused]] size_t bytes) {
#ifdef BB_ASAN
  ASAN_POISON_MEMORY_REGION(block, bytes);
#endif
}
inline void unpoison([[maybe_unused]] void* block, [[maybe_unused]] size_t bytes) {
#ifdef BB_ASAN
  ASAN_UNPOISON_MEMORY_REGION(block, bytes);
#endif
}

/// Bytes behind each block that stay poisoned, so that asan sees a step beyond its end.
#ifdef BB_ASAN
inline constexpr size_t kRedZone = 64;
#else
inline constexpr size_t kRedZone = 0;
#endif

}  // namespace bb::detail
