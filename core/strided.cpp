#include "bb/core/strided.h"

#include <algorithm>

#include "bb/core/kernels/copy.h"

namespace bb::detail {

Operand operand(const Tensor& x, const Shape& shape) {
  Operand result{static_cast<char*>(x.raw_data()), Shape::filled(shape.rank(), 0)};
  const int64_t bytes = size_of(x.dtype());
  const int64_t shift = shape.rank() - x.dim();
  for (int64_t d = 0; d < x.dim(); ++d)
    if (x.shape()[d] != 1) result.strides[d + shift] = x.strides()[d] * bytes;
  return result;
}

void order_dims(Shape& shape, std::span<Operand> operands) {
  const auto before = [&](int64_t a, int64_t b) {
    for (const Operand& operand : operands) {
      const int64_t x = std::abs(operand.strides[a]), y = std::abs(operand.strides[b]);
      if (x != y) return x > y;
    }
    return false;
  };
  for (int64_t d = 1; d < shape.rank(); ++d)  // insertion: dimensions are few and mostly in order
    for (int64_t at = d; at > 0 && before(at, at - 1); --at) {
      std::swap(shape[at], shape[at - 1]);
      for (Operand& operand : operands) std::swap(operand.strides[at], operand.strides[at - 1]);
    }
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

int64_t blocks_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

// n cut into equal parts of about `size`, each but the last a multiple of 16.
int64_t even_block(int64_t n, int64_t size) {
  if (n <= size) return n;
  const int64_t part = blocks_of(n, blocks_of(n, size));
  return (part + 15) / 16 * 16;
}

struct Block {
  int64_t rows, cols;
};

// The blocks that a plane is copied in.
Block copy_block(const kernels::Plane& p, int64_t element_bytes) {
  constexpr int64_t kSide = kernels::kTransposeBlock;
  constexpr int64_t kElements = 16384;  // enough for the call, few enough to share out
  if (kernels::is_transposing(p, element_bytes)) {
    const int64_t rows = std::min(p.rows, std::max(kSide, kSide * kSide / p.cols));
    const int64_t cols = std::min(p.cols, std::max(kSide, kSide * kSide / p.rows));
    return {even_block(p.rows, rows), even_block(p.cols, cols)};
  }
  const int64_t cols = even_block(p.cols, kElements);
  return {std::min(p.rows, std::max<int64_t>(1, kElements / cols)), cols};
}

}  // namespace

void copy_elements(const Tensor& target, const Tensor& source) {
  Shape shape = target.shape();
  if (shape.numel() == 0) return;
  std::array<Operand, 2> operands{operand(target, shape), operand(source, shape)};
  order_dims(shape, operands);
  merge_dims(shape, operands);
  const Operand &to = operands[0], &from = operands[1];

  // The last dimension is the target's fastest. Its other half is the source's fastest, where that
  // is another one, else the next dimension.
  const int64_t unit = size_of(target.dtype()), last = shape.rank() - 1;
  int64_t other = last - 1;
  for (int64_t d = 0; d < last; ++d)
    if (from.strides[d] == unit && from.strides[last] != unit) other = d;
  kernels::Plane plane{1, shape[last], 0, to.strides[last], 0, from.strides[last]};
  if (other >= 0) {
    plane.rows = shape[other];
    plane.to_row = to.strides[other];
    plane.from_row = from.strides[other];
  }
  const bool converts = target.dtype() != source.dtype();
  const bool transposes = !converts && kernels::is_transposing(plane, unit);
  const kernels::PlaneCopy copy = kernels::plane_copy(target.dtype(), source.dtype());

  const Block block = copy_block(plane, unit);
  const int64_t down = blocks_of(plane.rows, block.rows),
                across = blocks_of(plane.cols, block.cols);
  const int64_t planes = shape.numel() / (plane.rows * plane.cols);
  const bool contiguous = plane.to_col == unit && (plane.from_col == 0 || plane.from_col == unit);
  const double element_ns = static_cast<double>(unit) * (contiguous   ? 0.02
                                                         : transposes ? 0.04
                                                                      : 0.1);
  const double cost_ns = element_ns * static_cast<double>(block.rows * block.cols) + 5;
  parallel_for(planes * down * across, cost_ns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t rest = i;
      const int64_t col = rest % across * block.cols;
      rest /= across;
      const int64_t row = rest % down * block.rows;
      rest /= down;
      char* y = to.data + row * plane.to_row + col * plane.to_col;
      const char* x = from.data + row * plane.from_row + col * plane.from_col;
      for (int64_t d = last - 1; d >= 0; --d) {
        if (d == other) continue;
        const int64_t at = rest % shape[d];
        rest /= shape[d];
        y += at * to.strides[d];
        x += at * from.strides[d];
      }
      kernels::Plane part = plane;
      part.rows = std::min(block.rows, plane.rows - row);
      part.cols = std::min(block.cols, plane.cols - col);
      copy(part, y, x);
    }
  });
}

void fill_elements(const Tensor& target, Scalar value) {
  if (target.numel() == 0) return;
  const std::array<Operand, 1> operands{operand(target, target.shape())};
  visit(target.dtype(), [&]<class T>() {
    const T element = value.to<T>();
    const std::array<char, sizeof(T)> zeros{};
    if (target.is_contiguous() && std::memcmp(&element, zeros.data(), sizeof(T)) == 0) {
      // Large ones go past the cache, from one core as fast as memory takes them.
      std::memset(target.raw_data(), 0, static_cast<size_t>(target.numel()) * sizeof(T));
      return;
    }
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
