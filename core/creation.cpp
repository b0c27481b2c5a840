#include "bb/core/creation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <type_traits>

#include "bb/core/checks.h"
#include "bb/core/error.h"
#include "bb/core/strided.h"

namespace bb {
namespace {

void store(Tensor& x, int64_t index, Scalar value) {
  visit(x.dtype(), [&]<class T>() { x.data<T>()[index] = value.to<T>(); });
}

void store_checked(Tensor& x, int64_t index, Scalar value) {
  detail::check_fits("tensor", value, x.dtype());
  store(x, index, value);
}

// Whether a cast keeps the number, but for its fraction; the negative of what an unsigned type
// holds wraps, as in PyTorch.
template <class T>
bool fits(Scalar value) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_same_v<T, bool>) {
    return true;
  } else if (value.is_real()) {
    const double real = value.to_double(), edge = std::ldexp(1.0, Limits::digits);
    if constexpr (std::is_floating_point_v<T>)
      return !std::isfinite(real) || std::abs(real) <= static_cast<double>(Limits::max());
    else
      return real >= static_cast<double>(Limits::lowest()) && real < edge;
  } else if constexpr (std::is_floating_point_v<T>) {
    return true;
  } else {
    const auto whole = value.to<int64_t>(), most = static_cast<int64_t>(Limits::max());
    const auto least = std::is_signed_v<T> ? static_cast<int64_t>(Limits::lowest()) : -most;
    return least <= whole && whole <= most;
  }
}

DType common_dtype(std::span<const Scalar> values, DType so_far) {
  for (const Scalar& value : values) so_far = promote_types(so_far, value.natural_dtype());
  return so_far;
}

Tensor filled_like(const char* op, const Tensor& x, Scalar value, std::optional<DType> dtype) {
  detail::check_defined(op, x);
  return detail::filled(op, x.shape(), value, dtype.value_or(x.dtype()));
}

}  // namespace

Tensor empty(const Shape& shape, DType dtype) { return Tensor::empty(shape, dtype); }
Tensor zeros(const Shape& shape, DType dtype) { return detail::filled("zeros", shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return detail::filled("ones", shape, 1, dtype); }
Tensor full(const Shape& shape, Scalar value) { return full(shape, value, value.natural_dtype()); }
Tensor full(const Shape& shape, Scalar value, DType dtype) {
  return detail::filled("full", shape, value, dtype);
}
Tensor empty_like(const Tensor& x, std::optional<DType> dtype) {
  detail::check_defined("empty_like", x);
  return empty(x.shape(), dtype.value_or(x.dtype()));
}
Tensor zeros_like(const Tensor& x, std::optional<DType> dtype) {
  return filled_like("zeros_like", x, 0, dtype);
}
Tensor ones_like(const Tensor& x, std::optional<DType> dtype) {
  return filled_like("ones_like", x, 1, dtype);
}
Tensor full_like(const Tensor& x, Scalar value, std::optional<DType> dtype) {
  return filled_like("full_like", x, value, dtype);
}

Tensor arange(Scalar start, Scalar end, Scalar step, DType dtype) {
  double length = (end.to_double() - start.to_double()) / step.to_double();
  const bool whole = !start.is_real() && !end.is_real() && !step.is_real();
  const int64_t each = whole ? step.to<int64_t>() : 0;
  int64_t way = 0;  // of whole numbers exactly, where doubles would round
  if (each != 0 && !__builtin_sub_overflow(end.to<int64_t>(), start.to<int64_t>(), &way) &&
      length >= 0)
    length = static_cast<double>(way / each + (way % each != 0));
  if (!std::isfinite(length) || length < 0)
    throw ValueError(fmt::format("arange: step {} does not lead from start {} to end {}",
                                 step.to_double(), start.to_double(), end.to_double()));
  if (length > 0x1p62)
    throw ShapeError(fmt::format("arange: {} numbers are more than any memory holds", length));
  const auto n = static_cast<int64_t>(std::ceil(length));
  detail::checked_numel("arange", {n}, dtype);
  Tensor result = empty({n}, dtype);
  // As in PyTorch, start and step are cut to an integer dtype first.
  const bool exact = !is_floating_point(dtype) || (!start.is_real() && !step.is_real());
  for (int64_t i = 0; i < n; ++i)
    store(result, i,
          exact ? Scalar(start.to<int64_t>() + i * step.to<int64_t>())
                : Scalar(start.to_double() + static_cast<double>(i) * step.to_double()));
  return result;
}

Tensor arange(Scalar start, Scalar end, Scalar step) {
  const bool is_real = start.is_real() || end.is_real() || step.is_real();
  return arange(start, end, step, is_real ? kFloat32 : kInt64);
}

Tensor arange(Scalar end) { return arange(0, end); }

Tensor arange(Scalar end, DType dtype) { return arange(0, end, 1, dtype); }

Tensor linspace(Scalar start, Scalar end, int64_t steps, DType dtype) {
  if (steps < 0) throw ValueError(fmt::format("linspace: steps {} is negative", steps));
  detail::checked_numel("linspace", {steps}, dtype);
  Tensor result = empty({steps}, dtype);
  const double first = start.to_double(), last = end.to_double();
  const double step = steps > 1 ? (last - first) / static_cast<double>(steps - 1) : 0;
  // From the nearer end, so that both are exact.
  for (int64_t i = 0; i < steps; ++i)
    store(result, i,
          i < (steps + 1) / 2 ? first + step * static_cast<double>(i)
                              : last - step * static_cast<double>(steps - 1 - i));
  return result;
}

Tensor eye(int64_t n, DType dtype) { return eye(n, n, dtype); }

Tensor eye(int64_t n, int64_t columns, DType dtype) {
  Tensor result = detail::filled("eye", {n, columns}, 0, dtype);
  for (int64_t i = 0; i < std::min(n, columns); ++i) store(result, i * columns + i, 1);
  return result;
}

Tensor tensor(std::initializer_list<Scalar> values) {
  return tensor(values, values.size() == 0
                            ? kFloat32
                            : common_dtype(std::span(values.begin(), values.size()), kBool));
}

Tensor tensor(std::initializer_list<Scalar> values, DType dtype) {
  Tensor result = empty({static_cast<int64_t>(values.size())}, dtype);
  int64_t i = 0;
  for (const Scalar& value : values) store_checked(result, i++, value);
  return result;
}

Tensor tensor(std::initializer_list<std::initializer_list<Scalar>> rows) {
  return detail::tensor_of(detail::number_rows(rows), {});
}

Tensor tensor(std::initializer_list<std::initializer_list<Scalar>> rows, DType dtype) {
  return detail::tensor_of(detail::number_rows(rows), dtype);
}

Tensor detail::tensor_of(const NumberRows& rows, std::optional<DType> dtype) {
  const size_t columns = rows.empty() ? 0 : rows[0].size();
  DType common = kBool;
  for (const auto& row : rows) common = common_dtype(row, common);
  Tensor result = empty({static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns)},
                        dtype.value_or(common));
  int64_t i = 0;
  for (const auto& row : rows) {
    if (row.size() != columns)
      throw ShapeError(fmt::format("tensor: rows of {} and {} numbers", columns, row.size()));
    for (const Scalar& value : row) store_checked(result, i++, value);
  }
  return result;
}

Tensor tensor(Scalar value) { return full({}, value); }
Tensor tensor(Scalar value, DType dtype) { return detail::filled("tensor", {}, value, dtype); }

void detail::check_fits(const char* op, Scalar value, DType dtype) {
  if (visit(dtype, [&]<class T>() { return fits<T>(value); })) return;
  const std::string number = value.is_real() ? fmt::format("{}", value.to_double())
                                             : fmt::format("{}", value.to<int64_t>());
  throw ValueError(fmt::format("{}: {} cannot hold {}\n  hint: convert to a wider dtype first", op,
                               name(dtype), number));
}

Tensor detail::filled(const char* op, const Shape& shape, Scalar value, DType dtype) {
  checked_numel(op, shape, dtype);
  check_fits(op, value, dtype);
  Tensor result = Tensor::empty(shape, dtype);
  fill_elements(result, value);
  return result;
}

}  // namespace bb
