#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "bb/core/error.h"

namespace bb {

/// Element types. `bb::kFloat32` and the others name them without the enum's name.
enum class DType : uint8_t { kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64 };
using enum DType;

/// Where a tensor's memory lies. Only the CPU exists; the checks are there for more.
enum class Device : uint8_t { kCPU };
using enum Device;

/// Bytes of one element.
constexpr int64_t size_of(DType dtype) {
  constexpr int64_t kSizes[] = {1, 1, 4, 8, 4, 8};
  return kSizes[static_cast<int>(dtype)];
}

constexpr bool is_floating_point(DType dtype) { return dtype >= kFloat32; }

/// "float32", "int64", ...
std::string_view name(DType dtype);
std::string_view name(Device device);

/// The smallest type that holds both, by PyTorch's rules for tensors of equal standing:
/// bool < uint8 < int32 < int64 < float32 < float64.
constexpr DType promote_types(DType a, DType b) { return a > b ? a : b; }

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<bool> : std::integral_constant<DType, kBool> {};
template <>
struct DTypeOf<uint8_t> : std::integral_constant<DType, kUInt8> {};
template <>
struct DTypeOf<int32_t> : std::integral_constant<DType, kInt32> {};
template <>
struct DTypeOf<int64_t> : std::integral_constant<DType, kInt64> {};
template <>
struct DTypeOf<float> : std::integral_constant<DType, kFloat32> {};
template <>
struct DTypeOf<double> : std::integral_constant<DType, kFloat64> {};

/// The DType of a C++ element type.
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

/// Calls fn.operator()<T>() with the C++ type of `dtype` and returns what it returns.
template <class F>
decltype(auto) visit(DType dtype, F&& fn) {
  switch (dtype) {
    case kBool:
      return fn.template operator()<bool>();
    case kUInt8:
      return fn.template operator()<uint8_t>();
    case kInt32:
      return fn.template operator()<int32_t>();
    case kInt64:
      return fn.template operator()<int64_t>();
    case kFloat32:
      return fn.template operator()<float>();
    case kFloat64:
      return fn.template operator()<double>();
  }
  throw InternalError("visit: not a dtype");
}

/// The same for float32 and float64 alone; the caller has checked that it is one of them.
template <class F>
decltype(auto) visit_floating(DType dtype, F&& fn) {
  return dtype == kFloat64 ? fn.template operator()<double>() : fn.template operator()<float>();
}

}  // namespace bb
