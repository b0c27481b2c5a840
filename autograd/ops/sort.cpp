#include "bb/autograd/ops/sort.h"

#include <algorithm>
#include <vector>

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

namespace {

// x as slices [n, elements of one] along a dim: without one, its elements themselves.
struct Slices {
  Slices(const char* op, const Tensor& x, std::optional<int64_t> which) {
    detail::check_defined(op, x);
    if (!which) {
      rows = reshape(x.detach(), {x.numel(), 1}).contiguous();
      source = reshape(rows, {x.numel()});
      return;
    }
    if (x.dim() == 0) throw IndexError(fmt::format("{}: a 0-d tensor has no slices", op));
    dim = normalize_dim(op, *which, x);
    const int64_t n = x.shape()[dim];
    if (n > 0 && x.numel() == 0)
      throw ValueError(
          fmt::format("{}: the slices have no elements\n  x {}   dim {}", op, x.shape(), dim));
    source = x.detach();
    rows = reshape(movedim(source, dim, 0), {n, n == 0 ? 0 : x.numel() / n}).contiguous();
  }

  // In rising order, equal ones as they come.
  Tensor order() const {
    const int64_t n = rows.size(0), width = rows.size(1);
    if (width == 1) return argsort(reshape(rows, {n}), 0);
    Tensor places = arange(n);
    visit(rows.dtype(), [&]<class T>() {
      const T* first = rows.data<T>();
      const auto below = [](T a, T b) { return a < b || (b != b && a == a); };  // NaN last
      std::stable_sort(
          places.data<int64_t>(), places.data<int64_t>() + n, [&](int64_t a, int64_t b) {
            return std::lexicographical_compare(first + a * width, first + (a + 1) * width,
                                                first + b * width, first + (b + 1) * width, below);
          });
    });
    return places;
  }

  Tensor source, rows;
  int64_t dim = 0;
};

// One slice for each run of equal ones, taken in the order of `places`.
UniqueResult runs(const Slices& slices, const Tensor& places, const Shape& inverse_shape,
                  const UniqueOptions& options) {
  const int64_t n = slices.rows.size(0), width = slices.rows.size(1);
  const int64_t* place = places.data<int64_t>();
  std::vector<int64_t> firsts, lengths;
  Tensor inverse = options.return_inverse ? Tensor::empty(inverse_shape, kInt64) : Tensor();
  visit(slices.rows.dtype(), [&]<class T>() {
    const T* first = slices.rows.data<T>();
    for (int64_t i = 0; i < n; ++i) {
      const T* row = first + place[i] * width;
      if (i == 0 || !std::equal(row, row + width, first + place[i - 1] * width)) {
        firsts.push_back(place[i]);
        lengths.push_back(0);
      }
      ++lengths.back();
      if (inverse.defined())
        inverse.data<int64_t>()[place[i]] = static_cast<int64_t>(firsts.size()) - 1;
    }
  });
  return {index_select(slices.source, slices.dim, tensor(firsts)), inverse,
          options.return_counts ? tensor(lengths) : Tensor()};
}

}  // namespace

UniqueResult unique(const Tensor& x, const UniqueOptions& options) {
  NoGrad guard;
  const Slices slices("unique", x, options.dim);
  return runs(slices, slices.order(), options.dim ? Shape{slices.rows.size(0)} : x.shape(),
              options);
}

UniqueResult unique_consecutive(const Tensor& x, const UniqueOptions& options) {
  NoGrad guard;
  const Slices slices("unique_consecutive", x, options.dim);
  const int64_t n = slices.rows.size(0);
  return runs(slices, arange(n), options.dim ? Shape{n} : x.shape(), options);
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

namespace {

// A number as it compares with the elements of a sequence: whole ones need not fit its dtype.
Tensor sought(const char* op, Scalar value, const Tensor& sequence) {
  const bool real = is_floating_point(sequence.dtype());
  return detail::filled(op, {}, value, real ? sequence.dtype() : value.natural_dtype());
}

}  // namespace

Tensor searchsorted(const Tensor& sorted_sequence, Scalar value, bool right) {
  detail::check_defined("searchsorted", {{"sorted_sequence", sorted_sequence}});
  return searchsorted(sorted_sequence, sought("searchsorted", value, sorted_sequence), right);
}

Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool right) {
  detail::check_defined("bucketize", {{"x", x}, {"boundaries", boundaries}});
  if (boundaries.dim() != 1)
    throw ShapeError(fmt::format("bucketize: boundaries must be a vector\n  x {}   boundaries {}",
                                 x.shape(), boundaries.shape()));
  return searchsorted(boundaries, x, right);
}

Tensor bucketize(Scalar x, const Tensor& boundaries, bool right) {
  detail::check_defined("bucketize", {{"boundaries", boundaries}});
  return bucketize(sought("bucketize", x, boundaries), boundaries, right);
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
