#include "bb/data/mnist.h"

#include <algorithm>
#include <filesystem>

#include "bb/core/error.h"
#include "bb/io/idx.h"

namespace bb::data {
namespace {

std::string find_file(const std::string& directory, const std::string& name) {
  const std::string plain = (std::filesystem::path(directory) / name).string();
  for (const std::string& path : {plain + ".gz", plain}) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path;
  }
  throw IoError(
      fmt::format("mnist: neither {}.gz nor {} exists\n"
                  "  hint: pass the folder that holds the four MNIST files",
                  plain, plain));
}

ImageDataset read_part(const std::string& directory, const std::string& part) {
  const std::string image_path = find_file(directory, part + "-images-idx3-ubyte");
  const std::string label_path = find_file(directory, part + "-labels-idx1-ubyte");
  const Tensor pixels = io::read_idx(image_path);
  const Tensor labels = io::read_idx(label_path);
  if (pixels.dtype() != kUInt8 || pixels.dim() != 3)
    throw IoError(fmt::format("mnist: {} holds {}, not images (uint8, [N, height, width])",
                              image_path, describe(pixels)));
  if (labels.dtype() != kUInt8 || labels.dim() != 1 || labels.size(0) != pixels.size(0))
    throw IoError(fmt::format("mnist: {} holds {}, not one label (uint8) for each of {} images",
                              label_path, describe(labels), pixels.size(0)));
  const uint8_t* first = labels.data<uint8_t>();
  if (std::any_of(first, first + labels.numel(), [](uint8_t label) { return label > 9; }))
    throw IoError(fmt::format("mnist: {} holds a label above 9", label_path));

  Tensor images = pixels.to(kFloat32).unsqueeze(1);
  images.div_(255);
  return ImageDataset(images, labels.to(kInt64));
}

}  // namespace

std::pair<ImageDataset, ImageDataset> mnist(const std::string& directory) {
  return {read_part(directory, "train"), read_part(directory, "t10k")};
}

}  // namespace bb::data
