#include "bb/core/creation.h"

#include <cmath>

#include "bb/core/error.h"
#include "bb/core/strided.h"

namespace bb {
namespace {

void store(Tensor& x, int64_t index, Scalar value) {
  visit(x.dtype(), [&]<class T>() { x.data<T>()[index] = value.to<T>(); });
}

DType common_dtype(std::initializer_list<Scalar> values, DType so_far) {
  for (const Scalar& value : values) so_far = promote_types(so_far, value.natural_dtype());
  return so_far;
}

}  // namespace

Tensor empty(const Shape& shape, DType dtype) { return Tensor::empty(shape, dtype); }
Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor full(const Shape& shape, Scalar value) { return full(shape, value, value.natural_dtype()); }
Tensor full(const Shape& shape, Scalar value, DType dtype) {
  Tensor result = Tensor::empty(shape, dtype);
  detail::fill_elements(result, value);
  return result;
}
Tensor empty_like(const Tensor& x) { return empty(x.shape(), x.dtype()); }
Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), x.dtype()); }
Tensor ones_like(const Tensor& x) { return ones(x.shape(), x.dtype()); }
Tensor full_like(const Tensor& x, Scalar value) { return full(x.shape(), value, x.dtype()); }

Tensor arange(Scalar start, Scalar end, Scalar step, DType dtype) {
  const double length = (end.to_double() - start.to_double()) / step.to_double();
  if (!std::isfinite(length) || length < 0)
    throw ValueError(fmt::format("arange: step {} does not lead from start {} to end {}",
                                 step.to_double(), start.to_double(), end.to_double()));
  const auto n = static_cast<int64_t>(std::ceil(length));
  Tensor result = empty({n}, dtype);
  const bool exact = !start.is_real() && !step.is_real();
  for (int64_t i = 0; i < n; ++i)
    store(result, i,
          exact ? Scalar(start.to<int64_t>() + i * step.to<int64_t>())
                : Scalar(start.to_double() + static_cast<double>(i) * step.to_double()));
  return result;
}

Tensor arange(int64_t end) { return arange(0, end, 1, kInt64); }

Tensor tensor(std::initializer_list<Scalar> values) {
  return tensor(values, values.size() == 0 ? kFloat32 : common_dtype(values, kBool));
}

Tensor tensor(std::initializer_list<Scalar> values, DType dtype) {
  Tensor result = empty({static_cast<int64_t>(values.size())}, dtype);
  int64_t i = 0;
  for (const Scalar& value : values) store(result, i++, value);
  return result;
}

Tensor tensor(std::initializer_list<std::initializer_list<Scalar>> rows) {
  DType dtype = kBool;
  for (const auto& row : rows) dtype = common_dtype(row, dtype);
  return tensor(rows, dtype);
}

Tensor tensor(std::initializer_list<std::initializer_list<Scalar>> rows, DType dtype) {
  const size_t columns = rows.size() == 0 ? 0 : rows.begin()->size();
  Tensor result = empty({static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns)}, dtype);
  int64_t i = 0;
  for (const auto& row : rows) {
    if (row.size() != columns)
      throw ShapeError(fmt::format("tensor: rows of {} and {} numbers", columns, row.size()));
    for (const Scalar& value : row) store(result, i++, value);
  }
  return result;
}

Tensor tensor(Scalar value) { return full({}, value); }
Tensor tensor(Scalar value, DType dtype) { return full({}, value, dtype); }

}  // namespace bb
