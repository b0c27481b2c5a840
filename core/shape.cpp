#include "bb/core/shape.h"

#include <algorithm>

#include "bb/core/error.h"

namespace bb {

void Shape::throw_rank(std::span<const int64_t> values) {
  throw ShapeError(fmt::format("shape: more than {} dimensions, after [{}]", kMaxRank,
                               fmt::join(values.first(kMaxRank), ", ")));
}

Shape Shape::filled(int64_t rank, int64_t value) {
  Shape shape;
  for (int64_t i = 0; i < rank; ++i) shape.push_back(value);
  return shape;
}

void Shape::push_back(int64_t value) {
  if (rank_ == kMaxRank) throw_rank(*this);
  values_[static_cast<size_t>(rank_++)] = value;
}

void Shape::insert(int64_t position, int64_t value) {
  push_back(value);
  std::rotate(begin() + position, end() - 1, end());
}

void Shape::erase(int64_t position) {
  std::copy(begin() + position + 1, end(), begin() + position);
  --rank_;
}

void Shape::throw_too_many() const {
  throw ShapeError(fmt::format("shape: {} has more elements than int64 holds", *this));
}

namespace {

constexpr int64_t kMaxStride = INT64_MAX / 8;  // strides in bytes fit int64 too

}  // namespace

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (int64_t i = 0; i < shape.rank(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Shape contiguous_strides(const Shape& shape) {
  Shape strides = shape;
  int64_t stride = 1;
  for (int64_t i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = stride;
    // A shape with a 0 has no elements, and may yet be too large to step through.
    if (i > 0 && (__builtin_mul_overflow(stride, std::max<int64_t>(shape[i], 1), &stride) ||
                  stride > kMaxStride))
      throw ShapeError(fmt::format("shape: the strides of {} leave int64", shape));
  }
  return strides;
}

bool is_contiguous(const Shape& shape, const Shape& strides) {
  int64_t expected = 1;
  for (int64_t i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] == 1) continue;
    if (strides[i] != expected) return std::find(shape.begin(), shape.end(), 0) != shape.end();
    expected *= shape[i];
  }
  return true;
}

int64_t detail::broadcast_into(Shape& shape, const Shape& other) {
  const Shape& longer = shape.rank() >= other.rank() ? shape : other;
  const Shape& shorter = shape.rank() >= other.rank() ? other : shape;
  Shape result = longer;
  const int64_t shift = longer.rank() - shorter.rank();
  for (int64_t i = 0; i < shorter.rank(); ++i) {
    int64_t& size = result[i + shift];
    if (size == shorter[i] || shorter[i] == 1) continue;
    if (size != 1) return shorter.rank() - i;
    size = shorter[i];
  }
  shape = result;
  return 0;
}

void detail::throw_no_broadcast(const char* op, int64_t dim_from_end, int64_t a, int64_t b,
                                const std::string& operands) {
  throw ShapeError(
      fmt::format("{}: shapes do not broadcast: at dimension {} from the end they are {} and {}\n"
                  "  {}\n  hint: sizes must be equal, or one of them 1",
                  op, dim_from_end, a, b, operands));
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  Shape result = a;
  if (const int64_t dim = detail::broadcast_into(result, b); dim > 0)
    detail::throw_no_broadcast(op, dim, a[a.rank() - dim], b[b.rank() - dim],
                               fmt::format("a {}   b {}", a, b));
  return result;
}

namespace {

int64_t normalized(const char* op, int64_t dim, int64_t rank, const char* what, const Shape& shape,
                   const char* role) {
  const int64_t n = std::max<int64_t>(rank, 1);
  if (dim < -n || dim >= n)
    throw IndexError(fmt::format(
        "{}: dim {} is out of range for a {} of {} dimensions ({} to {} allowed)\n  {} {}", op, dim,
        what, rank, -n, n - 1, role, shape));
  return dim < 0 ? dim + n : dim;
}

}  // namespace

int64_t normalize_dim(const char* op, int64_t dim, const Shape& shape, const char* role) {
  return normalized(op, dim, shape.rank(), "tensor", shape, role);
}

int64_t normalize_new_dim(const char* op, int64_t dim, const Shape& shape, const char* role) {
  return normalized(op, dim, shape.rank() + 1, "result", shape, role);
}

}  // namespace bb
