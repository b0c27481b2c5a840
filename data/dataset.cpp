#include "bb/data/dataset.h"

#include <cstring>

#include "bb/core/error.h"

namespace bb::data {
namespace {

void check_rows(const char* what, const Tensor& inputs, const Tensor& targets) {
  if (inputs.dim() == 0 || targets.dim() == 0 || inputs.size(0) != targets.size(0))
    throw ShapeError(
        fmt::format("{}: inputs and targets need one row for each sample\n  inputs {}   targets {}",
                    what, describe(inputs), describe(targets)));
}

}  // namespace

Tensor take_rows(const Tensor& x, std::span<const int64_t> indices) {
  const Tensor rows = x.detach().contiguous();
  Shape shape = x.shape();
  shape[0] = static_cast<int64_t>(indices.size());
  Tensor result = Tensor::empty(shape, x.dtype());
  const int64_t n = x.size(0);
  const auto row_bytes = static_cast<size_t>(n == 0 ? 0 : x.numel() / n * size_of(x.dtype()));
  char* to = static_cast<char*>(result.raw_data());
  const char* from = static_cast<const char*>(rows.raw_data());
  for (int64_t index : indices) {
    if (index < 0 || index >= n)
      throw IndexError(fmt::format("take_rows: row {} is out of range for {}", index, describe(x)));
    if (row_bytes > 0) std::memcpy(to, from + static_cast<size_t>(index) * row_bytes, row_bytes);
    to += row_bytes;
  }
  return result;
}

TensorDataset::TensorDataset(Tensor x, Tensor y) : inputs(std::move(x)), targets(std::move(y)) {
  check_rows("TensorDataset", inputs, targets);
}

Batch TensorDataset::fetch(std::span<const int64_t> indices) const {
  return {take_rows(inputs, indices), take_rows(targets, indices)};
}

ImageDataset::ImageDataset(Tensor x, Tensor y) : images(std::move(x)), labels(std::move(y)) {
  check_rows("ImageDataset", images, labels);
}

Batch ImageDataset::fetch(std::span<const int64_t> indices) const {
  return {take_rows(images, indices), take_rows(labels, indices)};
}

}  // namespace bb::data
