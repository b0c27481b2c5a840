#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bb::io::detail {

/// Throws IoError "<op>: <rule>: <the system's words for `error`>" with the path.
[[noreturn]] void throw_errno(std::string_view op, std::string_view rule, const std::string& path,
                              int error);

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  /// Closes. Returns 0 or errno.
  int close();

 private:
  int fd_;
};

/// A regular file that is read from front to back by `op`, which its messages name.
class InputFile {
 public:
  /// Throws IoError where there is no such file, it may not be read or is not a regular one.
  InputFile(std::string_view op, const std::string& path);

  /// Reads the next bytes; fewer than asked only where the file ends. Throws IoError.
  size_t read(void* out, size_t bytes);
  /// Bytes in the file when it was opened.
  int64_t size() const { return size_; }

  /// Throws IoError "<op>: <rule>", then the path and the details (lines indented by two).
  [[noreturn]] void fail(std::string_view rule, std::string_view details = {}) const;

 private:
  std::string op_;
  std::string path_;
  Descriptor fd_;
  int64_t size_ = 0;
};

}  // namespace bb::io::detail
