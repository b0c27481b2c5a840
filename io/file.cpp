#include "bb/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "bb/core/error.h"
#include "bb/io/input_file.h"

namespace bb::io {
namespace {

namespace fs = std::filesystem;
using detail::Descriptor;
using detail::throw_errno;

constexpr size_t kBufferBytes = size_t{64} << 10;
constexpr size_t kLongestNamePart = 200;  // leaves room for the suffix below the usual limit of 255
constexpr int kMostLinks = 40;            // as the kernel follows
constexpr int kMostNames = 1000;

/// What the symbolic links at `path` lead to, whether it exists or not.
fs::path follow_links(std::string_view op, const std::string& path) {
  fs::path target = path;
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code error;
    if (!fs::is_symlink(target, error)) return target;
    const fs::path next = fs::read_symlink(target, error);
    if (error) throw_errno(op, "cannot follow the symbolic link", path, error.value());
    target = target.parent_path() / next;
  }
  throw_errno(op, "cannot follow the symbolic link", path, ELOOP);
}

/// Permissions of the file to be replaced; none where there is no file.
std::optional<mode_t> permissions_to_keep(std::string_view op, const fs::path& target,
                                          const std::string& path) {
  struct stat status;
  if (::stat(target.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    throw_errno(op, "cannot look at the file to replace", path, errno);
  }
  if (S_ISDIR(status.st_mode)) throw_errno(op, "cannot replace the file", path, EISDIR);
  if (!S_ISREG(status.st_mode))
    throw IoError(fmt::format(
        "{}: expected a regular file to replace, found a pipe or device\n  path {}", op, path));
  // rename() asks for the folder's permission only: a file that was made read-only is to stay.
  if (::faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0)
    throw_errno(op, "cannot replace the file", path, errno);
  return status.st_mode & mode_t{07777};
}

/// A new file beside the target, removed again unless it was renamed.
class TemporaryFile {
 public:
  TemporaryFile(std::string_view op, const fs::path& target, const std::string& path, mode_t mode)
      : name_(), fd_(create(op, target, path, mode, name_)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!renamed_) ::unlink(name_.c_str());
  }

  int fd() const { return fd_.get(); }

  void rename_to(std::string_view op, const fs::path& target, const std::string& path) {
    if (::fsync(fd()) != 0) throw_errno(op, "cannot sync the new file to disk", path, errno);
    if (const int error = fd_.close(); error != 0)
      throw_errno(op, "cannot close the new file", path, error);
    if (::rename(name_.c_str(), target.c_str()) != 0)
      throw_errno(op, "cannot put the new file in place", path, errno);
    renamed_ = true;
  }

 private:
  static int create(std::string_view op, const fs::path& target, const std::string& path,
                    mode_t mode, fs::path& name) {
    static std::atomic<uint64_t> counter{0};
    const std::string stem = target.filename().string().substr(0, kLongestNamePart);
    for (int i = 0; i < kMostNames; ++i) {
      name = target.parent_path() / fmt::format("{}.{}-{}.tmp", stem, ::getpid(), ++counter);
      const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
      if (fd >= 0) return fd;
      if (errno != EEXIST) break;  // else a file of a process that had this id and was killed
    }
    throw_errno(op, "cannot create a file beside the target", path, errno);
  }

  fs::path name_;
  Descriptor fd_;
  bool renamed_ = false;
};

/// Makes the rename last. A folder that cannot be opened, or a file system that does not sync
/// folders, is no error: `path` names a complete file either way.
void sync_folder(std::string_view op, const fs::path& target, const std::string& path) {
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.is_open() && ::fsync(fd.get()) != 0 && errno != EINVAL && errno != ENOTSUP)
    throw_errno(op, "cannot sync the folder to disk", path, errno);
}

}  // namespace

std::string read_file(const std::string& path) {
  detail::InputFile file("read_file", path);
  std::string bytes;
  // The size is where to begin: /proc says 0, and the file may grow. The one byte more sees the
  // end.
  size_t step = static_cast<size_t>(file.size()) + 1;
  for (;;) {
    const size_t before = bytes.size();
    bytes.resize(before + step);
    const size_t got = file.read(bytes.data() + before, step);
    bytes.resize(before + got);
    if (got < step) return bytes;
    step = kBufferBytes;
  }
}

Writer::Writer(std::string_view op, const std::string& path, int fd)
    : op_(op), path_(path), fd_(fd) {
  buffer_.reserve(kBufferBytes);
}

void Writer::write(const void* data, size_t bytes) {
  const char* first = static_cast<const char*>(data);
  if (bytes >= kBufferBytes - buffer_.size()) flush();
  if (bytes >= kBufferBytes)
    write_through(first, bytes);
  else
    buffer_.insert(buffer_.end(), first, first + bytes);
}

void Writer::flush() {
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void Writer::write_through(const char* data, size_t bytes) {
  while (bytes > 0) {
    const ssize_t done = ::write(fd_, data, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0)
      throw_errno(op_, fmt::format("cannot write on after {} bytes", written_), path_,
                  done < 0 ? errno : EIO);
    data += done;
    bytes -= static_cast<size_t>(done);
    written_ += done;
  }
}

void write_file_atomically(const std::string& path, const std::function<void(Writer&)>& fill,
                           std::string_view op) {
  const fs::path target = follow_links(op, path);
  const std::optional<mode_t> keep = permissions_to_keep(op, target, path);
  // For nobody else's eyes until it has the permissions of the file that it replaces.
  TemporaryFile file(op, target, path, keep ? mode_t{0600} : mode_t{0666});
  if (keep && ::fchmod(file.fd(), *keep) != 0)
    throw_errno(op, "cannot give the new file the old one's permissions", path, errno);
  Writer writer(op, path, file.fd());
  fill(writer);
  writer.flush();
  file.rename_to(op, target, path);
  sync_folder(op, target, path);
}

void write_file_atomically(const std::string& path, std::string_view bytes, std::string_view op) {
  write_file_atomically(
      path, [bytes](Writer& writer) { writer.write(bytes); }, op);
}

}  // namespace bb::io
