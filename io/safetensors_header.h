#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bb/core/shape.h"
#include "bb/io/input_file.h"
#include "bb/io/safetensors.h"

namespace bb::io::detail {

/// The longest header that the format's own library reads.
inline constexpr int64_t kMostHeaderBytes = 100'000'000;

/// What the JSON header of a safetensors file says of one tensor. Offsets are from the start of the
/// data section.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  Shape shape;
  int64_t begin = 0;
  int64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // in the order of the text
  std::map<std::string, std::string> metadata;
};

/// Reads the JSON. Sizes and offsets are checked for being whole numbers from 0 to 2^63 - 1, names
/// for being there once; not whether shapes, dtypes and offsets fit each other and the file.
/// Throws IoError through file.fail().
SafetensorsHeader parse_safetensors_header(const InputFile& file, std::string_view json);

/// The JSON for tensors that lie one after another, padded with spaces so that the data starts at a
/// multiple of 8. Throws ValueError for text that is not UTF-8.
std::string format_safetensors_header(const Archive& archive);

/// "F32" for kFloat32, ...
std::string_view safetensors_name(DType dtype);

/// A name for a message: in quotes, shortened, without control characters.
std::string in_quotes(std::string_view name);

}  // namespace bb::io::detail
