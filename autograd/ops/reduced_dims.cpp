#include "bb/autograd/ops/reduced_dims.h"

#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"

namespace bb::detail {

Reduced::Reduced(const char* op, const Tensor& x, const Shape& which, bool keepdim) {
  check_defined(op, x);
  dims = marked_dims(op, x, which);
  if (which.empty()) dims.fill(true);
  Shape kept;
  for (int64_t d = 0; d < x.dim(); ++d) {
    const int64_t size = x.shape()[d];
    if (!reduces(d)) {
      kept.push_back(size);
      with_ones.push_back(size);
      continue;
    }
    count *= size;
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
