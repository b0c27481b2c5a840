#include "bb/core/checks.h"

#include <algorithm>
#include <utility>

#include "bb/core/error.h"

namespace bb::detail {
namespace {

template <class Describe>
std::string joined(Operands operands, const Describe& describe) {
  std::string text;
  for (const Role& operand : operands)
    text += fmt::format("{}{} {}", text.empty() ? "" : "   ", operand.name, describe(operand.x));
  return text;
}

// The product of the sizes; -1 where the bytes of so many elements leave int64.
int64_t counted(const Shape& shape, DType dtype) {
  int64_t n = 1;
  bool overflow = false;
  for (int64_t size : shape) {
    if (size == 0) return 0;
    overflow |= __builtin_mul_overflow(n, size, &n);
  }
  // The second comparison divides, which would take longer than all else here.
  overflow |= n > INT64_MAX / 8 && n > INT64_MAX / size_of(dtype);
  return overflow ? -1 : n;
}

}  // namespace

std::string text_of(Operands operands) {
  return joined(operands, [](const Tensor& x) { return describe(x); });
}

std::string shapes_of(Operands operands) {
  return joined(operands,
                [](const Tensor& x) { return x.defined() ? to_string(x.shape()) : "undefined"; });
}

std::string shapes_of(const char* name, const std::vector<Tensor>& list) {
  constexpr size_t kMost = 8;
  std::string text;
  for (size_t i = 0; i < std::min(list.size(), kMost); ++i)
    text += fmt::format("{}{} {} {}", i > 0 ? "   " : "", name, i,
                        list[i].defined() ? to_string(list[i].shape()) : "undefined");
  return list.size() > kMost ? text + "   ..." : text;
}

void check_defined(const char* op, const char* name, const std::vector<Tensor>& list) {
  for (size_t i = 0; i < list.size(); ++i)
    if (!list[i].defined())
      throw ValueError(
          fmt::format("{}: {} {} is undefined\n  {}", op, name, i, shapes_of(name, list)));
}

void throw_undefined(const char* op, Operands operands) {
  std::string which;
  for (const Role& operand : operands)
    if (!operand.x.defined())
      which += fmt::format("{}{}", which.empty() ? "" : " and ", operand.name);
  throw ValueError(fmt::format(
      "{}: {} undefined (made by Tensor(), or a gradient that was never computed)\n"
      "  {}\n  hint: test with defined() first",
      op, which + (which.find(' ') == std::string::npos ? " is" : " are"), text_of(operands)));
}

Shape broadcast(const char* op, Operands operands, int64_t without) {
  Shape result;
  for (const Role& operand : operands) {
    const Shape& shape = operand.x.shape();
    const Shape part(std::span<const int64_t>(shape.begin(), shape.end() - without));
    if (const int64_t dim = broadcast_into(result, part); dim > 0)
      throw_no_broadcast(op, dim + without, result[result.rank() - dim], part[part.rank() - dim],
                         shapes_of(operands));
  }
  if (without == 0) check_result(op, result, kFloat64, operands);
  return result;
}

void check_not_inference(const char* op, const Tensor& x) {
  if (x.is_inference() && !inference_mode())
    throw ValueError(
        fmt::format("{}: a tensor made in inference mode is changed in place outside it\n"
                    "  tensor {}\n  hint: clone() it first",
                    op, describe(x)));
}

std::array<bool, Shape::kMaxRank> marked_dims(const char* op, const Tensor& x, const Shape& dims) {
  std::array<bool, Shape::kMaxRank> marked{};
  for (int64_t dim : dims)
    if (std::exchange(marked[static_cast<size_t>(normalize_dim(op, dim, x))], true))
      throw ValueError(
          fmt::format("{}: dim {} is given twice\n  x {}   dims {}", op, dim, x.shape(), dims));
  return marked;
}

bool is_possible(const Shape& shape, DType dtype) { return counted(shape, dtype) >= 0; }

void throw_too_large(const char* op, const std::string& operands) {
  throw ShapeError(fmt::format("{}: the result is larger than any memory\n  {}", op, operands));
}

void check_result(const char* op, const Shape& result, DType dtype, Operands operands) {
  if (!is_possible(result, dtype)) throw_too_large(op, shapes_of(operands));
}

int64_t checked_numel(const char* op, const Shape& shape, DType dtype) {
  for (int64_t size : shape)
    if (size < 0) throw ShapeError(fmt::format("{}: negative size in shape {}", op, shape));
  const int64_t numel = counted(shape, dtype);
  if (numel < 0)
    throw ShapeError(fmt::format("{}: {} {} is larger than any memory", op, name(dtype), shape));
  return numel;
}

void check_rank(const char* op, int64_t rank, Operands operands) {
  if (rank > Shape::kMaxRank)
    throw ShapeError(fmt::format("{}: the result would have {} dimensions, more than {}\n  {}", op,
                                 rank, Shape::kMaxRank, shapes_of(operands)));
}

Shape position(const Shape& shape, int64_t flat) {
  Shape place = shape;
  for (int64_t d = shape.rank() - 1; d >= 0; --d) {
    place[d] = flat % shape[d];
    flat /= shape[d];
  }
  return place;
}

}  // namespace bb::detail
