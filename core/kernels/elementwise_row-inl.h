// From a formula to rows: the loops, and what they do about strides, broadcast inputs and the rest
// after whole vectors. Included once for each target by the kernels; no include guard of the usual
// kind.
#if defined(BB_CORE_KERNELS_ELEMENTWISE_ROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BB_CORE_KERNELS_ELEMENTWISE_ROW_INL_H_
#undef BB_CORE_KERNELS_ELEMENTWISE_ROW_INL_H_
#else
#define BB_CORE_KERNELS_ELEMENTWISE_ROW_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <type_traits>
#include <utility>

#include "bb/core/kernels/elementwise.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kBlock = 256;  // elements brought together at a time where strides demand it

// ---- Loops over arrays: y[i] = F(x[i]...). A broadcast input is an array of copies of its
// element.

// Vectors of the lanes of d; bytes that are true or false are masks.
template <class D, class T>
HWY_INLINE auto load(D d, const T* x) {
  if constexpr (!std::is_same_v<T, bool>) {
    return hn::LoadU(d, x);
  } else {
    const hn::RebindToUnsigned<D> du;
    const hn::Rebind<uint8_t, D> d8;
    const auto bytes = hn::LoadU(d8, reinterpret_cast<const uint8_t*>(x));
    const auto mask = [&](auto wide) { return hn::RebindMask(d, hn::Ne(wide, hn::Zero(du))); };
    if constexpr (sizeof(hn::TFromD<D>) == 1)
      return mask(bytes);
    else if constexpr (sizeof(hn::TFromD<D>) == 4)
      return mask(hn::PromoteTo(du, bytes));
    else
      return mask(hn::PromoteTo(du, hn::PromoteTo(hn::Rebind<uint32_t, D>(), bytes)));
  }
}
template <class D, class V, class T>
HWY_INLINE void store(D d, V y, T* to) {
  if constexpr (!std::is_same_v<T, bool>) {
    hn::StoreU(y, d, to);
  } else {
    const hn::RebindToUnsigned<D> du;
    const hn::Rebind<uint8_t, D> d8;
    const auto one = hn::Set(du, hn::TFromD<decltype(du)>{1});
    const auto wide = hn::IfThenElseZero(hn::RebindMask(du, y), one);
    auto* bytes = reinterpret_cast<uint8_t*>(to);
    if constexpr (sizeof(hn::TFromD<D>) == 1)
      hn::StoreU(wide, d8, bytes);
    else
      hn::StoreU(hn::TruncateTo(d8, wide), d8, bytes);
  }
}

// F takes the tag of vectors of T, then one vector of each input, or a mask where it is bool; its
// result is a vector or, where Out is bool, a mask. One vector a pass: the processor overlaps
// passes by itself (2 and 4 measured no faster).
template <class F, class T>
struct VectorLoop {
  static constexpr int64_t kLanes = HWY_MAX_BYTES / static_cast<int64_t>(sizeof(T));
  static constexpr int64_t kCopies = kLanes;  // of a broadcast element, read over and over
  static constexpr bool kInBlocks = false;

  // moves[k]: -1 where input k is an array, 0 where it is copies.
  template <size_t... k, class Out, class... In>
  static HWY_FLATTEN void run(std::index_sequence<k...>, const int64_t* moves, int64_t n, Out* y,
                              const In*... x) {
    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    int64_t i = 0;
    for (; i + lanes <= n; i += lanes) store(d, F()(d, load(d, x + (i & moves[k]))...), y + i);
    if (i == n) return;
    const int64_t count = n - i;
    if constexpr (sizeof(T) >= 4 && !HWY_MEM_OPS_MIGHT_FAULT &&
                  (std::is_same_v<T, Out> && ... && std::is_same_v<T, In>)) {
      const auto some = hn::FirstN(d, static_cast<size_t>(count));
      hn::BlendedStore(F()(d, hn::MaskedLoad(some, d, x + (i & moves[k]))...), some, d, y + i);
    } else {
      HWY_ALIGN Out rest[kLanes];
      store(d, F()(d, load(d, Padded<In>(x + (i & moves[k]), count).elements)...), rest);
      std::copy_n(rest, count, y + i);
    }
  }

 private:
  template <class In>
  struct Padded {
    Padded(const In* x, int64_t count) { std::copy_n(x, count, elements); }
    HWY_ALIGN In elements[kLanes] = {};
  };
};

// F takes one element of each input; the compiler makes vectors of it where it can: for that, the
// loop has a fixed length and is told that y is no other element's input.
template <class F>
struct ElementLoop {
  static constexpr int64_t kCopies = kBlock;
  static constexpr bool kInBlocks = true;  // every copy is read once

  template <size_t... k, class Out, class... In>
  static HWY_FLATTEN void run(std::index_sequence<k...>, const int64_t*, int64_t n, Out* y,
                              const In*... x) {
    constexpr int64_t kFixed = 64;
    int64_t i = 0;
    for (; i + kFixed <= n; i += kFixed) {
#if HWY_COMPILER_GCC_ACTUAL
#pragma GCC ivdep
#endif
      for (int64_t j = i; j < i + kFixed; ++j) y[j] = F()(x[j]...);
    }
    for (; i < n; ++i) y[i] = F()(x[i]...);
  }
};

// ---- Rows: any strides

template <class T>
const T* at(const char* data) {
  return reinterpret_cast<const T*>(data);
}
template <class T>
T* at(char* data) {
  return reinterpret_cast<T*>(data);
}

template <class T>
struct Block {
  HWY_ALIGN T elements[kBlock];

  const T* gather(int64_t n, const char* from, int64_t stride) {
    for (int64_t i = 0; i < n; ++i) elements[i] = *at<T>(from + i * stride);
    return elements;
  }
  void scatter(int64_t n, char* to, int64_t stride) const {
    for (int64_t i = 0; i < n; ++i) *at<T>(to + i * stride) = elements[i];
  }
};

template <class Loop, class Out, class... In, size_t... k>
HWY_INLINE void row_of(std::index_sequence<k...> inputs, int64_t n, char* const* data,
                       const int64_t* strides) {
  std::array<int64_t, sizeof...(In)> moves;
  moves.fill(-1);
  const bool dense_y = strides[0] == sizeof(Out);
  if (dense_y && ((strides[k + 1] == sizeof(In)) && ...)) {
    Loop::run(inputs, moves.data(), n, at<Out>(data[0]), at<In>(std::as_const(data[k + 1]))...);
    return;
  }

  const auto is_copied = [&](size_t input) { return strides[input + 1] == 0; };
  const bool in_place = dense_y && ((strides[k + 1] == sizeof(In) || is_copied(k)) && ...);
  const int64_t step = in_place && !Loop::kInBlocks ? n : std::min(n, kBlock);
  std::tuple<Block<In>...> blocks;
  Block<Out> result;
  const auto copy = [&](auto& block, size_t input) {
    if (!is_copied(input)) return;
    moves[input] = 0;
    block.gather(std::min(Loop::kCopies, n), data[input + 1], 0);
  };
  if (n > 0) (copy(std::get<k>(blocks), k), ...);
  for (int64_t i = 0; i < n; i += step) {
    const int64_t count = std::min(step, n - i);
    const auto array = [&]<class T>(Block<T>& block, size_t input) -> const T* {
      const int64_t stride = strides[input + 1];
      const char* from = data[input + 1] + i * stride;
      if (stride == 0) return block.elements;
      return stride == sizeof(T) ? at<T>(from) : block.gather(count, from, stride);
    };
    char* to = data[0] + i * strides[0];
    Loop::run(inputs, moves.data(), count, dense_y ? at<Out>(to) : result.elements,
              array(std::get<k>(blocks), k)...);
    if (!dense_y) result.scatter(count, to, strides[0]);
  }
}

template <class Loop, class Out, class... In>
void row(int64_t n, char* const* data, const int64_t* strides) {
  row_of<Loop, Out, In...>(std::index_sequence_for<In...>(), n, data, strides);
}

// ---- Table entries

// Of vector formulas, for float32 and float64.
template <class F, class... Inputs>
Elementwise formula(double cost_ns) {
  Elementwise entry;
  const auto set = [&entry]<class T>(T) {
    entry.rows[static_cast<size_t>(dtype_of<T>)] =
        row<VectorLoop<F, T>, T, std::conditional_t<true, T, Inputs>...>;
  };
  set(float());
  set(double());
  entry.cost_ns = cost_ns;
  return entry;
}
template <class F>
Elementwise unary(double cost_ns, F) {
  return formula<F, int>(cost_ns);
}
template <class F>
Elementwise binary(double cost_ns, F) {
  return formula<F, int, int>(cost_ns);
}
template <class F>
Elementwise ternary(double cost_ns, F) {
  return formula<F, int, int, int>(cost_ns);
}
template <class F>
Elementwise quaternary(double cost_ns, F) {
  return formula<F, int, int, int, int>(cost_ns);
}

// Of formulas of one to three single elements.
template <class T, class F>
void set(Elementwise& entry, F) {
  Row& target = entry.rows[static_cast<size_t>(dtype_of<T>)];
  if constexpr (std::is_invocable_v<F, T>)
    target = row<ElementLoop<F>, T, T>;
  else if constexpr (std::is_invocable_v<F, T, T>)
    target = row<ElementLoop<F>, T, T, T>;
  else
    target = row<ElementLoop<F>, T, T, T, T>;
}
template <class F>
void booleans(Elementwise& entry, F f) {
  set<bool>(entry, f);
}
template <class F>
void integers(Elementwise& entry, F f) {
  set<uint8_t>(entry, f);
  set<int32_t>(entry, f);
  set<int64_t>(entry, f);
}
template <class F>
void floats(Elementwise& entry, F f) {
  set<float>(entry, f);
  set<double>(entry, f);
}

// The same vector formula for every dtype; bool is uint8_t to it.
template <class F>
Elementwise comparison(F) {
  return {{row<VectorLoop<F, uint8_t>, bool, uint8_t, uint8_t>,
           row<VectorLoop<F, uint8_t>, bool, uint8_t, uint8_t>,
           row<VectorLoop<F, int32_t>, bool, int32_t, int32_t>,
           row<VectorLoop<F, int64_t>, bool, int64_t, int64_t>,
           row<VectorLoop<F, float>, bool, float, float>,
           row<VectorLoop<F, double>, bool, double, double>},
          0.09};
}
// A mask, then two of one dtype.
template <class F>
Elementwise choice(F) {
  return {{row<VectorLoop<F, uint8_t>, uint8_t, bool, uint8_t, uint8_t>,
           row<VectorLoop<F, uint8_t>, uint8_t, bool, uint8_t, uint8_t>,
           row<VectorLoop<F, int32_t>, int32_t, bool, int32_t, int32_t>,
           row<VectorLoop<F, int64_t>, int64_t, bool, int64_t, int64_t>,
           row<VectorLoop<F, float>, float, bool, float, float>,
           row<VectorLoop<F, double>, double, bool, double, double>},
          0.14};
}

}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
