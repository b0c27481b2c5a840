#include "bb/io/safetensors_header.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "bb/core/error.h"

namespace bb::io::detail {
namespace {

constexpr std::string_view kMetadataName = "__metadata__";
constexpr int64_t kLengthBytes = 8;
constexpr size_t kLongestQuote = 80;

/// Takes the parser's events. The grammar knows three levels; the first event outside it throws, so
/// that nothing is built for hostile text, however deeply it nests.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const InputFile& file) : file_(file) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(size_t) override {
    if (place_ == Place::kStart) {
      place_ = Place::kTop;
    } else if (place_ == Place::kTop && key_ == kMetadataName) {
      place_ = Place::kMetadata;
    } else if (place_ == Place::kTop) {
      place_ = Place::kEntry;
      has_dtype_ = has_shape_ = has_offsets_ = false;
      header_.entries.emplace_back().name = key_;
    } else {
      fail_value("an object");
    }
    return true;
  }

  bool key(string_t& key) override {
    if (place_ == Place::kTop) {
      if (!names_.insert(key).second)
        file_.fail(fmt::format("the header names {} twice", in_quotes(key)));
      key_ = key;
    } else if (place_ == Place::kMetadata) {
      if (!header_.metadata.emplace(key, "").second)
        file_.fail(fmt::format("the metadata has the key {} twice", in_quotes(key)));
      field_ = key;
    } else {
      bool* has = key == "dtype"          ? &has_dtype_
                  : key == "shape"        ? &has_shape_
                  : key == "data_offsets" ? &has_offsets_
                                          : nullptr;
      if (!has)
        fail_tensor(fmt::format("has the unknown field {}", in_quotes(key)),
                    "expected dtype, shape and data_offsets");
      if (*has) fail_tensor(fmt::format("has the field {} twice", key));
      *has = true;
      field_ = key;
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::kEntry && !(has_dtype_ && has_shape_ && has_offsets_))
      fail_tensor(fmt::format("lacks the field {}", !has_dtype_   ? "dtype"
                                                    : !has_shape_ ? "shape"
                                                                  : "data_offsets"));
    place_ = place_ == Place::kTop ? Place::kStart : Place::kTop;
    return true;
  }

  bool start_array(size_t) override {
    if (place_ != Place::kEntry || field_ == "dtype") fail_value("an array");
    place_ = field_ == "shape" ? Place::kShape : Place::kOffsets;
    offsets_ = 0;
    return true;
  }

  bool end_array() override {
    if (place_ == Place::kOffsets && offsets_ != 2) fail_offset_count();
    place_ = Place::kEntry;
    return true;
  }

  bool number_unsigned(number_unsigned_t number) override {
    if (place_ != Place::kShape && place_ != Place::kOffsets) fail_value("a number");
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      fail_value(fmt::to_string(number));
    const auto value = static_cast<int64_t>(number);
    if (place_ == Place::kShape) {
      if (entry().shape.rank() == Shape::kMaxRank)
        fail_tensor(fmt::format("has more than {} dimensions", Shape::kMaxRank));
      entry().shape.push_back(value);
    } else {
      if (offsets_ == 2) fail_offset_count();
      (offsets_++ == 0 ? entry().begin : entry().end) = value;
    }
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == Place::kMetadata)
      header_.metadata[field_] = text;
    else if (place_ == Place::kEntry && field_ == "dtype")
      entry().dtype = text;
    else
      fail_value("text");
    return true;
  }

  bool number_integer(number_integer_t number) override { fail_value(fmt::to_string(number)); }
  bool number_float(number_float_t, const string_t& text) override {
    fail_value(text.size() > kLongestQuote ? "a long number" : text);
  }
  bool boolean(bool value) override { fail_value(value ? "true" : "false"); }
  bool null() override { fail_value("null"); }
  bool binary(binary_t&) override { fail_value("binary data"); }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    file_.fail("the header is not JSON",
               fmt::format("offset {}: not what JSON allows there",
                           kLengthBytes + static_cast<int64_t>(position) - 1));
  }

 private:
  enum class Place { kStart, kTop, kMetadata, kEntry, kShape, kOffsets };

  SafetensorsEntry& entry() { return header_.entries.back(); }

  [[noreturn]] void fail_tensor(std::string_view rule, std::string_view details = {}) const {
    file_.fail(fmt::format("tensor {} {}", in_quotes(key_), rule), details);
  }
  [[noreturn]] void fail_offset_count() const {
    fail_tensor("needs two data_offsets", "expected [begin, end]");
  }

  /// The value just read, described by `found`, is not what this place asks for.
  [[noreturn]] void fail_value(std::string_view found) const {
    switch (place_) {
      case Place::kStart:
        file_.fail("the header is not a JSON object", fmt::format("found {}", found));
      case Place::kTop:
        file_.fail(fmt::format("the header's entry {} is not an object", in_quotes(key_)),
                   fmt::format("found {}", found));
      case Place::kMetadata:
        file_.fail(fmt::format("the metadata's {} is not text", in_quotes(field_)),
                   fmt::format("found {}", found));
      case Place::kEntry:
        fail_tensor(
            fmt::format("has a {} of the wrong type", field_),
            fmt::format("expected {}, found {}", field_ == "dtype" ? "text" : "an array", found));
      case Place::kShape:
      case Place::kOffsets:
        fail_tensor(fmt::format("has a {} of the wrong type", field_),
                    fmt::format("expected whole numbers from 0 to 2^63 - 1, found {}", found));
    }
    throw InternalError("read_safetensors: not a place in a header");
  }

  const InputFile& file_;
  SafetensorsHeader header_;
  std::unordered_set<std::string> names_;
  Place place_ = Place::kStart;
  std::string key_;    // at the top
  std::string field_;  // within the entry or the metadata
  bool has_dtype_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
  int offsets_ = 0;
};

/// `text` as JSON, with its quotes.
std::string to_json(std::string_view text, std::string_view role) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw ValueError(
        fmt::format("write_safetensors: the {} {} is not UTF-8", role, in_quotes(text)));
  }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(const InputFile& file, std::string_view json) {
  // The parser itself would skip white space and a byte-order mark.
  if (!json.starts_with('{'))
    file.fail("the header is not a JSON object", "offset 8: expected '{'");
  HeaderReader reader(file);
  nlohmann::json::sax_parse(json, &reader);
  return reader.take();
}

std::string format_safetensors_header(const Archive& archive) {
  std::string json = "{";
  const auto add = [&](std::string_view name, std::string_view value) {
    json += fmt::format("{}{}:{}", json.size() > 1 ? "," : "", name, value);
  };
  if (!archive.metadata.empty()) {
    std::string values;
    for (const auto& [key, value] : archive.metadata)
      values += fmt::format("{}{}:{}", values.empty() ? "" : ",", to_json(key, "metadata key"),
                            to_json(value, "metadata text"));
    add(to_json(kMetadataName, "name"), fmt::format("{{{}}}", values));
  }
  int64_t begin = 0;
  for (const auto& [name, x] : archive.tensors) {
    const int64_t end = begin + x.numel() * size_of(x.dtype());
    add(to_json(name, "name"),
        fmt::format(R"({{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                    safetensors_name(x.dtype()), fmt::join(x.shape(), ","), begin, end));
    begin = end;
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  return json;
}

std::string_view safetensors_name(DType dtype) {
  switch (dtype) {
    case kBool:
      return "BOOL";
    case kUInt8:
      return "U8";
    case kInt32:
      return "I32";
    case kInt64:
      return "I64";
    case kFloat32:
      return "F32";
    case kFloat64:
      return "F64";
  }
  throw InternalError("safetensors: not a dtype");
}

std::string in_quotes(std::string_view name) {
  std::string result = "\"";
  size_t length = name.size();
  if (length > kLongestQuote) {
    length = kLongestQuote;
    while (length > 0 && (static_cast<unsigned char>(name[length]) & 0xc0) == 0x80) --length;
  }
  for (char c : name.substr(0, length))
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  result += length < name.size() ? "...\"" : "\"";
  return result;
}

}  // namespace bb::io::detail
