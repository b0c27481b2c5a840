#include "bb/autograd/ops/sort.h"

#include "bb/autograd/ops/gather.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"
#include "bb/core/kernels/sort.h"

namespace bb {

using autograd::record;
using autograd::Saved;

namespace {

// The k first along d, on the tape.
SortResult sorted_along(const char* op, const Tensor& x, int64_t d, int64_t k, bool descending) {
  Tensor values, places;
  no_grad([&] {
    const Tensor rows = x.dim() == 0 ? x.detach() : movedim(x.detach(), d, -1).contiguous();
    Shape shape = rows.shape();
    if (x.dim() > 0) shape[x.dim() - 1] = k;
    values = Tensor::empty(shape, x.dtype());
    places = Tensor::empty(shape, kInt64);
    const int64_t n = x.dim() == 0 ? 1 : x.shape()[d];
    visit(x.dtype(), [&]<class T>() {
      kernels::sort_rows<T>(rows.data<T>(), n == 0 ? 0 : x.numel() / n, n, k, descending,
                            values.data<T>(), places.data<int64_t>());
    });
    if (x.dim() > 0) {
      values = movedim(values, -1, d).contiguous();
      places = movedim(places, -1, d).contiguous();
    }
  });
  if (!is_floating_point(x.dtype())) return {values, places};
  values = record(op, {x}, std::move(values),
                  [shape = x.shape(), d, places = Saved(places)](const Tensor& dy) {
                    // Each place is taken once: adding has no order to keep.
                    return scatter_add(zeros(shape, dy.dtype()), d, *places, dy);
                  });
  return {values, places};
}

}  // namespace

SortResult sort(const Tensor& x, int64_t dim, bool descending, bool) {
  const int64_t d = normalize_dim("sort", dim, x);
  return sorted_along("sort", x, d, x.dim() == 0 ? 1 : x.shape()[d], descending);
}

Tensor argsort(const Tensor& x, int64_t dim, bool descending, bool) {
  const int64_t d = normalize_dim("argsort", dim, x);
  return sorted_along("argsort", x.detach(), d, x.dim() == 0 ? 1 : x.shape()[d], descending)
      .indices;
}

SortResult topk(const Tensor& x, int64_t k, int64_t dim, bool largest, bool) {
  const int64_t d = normalize_dim("topk", dim, x);
  const int64_t n = x.dim() == 0 ? 1 : x.shape()[d];
  if (k < 0 || k > n || (x.dim() == 0 && k == 0))
    throw ValueError(
        fmt::format("topk: k must be {} to {}, the size of dimension {}, got {}\n  x {}",
                    x.dim() == 0 ? 1 : 0, n, d, k, x.shape()));
  return sorted_along("topk", x, d, k, largest);
}

UniqueResult unique(const Tensor& x, const UniqueOptions& options) {
  detail::check_defined("unique", x);
  NoGrad guard;
  const int64_t n = x.numel();
  const auto [sorted, places] = sort(reshape(x.detach(), {n}), 0);
  const int64_t* place = places.data<int64_t>();
  std::vector<int64_t> starts;  // of runs of equal elements
  Tensor inverse = options.return_inverse ? Tensor::empty(x.shape(), kInt64) : Tensor();
  visit(x.dtype(), [&, &sorted = sorted]<class T>() {
    const T* value = sorted.data<T>();
    for (int64_t i = 0; i < n; ++i) {
      if (i == 0 || !(value[i] == value[i - 1])) starts.push_back(i);
      if (inverse.defined())
        inverse.data<int64_t>()[place[i]] = static_cast<int64_t>(starts.size()) - 1;
    }
  });
  const Tensor at = tensor(starts);
  Tensor counts;
  if (options.return_counts) {
    starts.push_back(n);
    counts = Tensor::empty(at.shape(), kInt64);
    for (size_t i = 0; i + 1 < starts.size(); ++i)
      counts.data<int64_t>()[i] = starts[i + 1] - starts[i];
  }
  return {index_select(sorted, 0, at), inverse, counts};
}

Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, bool right) {
  detail::check_defined("searchsorted", {{"sorted_sequence", sorted_sequence}, {"values", values}});
  const bool one = sorted_sequence.dim() == 1;
  bool fits = one || (sorted_sequence.dim() > 0 && sorted_sequence.dim() == values.dim());
  for (int64_t d = 0; fits && !one && d + 1 < values.dim(); ++d)
    fits = sorted_sequence.shape()[d] == values.shape()[d];
  if (!fits)
    throw ShapeError(fmt::format(
        "searchsorted: the sequence must be a vector, or have the values' shape but along the last "
        "dimension\n  sorted_sequence {}   values {}",
        sorted_sequence.shape(), values.shape()));
  NoGrad guard;
  const DType dtype = promote_types(sorted_sequence.dtype(), values.dtype());
  const Tensor sequence = detail::converted(sorted_sequence.detach(), dtype).contiguous();
  const Tensor x = detail::converted(values.detach(), dtype).contiguous();
  Tensor places = Tensor::empty(values.shape(), kInt64);
  const int64_t n = sequence.size(-1), count = x.dim() == 0 ? 1 : x.size(-1);
  visit(dtype, [&]<class T>() {
    kernels::search_rows<T>(sequence.data<T>(), one ? 0 : n, n, x.data<T>(),
                            count == 0 ? 0 : x.numel() / count, count, right,
                            places.data<int64_t>());
  });
  return places;
}

Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool right) {
  detail::check_defined("bucketize", {{"x", x}, {"boundaries", boundaries}});
  if (boundaries.dim() != 1)
    throw ShapeError(fmt::format("bucketize: boundaries must be a vector\n  x {}   boundaries {}",
                                 x.shape(), boundaries.shape()));
  return searchsorted(boundaries, x, right);
}

SortResult Tensor::sort(int64_t dim, bool descending, bool stable) const {
  return bb::sort(*this, dim, descending, stable);
}
Tensor Tensor::argsort(int64_t dim, bool descending, bool stable) const {
  return bb::argsort(*this, dim, descending, stable);
}
SortResult Tensor::topk(int64_t k, int64_t dim, bool largest, bool sorted) const {
  return bb::topk(*this, k, dim, largest, sorted);
}
UniqueResult Tensor::unique(const UniqueOptions& options) const {
  return bb::unique(*this, options);
}
UniqueResult Tensor::unique() const { return bb::unique(*this); }

}  // namespace bb
