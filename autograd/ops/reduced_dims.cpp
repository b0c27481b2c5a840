#include "bb/autograd/ops/reduced_dims.h"

#include <utility>

#include "bb/autograd/ops/shape.h"
#include "bb/core/error.h"

namespace bb::detail {

Reduced::Reduced(const char* op, const Shape& x, const Shape& which, bool keepdim) {
  if (which.empty()) dims.fill(true);
  for (int64_t dim : which) {
    const auto d = static_cast<size_t>(normalize_dim(op, dim, x.rank()));
    if (std::exchange(dims[d], true))
      throw ValueError(fmt::format("{}: dim {} is given twice in {}", op, dim, which));
  }
  Shape kept;
  for (int64_t d = 0; d < x.rank(); ++d) {
    if (!reduces(d)) {
      kept.push_back(x[d]);
      with_ones.push_back(x[d]);
      continue;
    }
    count *= x[d];
    with_ones.push_back(1);
  }
  result = keepdim ? with_ones : kept;
}

Tensor reduce(const kernels::Reduction& f, const Tensor& x, const Reduced& r, DType dtype) {
  return reduce(f, x, r.dims, dtype).alias(r.result, contiguous_strides(r.result), 0);
}

void check_not_empty(const char* op, const char* what, const Tensor& x, const Reduced& r) {
  if (x.numel() == 0 && r.count == 0)
    throw ValueError(fmt::format("{}: an empty tensor has no {}\n  x {}", op, what, x.shape()));
}

Tensor put_back(const Tensor& y, const Reduced& r) { return reshape(y, r.with_ones); }

}  // namespace bb::detail
