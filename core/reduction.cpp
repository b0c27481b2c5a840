#include "bb/core/reduction.h"

#include <algorithm>
#include <vector>

#include "bb/core/kernels/copy.h"
#include "bb/core/strided.h"

namespace bb::detail {
namespace {

using kernels::kReduceColumns;
using kernels::Plane;
using kernels::ReduceKernels;

constexpr int64_t kChunk = 8192;    // elements of a row reduced at a time
constexpr int64_t kTile = 32768;    // of columns
constexpr int64_t kShortRun = 64;   // elements side by side that are not worth a partial result
constexpr int64_t kFewColumns = 8;  // not worth a vector
constexpr double kCostNs = 0.013;   // of a byte

int64_t parts(int64_t n, int64_t size) { return (n + size - 1) / size; }

// Some dims of x, merged, in the order of memory.
struct Dims {
  Shape shape;
  std::array<Operand, 1> x;

  void finish() {
    order_dims(shape, x);
    merge_dims(shape, x);
  }
  int64_t last() const { return shape[shape.rank() - 1]; }
  int64_t last_step() const { return x[0].strides[shape.rank() - 1]; }
  int64_t outer() const { return shape.numel() / last(); }
  // Bytes to element `index` of the dims before the last `skip`, counted row-major.
  int64_t offset(int64_t index, int64_t skip) const {
    int64_t bytes = 0;
    for (int64_t d = shape.rank() - 1 - skip; d >= 0; --d) {
      bytes += index % shape[d] * x[0].strides[d];
      index /= shape[d];
    }
    return bytes;
  }
};

// Results or partial results, and their places where the reduction has them.
struct Results {
  char* values;
  int64_t* places;

  Results at(int64_t index, int64_t unit) const {
    return {values + index * unit, places ? places + index : nullptr};
  }
};

class Run {
 public:
  Run(const ReduceKernels& kernels, const Tensor& x, DType dtype, Dims kept, Dims reduced)
      : kernels_(kernels),
        data_(static_cast<const char*>(x.raw_data())),
        dtype_(dtype),
        copy_(kernels::plane_copy(dtype, x.dtype())),
        unit_(size_of(dtype)),
        converts_(x.dtype() != dtype),
        kept_(std::move(kept)),
        reduced_(std::move(reduced)) {}

  void operator()(Results y) {
    const bool columns = kept_.last_step() != 0 && kept_.last() >= kFewColumns &&
                         (kept_.last_step() < reduced_.last_step() || reduced_.last_step() == 0);
    columns ? by_columns(y) : by_rows(y);
  }

 private:
  // Each result from rows of elements, in chunks.
  void by_rows(Results y) {
    const int64_t run = reduced_.last(), runs = reduced_.outer();
    // Short runs are gathered, across the dims.
    const bool gathers_runs = runs > 1 && run < kShortRun;
    const int64_t length = gathers_runs ? run * runs : run;
    const int64_t per_run = parts(length, kChunk);
    const int64_t chunks = gathers_runs ? per_run : runs * per_run;
    const int64_t across = kept_.last(), count = across * kept_.outer();
    const int64_t rows = chunks > 1 ? 1 : std::clamp<int64_t>(kChunk / length, 1, across);
    const int64_t blocks = parts(across, rows);
    const Results target = chunks > 1 ? partial_results(count * chunks, y) : y;

    const int64_t part = std::min(length, kChunk);
    parallel_for(
        kept_.outer() * blocks * chunks, cost(rows * part), [&](int64_t begin, int64_t end) {
          std::vector<char> scratch;
          for (int64_t i = begin; i < end; ++i) {
            const int64_t chunk = i % chunks, block = i / chunks % blocks, o = i / chunks / blocks;
            const int64_t first = chunk % per_run * kChunk, n = std::min(kChunk, length - first);
            const int64_t row = block * rows, height = std::min(rows, across - row);
            const char* x = data_ + kept_.offset(o, 1) + row * kept_.last_step();
            const Results to = target.at((o * across + row) * chunks + chunk, unit_);
            int64_t step = kept_.last_step();
            if (gathers_runs) {
              x = gather_runs(x, step, height, first, n, scratch);
              step = n * unit_;
            } else {
              x += reduced_.offset(chunk / per_run, 1) + first * reduced_.last_step();
              x = contiguous({height, n, 0, 0, step, reduced_.last_step()}, x, step, scratch);
            }
            kernels_.rows(x, height, step, n, to.values, to.places);
            if (to.places)
              for (int64_t r = 0; r < height; ++r) to.places[r] += first;
          }
        });
    if (chunks == 1) return;
    parallel_for(count, cost(chunks), [&](int64_t begin, int64_t end) {
      const Results from = target.at(begin * chunks, unit_), to = y.at(begin, unit_);
      kernels_.merge_rows(from.values, from.places, end - begin, chunks, to.values, to.places);
    });
  }

  // Results side by side, row after row, in chunks of rows.
  void by_columns(Results y) {
    const int64_t run = reduced_.last(), runs = reduced_.outer(), across = kept_.last();
    const int64_t width = std::min(across, kReduceColumns), tiles = parts(across, width);
    const int64_t height = std::max<int64_t>(32, kTile / width / 32 * 32);
    const int64_t per_run = parts(run, height), chunks = runs * per_run;
    const Results target = chunks > 1 ? partial_results(kept_.outer() * chunks * across, y) : y;

    const int64_t items = kept_.outer() * tiles * chunks;
    parallel_for(items, cost(width * std::min(run, height)), [&](int64_t begin, int64_t end) {
      std::vector<char> scratch;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t tile = i % tiles, chunk = i / tiles % chunks, o = i / tiles / chunks;
        const int64_t first = chunk % per_run * height, n = std::min(height, run - first);
        const int64_t column = tile * width, cols = std::min(width, across - column);
        const char* x = data_ + kept_.offset(o, 1) + column * kept_.last_step() +
                        reduced_.offset(chunk / per_run, 1) + first * reduced_.last_step();
        const Results to = target.at((o * chunks + chunk) * across + column, unit_);
        int64_t step = reduced_.last_step();
        x = contiguous({n, cols, 0, 0, step, kept_.last_step()}, x, step, scratch);
        kernels_.columns(x, n, step, cols, to.values, to.places);
        if (to.places)
          for (int64_t j = 0; j < cols; ++j) to.places[j] += first;
      }
    });
    if (chunks == 1) return;
    parallel_for(kept_.outer() * tiles, cost(chunks * width), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t column = i % tiles * width, o = i / tiles;
        const Results from = target.at(o * chunks * across + column, unit_);
        const Results to = y.at(o * across + column, unit_);
        kernels_.merge_columns(from.values, from.places, chunks, across * unit_,
                               std::min(width, across - column), to.values, to.places);
      }
    });
  }

  // The plane's elements with contiguous rows: where they are, or in scratch memory.
  const char* contiguous(Plane plane, const char* x, int64_t& step, std::vector<char>& scratch) {
    if (!converts_ && plane.from_col == unit_) return x;
    plane.to_col = unit_;
    plane.to_row = step = plane.cols * unit_;
    scratch.resize(static_cast<size_t>(plane.rows * step));
    copy_(plane, scratch.data(), x);
    return scratch.data();
  }

  // Elements first to first + n of the reduced dims, of `rows` results `step` apart, as rows.
  const char* gather_runs(const char* x, int64_t step, int64_t rows, int64_t first, int64_t n,
                          std::vector<char>& scratch) {
    scratch.resize(static_cast<size_t>(rows * n * unit_));
    const int64_t run = reduced_.last();
    for (int64_t i = first; i < first + n;) {
      const int64_t within = i % run, length = std::min(run - within, first + n - i);
      const char* from = x + reduced_.offset(i / run, 1) + within * reduced_.last_step();
      copy_({rows, length, n * unit_, unit_, step, reduced_.last_step()},
            scratch.data() + (i - first) * unit_, from);
      i += length;
    }
    return scratch.data();
  }

  Results partial_results(int64_t n, const Results& y) {
    partials_ = Tensor::empty({n}, dtype_);
    if (y.places) places_ = Tensor::empty({n}, kInt64);
    return {static_cast<char*>(partials_.raw_data()), y.places ? places_.data<int64_t>() : nullptr};
  }

  double cost(int64_t elements) const {
    return kCostNs * static_cast<double>(elements * unit_) * (converts_ ? 2 : 1) + 5;
  }

  const ReduceKernels& kernels_;
  const char* data_;
  DType dtype_;
  kernels::PlaneCopy copy_;
  int64_t unit_;
  bool converts_;
  Dims kept_, reduced_;
  Tensor partials_, places_;
};

// Reduces into tensors whose dims are in the order of x's memory, then puts these in place.
void run(const kernels::Reduction& f, const Tensor& x, const ReducedDims& reduced, DType dtype,
         Tensor& y, Tensor* places) {
  Dims kept, gone;
  Shape order;  // of the result's dims, as they lie in memory
  const Operand all = operand(x, x.shape());
  for (int64_t d = 0; d < x.dim(); ++d) {
    Dims& dims = reduced[static_cast<size_t>(d)] ? gone : kept;
    if (&dims == &kept) order.push_back(kept.shape.rank());
    dims.shape.push_back(x.shape()[d]);
    dims.x[0].strides.push_back(all.strides[d]);
  }
  const Shape shape = kept.shape;
  if (x.numel() == 0) {
    y = Tensor::empty(shape, dtype);
    f[dtype].rows(nullptr, shape.numel(), 0, 0, static_cast<char*>(y.raw_data()), nullptr);
    return;
  }
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return kept.x[0].strides[a] > kept.x[0].strides[b];
  });
  Shape sizes, strides = Shape::filled(order.rank(), 0);
  for (int64_t d : order) sizes.push_back(shape[d]);
  const Shape steps = contiguous_strides(sizes);
  for (int64_t i = 0; i < order.rank(); ++i) strides[order[i]] = steps[i];

  y = Tensor::empty(sizes, dtype);
  if (places) *places = Tensor::empty(sizes, kInt64);
  kept.finish();
  gone.finish();
  Run(f[dtype], x, dtype, std::move(kept), std::move(gone))(
      {static_cast<char*>(y.raw_data()), places ? places->data<int64_t>() : nullptr});
  const auto in_place = [&](const Tensor& result) {
    const Tensor view = result.alias(shape, strides, 0);
    if (view.is_contiguous()) return view;
    Tensor copy = Tensor::empty(shape, result.dtype());
    copy_elements(copy, view);
    return copy;
  };
  y = in_place(y);
  if (places) *places = in_place(*places);
}

}  // namespace

Tensor reduce(const kernels::Reduction& f, const Tensor& x, const ReducedDims& reduced,
              DType dtype) {
  Tensor y;
  run(f, x, reduced, dtype, y, nullptr);
  return y;
}

MaxResult reduce_with_places(const kernels::Reduction& f, const Tensor& x, int64_t dim) {
  ReducedDims reduced{};
  reduced[static_cast<size_t>(dim)] = true;
  MaxResult result{{}, Tensor()};
  if (x.numel() == 0) {  // other dims are empty
    Shape shape = x.shape();
    shape.erase(dim);
    return {Tensor::empty(shape, x.dtype()), Tensor::empty(shape, kInt64)};
  }
  run(f, x, reduced, x.dtype(), result.values, &result.indices);
  return result;
}

}  // namespace bb::detail
