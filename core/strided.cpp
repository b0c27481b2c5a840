#include "bb/core/strided.h"

#include <algorithm>
#include <cstring>

namespace bb::detail {

Operand operand(const Tensor& x, const Shape& shape) {
  Operand result{static_cast<char*>(x.raw_data()), Shape::filled(shape.rank(), 0)};
  const int64_t bytes = size_of(x.dtype());
  const int64_t shift = shape.rank() - x.dim();
  for (int64_t d = 0; d < x.dim(); ++d)
    if (x.shape()[d] != 1) result.strides[d + shift] = x.strides()[d] * bytes;
  return result;
}

void merge_dims(Shape& shape, std::span<Operand> operands) {
  int64_t last = -1;  // the dimension merged into
  for (int64_t d = 0; d < shape.rank(); ++d) {
    if (shape[d] == 1) continue;
    bool merges = last >= 0;
    for (const Operand& operand : operands)
      merges = merges && operand.strides[last] == operand.strides[d] * shape[d];
    if (merges) {
      shape[last] *= shape[d];
    } else {
      ++last;
      shape[last] = shape[d];
    }
    for (Operand& operand : operands) operand.strides[last] = operand.strides[d];
  }
  if (last < 0) {  // a single element
    shape = Shape{1};
    for (Operand& operand : operands) operand.strides = Shape{0};
    return;
  }
  while (shape.rank() > last + 1) shape.erase(shape.rank() - 1);
}

namespace {

template <class To, class From>
void copy_row(int64_t n, char* const* data, const int64_t* strides) {
  if constexpr (std::is_same_v<To, From>) {
    if (strides[0] == sizeof(To) && strides[1] == sizeof(To)) {
      std::memcpy(data[0], data[1], static_cast<size_t>(n) * sizeof(To));
      return;
    }
  }
  if (strides[0] == sizeof(To) && strides[1] == sizeof(From)) {
    auto* to = reinterpret_cast<To*>(data[0]);
    const auto* from = reinterpret_cast<const From*>(data[1]);
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(from[i]);
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    *reinterpret_cast<To*>(data[0] + i * strides[0]) =
        static_cast<To>(*reinterpret_cast<const From*>(data[1] + i * strides[1]));
}

}  // namespace

void copy_elements(const Tensor& target, const Tensor& source) {
  const std::array<Operand, 2> operands{operand(target, target.shape()),
                                        operand(source, target.shape())};
  const double cost_ns = 0.1 * static_cast<double>(size_of(target.dtype()));
  visit(target.dtype(), [&]<class To>() {
    visit(source.dtype(), [&]<class From>() {
      for_each_row(target.shape(), operands, cost_ns, copy_row<To, From>);
    });
  });
}

void fill_elements(const Tensor& target, Scalar value) {
  const std::array<Operand, 1> operands{operand(target, target.shape())};
  visit(target.dtype(), [&]<class T>() {
    const T element = value.to<T>();
    for_each_row(target.shape(), operands, 0.05 * sizeof(T),
                 [element](int64_t n, char* const* data, const int64_t* strides) {
                   if (strides[0] == sizeof(T)) {
                     std::fill_n(reinterpret_cast<T*>(data[0]), n, element);
                     return;
                   }
                   for (int64_t i = 0; i < n; ++i)
                     *reinterpret_cast<T*>(data[0] + i * strides[0]) = element;
                 });
  });
}

}  // namespace bb::detail
