#pragma once

#include <cstdint>

namespace bb {

/// A function of one element that an op can apply to its result on the way to memory.
enum class Activation : uint8_t { kNone, kRelu };

}  // namespace bb
