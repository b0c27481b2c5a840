#include "bb/data/mnist.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "bb/bb.h"
#include "bb/tests/io/files.h"

namespace bb::data {
namespace {

using io::message_of;
using io::TestFolder;

TEST(Mnist, ReadsTheFilesOfTheRepository) {
  const auto [train, test] = mnist(BB_SOURCE_DIR "/examples/datasets/mnist");
  EXPECT_EQ(train.images.shape(), (Shape{60000, 1, 28, 28}));
  EXPECT_EQ(test.images.shape(), (Shape{10000, 1, 28, 28}));
  EXPECT_EQ(train.labels.shape(), (Shape{60000}));
  EXPECT_EQ(test.labels.shape(), (Shape{10000}));
  EXPECT_EQ(train.size(), 60000);
  EXPECT_EQ(test.size(), 10000);
  for (const ImageDataset* part : {&train, &test}) {
    EXPECT_EQ(part->images.dtype(), kFloat32);
    EXPECT_EQ(part->labels.dtype(), kInt64);
    const auto [low, high] = std::minmax_element(part->images.data<float>(),
                                                 part->images.data<float>() + part->images.numel());
    EXPECT_EQ(*low, 0);
    EXPECT_EQ(*high, 1);
    const auto [least, most] = std::minmax_element(
        part->labels.data<int64_t>(), part->labels.data<int64_t>() + part->labels.numel());
    EXPECT_EQ(*least, 0);
    EXPECT_EQ(*most, 9);
  }
  EXPECT_EQ(train.labels.slice(0, 0, 5).to_vector<int64_t>(),
            (std::vector<int64_t>{5, 0, 4, 1, 9}));
  EXPECT_EQ(test.labels.slice(0, 0, 5).to_vector<int64_t>(), (std::vector<int64_t>{7, 2, 1, 0, 4}));
  // The well-known mean and deviation of the training images.
  const Tensor sample = train.images.to(kFloat64);
  const double mean = sample.mean().item<double>();
  EXPECT_NEAR(mean, 0.1307, 1e-4);
}

using Bytes = std::string;

Bytes number(uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

Bytes images(uint32_t n) {
  Bytes bytes{0, 0, 8, 3};
  bytes += number(n) + number(28) + number(28);
  for (uint32_t i = 0; i < n * 28 * 28; ++i) bytes += static_cast<char>(i % 256);
  return bytes;
}

Bytes labels(std::initializer_list<char> values) {
  Bytes bytes{0, 0, 8, 1};
  bytes += number(static_cast<uint32_t>(values.size()));
  return bytes + Bytes(values);
}

constexpr const char* kNames[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                  "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

/// Three training and two test images, as files without compression.
class SmallMnist : public ::testing::Test {
 protected:
  SmallMnist() {
    write(0, images(3));
    write(1, labels({5, 0, 9}));
    write(2, images(2));
    write(3, labels({7, 2}));
  }
  std::string path(int file) const { return folder_.file(kNames[file]); }
  void write(int file, const Bytes& bytes) { io::put(path(file), bytes); }
  std::string error() const {
    return message_of([&] { mnist(folder_.path().string()); });
  }

  TestFolder folder_;
};

TEST_F(SmallMnist, ReadsPlainFilesAndScalesThem) {
  const auto [train, test] = mnist(folder_.path().string());
  EXPECT_EQ(train.images.shape(), (Shape{3, 1, 28, 28}));
  EXPECT_EQ(test.images.shape(), (Shape{2, 1, 28, 28}));
  EXPECT_EQ(train.labels.to_vector<int64_t>(), (std::vector<int64_t>{5, 0, 9}));
  EXPECT_EQ(test.labels.to_vector<int64_t>(), (std::vector<int64_t>{7, 2}));
  for (int64_t i : {0, 1, 51, 255, 256, 700})
    EXPECT_EQ(train.images.data<float>()[i], static_cast<float>(i % 256) / 255.0f) << i;
}

TEST_F(SmallMnist, TakesAFolderWithASlashAtTheEnd) {
  EXPECT_EQ(mnist(folder_.path().string() + "/").first.size(), 3);
}

TEST_F(SmallMnist, NamesEachFileThatIsMissing) {
  for (int file = 0; file < 4; ++file) {
    const Bytes kept = io::contents(path(file));
    std::filesystem::remove(path(file));
    EXPECT_EQ(error(), fmt::format("mnist: neither {0}.gz nor {0} exists\n"
                                   "  hint: pass the folder that holds the four MNIST files",
                                   path(file)));
    write(file, kept);
  }
  EXPECT_EQ(mnist(folder_.path().string()).first.size(), 3) << "with all of them it works";
}

TEST_F(SmallMnist, SaysThatAFolderIsMissing) {
  EXPECT_THROW(mnist(folder_.file("nowhere")), IoError);
  EXPECT_THROW(mnist(""), IoError);
}

TEST_F(SmallMnist, RefusesSwappedImagesAndLabels) {
  write(0, labels({5, 0, 9}));
  EXPECT_EQ(
      error(),
      fmt::format("mnist: {} holds uint8 [3], not images (uint8, [N, height, width])", path(0)));
  write(0, images(3));
  write(1, images(3));
  EXPECT_EQ(error(),
            fmt::format("mnist: {} holds uint8 [3, 28, 28], not one label (uint8) for each of 3 "
                        "images",
                        path(1)));
}

TEST_F(SmallMnist, RefusesAnotherNumberOfLabelsThanImages) {
  write(1, labels({5, 0}));
  EXPECT_EQ(error(),
            fmt::format("mnist: {} holds uint8 [2], not one label (uint8) for each of 3 images",
                        path(1)));
  write(1, labels({5, 0, 9}));
  write(3, labels({5, 0, 9}));
  EXPECT_EQ(error(),
            fmt::format("mnist: {} holds uint8 [3], not one label (uint8) for each of 2 images",
                        path(3)));
}

TEST_F(SmallMnist, RefusesLabelsAboveNine) {
  write(1, labels({5, 10, 9}));
  EXPECT_EQ(error(), fmt::format("mnist: {} holds a label above 9", path(1)));
}

TEST_F(SmallMnist, RefusesFilesCutShort) {
  const Bytes whole = io::contents(path(0));
  for (size_t n : {size_t{0}, size_t{3}, size_t{10}, size_t{16}, whole.size() - 1}) {
    write(0, whole.substr(0, n));
    EXPECT_THROW(mnist(folder_.path().string()), IoError) << n;
  }
}

}  // namespace
}  // namespace bb::data
