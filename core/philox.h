#pragma once

#include <cstdint>

/// Random bits by their position, and plain numbers made of them: what core/random.cpp and
/// core/distributions.cpp draw from.
namespace bb::detail {

struct Block {
  uint32_t word[4];
};

// Philox4x32 with ten rounds: position and stream in the counter, the seed as key.
inline Block philox(uint64_t seed, uint64_t position, uint64_t stream = 0) {
  constexpr uint64_t kMultiply0 = 0xD2511F53, kMultiply1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  uint32_t c0 = low(position), c1 = high(position), c2 = low(stream), c3 = high(stream);
  uint32_t k0 = low(seed), k1 = high(seed);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = kMultiply0 * c0, p1 = kMultiply1 * c2;
    c0 = high(p1) ^ c1 ^ k0;
    c1 = low(p1);
    c2 = high(p0) ^ c3 ^ k1;
    c3 = low(p0);
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
  return {{c0, c1, c2, c3}};
}

// Uniform on [0, 1): all mantissa bits that the type holds.
inline float unit_float(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }
inline double unit_double(uint32_t a, uint32_t b) {
  return static_cast<double>((uint64_t{a} << 21) ^ (b >> 11)) * 0x1p-53;
}

__extension__ using uint128 = unsigned __int128;

// An integer below `range`: the high half of 64 random bits times range (Lemire, 2019).
inline uint64_t below(uint64_t range, const Block& b) {
  const uint64_t bits = (uint64_t{b.word[0]} << 32) | b.word[1];
  return static_cast<uint64_t>((static_cast<uint128>(bits) * range) >> 64);
}

}  // namespace bb::detail
