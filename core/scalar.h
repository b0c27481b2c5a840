#pragma once

#include <concepts>
#include <cstdint>

#include "bb/core/dtype.h"

namespace bb {

/// A number given to an op beside its tensors: `x * 2`, `full({3}, 0.5)`. It does not widen a
/// tensor's dtype within the same kind (float32 * 2.0 stays float32, int32 * 2 stays int32).
class Scalar {
 public:
  template <std::floating_point T>
  Scalar(T value) : real_(static_cast<double>(value)), kind_(Kind::kReal) {}
  template <std::integral T>
  Scalar(T value)
      : integer_(static_cast<int64_t>(value)),
        kind_(std::same_as<T, bool> ? Kind::kBool : Kind::kInteger) {}

  template <class T>
  T to() const {
    return kind_ == Kind::kReal ? static_cast<T>(real_) : static_cast<T>(integer_);
  }
  double to_double() const { return to<double>(); }
  bool is_real() const { return kind_ == Kind::kReal; }

  /// The dtype of `tensor op scalar` for a tensor of dtype `dtype`, as PyTorch has it.
  DType promote(DType dtype) const {
    if (kind_ == Kind::kReal && !is_floating_point(dtype)) return kFloat32;
    if (kind_ == Kind::kInteger && dtype == kBool) return kInt64;
    return dtype;
  }
  /// float32, int64 or bool: the dtype of a tensor made from the number alone.
  DType natural_dtype() const {
    return kind_ == Kind::kReal ? kFloat32 : kind_ == Kind::kInteger ? kInt64 : kBool;
  }

 private:
  enum class Kind : uint8_t { kBool, kInteger, kReal };
  union {
    double real_;
    int64_t integer_;
  };
  Kind kind_;
};

}  // namespace bb
