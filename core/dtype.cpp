#include "bb/core/dtype.h"

namespace bb {

std::string_view name(DType dtype) {
  constexpr std::string_view kNames[] = {"bool", "uint8", "int32", "int64", "float32", "float64"};
  return kNames[static_cast<int>(dtype)];
}

std::string_view name(Device) { return "cpu"; }

}  // namespace bb
