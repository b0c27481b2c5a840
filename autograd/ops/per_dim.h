#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace bb {

/// A number for each of N spatial dims, or one for all: `.stride = 2`, `.stride = {2, 1}`.
template <size_t N>
class PerDim {
 public:
  constexpr PerDim(std::integral auto all) { values_.fill(static_cast<int64_t>(all)); }
  template <std::integral... Ts>
  requires(sizeof...(Ts) == N && N > 1) constexpr PerDim(Ts... values)
      : values_{static_cast<int64_t>(values)...} {}
  constexpr PerDim(const std::array<int64_t, N>& values) : values_(values) {}

  constexpr int64_t operator[](size_t i) const { return values_[i]; }
  constexpr const std::array<int64_t, N>& values() const { return values_; }

 private:
  std::array<int64_t, N> values_;
};

/// What lies around the image: nothing, or zeros such that a convolution of stride 1 gives a result
/// of the image's size; of an odd number of them, one more at the end.
enum class Padding : uint8_t { kValid, kSame };

/// Zeros at each end of each dim, by number or by Padding.
template <size_t N>
class ConvPadding : public PerDim<N> {
 public:
  using PerDim<N>::PerDim;
  constexpr ConvPadding(Padding padding) : PerDim<N>(0), is_same_(padding == Padding::kSame) {}

  constexpr bool is_same() const { return is_same_; }

 private:
  bool is_same_ = false;
};

}  // namespace bb
