#pragma once

#include <string>
#include <utility>

#include "bb/data/dataset.h"

namespace bb::data {

/// MNIST (LeCun, Cortes, Burges), training and test part, from the four idx files in `directory`,
/// gzip or plain: train-images-idx3-ubyte[.gz], train-labels-idx1-ubyte[.gz], t10k-...
/// Images float32 [N, 1, height, width] in [0, 1], 28 x 28 in MNIST; labels int64 [N], 0 to 9.
///   auto [train, test] = data::mnist("examples/datasets/mnist");
/// Throws IoError for a file that is missing, truncated, corrupted or not such images and labels.
std::pair<ImageDataset, ImageDataset> mnist(const std::string& directory);

}  // namespace bb::data
