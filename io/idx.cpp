#include "bb/io/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "bb/core/error.h"
#include "bb/io/gzip.h"

namespace bb::io {
namespace {

constexpr int64_t kChunkBytes = int64_t{64} << 10;

/// to[i] = the i-th big-endian number of type Stored at `from`.
template <class Stored, class Element>
void decode(const unsigned char* from, Tensor& result) {
  using Bits = std::conditional_t<
      sizeof(Stored) == 1, uint8_t,
      std::conditional_t<sizeof(Stored) == 2, uint16_t,
                         std::conditional_t<sizeof(Stored) == 4, uint32_t, uint64_t>>>;
  Element* to = result.data<Element>();
  const int64_t n = result.numel();
  for (int64_t i = 0; i < n; ++i) {
    uint64_t bits = 0;
    for (size_t byte = 0; byte < sizeof(Stored); ++byte) bits = bits << 8 | *from++;
    // NOLINTNEXTLINE(bugprone-signed-char-misuse): an int8 is a number here
    to[i] = static_cast<Element>(std::bit_cast<Stored>(static_cast<Bits>(bits)));
  }
}

struct ElementType {
  unsigned char code;
  const char* name;
  int64_t size;
  DType dtype;
  void (*decode)(const unsigned char* from, Tensor& result);
};

constexpr std::array kTypes = {
    ElementType{0x08, "uint8", 1, kUInt8, decode<uint8_t, uint8_t>},
    ElementType{0x09, "int8", 1, kInt32, decode<int8_t, int32_t>},
    ElementType{0x0b, "int16", 2, kInt32, decode<int16_t, int32_t>},
    ElementType{0x0c, "int32", 4, kInt32, decode<int32_t, int32_t>},
    ElementType{0x0d, "float32", 4, kFloat32, decode<float, float>},
    ElementType{0x0e, "float64", 8, kFloat64, decode<double, double>},
};

struct Header {
  ElementType type;
  Shape shape;
  int64_t header_bytes;
  int64_t data_bytes;
};

/// "offset 4", or "offset 4 of the inflated data".
std::string at(const GzipReader& file, int64_t offset) {
  return fmt::format("offset {}{}", offset, file.is_gzip() ? " of the inflated data" : "");
}

/// Reads the part of the header that starts at `offset`.
void read_header_part(GzipReader& file, std::span<unsigned char> part, int64_t offset,
                      std::string_view what) {
  const size_t got = file.read(part.data(), part.size());
  if (got < part.size())
    file.fail("the header ends early", fmt::format("{}: expected {} ({} bytes), found {}",
                                                   at(file, offset), what, part.size(), got));
}

Header read_header(GzipReader& file) {
  std::array<unsigned char, 4> magic;
  read_header_part(file, magic, 0, "00 00 <type> <rank>");
  if (magic[0] != 0 || magic[1] != 0)
    file.fail(
        "not an idx file",
        fmt::format(
            "{}: expected 00 00 <type> <rank>, found {:02x}{}", at(file, 0), fmt::join(magic, " "),
            magic[0] == '<' ? "\n  hint: a failed download may have saved a web page" : ""));
  const auto* type = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](const ElementType& t) { return t.code == magic[2]; });
  if (type == kTypes.end())
    file.fail(
        "unknown element type",
        fmt::format("{}: expected 08, 09, 0b, 0c, 0d or 0e, found {:02x}", at(file, 2), magic[2]));
  const int64_t rank = magic[3];
  if (rank < 1 || rank > Shape::kMaxRank)
    file.fail("rank out of range",
              fmt::format("{}: expected 1 to {}, found {}", at(file, 3), Shape::kMaxRank, rank));

  Header header{*type, {}, 4 * (rank + 1), type->size};
  bool overflow = false;
  bool is_empty = false;
  for (int64_t i = 0; i < rank; ++i) {
    std::array<unsigned char, 4> bytes;
    read_header_part(file, bytes, 4 * (i + 1), fmt::format("size {} of {}", i + 1, rank));
    int64_t size = 0;
    for (unsigned char byte : bytes) size = size << 8 | byte;
    header.shape.push_back(size);
    is_empty = is_empty || size == 0;
    // Sizes beside a 0 count too: strides are made of them.
    overflow |=
        __builtin_mul_overflow(header.data_bytes, std::max<int64_t>(size, 1), &header.data_bytes);
  }
  if (overflow)
    file.fail("the header claims more than any file holds",
              fmt::format("{}: {} {}", at(file, 4), type->name, header.shape));
  if (is_empty) header.data_bytes = 0;
  return header;
}

[[noreturn]] void fail_length(const GzipReader& file, const Header& header, std::string_view rule,
                              std::string_view found) {
  file.fail(rule,
            fmt::format("{}: expected {} bytes for {} {}, found {}", at(file, header.header_bytes),
                        header.data_bytes, header.type.name, header.shape, found));
}

std::vector<unsigned char> read_elements(GzipReader& file, const Header& header) {
  std::vector<unsigned char> bytes;
  if (!file.is_gzip()) bytes.reserve(static_cast<size_t>(header.data_bytes));  // the file has them
  int64_t done = 0;
  while (done < header.data_bytes) {
    const int64_t step = std::min(header.data_bytes - done, std::max(kChunkBytes, done));
    bytes.resize(static_cast<size_t>(done + step));
    const int64_t got =
        static_cast<int64_t>(file.read(bytes.data() + done, static_cast<size_t>(step)));
    done += got;
    if (got < step) fail_length(file, header, "the elements end early", fmt::to_string(done));
  }
  unsigned char next;
  if (file.read(&next, 1) != 0)  // at the end, this also checks gzip's checksum
    fail_length(file, header, "the file goes on after the last element", "more");
  return bytes;
}

}  // namespace

Tensor read_idx(const std::string& path) {
  GzipReader file("read_idx", path);
  const Header header = read_header(file);
  if (!file.is_gzip() && file.file_size() - header.header_bytes < header.data_bytes)
    fail_length(file, header, "the elements end early",
                fmt::to_string(file.file_size() - header.header_bytes));
  const std::vector<unsigned char> bytes = read_elements(file, header);
  Tensor result = Tensor::empty(header.shape, header.type.dtype);
  header.type.decode(bytes.data(), result);
  return result;
}

}  // namespace bb::io
