#include "bb/io/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "bb/core/error.h"

namespace bb::io::detail {

void throw_errno(std::string_view op, std::string_view rule, const std::string& path, int error) {
  throw IoError(
      fmt::format("{}: {}: {}\n  path {}", op, rule, std::generic_category().message(error), path));
}

int Descriptor::close() {
  if (fd_ < 0) return 0;
  const int result = ::close(fd_);
  fd_ = -1;
  return result == 0 || errno == EINTR ? 0 : errno;  // Linux has closed it when EINTR comes
}

// Without O_NONBLOCK, opening a pipe would wait for its writer; it changes nothing on a regular
// file.
InputFile::InputFile(std::string_view op, const std::string& path)
    : op_(op), path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (!fd_.is_open()) throw_errno(op_, "cannot open the file", path_, errno);
  struct stat status;
  if (::fstat(fd_.get(), &status) != 0) throw_errno(op_, "cannot look at the file", path_, errno);
  if (S_ISDIR(status.st_mode)) fail("expected a file, found a directory");
  if (!S_ISREG(status.st_mode)) fail("expected a regular file, found a pipe or device");
  size_ = status.st_size;
}

size_t InputFile::read(void* out, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    const ssize_t got = ::read(fd_.get(), static_cast<char*>(out) + done, bytes - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(op_, "cannot read the file", path_, errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

void InputFile::fail(std::string_view rule, std::string_view details) const {
  throw IoError(fmt::format("{}: {}\n  path {}{}{}", op_, rule, path_,
                            details.empty() ? "" : "\n  ", details));
}

}  // namespace bb::io::detail
