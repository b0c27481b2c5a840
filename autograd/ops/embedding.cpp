#include "bb/autograd/ops/embedding.h"

#include <algorithm>

#include "bb/autograd/add_to_gradient.h"
#include "bb/autograd/ops/check_indices.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/gather.h"
#include "bb/autograd/ops/mask.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/gather.h"

namespace bb {

using autograd::record;
using autograd::Saved;

namespace {

// Adds the rows of dy [count, width] to those of `sum` [n, width]; `skip`, if not -1, gets none.
void add_rows(const Tensor& dy, const Tensor& indices, int64_t skip, Tensor& sum) {
  const NoGrad guard;
  Tensor rows = dy.contiguous();
  if (skip >= 0) rows = masked_fill(rows, unsqueeze(eq(indices, skip), 1), 0);
  visit_floating(dy.dtype(), [&]<class T>() {
    kernels::scatter_add_rows(rows.data<T>(), indices.data<int64_t>(), indices.numel(), sum.size(1),
                              sum.data<T>(), sum.size(0));
  });
}

// The gradient of rows(): dy added up in [n, width].
Tensor rows_grad(const Tensor& dy, const Tensor& indices, int64_t n, int64_t skip) {
  Tensor dw = zeros({n, dy.size(1)}, dy.dtype());
  add_rows(dy, indices, skip, dw);
  return record("embedding_grad", {dy}, std::move(dw),
                [indices = Saved(indices), skip](const Tensor& ddw) {
                  const Tensor at = *indices;
                  const Tensor rows = index_select(ddw, 0, at);
                  return skip < 0 ? rows : masked_fill(rows, unsqueeze(eq(at, skip), 1), 0);
                });
}

}  // namespace

Tensor embedding(const Tensor& indices, const Tensor& weight, const EmbeddingOptions& options) {
  detail::check_defined("embedding", {{"indices", indices}, {"weight", weight}});
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
  detail::check_rank("embedding", indices.dim() + 1, {{"indices", indices}});
  const Tensor places =
      detail::checked_indices("embedding", indices, n, 0, weight, detail::Negative::kRefused,
                              {.index = "indices", .x = "weight"});
  Shape shape = indices.shape();
  shape.push_back(weight.size(1));
  detail::check_result("embedding", shape, weight.dtype(),
                       {{"indices", indices}, {"weight", weight}});
  const Tensor line = places.alias({places.numel()}, {1}, places.offset());
  Tensor y = no_grad([&] { return index_select(weight.detach(), 0, line); });
  y = record("embedding", {weight}, std::move(y), [line = Saved(line), n, skip](const Tensor& dy) {
    const Tensor at = *line;
    // Where rows are few, zeros for all the others would be most of the work.
    if (autograd::add_to_gradient(0, [&](Tensor& sum) { add_rows(dy, at, skip, sum); }))
      return Tensor();
    return rows_grad(dy, at, n, skip);
  });
  return reshape(y, shape);
}

Tensor one_hot(const Tensor& x, int64_t num_classes) {
  detail::check_defined("one_hot", x);
  if (x.dtype() != kInt64 && x.dtype() != kInt32)
    throw DTypeError(fmt::format("one_hot: x must be int64 or int32\n  x {}", describe(x)));
  if (num_classes < -1)
    throw ValueError(fmt::format(
        "one_hot: num_classes must be at least 0, or -1 for as many as x needs, got {}\n  x {}",
        num_classes, x.shape()));
  if (num_classes == -1 && x.numel() == 0)
    throw ValueError(
        fmt::format("one_hot: an empty x does not say how many classes there are\n  x {}\n"
                    "  hint: give num_classes",
                    x.shape()));
  const std::vector<int64_t> values = to(x, kInt64).to_vector<int64_t>();
  if (num_classes == -1)
    num_classes = std::max<int64_t>(*std::max_element(values.begin(), values.end()) + 1, 1);
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i] < 0 || values[i] >= num_classes)
      throw IndexError(
          fmt::format("one_hot: value {}{} is out of range for {} classes (0 to {})\n  x {}",
                      values[i], detail::position_text(x.shape(), static_cast<int64_t>(i)),
                      num_classes, num_classes - 1, x.shape()));
  detail::check_rank("one_hot", x.dim() + 1, {{"x", x}});
  Shape shape = x.shape();
  shape.push_back(num_classes);
  if (!detail::is_possible(shape, kInt64) || !detail::is_possible({num_classes}, kInt64))
    detail::throw_too_large("one_hot",
                            fmt::format("x {}   num_classes {}", x.shape(), num_classes));
  return to(eq(unsqueeze(x, -1), arange(num_classes)), kInt64);
}

}  // namespace bb
