#include "bb/io/idx.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bb/tests/io/files.h"

namespace bb::io {
namespace {

/// Bytes from numbers: bytes_of({0, 0, 8, 1}).
std::string bytes_of(std::initializer_list<int> values) {
  std::string result;
  for (int value : values) result += static_cast<char>(value);
  return result;
}

/// read_idx of a file with these bytes.
Tensor read_bytes(const std::string& bytes) {
  const TestFolder folder;
  put(folder.file("x"), bytes);
  return read_idx(folder.file("x"));
}

/// What read_idx says of a file with these bytes, with "x" for its path.
std::string complaint(const std::string& bytes) {
  const TestFolder folder;
  const std::string path = folder.file("x");
  put(path, bytes);
  std::string message = message_of([&] { read_idx(path); });
  if (const size_t at = message.find(path); at != std::string::npos)
    message.replace(at, path.size(), "x");
  return message;
}

template <class T>
void expect_fixture(const std::string& name, const std::vector<T>& expected) {
  for (const char* suffix : {".idx", ".idx.gz"}) {
    const Tensor x = read_idx(fixture(name + suffix));
    EXPECT_EQ(x.dtype(), dtype_of<T>) << name << suffix;
    EXPECT_EQ(x.shape(), (Shape{2, 3})) << name << suffix;
    EXPECT_EQ(x.to_vector<T>(), expected) << name << suffix;
  }
}

TEST(ReadIdx, ReadsEveryTypeThatPythonWrote) {
  expect_fixture<uint8_t>("uint8", {0, 1, 2, 128, 254, 255});
  expect_fixture<int32_t>("int8", {0, 1, 2, -128, -1, 127});
  expect_fixture<int32_t>("int16", {0, 1, 256, -32768, -1, 32767});
  expect_fixture<int32_t>("int32", {0, 1, 65536, INT32_MIN, -1, INT32_MAX});
  expect_fixture<float>("float32", {0, 1, 0.5F, -3.25F, -1, 1e30F});
  expect_fixture<double>("float64", {0, 1, 0.1, -3.25, -1, 1e300});
}

TEST(ReadIdx, ReadsEveryRank) {
  for (int rank = 1; rank <= Shape::kMaxRank; ++rank) {
    std::string bytes = bytes_of({0, 0, 8, rank});
    for (int i = 0; i < rank; ++i) bytes += bytes_of({0, 0, 0, i == 0 ? 3 : 1});
    const Tensor x = read_bytes(bytes + "abc");
    EXPECT_EQ(x.dim(), rank);
    EXPECT_EQ(x.size(0), 3);
    EXPECT_EQ(x.to_vector<uint8_t>(), (std::vector<uint8_t>{'a', 'b', 'c'}));
  }
}

TEST(ReadIdx, ReadsATensorWithoutElements) {
  const Tensor x = read_bytes(bytes_of({0, 0, 0x0d, 2, 0, 0, 0, 0, 0, 0, 0, 28}));
  EXPECT_EQ(x.shape(), (Shape{0, 28}));
  EXPECT_EQ(x.dtype(), kFloat32);
}

TEST(ReadIdx, ReadsMoreThanABuffer) {
  std::string bytes = bytes_of({0, 0, 8, 1, 0, 4, 0, 0});
  for (int i = 0; i < 0x40000; ++i) bytes += static_cast<char>(i * 31 % 253);
  const Tensor x = read_bytes(bytes);
  EXPECT_EQ(x.numel(), 0x40000);
  const std::vector<uint8_t> elements = x.to_vector<uint8_t>();
  EXPECT_TRUE(std::string(elements.begin(), elements.end()) == bytes.substr(8));
}

TEST(ReadIdx, ReadsGzipInSeveralMembers) {
  // A member that stores no byte: header, an empty last block, checksum and length 0.
  const std::string nothing =
      bytes_of({0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}) + bytes_of({3, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  const std::string member = contents(fixture("int16.idx.gz"));
  const std::vector<int32_t> expected = {0, 1, 256, -32768, -1, 32767};
  EXPECT_EQ(read_bytes(member + nothing).to_vector<int32_t>(), expected);
  EXPECT_EQ(read_bytes(nothing + member).to_vector<int32_t>(), expected);
}

TEST(ReadIdx, RejectsAFileThatIsCutAnywhere) {
  for (const char* name : {"int16.idx", "int16.idx.gz"}) {
    const TestFolder folder;
    const std::string path = folder.file("x");
    const std::string whole = contents(fixture(name));
    ASSERT_GT(whole.size(), 20u);
    for (size_t length = 0; length < whole.size(); ++length) {
      put(path, whole.substr(0, length));
      EXPECT_THROW(read_idx(path), IoError) << name << " cut to " << length << " bytes";
    }
  }
}

TEST(ReadIdx, RejectsOrReadsAFileWithAnyByteFlipped) {
  for (const char* name : {"float32.idx", "float32.idx.gz"}) {
    const TestFolder folder;
    const std::string path = folder.file("x");
    const std::string whole = contents(fixture(name));
    for (size_t i = 0; i < whole.size(); ++i) {
      for (int mask : {0x01, 0x80, 0xff}) {
        std::string bytes = whole;
        bytes[i] = static_cast<char>(bytes[i] ^ mask);
        put(path, bytes);
        try {
          EXPECT_EQ(read_idx(path).numel(), 6);
        } catch (const IoError&) {  // as it should
        }
      }
    }
  }
}

TEST(ReadIdx, NoticesAFlippedByteOfCompressedElements) {
  const std::string whole = contents(fixture("float32.idx.gz"));
  for (size_t i = 10; i < whole.size(); ++i) {  // after the header, which holds no data
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x10);
    EXPECT_THROW(read_bytes(bytes), IoError) << "at " << i;
  }
}

TEST(ReadIdx, SaysWhatIsWrongWithTheHeader) {
  EXPECT_EQ(complaint(""),
            "read_idx: the header ends early\n"
            "  path x\n"
            "  offset 0: expected 00 00 <type> <rank> (4 bytes), found 0");
  EXPECT_EQ(complaint(bytes_of({0, 0, 8, 2, 0, 0, 0, 1, 0, 0})),
            "read_idx: the header ends early\n"
            "  path x\n"
            "  offset 8: expected size 2 of 2 (4 bytes), found 2");
  EXPECT_EQ(complaint("\x89PNG"),
            "read_idx: not an idx file\n"
            "  path x\n"
            "  offset 0: expected 00 00 <type> <rank>, found 89 50 4e 47");
  EXPECT_EQ(complaint("<!DOCTYPE html>"),
            "read_idx: not an idx file\n"
            "  path x\n"
            "  offset 0: expected 00 00 <type> <rank>, found 3c 21 44 4f\n"
            "  hint: a failed download may have saved a web page");
  EXPECT_EQ(complaint(bytes_of({0, 0, 0x0a, 1, 0, 0, 0, 1, 7})),
            "read_idx: unknown element type\n"
            "  path x\n"
            "  offset 2: expected 08, 09, 0b, 0c, 0d or 0e, found 0a");
  EXPECT_EQ(complaint(bytes_of({0, 0, 8, 0, 7})),
            "read_idx: rank out of range\n"
            "  path x\n"
            "  offset 3: expected 1 to 8, found 0");
  EXPECT_EQ(complaint(bytes_of({0, 0, 8, 9})),
            "read_idx: rank out of range\n"
            "  path x\n"
            "  offset 3: expected 1 to 8, found 9");
}

TEST(ReadIdx, SaysWhereTheElementsEnd) {
  EXPECT_EQ(complaint(bytes_of({0, 0, 0x0b, 1, 0, 0, 0, 3, 1, 2, 3})),
            "read_idx: the elements end early\n"
            "  path x\n"
            "  offset 8: expected 6 bytes for int16 [3], found 3");
  EXPECT_EQ(complaint(bytes_of({0, 0, 8, 1, 0, 0, 0, 1, 1, 2})),
            "read_idx: the file goes on after the last element\n"
            "  path x\n"
            "  offset 8: expected 1 bytes for uint8 [1], found more");
}

TEST(ReadIdx, SaysWhereGzipDataIsWrong) {
  const std::string whole = contents(fixture("uint8.idx.gz"));
  const std::string size = std::to_string(whole.size());
  EXPECT_EQ(complaint(whole.substr(0, whole.size() - 3)),
            "read_idx: the gzip data ends early\n"
            "  path x\n"
            "  offset " +
                std::to_string(whole.size() - 3) + ": expected more, found the end of the file");
  EXPECT_EQ(complaint(whole + "abc"),
            "read_idx: bytes follow the end of the gzip data\n"
            "  path x\n"
            "  offset " +
                size + " of " + std::to_string(whole.size() + 3));
  std::string flipped = whole;
  flipped[whole.size() - 8] ^= 1;
  EXPECT_EQ(complaint(flipped),
            "read_idx: the gzip data is corrupted\n"
            "  path x\n"
            "  offset " +
                std::to_string(whole.size() - 4) + ": incorrect data check");
}

TEST(ReadIdx, DoesNotBelieveSizesThatTheFileDoesNotHave) {
  const std::string huge = bytes_of({127, 255, 255, 255});
  EXPECT_EQ(complaint(bytes_of({0, 0, 8, 2}) + huge + huge + "0123456789"),
            "read_idx: the elements end early\n"
            "  path x\n"
            "  offset 12: expected 4611686014132420609 bytes for uint8 [2147483647, 2147483647], "
            "found 10");
  EXPECT_EQ(complaint(bytes_of({0, 0, 0x0e, 2}) + huge + huge),
            "read_idx: the header claims more than any file holds\n"
            "  path x\n"
            "  offset 4: float64 [2147483647, 2147483647]");
}

TEST(ReadIdx, DoesNotBelieveSizesBesideAZero) {
  std::string bytes = bytes_of({0, 0, 8, 4, 0, 0, 0, 0});
  for (int i = 0; i < 3; ++i) bytes += bytes_of({255, 255, 255, 255});
  EXPECT_EQ(complaint(bytes),
            "read_idx: the header claims more than any file holds\n"
            "  path x\n"
            "  offset 4: uint8 [0, 4294967295, 4294967295, 4294967295]");
}

// Two stored blocks hold the header and 10 bytes; it claims 2^62 elements, more than memory has.
TEST(ReadIdx, DoesNotBelieveSizesInsideGzip) {
  const std::string huge = bytes_of({127, 255, 255, 255});
  const std::string inner = bytes_of({0, 0, 8, 2}) + huge + huge + "0123456789";
  const int n = static_cast<int>(inner.size());
  const std::string gzip =
      bytes_of({0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 0, n, 0, 255 - n, 255}) + inner;
  EXPECT_EQ(complaint(gzip),
            "read_idx: the gzip data ends early\n"
            "  path x\n"
            "  offset 37: expected more, found the end of the file");
}

TEST(ReadIdx, SaysWhyItCannotOpenTheFile) {
  EXPECT_EQ(message_of([] { read_idx("/nowhere/x"); }),
            "read_idx: cannot open the file: No such file or directory\n  path /nowhere/x");
  const TestFolder folder;
  EXPECT_EQ(message_of([&] { read_idx(folder.path().string()); }),
            "read_idx: expected a file, found a directory\n  path " + folder.path().string());
}

}  // namespace
}  // namespace bb::io
