// Files that safetensors readers must not believe.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "bb/core/creation.h"
#include "bb/io/safetensors.h"
#include "bb/tests/io/files.h"

namespace bb::io {
namespace {

/// A file with this header, as it is, and `data_bytes` zeros.
std::string file_with(const std::string& json, size_t data_bytes, uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i));
  return bytes + json + std::string(data_bytes, '\0');
}
std::string file_with(const std::string& json, size_t data_bytes = 0) {
  return file_with(json, data_bytes, json.size());
}

/// What read_safetensors says of a file with these bytes: without its name, "x" for the path.
std::string complaint(const std::string& bytes) {
  const TestFolder folder;
  const std::string path = folder.file("x");
  put(path, bytes);
  std::string message = message_of([&] { read_safetensors(path); });
  if (const size_t at = message.find(path); at != std::string::npos)
    message.replace(at, path.size(), "x");
  const std::string prefix = "read_safetensors: ";
  EXPECT_TRUE(message.starts_with(prefix)) << message;
  return message.substr(std::min(prefix.size(), message.size()));
}

/// The same for one tensor "w" with these fields.
std::string entry_complaint(const std::string& fields, size_t data_bytes = 8) {
  return complaint(file_with("{\"w\":{" + fields + "}}", data_bytes));
}

std::string sample() {
  const TestFolder folder;
  Archive archive;
  archive.tensors.emplace_back("a", tensor({1.5, -2.0, 3.0}, kFloat32));
  archive.tensors.emplace_back("b", tensor({{7, 8}}, kInt64));
  archive.metadata["k"] = "v";
  write_safetensors(folder.file("x"), archive);
  return contents(folder.file("x"));
}

TEST(HostileSafetensors, IsRejectedWhereverItIsCut) {
  const TestFolder folder;
  const std::string path = folder.file("x");
  const std::string whole = sample();
  for (size_t length = 0; length < whole.size(); ++length) {
    put(path, whole.substr(0, length));
    EXPECT_THROW(read_safetensors(path), IoError) << "cut to " << length << " bytes";
  }
  put(path, whole + '\0');
  EXPECT_THROW(read_safetensors(path), IoError);
}

TEST(HostileSafetensors, IsRejectedOrReadWithAnyByteOfTheHeaderChanged) {
  const TestFolder folder;
  const std::string path = folder.file("x");
  const std::string whole = sample();
  const size_t header_bytes = whole.size() - 28;
  for (size_t i = 0; i < header_bytes; ++i) {
    for (int mask : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ mask);
      put(path, bytes);
      try {
        EXPECT_LE(read_safetensors(path).tensors.size(), 2u);
      } catch (const IoError&) {  // as it should
      }
    }
  }
}

TEST(HostileSafetensors, MayClaimAnyLengthOfItsHeader) {
  EXPECT_EQ(complaint("1234"),
            "the file ends early\n  path x\n"
            "  offset 0: expected the header's length (8 bytes), found 4");
  EXPECT_EQ(complaint(file_with("{}", 0, 3)),
            "the header ends early\n  path x\n  offset 8: expected 3 bytes, found 2");
  EXPECT_EQ(complaint(file_with("{}", 0, UINT64_MAX)),
            "the header is too long\n  path x\n"
            "  offset 0: expected at most 100000000 bytes, found 18446744073709551615\n"
            "  hint: this may not be a safetensors file");
  EXPECT_EQ(complaint(file_with("{}", 0, 0)),
            "the header is not a JSON object\n  path x\n  offset 8: expected '{'");
}

TEST(HostileSafetensors, MayHoldAnythingButAJsonObject) {
  EXPECT_EQ(complaint(file_with("[]")),
            "the header is not a JSON object\n  path x\n  offset 8: expected '{'");
  EXPECT_EQ(complaint(file_with(" {}")),
            "the header is not a JSON object\n  path x\n  offset 8: expected '{'");
  EXPECT_EQ(complaint(file_with("{\"w\":}")),
            "the header is not JSON\n  path x\n  offset 13: not what JSON allows there");
  EXPECT_EQ(complaint(file_with("{} {}")),
            "the header is not JSON\n  path x\n  offset 11: not what JSON allows there");
}

TEST(HostileSafetensors, MayNestDeeply) {
  const std::string brackets(1'000'000, '[');
  const std::string braces = [] {
    std::string result;
    for (int i = 0; i < 200'000; ++i) result += "{\"a\":";
    return result;
  }();
  EXPECT_EQ(complaint(file_with(brackets)),
            "the header is not a JSON object\n  path x\n  offset 8: expected '{'");
  EXPECT_EQ(complaint(file_with("{\"w\":" + brackets)),
            "the header's entry \"w\" is not an object\n  path x\n  found an array");
  EXPECT_EQ(complaint(file_with("{\"w\":{\"shape\":" + brackets)),
            "tensor \"w\" has a shape of the wrong type\n  path x\n"
            "  expected whole numbers from 0 to 2^63 - 1, found an array");
  EXPECT_EQ(complaint(file_with("{\"__metadata__\":{\"w\":" + brackets)),
            "the metadata's \"w\" is not text\n  path x\n  found an array");
  EXPECT_EQ(complaint(file_with(braces)),
            "tensor \"a\" has the unknown field \"a\"\n  path x\n"
            "  expected dtype, shape and data_offsets");
}

TEST(HostileSafetensors, MayNameThingsTwice) {
  const std::string w = R"("w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_EQ(complaint(file_with("{" + w + "," + w + "}", 1)),
            "the header names \"w\" twice\n  path x");
  EXPECT_EQ(complaint(file_with(R"({"__metadata__":{},"__metadata__":{}})")),
            "the header names \"__metadata__\" twice\n  path x");
  EXPECT_EQ(complaint(file_with(R"({"__metadata__":{"a":"","a":""}})")),
            "the metadata has the key \"a\" twice\n  path x");
  EXPECT_EQ(entry_complaint(R"("dtype":"U8","shape":[8],"dtype":"F32","data_offsets":[0,8])"),
            "tensor \"w\" has the field dtype twice\n  path x");
}

TEST(HostileSafetensors, MayLackFieldsOrHaveOthers) {
  EXPECT_EQ(entry_complaint(R"("dtype":"U8","shape":[8])"),
            "tensor \"w\" lacks the field data_offsets\n  path x");
  EXPECT_EQ(entry_complaint(""), "tensor \"w\" lacks the field dtype\n  path x");
  EXPECT_EQ(entry_complaint(R"("dtype":"U8","shape":[8],"data_offsets":[0,8],"order":"F")"),
            "tensor \"w\" has the unknown field \"order\"\n  path x\n"
            "  expected dtype, shape and data_offsets");
  for (const char* offsets : {"[]", "[0]", "[0,4,8]"})
    EXPECT_EQ(entry_complaint(R"("dtype":"U8","shape":[8],"data_offsets":)" + std::string(offsets)),
              "tensor \"w\" needs two data_offsets\n  path x\n  expected [begin, end]");
}

TEST(HostileSafetensors, MayHaveFieldsOfOtherTypes) {
  for (const char* value : {"-1", "1.0", "1e2", "-0", "true", "null", "\"8\"", "{}",
                            "9223372036854775808", "99999999999999999999999"}) {
    const std::string shape = entry_complaint(R"("dtype":"U8","data_offsets":[0,8],"shape":[)" +
                                              std::string(value) + "]");
    EXPECT_TRUE(shape.starts_with("tensor \"w\" has a shape of the wrong type")) << shape;
    const std::string offsets = entry_complaint(R"("dtype":"U8","shape":[8],"data_offsets":[0,)" +
                                                std::string(value) + "]");
    EXPECT_TRUE(offsets.starts_with("tensor \"w\" has a data_offsets of the wrong type"))
        << offsets;
  }
  EXPECT_EQ(entry_complaint(R"("dtype":7)"),
            "tensor \"w\" has a dtype of the wrong type\n  path x\n"
            "  expected text, found a number");
  EXPECT_EQ(entry_complaint(R"("shape":7)"),
            "tensor \"w\" has a shape of the wrong type\n  path x\n"
            "  expected an array, found a number");
  EXPECT_EQ(complaint(file_with(R"({"w":3})")),
            "the header's entry \"w\" is not an object\n  path x\n  found a number");
  EXPECT_EQ(complaint(file_with(R"({"__metadata__":{"a":1}})")),
            "the metadata's \"a\" is not text\n  path x\n  found a number");
  EXPECT_EQ(complaint(file_with(R"({"__metadata__":"a"})")),
            "the header's entry \"__metadata__\" is not an object\n  path x\n  found text");
}

TEST(HostileSafetensors, MayHaveDtypesThatWeLack) {
  EXPECT_EQ(entry_complaint(R"("dtype":"BF16","shape":[4],"data_offsets":[0,8])"),
            "tensor \"w\" has dtype \"BF16\", which is not supported\n"
            "  path x\n"
            "  supported: F64 F32 I64 I32 U8 BOOL\n"
            "  hint: convert it before saving, in PyTorch with tensor.float()");
  for (const char* dtype : {"F16", "I8", "U16", "F8_E4M3", "C64", "f32", ""})
    EXPECT_FALSE(
        entry_complaint(R"("shape":[4],"data_offsets":[0,8],"dtype":")" + std::string(dtype) + "\"")
            .empty());
}

TEST(HostileSafetensors, MayHaveOffsetsThatFitNothing) {
  EXPECT_EQ(entry_complaint(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"),
            "tensor \"w\" does not fill its data_offsets\n  path x\n"
            "  F32 [2] takes 8 bytes, data_offsets [0, 4]");
  EXPECT_EQ(entry_complaint(R"("dtype":"F32","shape":[0],"data_offsets":[8,0])"),
            "tensor \"w\" does not fill its data_offsets\n  path x\n"
            "  F32 [0] takes 0 bytes, data_offsets [8, 0]");
  EXPECT_EQ(entry_complaint(R"("dtype":"F32","shape":[4],"data_offsets":[0,16])"),
            "tensor \"w\" lies beyond the end of the file\n  path x\n"
            "  data_offsets [0, 16], found 8 bytes of data\n"
            "  hint: the file may have been cut short");
  EXPECT_EQ(entry_complaint(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"),
            "bytes follow the last tensor\n  path x\n  expected 4 bytes of data, found 8");
  EXPECT_EQ(entry_complaint(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"),
            "no tensor covers the bytes before \"w\"\n  path x\n"
            "  expected data_offsets from 0, found [4, 8]");
  const std::string two = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]},)"
                          R"("b":{"dtype":"U8","shape":[6],"data_offsets":[0,6]}})";
  EXPECT_EQ(complaint(file_with(two, 8)),
            "tensors \"b\" and \"a\" overlap\n  path x\n  data_offsets [0, 6] and [4, 8]");
}

TEST(HostileSafetensors, MayClaimAnySize) {
  const std::string offsets = R"("data_offsets":[0,8],"dtype":"F64","shape":)";
  EXPECT_EQ(entry_complaint(offsets + "[4294967296,4294967296,4294967296]"),
            "tensor \"w\" has more elements than any file holds\n  path x\n"
            "  F64 [4294967296, 4294967296, 4294967296]");
  EXPECT_EQ(entry_complaint(offsets + "[0,9223372036854775807,2]"),
            "tensor \"w\" has more elements than any file holds\n  path x\n"
            "  F64 [0, 9223372036854775807, 2]");
  EXPECT_EQ(entry_complaint(offsets + "[1,1,1,1,1,1,1,1,1]"),
            "tensor \"w\" has more than 8 dimensions\n  path x");
  EXPECT_EQ(entry_complaint(R"("dtype":"U8","shape":[1152921504606846976],)"
                            R"("data_offsets":[0,1152921504606846976])"),
            "tensor \"w\" lies beyond the end of the file\n  path x\n"
            "  data_offsets [0, 1152921504606846976], found 8 bytes of data\n"
            "  hint: the file may have been cut short");
}

TEST(HostileSafetensors, MayHoldABoolThatIsNone) {
  std::string bytes = file_with(R"({"w":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})", 3);
  bytes.back() = 2;
  EXPECT_EQ(complaint(bytes),
            "tensor \"w\" has a BOOL that is neither 0 nor 1\n  path x\n  element 2: found 2");
}

TEST(HostileSafetensors, MayHaveNamesThatWouldSpoilAMessage) {
  const std::string name = std::string(79, 'n') + "ö\\n" + std::string(100'000, 'n');
  EXPECT_EQ(complaint(file_with("{\"" + name + "\":3}")),
            "the header's entry \"" + std::string(79, 'n') +
                "...\" is not an object\n  path x\n  found a number");
  EXPECT_EQ(complaint(file_with("{\"a\\nb\":3}")),
            "the header's entry \"a?b\" is not an object\n  path x\n  found a number");
  EXPECT_EQ(complaint(file_with("{\"a\xff\":3}")).substr(0, 22), "the header is not JSON");
}

}  // namespace
}  // namespace bb::io
