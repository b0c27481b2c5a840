#include "bb/core/lines.h"

#include <algorithm>
#include <array>

#include "bb/core/kernels/copy.h"
#include "bb/core/memory.h"
#include "bb/core/strided.h"

namespace bb::detail {
namespace {

using kernels::kColumns;
using kernels::Lines;

constexpr int64_t kFewColumns = 8;        // below, columns are gathered to rows: vectors would idle
constexpr int64_t kBlockElements = 8192;  // of the rows of a block

// Memory for gathered blocks, of one range of a parallel_for.
class Scratch {
 public:
  ~Scratch() {
    for (Part& part : parts_)
      if (part.data) deallocate(part.data, part.bytes);
  }
  char* get(size_t which, int64_t bytes) {
    Part& part = parts_[which];
    if (!part.data) {
      part.bytes = static_cast<size_t>(bytes);
      part.data = allocate(part.bytes);
    }
    return static_cast<char*>(part.data);
  }

 private:
  struct Part {
    void* data = nullptr;
    size_t bytes = 0;
  };
  std::array<Part, 3> parts_;  // the output and two inputs
};

}  // namespace

void run_along(const kernels::LineOp& op, const Tensor& y, int64_t dim,
               std::span<const Tensor> inputs) {
  if (y.numel() == 0) return;
  const DType dtype = y.dtype();
  const int64_t unit = size_of(dtype);
  const size_t count = inputs.size() + 1;

  // Operands: the output, then the inputs. `line` is each one's step along dim; of the other
  // dimensions, the last is walked within a block.
  Shape shape = y.dim() == 0 ? Shape{1} : y.shape();
  std::array<Operand, 3> all;
  std::array<int64_t, 3> line{};
  for (size_t i = 0; i < count; ++i) {
    all[i] = operand(i == 0 ? y : inputs[i - 1], shape);
    line[i] = all[i].strides[dim];
    all[i].strides.erase(dim);
  }
  line[0] = std::max(line[0], unit);  // of size 1
  const int64_t n = shape[dim];
  shape.erase(dim);
  const std::span<Operand> operands(all.data(), count);
  order_dims(shape, operands);
  merge_dims(shape, operands);
  const int64_t last = shape.rank() - 1, across = shape[last];
  const auto step = [&](size_t i) { return all[i].strides[last]; };

  const bool columns = line[0] != unit && step(0) == unit && across >= kFewColumns;
  const auto kernel = columns ? op.columns_of(dtype) : op.rows_of(dtype);
  const int64_t width =
      columns ? std::min(across, kColumns)
              : std::clamp<int64_t>(kBlockElements / std::max<int64_t>(n, 1), 1, across);
  const int64_t blocks = (across + width - 1) / width;
  const int64_t outer = shape.numel() / across;
  const double cost_ns =
      op.cost_ns * static_cast<double>(n * width) * static_cast<double>(unit) / 4 + 10;

  parallel_for(outer * blocks, cost_ns, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t first = item % blocks * width;
      std::array<char*, 3> data{};
      for (size_t i = 0; i < count; ++i) data[i] = all[i].data + first * step(i);
      int64_t rest = item / blocks;
      for (int64_t d = last - 1; d >= 0; --d) {
        for (size_t i = 0; i < count; ++i) data[i] += rest % shape[d] * all[i].strides[d];
        rest /= shape[d];
      }
      Lines lines{std::min(width, across - first), n, nullptr, 0, {}, {}};
      // Where a block of an operand does not lie as the kernel wants it: in scratch memory.
      const int64_t scratch_step = (columns ? width : n) * unit;
      const auto lies_well = [&](size_t i, DType type) {
        return type == dtype && (columns ? step(i) : line[i]) == unit;
      };
      const auto plane = [&](size_t i, bool to_scratch) {
        const int64_t rows = columns ? n : lines.count, cols = columns ? lines.count : n;
        const int64_t row = columns ? line[i] : step(i), col = columns ? step(i) : line[i];
        return to_scratch ? kernels::Plane{rows, cols, scratch_step, unit, row, col}
                          : kernels::Plane{rows, cols, row, col, scratch_step, unit};
      };
      for (size_t i = 1; i < count; ++i) {
        const DType type = inputs[i - 1].dtype();
        if (lies_well(i, type)) {
          lines.x[i - 1] = data[i];
          lines.x_step[i - 1] = columns ? line[i] : step(i);
        } else {
          char* copy = scratch.get(i, width * n * unit);
          kernels::plane_copy(dtype, type)(plane(i, true), copy, data[i]);
          lines.x[i - 1] = copy;
          lines.x_step[i - 1] = scratch_step;
        }
      }
      if (lies_well(0, dtype)) {
        lines.y = data[0];
        lines.y_step = columns ? line[0] : step(0);
        kernel(lines);
      } else {
        lines.y = scratch.get(0, width * n * unit);
        lines.y_step = scratch_step;
        kernel(lines);
        kernels::plane_copy(dtype, dtype)(plane(0, false), data[0], lines.y);
      }
    }
  });
}

}  // namespace bb::detail
