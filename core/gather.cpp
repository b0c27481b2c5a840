#include "bb/core/gather.h"

#include <cstdlib>
#include <cstring>

namespace bb::detail {
namespace {

// Calls fn.operator()<T>() with an unsigned integer of `bytes` bytes: copying needs no more.
template <class F>
void visit_unit(int64_t bytes, F&& fn) {
  if (bytes == 1) return fn.template operator()<uint8_t>();
  if (bytes == 4) return fn.template operator()<uint32_t>();
  fn.template operator()<uint64_t>();
}

struct Set {
  template <class T>
  static void put(T& to, T from) {
    to = from;
  }
};
struct Add {
  template <class T>
  static void put(T& to, T from) {
    if constexpr (std::is_same_v<T, bool>) {
      to = to || from;
    } else if constexpr (std::is_integral_v<T>) {
      using U = std::make_unsigned_t<T>;
      to = static_cast<T>(static_cast<U>(to) + static_cast<U>(from));
    } else {
      to += from;
    }
  }
};

// Calls fn.operator()<F, T>() with what puts a value of `dtype`.
template <class Fn>
void visit_put(Put how, DType dtype, Fn&& fn) {
  if (how == Put::kSet)
    visit_unit(size_of(dtype), [&]<class T>() { fn.template operator()<Set, T>(); });
  else
    visit(dtype, [&]<class T>() { fn.template operator()<Add, T>(); });
}

template <class T>
T& at(char* data) {
  return *reinterpret_cast<T*>(data);
}

template <class T>
void gather_row(int64_t n, char* const* data, const int64_t* strides, int64_t step) {
  if (strides[1] == 0) {
    const char* from = data[2] + at<int64_t>(data[1]) * step;
    if (strides[0] == sizeof(T) && strides[2] == sizeof(T)) {
      std::memcpy(data[0], from, static_cast<size_t>(n) * sizeof(T));
      return;
    }
    for (int64_t i = 0; i < n; ++i)
      at<T>(data[0] + i * strides[0]) = *reinterpret_cast<const T*>(from + i * strides[2]);
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    at<T>(data[0] + i * strides[0]) =
        at<T>(data[2] + i * strides[2] + at<int64_t>(data[1] + i * strides[1]) * step);
}

}  // namespace

void gather_elements(const Tensor& y, const Operand& x, const Tensor& index, int64_t step) {
  const int64_t unit = size_of(y.dtype());
  const std::array<Operand, 3> operands{operand(y, y.shape()), operand(index, y.shape()), x};
  visit_unit(unit, [&]<class T>() {
    for_each_row(y.shape(), operands, 1 + 0.05 * static_cast<double>(unit),
                 [step](int64_t n, char* const* data, const int64_t* strides) {
                   gather_row<T>(n, data, strides, step);
                 });
  });
}

void scatter_lines(Put how, const Tensor& y, int64_t dim, const Tensor& index,
                   const Tensor& source) {
  Shape shape = index.dim() == 0 ? Shape{1} : index.shape();
  if (shape.numel() == 0) return;
  const int64_t unit = size_of(y.dtype());
  std::array<Operand, 3> operands{Operand{static_cast<char*>(y.raw_data()), {}},
                                  operand(index, shape), operand(source, shape)};
  operands[0].strides = Shape::filled(shape.rank(), unit);
  for (int64_t d = 0; d < y.dim(); ++d) operands[0].strides[d] = y.strides()[d] * unit;

  const int64_t length = shape[dim];
  std::array<int64_t, 3> line;  // steps along dim
  for (size_t i = 0; i < 3; ++i) {
    line[i] = operands[i].strides[dim];
    operands[i].strides.erase(dim);
  }
  shape.erase(dim);
  const double cost_ns = 2 * static_cast<double>(length);
  visit_put(how, y.dtype(), [&]<class F, class T>() {
    for_each_row(shape, operands, cost_ns,
                 [&](int64_t n, char* const* data, const int64_t* strides) {
                   const auto element = [&](int64_t i, int64_t j) {
                     const int64_t to = at<int64_t>(data[1] + i * strides[1] + j * line[1]);
                     F::put(at<T>(data[0] + i * strides[0] + to * line[0]),
                            at<T>(data[2] + i * strides[2] + j * line[2]));
                   };
                   if (std::abs(line[1]) <= std::abs(strides[1])) {  // memory's order
                     for (int64_t i = 0; i < n; ++i)
                       for (int64_t j = 0; j < length; ++j) element(i, j);
                   } else {
                     for (int64_t j = 0; j < length; ++j)
                       for (int64_t i = 0; i < n; ++i) element(i, j);
                   }
                 });
  });
}

void put_blocks(Put how, const Tensor& y, const Operand& block_of_y, const Shape& block,
                const Tensor& offsets, const Tensor& source) {
  const int64_t count = offsets.numel();
  if (count == 0 || block.numel() == 0) return;
  const int64_t unit = size_of(y.dtype()), source_step = block.numel() * unit;
  Operand from{static_cast<char*>(source.raw_data()), contiguous_strides(block)};
  for (int64_t& stride : from.strides) stride *= unit;
  const int64_t* offset = offsets.data<int64_t>();
  visit_put(how, y.dtype(), [&]<class F, class T>() {
    // Threads share the places of a block, and each goes through all blocks.
    for_each_row(block, std::array{block_of_y, from}, 0.5 * static_cast<double>(count),
                 [&](int64_t n, char* const* data, const int64_t* strides) {
                   for (int64_t b = 0; b < count; ++b) {
                     char* to = data[0] + offset[b] * unit;
                     char* value = data[1] + b * source_step;
                     if (strides[0] == sizeof(T) && strides[1] == sizeof(T)) {
                       for (int64_t i = 0; i < n; ++i)
                         F::put(reinterpret_cast<T*>(to)[i], reinterpret_cast<T*>(value)[i]);
                       continue;
                     }
                     for (int64_t i = 0; i < n; ++i)
                       F::put(at<T>(to + i * strides[0]), at<T>(value + i * strides[1]));
                   }
                 });
  });
}

}  // namespace bb::detail
