#include "bb/autograd/ops/extremum.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/reduced_dims.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/parallel.h"

namespace bb {

using autograd::record;
using autograd::Saved;
using detail::Reduced;

namespace {

// dy shared evenly among the elements of x that equal y, the result over r's dims; among the NaN
// where y is NaN and they are to have it.
enum class NanShares { kNo, kYes };

Tensor shared_among_equals(const Tensor& dy, const Tensor& x, const Tensor& y, const Shape& dims,
                           NanShares nan_shares) {
  Tensor is_result = eq(x, y);
  if (nan_shares == NanShares::kYes)
    is_result = logical_or(is_result, logical_and(isnan(x), isnan(y)));
  const Tensor share = is_result.to(dy.dtype());
  return dy * (share / sum(share, dims, true));
}

Tensor extremum(const char* op, const char* what, const kernels::Reduction& f, const Tensor& x,
                const Shape& dims, bool keepdim, NanShares nan_shares) {
  const Reduced r(op, x, dims, keepdim);
  detail::check_not_empty(op, what, x, r);
  Tensor y = detail::reduce(f, x, r, x.dtype());
  const Saved saved = autograd::output_for(x, y);
  return record(
      op, {x}, std::move(y),
      [x = Saved(x), y = saved, dims, nan_shares, with_ones = r.with_ones](const Tensor& dy) {
        return shared_among_equals(reshape(dy, with_ones), (*x).detach(),
                                   reshape((*y).detach(), with_ones), dims, nan_shares);
      });
}

// Values and indices along dim d.
using Pick = MaxResult (*)(const Tensor& x, int64_t d);

MaxResult pick_largest(const Tensor& x, int64_t d) {
  return detail::reduce_with_places(kernels::reductions().argmax, x, d);
}
MaxResult pick_smallest(const Tensor& x, int64_t d) {
  return detail::reduce_with_places(kernels::reductions().argmin, x, d);
}

// Without dim.
MaxResult pick_along(const char* op, const char* what, Pick pick, const Tensor& x, int64_t dim) {
  const int64_t d = normalize_dim(op, dim, x);
  if (x.dim() == 0) return {x.detach().clone(), zeros({}, kInt64)};
  if (x.shape()[d] == 0)
    throw ValueError(fmt::format("{}: no {} along a dimension of size 0\n  x {}   dim {}", op, what,
                                 x.shape(), dim));
  return pick(x.detach(), d);
}

// bool, of `shape`: true at `indices` along d, which they have with size 1.
Tensor one_hot_along(const Tensor& indices, const Shape& shape, int64_t d) {
  Shape line = Shape::filled(shape.rank(), 1);
  line[d] = shape[d];
  return eq(arange(shape[d]).reshape(line), indices);
}

MaxResult values_and_indices(const char* op, const char* what, Pick pick, const Tensor& x,
                             int64_t dim, bool keepdim) {
  MaxResult found = pick_along(op, what, pick, x, dim);
  if (x.dim() == 0)
    return {record(op, {x}, found.values, [](const Tensor& dy) { return dy; }), found.indices};
  const int64_t d = normalize_dim(op, dim, x);
  const Tensor kept = found.indices.unsqueeze(d);
  Tensor values = keepdim ? found.values.unsqueeze(d) : std::move(found.values);
  return {record(op, {x}, std::move(values),
                 [shape = x.shape(), d, keepdim, kept = Saved(kept)](const Tensor& dy) {
                   const Tensor at = one_hot_along(*kept, shape, d).to(dy.dtype());
                   return (keepdim ? dy : dy.unsqueeze(d)) * at;
                 }),
          keepdim ? kept : found.indices};
}

void check_not_bool(const char* op, const Tensor& x) {
  detail::check_defined(op, x);
  if (x.dtype() == kBool)
    throw DTypeError(fmt::format(
        "{}: bool is not supported\n  x {}\n  hint: convert with to(kInt64)", op, describe(x)));
}

Tensor index_of(const char* op, const char* what, Pick pick, const Tensor& x) {
  check_not_bool(op, x);
  detail::check_not_empty(op, what, x, Reduced(op, x, {}, false));
  return pick_along(op, what, pick, x.detach().flatten(), 0).indices;
}

Tensor index_of(const char* op, const char* what, Pick pick, const Tensor& x, int64_t dim,
                bool keepdim) {
  check_not_bool(op, x);
  const Tensor indices = pick_along(op, what, pick, x, dim).indices;
  return keepdim && x.dim() > 0 ? indices.unsqueeze(normalize_dim(op, dim, x)) : indices;
}

constexpr const char* kLargest = "largest element";
constexpr const char* kSmallest = "smallest element";
constexpr const char* kMiddle = "median";

// The index of the median among the n elements of a line; `order` is scratch memory for n.
template <class T>
int64_t median_of(const T* line, int64_t n, int64_t* order) {
  for (int64_t i = 0; i < n; ++i) {
    if (line[i] != line[i]) return i;
    order[i] = i;
  }
  const auto before = [line](int64_t a, int64_t b) {
    return line[a] < line[b] || (line[a] == line[b] && a < b);
  };
  int64_t* middle = order + (n - 1) / 2;
  std::nth_element(order, middle, order + n, before);
  return *middle;
}

MaxResult pick_median(const Tensor& x, int64_t d) {
  Shape order, result = x.shape();
  for (int64_t i = 0; i < x.dim(); ++i)
    if (i != d) order.push_back(i);
  order.push_back(d);
  result.erase(d);
  const Tensor lines = x.permute(order).contiguous();
  MaxResult found{Tensor::empty(result, x.dtype()), Tensor::empty(result, kInt64)};
  const int64_t n = x.shape()[d];
  visit(x.dtype(), [&]<class T>() {
    const T* data = lines.data<T>();
    T* values = found.values.data<T>();
    int64_t* indices = found.indices.data<int64_t>();
    parallel_for(result.numel(), 10 * static_cast<double>(n), [&](int64_t begin, int64_t end) {
      std::vector<int64_t> scratch(static_cast<size_t>(n));
      for (int64_t i = begin; i < end; ++i) {
        indices[i] = median_of(data + i * n, n, scratch.data());
        values[i] = data[i * n + indices[i]];
      }
    });
  });
  return found;
}

}  // namespace

Tensor max(const Tensor& x) {
  return extremum("max", kLargest, kernels::reductions().max, x, {}, false, NanShares::kYes);
}
Tensor min(const Tensor& x) {
  return extremum("min", kSmallest, kernels::reductions().min, x, {}, false, NanShares::kYes);
}
Tensor amax(const Tensor& x, const Shape& dims, bool keepdim) {
  return extremum("amax", kLargest, kernels::reductions().max, x, dims, keepdim, NanShares::kNo);
}
Tensor amin(const Tensor& x, const Shape& dims, bool keepdim) {
  return extremum("amin", kSmallest, kernels::reductions().min, x, dims, keepdim, NanShares::kNo);
}

MaxResult max(const Tensor& x, int64_t dim, bool keepdim) {
  return values_and_indices("max", kLargest, pick_largest, x, dim, keepdim);
}
MinResult min(const Tensor& x, int64_t dim, bool keepdim) {
  return values_and_indices("min", kSmallest, pick_smallest, x, dim, keepdim);
}

Tensor argmax(const Tensor& x) { return index_of("argmax", kLargest, pick_largest, x); }
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim) {
  return index_of("argmax", kLargest, pick_largest, x, dim, keepdim);
}
Tensor argmin(const Tensor& x) { return index_of("argmin", kSmallest, pick_smallest, x); }
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim) {
  return index_of("argmin", kSmallest, pick_smallest, x, dim, keepdim);
}

Tensor median(const Tensor& x) {
  check_not_bool("median", x);
  Tensor y;
  if (x.numel() == 0 && is_floating_point(x.dtype())) {
    y = full({}, std::numeric_limits<double>::quiet_NaN(), x.dtype());
  } else {
    detail::check_not_empty("median", kMiddle, x, Reduced("median", x, {}, false));
    y = pick_along("median", kMiddle, pick_median, x.detach().flatten(), 0).values;
  }
  const Saved saved = autograd::output_for(x, y);
  return record("median", {x}, std::move(y), [x = Saved(x), y = saved](const Tensor& dy) {
    return shared_among_equals(dy, (*x).detach(), (*y).detach(), {}, NanShares::kYes);
  });
}

MedianResult median(const Tensor& x, int64_t dim, bool keepdim) {
  check_not_bool("median", x);
  return values_and_indices("median", kMiddle, pick_median, x, dim, keepdim);
}

Tensor Tensor::max() const { return bb::max(*this); }
Tensor Tensor::min() const { return bb::min(*this); }
Tensor Tensor::median() const { return bb::median(*this); }
MaxResult Tensor::max(int64_t dim, bool keepdim) const { return bb::max(*this, dim, keepdim); }
MaxResult Tensor::min(int64_t dim, bool keepdim) const { return bb::min(*this, dim, keepdim); }
MaxResult Tensor::median(int64_t dim, bool keepdim) const {
  return bb::median(*this, dim, keepdim);
}
Tensor Tensor::amax(const Shape& dims, bool keepdim) const {
  return bb::amax(*this, dims, keepdim);
}
Tensor Tensor::amin(const Shape& dims, bool keepdim) const {
  return bb::amin(*this, dims, keepdim);
}
Tensor Tensor::argmax() const { return bb::argmax(*this); }
Tensor Tensor::argmax(int64_t dim, bool keepdim) const { return bb::argmax(*this, dim, keepdim); }
Tensor Tensor::argmin() const { return bb::argmin(*this); }
Tensor Tensor::argmin(int64_t dim, bool keepdim) const { return bb::argmin(*this, dim, keepdim); }

}  // namespace bb
