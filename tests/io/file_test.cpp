#include "bb/io/file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bb/tests/io/files.h"

namespace bb::io {
namespace {

namespace fs = std::filesystem;

mode_t mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & mode_t{07777};
}

/// Makes write() fail with EFBIG once a file has `bytes` bytes, until the end of the scope.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  sighandler_t handler_;
  rlimit before_{};
};

TEST(ReadFile, ReturnsEveryByte) {
  const TestFolder folder;
  std::string bytes(200'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 % 251);
  put(folder.file("a"), bytes);
  EXPECT_EQ(read_file(folder.file("a")), bytes);
}

TEST(ReadFile, ReturnsNothingOfAnEmptyFile) {
  const TestFolder folder;
  put(folder.file("a"), "");
  EXPECT_EQ(read_file(folder.file("a")), "");
}

TEST(ReadFile, ReadsAFileWhoseSizeIsNotKnown) {
  EXPECT_FALSE(read_file("/proc/self/status").empty());
}

TEST(ReadFile, SaysWhyItCannotRead) {
  const TestFolder folder;
  const std::string missing = folder.file("missing");
  EXPECT_EQ(message_of([&] { read_file(missing); }),
            "read_file: cannot open the file: No such file or directory\n  path " + missing);
  EXPECT_EQ(message_of([&] { read_file(folder.path().string()); }),
            "read_file: expected a file, found a directory\n  path " + folder.path().string());
  EXPECT_EQ(message_of([&] { read_file("/dev/zero"); }),
            "read_file: expected a regular file, found a pipe or device\n  path /dev/zero");
}

TEST(ReadFile, DoesNotWaitForThePartnerOfAPipe) {
  const TestFolder folder;
  const std::string pipe = folder.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW(read_file(pipe), IoError);
}

TEST(WriteFileAtomically, WritesAndReplacesAndLeavesNothingElse) {
  const TestFolder folder;
  const std::string path = folder.file("a");
  write_file_atomically(path, "one");
  EXPECT_EQ(contents(path), "one");
  write_file_atomically(path, "");
  EXPECT_EQ(contents(path), "");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

TEST(WriteFileAtomically, KeepsTheOrderOfSmallAndLargePieces) {
  const TestFolder folder;
  const std::string path = folder.file("a");
  std::string expected;
  write_file_atomically(path, [&](Writer& writer) {
    for (size_t size : {1, 0, 65535, 1, 65536, 5, 300000, 65534, 3, 65537}) {
      const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
      expected += piece;
      writer.write(piece);
    }
  });
  EXPECT_TRUE(contents(path) == expected);
}

TEST(WriteFileAtomically, TakesAPathWithoutAFolder) {
  const TestFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_file_atomically("a", "one");
  fs::current_path(before);
  EXPECT_EQ(contents(folder.file("a")), "one");
}

TEST(WriteFileAtomically, TakesTheLongestNameThereIs) {
  const TestFolder folder;
  const std::string path = folder.file(std::string(255, 'x'));
  write_file_atomically(path, "one");
  EXPECT_EQ(contents(path), "one");
}

TEST(WriteFileAtomically, GivesANewFileWhatTheUmaskAllows) {
  const TestFolder folder;
  const mode_t mask = ::umask(027);
  write_file_atomically(folder.file("a"), "one");
  ::umask(mask);
  EXPECT_EQ(mode_of(folder.file("a")), mode_t{0640});
}

TEST(WriteFileAtomically, KeepsThePermissionsOfTheFileItReplaces) {
  const TestFolder folder;
  const std::string path = folder.file("a");
  for (mode_t mode : {0600, 0666, 0755}) {
    put(path, "old");
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    write_file_atomically(path, "new");
    EXPECT_EQ(mode_of(path), mode);
    EXPECT_EQ(contents(path), "new");
  }
}

TEST(WriteFileAtomically, ReplacesWhatASymbolicLinkPointsTo) {
  const TestFolder folder;
  fs::create_directory(folder.path() / "deep");
  put(folder.file("deep/file"), "old");
  fs::create_symlink("deep/link", folder.path() / "link");
  fs::create_symlink("file", folder.path() / "deep/link");
  write_file_atomically(folder.file("link"), "new");
  EXPECT_TRUE(fs::is_symlink(folder.path() / "link"));
  EXPECT_TRUE(fs::is_symlink(folder.path() / "deep/link"));
  EXPECT_EQ(contents(folder.file("deep/file")), "new");
}

TEST(WriteFileAtomically, MakesWhatADanglingLinkPointsTo) {
  const TestFolder folder;
  fs::create_symlink(folder.path() / "file", folder.path() / "link");
  write_file_atomically(folder.file("link"), "new");
  EXPECT_TRUE(fs::is_symlink(folder.path() / "link"));
  EXPECT_EQ(contents(folder.file("file")), "new");
}

TEST(WriteFileAtomically, DoesNotFollowLinksInACircle) {
  const TestFolder folder;
  fs::create_symlink("b", folder.path() / "a");
  fs::create_symlink("a", folder.path() / "b");
  EXPECT_EQ(message_of([&] { write_file_atomically(folder.file("a"), "x", "save"); }),
            "save: cannot follow the symbolic link: Too many levels of symbolic links\n  path " +
                folder.file("a"));
}

TEST(WriteFileAtomically, SaysWhyItCannotWrite) {
  const TestFolder folder;
  const std::string nowhere = folder.file("missing/a");
  EXPECT_EQ(message_of([&] { write_file_atomically(nowhere, "x"); }),
            "write_file_atomically: cannot create a file beside the target: No such file or "
            "directory\n  path " +
                nowhere);
  EXPECT_EQ(message_of([&] { write_file_atomically(folder.path().string(), "x", "save"); }),
            "save: cannot replace the file: Is a directory\n  path " + folder.path().string());
  EXPECT_EQ(message_of([&] { write_file_atomically("/dev/null", "x", "save"); }),
            "save: expected a regular file to replace, found a pipe or device\n  path /dev/null");
  EXPECT_THROW(write_file_atomically("", "x"), IoError);
}

TEST(WriteFileAtomically, DoesNotReplaceAReadOnlyFile) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TestFolder folder;
  const std::string path = folder.file("a");
  put(path, "old");
  ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
  EXPECT_EQ(message_of([&] { write_file_atomically(path, "new", "save"); }),
            "save: cannot replace the file: Permission denied\n  path " + path);
  EXPECT_EQ(contents(path), "old");
}

TEST(WriteFileAtomically, LeavesTheOldFileWhenTheCallerGivesUp) {
  const TestFolder folder;
  const std::string path = folder.file("a");
  put(path, "old");
  const auto give_up = [](Writer& writer) {
    writer.write(std::string(100'000, 'x'));
    throw std::runtime_error("gave up");
  };
  EXPECT_EQ(message_of<std::runtime_error>([&] { write_file_atomically(path, give_up); }),
            "gave up");
  EXPECT_EQ(contents(path), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

TEST(WriteFileAtomically, LeavesTheOldFileWhenTheDiskTakesNoMore) {
  const TestFolder folder;
  const std::string path = folder.file("a");
  const std::string old = "the old file";
  put(path, old);
  const std::string piece(30'000, 'x');
  for (rlim_t limit : {0, 1, 100, 4096, 65535, 65536, 65537, 150'000, 299'999}) {
    std::string message;
    {
      const FileSizeLimit full(limit);
      message = message_of([&] {
        write_file_atomically(
            path,
            [&](Writer& writer) {
              for (int i = 0; i < 10; ++i) writer.write(piece);
            },
            "save");
      });
    }
    EXPECT_EQ(message, "save: cannot write on after " + std::to_string(limit) +
                           " bytes: File too large\n  path " + path);
    EXPECT_EQ(contents(path), old);
    EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
  }
}

TEST(WriteFileAtomically, IsWholeWhenTwoThreadsWriteOneFile) {
  const TestFolder folder;
  const std::string path = folder.file("a");
  const auto save = [&](char fill) {
    for (int i = 0; i < 10; ++i) write_file_atomically(path, std::string(100'000, fill));
  };
  std::thread other(save, 'a');
  save('b');
  other.join();
  const std::string bytes = contents(path);
  EXPECT_TRUE(bytes == std::string(100'000, 'a') || bytes == std::string(100'000, 'b'));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

// The child saves one version after another and is killed in the middle of it.
TEST(WriteFileAtomically, LeavesAWholeFileWhenTheProcessIsKilled) {
  const TestFolder folder;
  const std::string path = folder.file("a");
  constexpr size_t kBytes = 300'000;
  put(path, std::string(kBytes, 'a'));
  const auto save_forever = [&]() noexcept {  // an exception must not bring the child back here
    for (unsigned i = 0;; ++i)
      write_file_atomically(path, std::string(kBytes, static_cast<char>('a' + i % 26)));
  };
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) save_forever();
    ::usleep(static_cast<useconds_t>(1000 + round * 7919 % 20'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    const std::string bytes = contents(path);
    ASSERT_EQ(bytes.size(), kBytes);
    ASSERT_EQ(bytes.find_first_not_of(bytes[0]), std::string::npos) << "in round " << round;
  }
}

}  // namespace
}  // namespace bb::io
