#include "bb/io/safetensors.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bb/autograd/ops/shape.h"
#include "bb/core/creation.h"
#include "bb/tests/io/files.h"

namespace bb::io {
namespace {

/// The archive after a round through a file.
Archive round_trip(const Archive& archive) {
  const TestFolder folder;
  write_safetensors(folder.file("x"), archive);
  return read_safetensors(folder.file("x"));
}

template <class T>
void expect_tensor(const Tensor& x, const Shape& shape, const std::vector<T>& elements) {
  ASSERT_EQ(x.dtype(), dtype_of<T>);
  EXPECT_EQ(x.shape(), shape);
  EXPECT_EQ(x.to_vector<T>(), elements);
}

const Tensor& find(const Archive& archive, std::string_view name) {
  for (const auto& [key, x] : archive.tensors)
    if (key == name) return x;
  throw ValueError(fmt::format("the test's archive has no {}", name));
}

Archive small_archive() {
  Archive archive;
  archive.tensors.emplace_back("a", tensor({1.5, -2.0, 3.0}, kFloat32));
  archive.tensors.emplace_back("b", tensor({1, 0}, kBool));
  archive.tensors.emplace_back("c", tensor({{7, 8}, {9, 10}}, kInt64));
  archive.metadata["kind"] = "test";
  return archive;
}

TEST(Safetensors, KeepsEveryDtypeShapeAndTheOrder) {
  Archive archive;
  archive.tensors.emplace_back("z", tensor({{1.5, -2.25}, {1e300, 0.0}}, kFloat64));
  archive.tensors.emplace_back("y", tensor({true, false, true}));
  archive.tensors.emplace_back("x", tensor({1.5, 2.5}, kFloat32));
  archive.tensors.emplace_back("w", tensor({0, 255}, kUInt8).view({2, 1}));
  archive.tensors.emplace_back("v", tensor({-1, 1 << 30}, kInt64));
  archive.tensors.emplace_back("u", tensor({-7, 8}, kInt32));
  archive.tensors.emplace_back("0-d", tensor(42.0));
  archive.tensors.emplace_back("none", zeros({2, 0, 3}));
  archive.tensors.emplace_back("none either", zeros({0}, kInt64));

  const Archive read = round_trip(archive);
  ASSERT_EQ(read.tensors.size(), archive.tensors.size());
  for (size_t i = 0; i < read.tensors.size(); ++i) {
    const auto& [name, x] = archive.tensors[i];
    EXPECT_EQ(read.tensors[i].first, name);
    visit(x.dtype(), [&]<class T>() {
      expect_tensor<T>(read.tensors[i].second, x.shape(), x.to_vector<T>());
    });
  }
  EXPECT_TRUE(read.metadata.empty());
}

TEST(Safetensors, KeepsAnEmptyArchive) { EXPECT_TRUE(round_trip({}).tensors.empty()); }

TEST(Safetensors, WritesViewsRowMajorAndTensorsThatRequireGradients) {
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}});
  Tensor leaf = tensor({1.0, 2.0});
  leaf.requires_grad_();
  Archive archive;
  archive.tensors.emplace_back("transposed", x.t());
  archive.tensors.emplace_back("column", x.slice(1, 1, 2));
  archive.tensors.emplace_back("row", x.slice(0, 1, 2));
  archive.tensors.emplace_back("expanded", tensor({7.0}).expand({2, 2}));
  archive.tensors.emplace_back("leaf", leaf);
  const Archive read = round_trip(archive);
  expect_tensor<float>(find(read, "transposed"), {3, 2}, {1, 4, 2, 5, 3, 6});
  expect_tensor<float>(find(read, "column"), {2, 1}, {2, 5});
  expect_tensor<float>(find(read, "row"), {1, 3}, {4, 5, 6});
  expect_tensor<float>(find(read, "expanded"), {2, 2}, {7, 7, 7, 7});
  expect_tensor<float>(find(read, "leaf"), {2}, {1, 2});
  EXPECT_FALSE(find(read, "leaf").requires_grad());
}

TEST(Safetensors, KeepsAnyTextInNamesAndMetadata) {
  Archive archive;
  const std::string odd = std::string("a\"\\\n\t\x01 größe ✓ ") + '\0' + "b";
  archive.tensors.emplace_back(odd, tensor({1.0}));
  archive.tensors.emplace_back("dtype", tensor({2.0}));
  archive.metadata = {{"", "empty key"}, {odd, odd}, {"json", R"({"a":[1,2]})"}};
  const Archive read = round_trip(archive);
  EXPECT_EQ(read.tensors[0].first, odd);
  EXPECT_EQ(read.tensors[1].first, "dtype");
  EXPECT_EQ(read.metadata, archive.metadata);
}

TEST(Safetensors, WritesTheBytesThatTheFormatSays) {
  const TestFolder folder;
  Archive archive;
  archive.tensors.emplace_back("a", tensor({1.0, -2.0}));
  archive.tensors.emplace_back("b", tensor({true}));
  archive.metadata["k"] = "v";
  write_safetensors(folder.file("x"), archive);
  const std::string bytes = contents(folder.file("x"));
  const std::string json =
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"BOOL","shape":[1],"data_offsets":[8,9]}})";
  const size_t padded = (json.size() + 7) / 8 * 8;
  ASSERT_EQ(bytes.size(), 8 + padded + 9);
  EXPECT_EQ(bytes.substr(0, 8), std::string(1, static_cast<char>(padded)) + std::string(7, '\0'));
  EXPECT_EQ(bytes.substr(8, padded), json + std::string(padded - json.size(), ' '));
  EXPECT_EQ(bytes.substr(8 + padded), std::string("\0\0\x80\x3f\0\0\0\xc0\1", 9));
}

TEST(Safetensors, ReadsWhatPythonWrote) {
  const Archive read = read_safetensors(fixture("python.safetensors"));
  EXPECT_EQ(read.tensors.size(), 9u);
  expect_tensor<double>(find(read, "float64"), {2, 2}, {1.5, -2.25, 1e300, 0});
  expect_tensor<float>(find(read, "float32"), {2, 3}, {0, 0.25F, 0.5F, 0.75F, 1, 1.25F});
  expect_tensor<int64_t>(find(read, "int64"), {2}, {-1, int64_t{1} << 62});
  expect_tensor<int32_t>(find(read, "int32"), {2}, {INT32_MIN, 7});
  expect_tensor<uint8_t>(find(read, "uint8"), {3, 1}, {0, 255, 3});
  expect_tensor<bool>(find(read, "bool"), {3}, {true, false, true});
  expect_tensor<float>(find(read, "scalar"), {}, {42});
  expect_tensor<float>(find(read, "no elements"), {0, 3}, {});
  expect_tensor<uint8_t>(find(read, "größe \"1\""), {1}, {1});
  EXPECT_EQ(read.metadata,
            (std::map<std::string, std::string>{{"format", "pt"}, {"note", "line 1\nline 2 ✓"}}));
}

TEST(Safetensors, RejectsToWriteWhatCouldNotBeReadBack) {
  const TestFolder folder;
  const std::string path = folder.file("x");
  const auto complaint = [&](const std::vector<std::string>& names) {
    Archive archive;
    for (const std::string& name : names) archive.tensors.emplace_back(name, tensor({1.0}));
    return message_of<ValueError>([&] { write_safetensors(path, archive); });
  };
  EXPECT_EQ(complaint({"a", ""}), "write_safetensors: a tensor has an empty name");
  EXPECT_EQ(complaint({"a", "b", "a"}), "write_safetensors: two tensors have the name \"a\"");
  EXPECT_EQ(complaint({"__metadata__"}),
            "write_safetensors: a tensor has the name \"__metadata__\", which the format keeps for "
            "itself");
  EXPECT_EQ(complaint({"a\xff"}), "write_safetensors: the name \"a\xff\" is not UTF-8");

  Archive archive;
  archive.metadata["key"] = "\xc3";
  EXPECT_EQ(message_of<ValueError>([&] { write_safetensors(path, archive); }),
            "write_safetensors: the metadata text \"\xc3\" is not UTF-8");
  archive.metadata.clear();
  archive.tensors.emplace_back("a", Tensor());
  EXPECT_EQ(message_of<ValueError>([&] { write_safetensors(path, archive); }),
            "write_safetensors: tensor \"a\" is undefined");
  EXPECT_TRUE(folder.names().empty());
}

TEST(Safetensors, SaysWhyItCannotOpenOrWriteAFile) {
  EXPECT_EQ(message_of([] { read_safetensors("/nowhere/x"); }),
            "read_safetensors: cannot open the file: No such file or directory\n  path /nowhere/x");
  EXPECT_EQ(message_of([] { write_safetensors("/nowhere/x", {}); }),
            "write_safetensors: cannot create a file beside the target: No such file or "
            "directory\n  path /nowhere/x");
}

TEST(Safetensors, LeavesAWholeFileWhenTheProcessIsKilled) {
  const TestFolder folder;
  const std::string path = folder.file("x");
  const auto version = [](int64_t i) {
    Archive archive;
    archive.tensors.emplace_back("number", tensor(i));
    archive.tensors.emplace_back("weight", full({5000}, static_cast<double>(i)));
    archive.tensors.emplace_back("bias", full({5000}, i, kInt32));
    archive.metadata["crc"] = checksum(archive);
    return archive;
  };
  write_safetensors(path, version(0));
  const auto save_forever = [&]() noexcept {  // an exception must not bring the child back here
    for (int64_t i = 1;; ++i) write_safetensors(path, version(i));
  };
  for (int round = 0; round < 15; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) save_forever();
    ::usleep(static_cast<useconds_t>(1000 + round * 7919 % 20'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    const Archive read = read_safetensors(path);
    EXPECT_EQ(read.metadata.at("crc"), checksum(read, "crc"));
    EXPECT_EQ(checksum(read), checksum(version(find(read, "number").item<int64_t>())));
  }
}

TEST(Checksum, IsTheSameAfterARoundTripAndInAnyOrder) {
  Archive archive = small_archive();
  const std::string crc = checksum(archive);
  EXPECT_EQ(crc.size(), 8u);
  EXPECT_EQ(checksum(round_trip(archive)), crc);
  std::swap(archive.tensors[0], archive.tensors[2]);
  EXPECT_EQ(checksum(archive), crc);
}

TEST(Checksum, LeavesOutOneKeyOfTheMetadata) {
  Archive archive = small_archive();
  const std::string crc = checksum(archive, "crc");
  archive.metadata["crc"] = crc;
  EXPECT_EQ(checksum(archive, "crc"), crc);
  EXPECT_NE(checksum(archive), crc);
}

TEST(Checksum, ChangesWithEveryPartOfTheArchive) {
  const std::string crc = checksum(small_archive());
  const auto changed = [](auto&& change) {
    Archive archive = small_archive();
    change(archive);
    return checksum(archive);
  };
  EXPECT_NE(changed([](Archive& a) { a.tensors[0].first = "A"; }), crc);
  EXPECT_NE(changed([](Archive& a) { a.tensors[0].second.mul_(2); }), crc);
  for (const Shape& shape : {Shape{4}, Shape{4, 1}})
    EXPECT_NE(changed([&](Archive& a) { a.tensors[2].second = a.tensors[2].second.view(shape); }),
              crc);
  EXPECT_NE(changed([](Archive& a) { a.tensors[1].second = tensor({1, 0}, kUInt8); }), crc);
  EXPECT_NE(changed([](Archive& a) { std::swap(a.tensors[0].first, a.tensors[1].first); }), crc);
  EXPECT_NE(changed([](Archive& a) { a.tensors.pop_back(); }), crc);
  EXPECT_NE(changed([](Archive& a) { a.metadata["kind"] = "Test"; }), crc);
  EXPECT_NE(changed([](Archive& a) { a.metadata["more"] = ""; }), crc);
}

TEST(Checksum, NoticesEveryFlippedByteOfAFile) {
  const TestFolder folder;
  const std::string path = folder.file("x");
  Archive archive = small_archive();
  archive.metadata["crc"] = checksum(archive, "crc");
  write_safetensors(path, archive);
  const std::string whole = contents(path);
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int mask : {0x01, 0x20, 0x80}) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ mask);
      put(path, bytes);
      try {
        const Archive read = read_safetensors(path);
        const auto crc = read.metadata.find("crc");
        EXPECT_TRUE(crc == read.metadata.end() || crc->second != checksum(read, "crc"))
            << "byte " << i << " flipped with " << mask;
      } catch (const IoError&) {  // noticed even sooner
      }
    }
  }
}

}  // namespace
}  // namespace bb::io
