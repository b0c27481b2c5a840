#include "bb/data/dataset.h"

#include "bb/core/error.h"
#include "bb/core/kernels/gather.h"

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
  const auto count = static_cast<int64_t>(indices.size());
  const int64_t n = x.size(0);
  if (const int64_t bad = kernels::first_out_of_range(indices.data(), count, n); bad >= 0)
    throw IndexError(fmt::format("take_rows: row {} is out of range for {}",
                                 indices[static_cast<size_t>(bad)], describe(x)));
  Shape shape = x.shape(), row = x.shape(), strides = x.strides();
  shape[0] = count;
  row.erase(0);
  strides.erase(0);
  const Tensor rows = is_contiguous(row, strides) ? x.detach() : x.detach().contiguous();
  Tensor result = Tensor::empty(shape, x.dtype());
  const int64_t unit = size_of(x.dtype());
  kernels::gather_rows(static_cast<const char*>(rows.raw_data()), 1, 0, rows.strides()[0] * unit,
                       row.numel() * unit, indices.data(), count,
                       static_cast<char*>(result.raw_data()));
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
