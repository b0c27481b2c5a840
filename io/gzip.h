#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace bb::io {

/// Reads a file from front to back, inflating it on the way where it is gzip (it begins with 1f 8b;
/// RFC 1952), in one member or several.
class GzipReader {
 public:
  /// `op` names the caller in messages. Throws IoError where the file cannot be opened.
  GzipReader(std::string_view op, const std::string& path);
  ~GzipReader();

  /// Copies the next (inflated) bytes to `out`; fewer than asked only where the data ends, which is
  /// then known to be sound: checksums agree and nothing follows. Throws IoError, with the offset
  /// in the file, for gzip data that is cut short or corrupted, or is followed by something else.
  size_t read(void* out, size_t bytes);

  bool is_gzip() const;
  /// Bytes of the file as it lies on disk.
  int64_t file_size() const;
  /// Throws IoError "<op>: <rule>", then the path and the details (lines indented by two).
  [[noreturn]] void fail(std::string_view rule, std::string_view details = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bb::io
