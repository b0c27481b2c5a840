#pragma once

#include <initializer_list>
#include <optional>
#include <type_traits>
#include <vector>

#include "bb/core/tensor.h"

namespace bb {

/// New tensors, off the tape, row-major. All throw ShapeError for negative sizes, ValueError for a
/// number that the dtype cannot hold (300 in uint8; negative ones wrap there, -1 is 255).
Tensor empty(const Shape& shape, DType dtype = kFloat32);
Tensor zeros(const Shape& shape, DType dtype = kFloat32);
Tensor ones(const Shape& shape, DType dtype = kFloat32);
Tensor full(const Shape& shape, Scalar value, DType dtype);
/// float32, int64 or bool, as `value` is.
Tensor full(const Shape& shape, Scalar value);
/// Of x's shape and, unless another is given, dtype.
///   Tensor mask = zeros_like(x, kBool);
Tensor empty_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor zeros_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor ones_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor full_like(const Tensor& x, Scalar value, std::optional<DType> dtype = {});

/// start, start + step, ... below end: ceil((end - start) / step) numbers [n].
/// Throws ValueError where step is 0 or leads away from end, ShapeError for more than memory holds.
Tensor arange(Scalar start, Scalar end, Scalar step, DType dtype);
/// int64 where all three are whole numbers, else float32.
Tensor arange(Scalar start, Scalar end, Scalar step = 1);
/// From 0: arange(3) is int64 0, 1, 2.
Tensor arange(Scalar end);
Tensor arange(Scalar end, DType dtype);
/// `steps` numbers, evenly spaced from start to end, both included; of one, start.
/// Throws ValueError for negative steps.
Tensor linspace(Scalar start, Scalar end, int64_t steps, DType dtype = kFloat32);
/// [n, columns], columns = n unless given: 1 on the diagonal, else 0. Throws ShapeError for a
/// negative size.
Tensor eye(int64_t n, DType dtype = kFloat32);
Tensor eye(int64_t n, int64_t columns, DType dtype = kFloat32);

/// A tensor of the numbers given: tensor({1.f, 2.f}) is float32 [2], tensor({1, 2}) is int64 [2],
/// tensor({1.0, 2.0}) float32 [2] as in PyTorch; tensor({{1.0, 2.0}, {3.0, 4.0}}) is [2, 2].
/// Throws ShapeError for rows of different lengths.
Tensor tensor(std::initializer_list<Scalar> values);
Tensor tensor(std::initializer_list<Scalar> values, DType dtype);
Tensor tensor(std::initializer_list<std::initializer_list<Scalar>> rows);
Tensor tensor(std::initializer_list<std::initializer_list<Scalar>> rows, DType dtype);
/// Rows of one type: {{3}} could be read as {3} otherwise.
template <class T>
requires std::is_arithmetic_v<T> Tensor
tensor(std::initializer_list<std::initializer_list<T>> rows);
template <class T>
requires std::is_arithmetic_v<T> Tensor tensor(std::initializer_list<std::initializer_list<T>> rows,
                                               DType dtype);
/// 0-d.
Tensor tensor(Scalar value);
Tensor tensor(Scalar value, DType dtype);
/// A copy of a vector, [n].
template <class T>
Tensor tensor(const std::vector<T>& values) {
  return Tensor::copy_of(std::span<const T>(values), {static_cast<int64_t>(values.size())});
}

namespace detail {

/// Throws ValueError where `dtype` cannot hold the number.
void check_fits(const char* op, Scalar value, DType dtype);
/// full(), under the name of its caller.
Tensor filled(const char* op, const Shape& shape, Scalar value, DType dtype);

using NumberRows = std::vector<std::vector<Scalar>>;
Tensor tensor_of(const NumberRows& rows, std::optional<DType> dtype);
template <class T>
NumberRows number_rows(std::initializer_list<std::initializer_list<T>> rows) {
  NumberRows numbers;
  for (const auto& row : rows) numbers.emplace_back(row.begin(), row.end());
  return numbers;
}

}  // namespace detail

template <class T>
requires std::is_arithmetic_v<T> Tensor
tensor(std::initializer_list<std::initializer_list<T>> rows) {
  return detail::tensor_of(detail::number_rows(rows), {});
}
template <class T>
requires std::is_arithmetic_v<T> Tensor tensor(std::initializer_list<std::initializer_list<T>> rows,
                                               DType dtype) {
  return detail::tensor_of(detail::number_rows(rows), dtype);
}
}  // namespace bb
