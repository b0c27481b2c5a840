#pragma once

#include <string>

#include "bb/core/tensor.h"

namespace bb::io {

/// Reads a file of the idx format, in which MNIST comes; plain or compressed with gzip.
///   bytes 0, 0, type, rank; rank sizes of 4 bytes; elements, row-major. All numbers big-endian.
///   type 08 uint8   09 int8 -> int32   0b int16 -> int32   0c int32   0d float32   0e float64
/// Throws IoError, saying where, for a file that is missing, is cut short, goes on too long, is
/// corrupted, or has another type or a rank outside 1 to Shape::kMaxRank. Memory grows with the
/// data that is there, not with what the header claims. Format: LeCun, Cortes, Burges, "The MNIST
/// database of handwritten digits", 1998.
Tensor read_idx(const std::string& path);

}  // namespace bb::io
