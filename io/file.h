#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bb::io {

/// The bytes of a regular file. Throws IoError, with the system's reason, for what is missing, may
/// not be read, or is not a regular file (a directory, a pipe, a device).
std::string read_file(const std::string& path);

/// Where the callback of write_file_atomically puts the file's bytes, in order.
class Writer {
 public:
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Appends. Throws IoError where the file takes no more.
  void write(const void* data, size_t bytes);
  void write(std::string_view bytes) { write(bytes.data(), bytes.size()); }

 private:
  friend void write_file_atomically(const std::string& path,
                                    const std::function<void(Writer&)>& fill, std::string_view op);
  Writer(std::string_view op, const std::string& path, int fd);
  void flush();
  void write_through(const char* data, size_t bytes);

  std::string_view op_;
  const std::string& path_;
  int fd_;
  int64_t written_ = 0;
  std::vector<char> buffer_;
};

/// Puts what `fill` writes in place of the file at `path`, whole or not at all.
///   write to a new file in the target's folder; fsync; rename over the target; fsync of the folder
/// Whatever happens on the way (an error, a kill, a power cut), `path` names the old file or the
/// new one, complete. An existing file keeps its permissions; what a symbolic link points to is
/// replaced, not the link. A second hard link keeps the old bytes.
/// `op` names the caller in messages.
/// Throws IoError with the system's reason, and what `fill` throws; the new file is removed then.
/// A file without write permission is not replaced. A kill may leave "<name>.<pid>-<n>.tmp" behind.
void write_file_atomically(const std::string& path, const std::function<void(Writer&)>& fill,
                           std::string_view op = "write_file_atomically");
/// The same for bytes that are at hand.
void write_file_atomically(const std::string& path, std::string_view bytes,
                           std::string_view op = "write_file_atomically");

}  // namespace bb::io
