#include "bb/autograd/ops/embedding_bag.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_indices.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/gather.h"
#include "bb/core/kernels/pool.h"

namespace bb {

using autograd::record;

namespace {

// ---- Rows by number, and sums of rows by number: each the other's gradient. at: int64 [count].

Tensor add_rows(const Tensor& x, const Tensor& at, int64_t rows);

// y[i] = x[at[i]].
Tensor take_rows(const Tensor& x, const Tensor& at) {
  const Tensor from = x.detach().contiguous();
  Tensor y = Tensor::empty({at.size(0), x.size(1)}, x.dtype());
  const int64_t bytes = x.size(1) * size_of(x.dtype());
  kernels::gather_rows(static_cast<const char*>(from.raw_data()), 1, 0, bytes, bytes,
                       at.data<int64_t>(), at.size(0), static_cast<char*>(y.raw_data()));
  return record("take_rows", {x}, std::move(y),
                [at, rows = x.size(0)](const Tensor& dy) { return add_rows(dy, at, rows); });
}

// y[r] = the sum of x[i] with at[i] = r, for r < rows.
Tensor add_rows(const Tensor& x, const Tensor& at, int64_t rows) {
  const Tensor from = x.detach().contiguous();
  Tensor y = zeros({rows, x.size(1)}, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::scatter_add_rows<T>(from.data<T>(), at.data<int64_t>(), at.size(0), x.size(1),
                                 y.data<T>(), rows);
  });
  return record("add_rows", {x}, std::move(y),
                [at](const Tensor& dy) { return take_rows(dy, at); });
}

// ---- Elements by place in the flattened table, likewise; -1 is no place. at: int64 [B, D].

Tensor add_elements(const Tensor& x, const Tensor& at, const Shape& table);

Tensor take_elements(const Tensor& x, const Tensor& at) {
  const Tensor from = x.detach().contiguous();
  Tensor y = Tensor::empty(at.shape(), x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::take_places<T>(1, x.numel(), at.numel(), from.data<T>(), at.data<int64_t>(),
                            y.data<T>());
  });
  return record("embedding_bag", {x}, std::move(y),
                [at, table = x.shape()](const Tensor& dy) { return add_elements(dy, at, table); });
}

Tensor add_elements(const Tensor& x, const Tensor& at, const Shape& table) {
  const Tensor from = x.detach().contiguous();
  Tensor y = Tensor::empty(table, x.dtype());
  visit_floating(x.dtype(), [&]<class T>() {
    kernels::add_places<T>(1, y.numel(), at.numel(), from.data<T>(), at.data<int64_t>(),
                           y.data<T>());
  });
  return record("embedding_bag_grad", {x}, std::move(y),
                [at](const Tensor& dy) { return take_elements(dy, at); });
}

// ---- Bags

struct Bags {
  std::vector<int64_t> row;     // of the table, for each index that counts
  std::vector<int64_t> bag;     // that it is in, ascending
  std::vector<int64_t> sample;  // its place among the indices
  int64_t count;                // of bags
};

int64_t row_of_padding(const EmbeddingBagOptions& options, const Tensor& weight) {
  const int64_t rows = weight.size(0);
  if (!options.padding_idx) return -1;
  const int64_t given = *options.padding_idx, row = given < 0 ? given + rows : given;
  if (row < 0 || row >= rows)
    throw IndexError(
        fmt::format("embedding_bag: padding_idx {} is out of range for {} rows\n  weight {}", given,
                    rows, weight.shape()));
  return row;
}

// Where each bag begins, and where the last ends.
std::vector<int64_t> bounds_of(const Tensor& indices, const EmbeddingBagOptions& options) {
  std::vector<int64_t> bounds;
  const int64_t n = indices.numel();
  if (indices.dim() == 2) {
    for (int64_t b = 0; b <= indices.size(0); ++b) bounds.push_back(b * indices.size(1));
    return bounds;
  }
  bounds = options.offsets.to(kInt64).to_vector<int64_t>();
  if (!options.include_last_offset) bounds.push_back(n);
  bool ascend = bounds.empty() ? n == 0 : bounds.front() == 0 && bounds.back() <= n;
  for (size_t b = 1; b < bounds.size(); ++b) ascend = ascend && bounds[b - 1] <= bounds[b];
  if (!ascend)
    throw ValueError(fmt::format(
        "embedding_bag: offsets must ascend from 0 to at most {}, the number of indices\n"
        "  offsets {}, of indices {}",
        n, fmt::join(options.offsets.to(kInt64).to_vector<int64_t>(), ", "), indices.shape()));
  return bounds;
}

Bags bags_of(const Tensor& indices, const Tensor& weight, const EmbeddingBagOptions& options) {
  const int64_t rows = weight.size(0), padding = row_of_padding(options, weight);
  const auto given = indices.to(kInt64).to_vector<int64_t>();
  const int64_t wrong =
      kernels::first_out_of_range(given.data(), static_cast<int64_t>(given.size()), rows);
  if (wrong >= 0)
    throw IndexError(fmt::format(
        "embedding_bag: index {}{} is out of range for {} rows (0 to {})\n  {}",
        given[static_cast<size_t>(wrong)], detail::position_text(indices.shape(), wrong), rows,
        rows - 1, detail::shapes_of({{"indices", indices}, {"weight", weight}})));
  const auto bounds = bounds_of(indices, options);
  Bags bags{{}, {}, {}, static_cast<int64_t>(bounds.size()) - 1};
  for (int64_t b = 0; b < bags.count; ++b)
    for (int64_t i = bounds[static_cast<size_t>(b)]; i < bounds[static_cast<size_t>(b) + 1]; ++i) {
      const int64_t row = given[static_cast<size_t>(i)];
      if (row == padding) continue;
      bags.row.push_back(row);
      bags.bag.push_back(b);
      bags.sample.push_back(i);
    }
  return bags;
}

void check(const Tensor& indices, const Tensor& weight, const EmbeddingBagOptions& options) {
  const Tensor& offsets = options.offsets;
  const Tensor& factors = options.per_sample_weights;
  detail::check_defined("embedding_bag", {{"indices", indices}, {"weight", weight}});
  const auto integers = [](const Tensor& x) {
    return !is_floating_point(x.dtype()) && x.dtype() != kBool;
  };
  if (!integers(indices) || (offsets.defined() && !integers(offsets)) ||
      !is_floating_point(weight.dtype()))
    throw DTypeError(
        fmt::format("embedding_bag: indices and offsets must be integers, weight floating point\n"
                    "  indices {}   weight {}   offsets {}",
                    describe(indices), describe(weight), describe(offsets)));
  const bool bags_fit = indices.dim() == 2
                            ? !offsets.defined()
                            : indices.dim() == 1 && offsets.defined() && offsets.dim() == 1;
  if (weight.dim() != 2 || !bags_fit)
    throw ShapeError(fmt::format(
        "embedding_bag: needs indices (N) with offsets (B), or (B,N) alone, and weight (V,D)\n"
        "  indices {}   weight {}   offsets {}",
        describe(indices), describe(weight), describe(offsets)));
  if (!factors.defined()) return;
  if (options.mode != BagMode::kSum)
    throw ValueError(
        fmt::format("embedding_bag: per_sample_weights need BagMode::kSum\n  per_sample_weights {}",
                    factors.shape()));
  if (factors.dtype() != weight.dtype())
    throw DTypeError(
        fmt::format("embedding_bag: per_sample_weights must have weight's dtype\n"
                    "  per_sample_weights {}   weight {}",
                    describe(factors), describe(weight)));
  if (factors.shape() != indices.shape())
    throw ShapeError(
        fmt::format("embedding_bag: per_sample_weights must have indices' shape\n"
                    "  per_sample_weights {}   indices {}",
                    factors.shape(), indices.shape()));
}

// Places in the flattened table of the largest elements, [bags, D]; -1 for an empty bag.
Tensor places_of_largest(const Bags& bags, const Tensor& weight) {
  const Tensor table = weight.detach().contiguous();
  const int64_t width = weight.size(1);
  Tensor at = full({bags.count, width}, -1, kInt64);
  visit_floating(weight.dtype(), [&]<class T>() {
    const T* elements = table.data<T>();
    for (size_t i = 0; i < bags.row.size(); ++i) {
      int64_t* places = at.data<int64_t>() + bags.bag[i] * width;
      for (int64_t d = 0; d < width; ++d) {
        const int64_t place = bags.row[i] * width + d;
        if (places[d] < 0 || elements[place] > elements[places[d]]) places[d] = place;
      }
    }
  });
  return at;
}

}  // namespace

Tensor embedding_bag(const Tensor& indices, const Tensor& weight,
                     const EmbeddingBagOptions& options) {
  check(indices, weight, options);
  const Bags bags = bags_of(indices, weight, options);
  if (options.mode == BagMode::kMax) return take_elements(weight, places_of_largest(bags, weight));
  Tensor rows = take_rows(weight, tensor(bags.row));
  if (options.per_sample_weights.defined()) {
    const Tensor factors = reshape(options.per_sample_weights, {indices.numel(), 1});
    rows = rows * take_rows(factors, tensor(bags.sample));
  }
  const Tensor sums = add_rows(rows, tensor(bags.bag), bags.count);
  if (options.mode == BagMode::kSum) return sums;
  std::vector<int64_t> sizes(static_cast<size_t>(bags.count));
  for (int64_t bag : bags.bag) ++sizes[static_cast<size_t>(bag)];
  for (int64_t& size : sizes) size = std::max<int64_t>(size, 1);
  return sums / unsqueeze(tensor(sizes).to(weight.dtype()), 1);
}

}  // namespace bb
