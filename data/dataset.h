#pragma once

#include <span>

#include "bb/core/tensor.h"

namespace bb::data {

/// What a model is given and what it should answer, samples along the first dimension.
struct Batch {
  Tensor input;
  Tensor target;
};

/// Samples that can be fetched by their number.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  /// The samples numbered `indices`, each 0 <= index < size(), in that order, as copies.
  virtual Batch fetch(std::span<const int64_t> indices) const = 0;
};

/// Inputs and targets held as tensors; sample i is row i of both.
class TensorDataset : public Dataset {
 public:
  /// Throws ShapeError where first sizes differ or a tensor is 0-d.
  TensorDataset(Tensor inputs, Tensor targets);
  int64_t size() const override { return inputs.size(0); }
  Batch fetch(std::span<const int64_t> indices) const override;

  Tensor inputs;
  Tensor targets;
};

/// Images float32 [N, channels, height, width] and their classes int64 [N].
class ImageDataset : public Dataset {
 public:
  ImageDataset(Tensor images, Tensor labels);
  int64_t size() const override { return images.size(0); }
  Batch fetch(std::span<const int64_t> indices) const override;

  Tensor images;
  Tensor labels;
};

/// Rows `indices` of x, copied together: result [indices.size(), x.shape()[1:]].
/// Throws IndexError for a row that x does not have.
Tensor take_rows(const Tensor& x, std::span<const int64_t> indices);

}  // namespace bb::data
