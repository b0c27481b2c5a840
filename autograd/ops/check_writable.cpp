#include "bb/autograd/ops/check_writable.h"

#include "bb/core/checks.h"
#include "bb/core/error.h"

namespace bb::detail {

void check_writable(const char* op, const Tensor& x) {
  check_defined(op, {{"tensor", x}});
  check_not_inference(op, x);
  if (x.is_contiguous() || x.numel() < 2) return;
  Shape strides, sizes;  // by rising strides
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (x.shape()[d] == 1) continue;
    int64_t at = 0;
    while (at < strides.rank() && strides[at] <= x.strides()[d]) ++at;
    strides.insert(at, x.strides()[d]);
    sizes.insert(at, x.shape()[d]);
  }
  // No step of a dim may lead back among the elements that the dims of smaller strides reach. All
  // that ops make of tensors without shared memory keeps to that.
  int64_t reach = 0;
  for (int64_t i = 0; i < strides.rank(); ++i) {
    if (strides[i] <= reach)
      throw ValueError(
          fmt::format("{}: several elements of the tensor share memory\n"
                      "  x {} with strides {}\n  hint: clone() it first",
                      op, x.shape(), x.strides()));
    reach += (sizes[i] - 1) * strides[i];
  }
}

}  // namespace bb::detail
