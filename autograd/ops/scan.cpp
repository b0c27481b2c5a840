#include "bb/autograd/ops/scan.h"

#include <array>

#include "bb/autograd/tape.h"
#include "bb/core/kernels/scan.h"
#include "bb/core/lines.h"

namespace bb {
namespace {

Tensor cumsum_from(const Tensor& x, int64_t d, bool reversed) {
  const kernels::ScanTable& scans = kernels::scans();
  Tensor y = Tensor::empty(x.shape(), is_floating_point(x.dtype()) ? x.dtype() : kInt64);
  detail::run_along(reversed ? scans.cumsum_reversed : scans.cumsum, y, d, std::array{x});
  return autograd::record(
      reversed ? "cumsum_reversed" : "cumsum", {x}, std::move(y),
      [d, reversed](const Tensor& dy) { return cumsum_from(dy, d, !reversed); });
}

}  // namespace

Tensor cumsum(const Tensor& x, int64_t dim) {
  return cumsum_from(x, normalize_dim("cumsum", dim, x.dim()), false);
}

}  // namespace bb
