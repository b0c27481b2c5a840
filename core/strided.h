#pragma once

#include <array>
#include <cstdint>

#include "bb/core/parallel.h"
#include "bb/core/shape.h"
#include "bb/core/tensor.h"

/// Walking several tensors of one shape together, whatever their strides: the part that every
/// elementwise op, copy and comparison shares. A row kernel then sees plain pointers.
namespace bb::detail {

/// One tensor of a walk: its first element and its strides in bytes, 0 where it is broadcast.
struct Operand {
  char* data = nullptr;
  Shape strides;
};

/// `x` as an operand of a walk over `shape`, to which its shape must broadcast.
Operand operand(const Tensor& x, const Shape& shape);

/// Puts the dimensions in the order of the first operand's strides, largest first, so that it is
/// walked as it lies in memory; equal ones by the next operands' strides.
void order_dims(Shape& shape, std::span<Operand> operands);

/// Drops dimensions of size 1 and merges neighbours that every operand steps through evenly.
/// Leaves at least one dimension.
void merge_dims(Shape& shape, std::span<Operand> operands);

/// Calls row(n, data, strides) for rows that together cover `shape`, in the order in which the
/// first operand lies in memory: data[i] is operand i's first element of the row and strides[i] its
/// step in bytes. Rows may run on several threads; cost_ns is an estimate for one element.
template <size_t N, class Row>
void for_each_row(Shape shape, std::array<Operand, N> operands, double cost_ns, const Row& row) {
  if (shape.numel() == 0) return;
  order_dims(shape, operands);
  merge_dims(shape, operands);
  const int64_t inner = shape.rank() - 1;
  std::array<int64_t, N> step;
  for (size_t i = 0; i < N; ++i) step[i] = operands[i].strides[inner];
  const int64_t n = shape[inner];

  if (inner == 0) {
    parallel_for(n, cost_ns, [&](int64_t begin, int64_t end) {
      std::array<char*, N> data;
      for (size_t i = 0; i < N; ++i) data[i] = operands[i].data + begin * step[i];
      row(end - begin, data.data(), step.data());
    });
    return;
  }

  const int64_t rows = shape.numel() / n;
  parallel_for(rows, cost_ns * static_cast<double>(n), [&](int64_t begin, int64_t end) {
    std::array<int64_t, Shape::kMaxRank> index{};
    std::array<char*, N> data;
    for (size_t i = 0; i < N; ++i) data[i] = operands[i].data;
    int64_t rest = begin;
    for (int64_t d = inner - 1; d >= 0; --d) {
      index[static_cast<size_t>(d)] = rest % shape[d];
      rest /= shape[d];
      for (size_t i = 0; i < N; ++i)
        data[i] += index[static_cast<size_t>(d)] * operands[i].strides[d];
    }
    for (int64_t r = begin; r < end; ++r) {
      row(n, data.data(), step.data());
      for (int64_t d = inner - 1; d >= 0; --d) {  // the next row, as an odometer counts
        for (size_t i = 0; i < N; ++i) data[i] += operands[i].strides[d];
        if (++index[static_cast<size_t>(d)] < shape[d]) break;
        index[static_cast<size_t>(d)] = 0;
        for (size_t i = 0; i < N; ++i) data[i] -= shape[d] * operands[i].strides[d];
      }
    }
  });
}

/// Copies the elements of `source` to `target`, broadcast and converted. No checks, no tape.
void copy_elements(const Tensor& target, const Tensor& source);
/// Sets every element to `value`. No checks, no tape.
void fill_elements(const Tensor& target, Scalar value);

}  // namespace bb::detail
