#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bb/core/tensor.h"

namespace bb::io {

/// What a safetensors file holds.
struct Archive {
  /// Names and tensors, in the order of their bytes in the file.
  std::vector<std::pair<std::string, Tensor>> tensors;
  /// Free text by key, the file's "__metadata__".
  std::map<std::string, std::string> metadata;
};

/// Reads a safetensors file, as Hugging Face's library and write_safetensors write them.
///   8 bytes, little-endian: n;   n bytes: a JSON header;   the elements, row-major, little-endian
///   header: {"__metadata__": {key: text}, name: {"dtype", "shape", "data_offsets": [begin, end]}}
/// Dtypes F64, F32, I64, I32, U8 and BOOL. Every length, type and offset is checked first: tensors
/// cover the data without hole or overlap, so that nothing is allocated beyond the file's own size.
/// Throws IoError, naming file and tensor, for all that does not fit.
/// Format: https://github.com/huggingface/safetensors#format
Archive read_safetensors(const std::string& path);

/// Writes one, whole or not at all (write_file_atomically). Tensors are put row-major in the order
/// of the archive; views and tensors that require gradients may be among them.
/// Throws ValueError for names that are empty, "__metadata__" or there twice, text that is not
/// UTF-8, an undefined tensor, a header of more than 100,000,000 bytes (the format's limit);
/// IoError where the file cannot be written.
void write_safetensors(const std::string& path, const Archive& archive);

/// The CRC-32 (zlib's polynomial), 8 hexadecimal digits, over all tensors by name (name, dtype,
/// shape, elements) and the metadata, except for the key left out, which is where to keep it.
/// It does not depend on the order of the tensors.
std::string checksum(const Archive& archive, std::string_view without_metadata_key = {});

}  // namespace bb::io
