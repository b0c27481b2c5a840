#include "bb/io/safetensors.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <numeric>
#include <optional>
#include <unordered_set>

#include "bb/core/error.h"
#include "bb/io/file.h"
#include "bb/io/input_file.h"
#include "bb/io/safetensors_header.h"

// Elements go between file and memory as they are.
static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

namespace bb::io {
namespace {

using detail::in_quotes;
using detail::InputFile;
using detail::SafetensorsEntry;
using detail::SafetensorsHeader;

constexpr int64_t kLengthBytes = 8;

/// Reads the header. Leaves the file at the start of the data.
SafetensorsHeader read_header(InputFile& file, int64_t& data_bytes) {
  std::array<unsigned char, kLengthBytes> bytes;
  const size_t got = file.read(bytes.data(), bytes.size());
  if (got < bytes.size())
    file.fail("the file ends early",
              fmt::format("offset 0: expected the header's length (8 bytes), found {}", got));
  const uint64_t length = std::bit_cast<uint64_t>(bytes);
  const int64_t left = file.size() - kLengthBytes;
  if (length > static_cast<uint64_t>(detail::kMostHeaderBytes))
    file.fail("the header is too long",
              fmt::format("offset 0: expected at most {} bytes, found {}\n"
                          "  hint: this may not be a safetensors file",
                          detail::kMostHeaderBytes, length));
  if (left < 0 || length > static_cast<uint64_t>(left))
    file.fail("the header ends early",
              fmt::format("offset 8: expected {} bytes, found {}", length, left));
  std::string json(static_cast<size_t>(length), '\0');
  if (file.read(json.data(), json.size()) < json.size())
    file.fail("the file became shorter while it was read");
  data_bytes = left - static_cast<int64_t>(length);
  return detail::parse_safetensors_header(file, json);
}

std::optional<DType> dtype_named(std::string_view name) {
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64})
    if (name == detail::safetensors_name(dtype)) return dtype;
  return std::nullopt;
}

/// Bytes of the elements; none where int64 does not hold them.
std::optional<int64_t> bytes_of(const Shape& shape, DType dtype) {
  int64_t bytes = size_of(dtype);
  bool overflow = false;
  bool is_empty = false;
  for (int64_t size : shape) {
    // Sizes beside a 0 count too: strides are made of them.
    overflow |= __builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes);
    is_empty = is_empty || size == 0;
  }
  if (overflow) return std::nullopt;
  return is_empty ? 0 : bytes;
}

/// Throws unless dtype, shape and offsets fit each other and the data section. Returns the dtype.
DType check_entry(const InputFile& file, const SafetensorsEntry& entry, int64_t data_bytes) {
  const auto fail = [&](std::string_view rule, std::string_view details) {
    file.fail(fmt::format("tensor {} {}", in_quotes(entry.name), rule), details);
  };
  const std::optional<DType> dtype = dtype_named(entry.dtype);
  if (!dtype)
    fail(fmt::format("has dtype {}, which is not supported", in_quotes(entry.dtype)),
         "supported: F64 F32 I64 I32 U8 BOOL\n"
         "  hint: convert it before saving, in PyTorch with tensor.float()");
  const std::optional<int64_t> bytes = bytes_of(entry.shape, *dtype);
  if (!bytes)
    fail("has more elements than any file holds", fmt::format("{} {}", entry.dtype, entry.shape));
  if (entry.begin > entry.end || entry.end - entry.begin != *bytes)
    fail("does not fill its data_offsets",
         fmt::format("{} {} takes {} bytes, data_offsets [{}, {}]", entry.dtype, entry.shape,
                     *bytes, entry.begin, entry.end));
  if (entry.end > data_bytes)
    fail("lies beyond the end of the file",
         fmt::format("data_offsets [{}, {}], found {} bytes of data\n"
                     "  hint: the file may have been cut short",
                     entry.begin, entry.end, data_bytes));
  return *dtype;
}

/// Throws unless the entries, in the order of their offsets, cover the data section.
void check_cover(const InputFile& file, const std::vector<SafetensorsEntry>& entries,
                 int64_t data_bytes) {
  int64_t end = 0;
  const SafetensorsEntry* before = nullptr;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin < end)
      file.fail(
          fmt::format("tensors {} and {} overlap", in_quotes(before->name), in_quotes(entry.name)),
          fmt::format("data_offsets [{}, {}] and [{}, {}]", before->begin, before->end, entry.begin,
                      entry.end));
    if (entry.begin > end)
      file.fail(fmt::format("no tensor covers the bytes before {}", in_quotes(entry.name)),
                fmt::format("expected data_offsets from {}, found [{}, {}]", end, entry.begin,
                            entry.end));
    end = entry.end;
    before = &entry;
  }
  if (end != data_bytes)
    file.fail("bytes follow the last tensor",
              fmt::format("expected {} bytes of data, found {}", end, data_bytes));
}

Tensor read_tensor(InputFile& file, const SafetensorsEntry& entry, DType dtype) {
  Tensor x = Tensor::empty(entry.shape, dtype);
  const size_t bytes = static_cast<size_t>(entry.end - entry.begin);
  if (file.read(x.raw_data(), bytes) < bytes)
    file.fail("the file became shorter while it was read");
  if (dtype == kBool) {
    const unsigned char* first = static_cast<const unsigned char*>(x.raw_data());
    const unsigned char* bad = std::find_if(first, first + bytes, [](auto b) { return b > 1; });
    if (bad != first + bytes)
      file.fail(fmt::format("tensor {} has a BOOL that is neither 0 nor 1", in_quotes(entry.name)),
                fmt::format("element {}: found {}", bad - first, *bad));
  }
  return x;
}

void check_archive(const Archive& archive) {
  std::unordered_set<std::string_view> names;
  for (const auto& [name, x] : archive.tensors) {
    if (name.empty()) throw ValueError("write_safetensors: a tensor has an empty name");
    if (name == "__metadata__")
      throw ValueError(
          "write_safetensors: a tensor has the name \"__metadata__\", which the format keeps for "
          "itself");
    if (!names.insert(name).second)
      throw ValueError(
          fmt::format("write_safetensors: two tensors have the name {}", in_quotes(name)));
    if (!x.defined())
      throw ValueError(fmt::format("write_safetensors: tensor {} is undefined", in_quotes(name)));
  }
}

/// CRC-32 over values, each led by its length, so that no two archives feed it the same bytes.
class Crc {
 public:
  void add_bytes(const void* data, int64_t bytes) {
    add(bytes);
    crc_ = crc32_z(crc_, static_cast<const Bytef*>(data), static_cast<size_t>(bytes));
  }
  void add_text(std::string_view text) {
    add_bytes(text.data(), static_cast<int64_t>(text.size()));
  }
  void add(int64_t number) {
    crc_ = crc32_z(crc_, reinterpret_cast<const Bytef*>(&number), sizeof(number));
  }
  std::string hex() const { return fmt::format("{:08x}", crc_); }

 private:
  uLong crc_ = crc32_z(0, nullptr, 0);
};

int64_t bytes_of(const Tensor& x) { return x.numel() * size_of(x.dtype()); }

}  // namespace

Archive read_safetensors(const std::string& path) {
  InputFile file("read_safetensors", path);
  int64_t data_bytes = 0;
  SafetensorsHeader header = read_header(file, data_bytes);
  std::vector<SafetensorsEntry>& entries = header.entries;
  for (const SafetensorsEntry& entry : entries) check_entry(file, entry, data_bytes);
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  check_cover(file, entries, data_bytes);

  Archive archive;
  archive.metadata = std::move(header.metadata);
  archive.tensors.reserve(entries.size());
  for (SafetensorsEntry& entry : entries) {
    Tensor x = read_tensor(file, entry, *dtype_named(entry.dtype));
    archive.tensors.emplace_back(std::move(entry.name), std::move(x));
  }
  return archive;
}

void write_safetensors(const std::string& path, const Archive& archive) {
  check_archive(archive);
  const std::string json = detail::format_safetensors_header(archive);
  if (static_cast<int64_t>(json.size()) > detail::kMostHeaderBytes)
    throw ValueError(
        fmt::format("write_safetensors: names and metadata are too long: a header of {} bytes, the "
                    "format allows {}",
                    json.size(), detail::kMostHeaderBytes));
  write_file_atomically(
      path,
      [&](Writer& writer) {
        const uint64_t length = json.size();
        writer.write(&length, sizeof(length));
        writer.write(json);
        for (const auto& [name, x] : archive.tensors) {
          const Tensor rows = x.detach().contiguous();
          writer.write(rows.raw_data(), static_cast<size_t>(bytes_of(rows)));
        }
      },
      "write_safetensors");
}

std::string checksum(const Archive& archive, std::string_view without_metadata_key) {
  std::vector<size_t> order(archive.tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return archive.tensors[a].first < archive.tensors[b].first;
  });
  Crc crc;
  crc.add(static_cast<int64_t>(order.size()));
  for (size_t i : order) {
    const auto& [name, x] = archive.tensors[i];
    crc.add_text(name);
    crc.add_text(detail::safetensors_name(x.dtype()));
    crc.add(x.dim());
    for (int64_t size : x.shape()) crc.add(size);
    const Tensor rows = x.detach().contiguous();
    crc.add_bytes(rows.raw_data(), bytes_of(rows));
  }
  for (const auto& [key, value] : archive.metadata) {
    if (key == without_metadata_key) continue;
    crc.add_text(key);
    crc.add_text(value);
  }
  return crc.hex();
}

}  // namespace bb::io
