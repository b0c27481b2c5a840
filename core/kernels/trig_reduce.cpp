#include "bb/core/kernels/trig_reduce.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "bb/core/kernels/math_coefficients.h"

namespace bb::kernels {
namespace {

constexpr int kWords = 6;  // 192 bits, of which at most 62 are lost where x is next to n pi/2
using Words = std::array<uint32_t, kWords>;  // highest first

// 192 bits of 2/pi, the highest one of weight 2^-first; zeros before the binary point.
Words bits_of_two_over_pi(int first) {
  const auto word = [](int index) {
    return index < 0 ? 0 : kTwoOverPi[static_cast<size_t>(index)];
  };
  const int bit = first - 1;  // of 0 in word 0, from its top
  const int start = bit >> 5, shift = bit & 31;
  Words result;
  for (int i = 0; i < kWords; ++i) {
    const uint64_t pair = uint64_t{word(start + i)} << 32 | word(start + i + 1);
    result[static_cast<size_t>(i)] = static_cast<uint32_t>(pair >> (32 - shift));
  }
  return result;
}

// a * factor, without what overflows 192 bits.
Words times(const Words& a, uint64_t factor) {
  const std::array<uint64_t, 2> halves{factor & 0xffffffff, factor >> 32};
  Words result{};
  for (size_t half = 0; half < 2; ++half) {
    uint64_t carry = 0;
    for (size_t i = kWords - half; i-- > 0;) {  // a[i + half] * halves[half] stands in result[i]
      carry += uint64_t{a[i + half]} * halves[half] + result[i];
      result[i] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
  }
  return result;
}

}  // namespace

Reduced reduce_angle(double x) {
  if (!std::isfinite(x)) return {std::numeric_limits<double>::quiet_NaN(), 0};
  // x = mantissa 2^exponent. Bits of 2/pi of weight 2^(2 - exponent) and more give whole turns.
  const auto bits = std::bit_cast<uint64_t>(x);
  const int exponent = static_cast<int>(bits >> 52) - 1075;
  const uint64_t mantissa = (bits & ((uint64_t{1} << 52) - 1)) | uint64_t{1} << 52;
  Words product = times(bits_of_two_over_pi(exponent - 1), mantissa);

  // x * 2/pi modulo 4: two bits before the binary point, 190 behind; the nearest whole is taken
  // out.
  const uint32_t rounded = (product[0] >> 29) + 1;
  const int quadrant = static_cast<int>(rounded >> 1) & 3;
  const bool negative = (rounded & 1) == 0;  // the fraction is a half or more
  product[0] &= 0x3fffffff;
  if (negative) {
    uint64_t carry = 1;
    for (size_t i = kWords; i-- > 0;) {
      carry += static_cast<uint32_t>(~product[i]);
      product[i] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
    product[0] &= 0x3fffffff;
  }

  // The fraction's highest 128 bits that count as high + low, times pi/2.
  size_t top = 0;
  while (top < 3 && product[top] == 0) ++top;
  const auto value = [&](size_t i) { return i < kWords ? static_cast<double>(product[i]) : 0.0; };
  const double scale = std::ldexp(1.0, -30 - 32 * static_cast<int>(top));
  const double head = value(top) + value(top + 1) * 0x1p-32;  // may round: the rest is exact
  const double rest = ((value(top) - head) + value(top + 1) * 0x1p-32) +
                      (value(top + 2) * 0x1p-64 + value(top + 3) * 0x1p-96);
  const auto& half_pi = Coefficients<double>::kHalfPi;
  const double r =
      std::fma(head, half_pi[0], std::fma(head, half_pi[1], rest * half_pi[0])) * scale;
  return {negative ? -r : r, quadrant};
}

}  // namespace bb::kernels
