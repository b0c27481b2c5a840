#include "bb/autograd/ops/embedding.h"

#include <algorithm>

#include "bb/autograd/ops/check_indices.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/gather.h"
#include "bb/autograd/ops/mask.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/gather.h"
#include "bb/core/strided.h"

namespace bb {

using autograd::record;
using autograd::Saved;

namespace {

// The gradient of rows(): dy [count, width] added up in [n, width]. `skip`, if not -1, gets none.
Tensor rows_grad(const Tensor& dy, const Tensor& indices, int64_t n, int64_t skip) {
  const int64_t width = dy.size(1);
  const Tensor from = no_grad([&] { return dy.contiguous(); });
  Tensor dw = zeros({n, width}, dy.dtype());
  visit_floating(dy.dtype(), [&]<class T>() {
    kernels::scatter_add_rows(from.data<T>(), indices.data<int64_t>(), indices.numel(), width,
                              dw.data<T>(), n);
  });
  if (skip >= 0) no_grad([&] { detail::fill_elements(slice(dw, 0, skip, skip + 1), 0); });
  return record("embedding_grad", {dy}, std::move(dw),
                [indices = Saved(indices), skip](const Tensor& ddw) {
                  const Tensor at = *indices;
                  const Tensor rows = index_select(ddw, 0, at);
                  return skip < 0 ? rows : masked_fill(rows, unsqueeze(eq(at, skip), 1), 0);
                });
}

}  // namespace

Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options) {
  if (weight.dim() != 2)
    throw ShapeError(fmt::format("embedding: weight must be a matrix\n  indices {}   weight {}",
                                 indices.shape(), weight.shape()));
  const int64_t n = weight.size(0);
  int64_t skip = options.padding_idx.value_or(-1);
  if (options.padding_idx) {
    if (skip < -n || skip >= n)
      throw IndexError(
          fmt::format("embedding: padding_idx {} is out of range for {} rows\n  weight {}", skip, n,
                      weight.shape()));
    if (skip < 0) skip += n;
  }
  const Tensor places = detail::checked_indices("embedding", indices, n, 0, weight);
  const Tensor line = places.alias({places.numel()}, {1}, places.offset());
  Tensor y = no_grad([&] { return index_select(weight.detach(), 0, line); });
  y = record("embedding", {weight}, std::move(y), [line = Saved(line), n, skip](const Tensor& dy) {
    return rows_grad(dy, *line, n, skip);
  });
  Shape shape = indices.shape();
  shape.push_back(weight.size(1));
  return reshape(y, shape);
}

Tensor one_hot(const Tensor& x, int64_t num_classes) {
  if (x.dtype() != kInt64 && x.dtype() != kInt32)
    throw DTypeError(fmt::format("one_hot: x must be int64 or int32\n  x {}", describe(x)));
  if (num_classes < -1)
    throw ValueError(fmt::format("one_hot: {} classes (-1 for as many as x needs)", num_classes));
  if (num_classes == -1) {
    if (x.numel() == 0)
      throw ValueError(
          fmt::format("one_hot: an empty x does not say how many classes there are\n  x {}\n"
                      "  hint: give num_classes",
                      x.shape()));
    for (int64_t value : to(x, kInt64).to_vector<int64_t>())
      num_classes = std::max(num_classes, value + 1);
    num_classes = std::max<int64_t>(num_classes, 1);
  }
  const Tensor classes = detail::checked_indices("one_hot", x, num_classes, x.dim(), x);
  return to(eq(unsqueeze(classes, -1), arange(num_classes)), kInt64);
}

}  // namespace bb
