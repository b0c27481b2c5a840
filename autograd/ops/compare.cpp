#include "bb/autograd/ops/compare.h"

#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/elementwise.h"

namespace bb {

using kernels::elementwise;

Tensor eq(const Tensor& a, const Tensor& b) {
  return detail::compare("eq", elementwise().eq, a, b);
}
Tensor ne(const Tensor& a, const Tensor& b) {
  return detail::compare("ne", elementwise().ne, a, b);
}
Tensor lt(const Tensor& a, const Tensor& b) {
  return detail::compare("lt", elementwise().lt, a, b);
}
Tensor le(const Tensor& a, const Tensor& b) {
  return detail::compare("le", elementwise().le, a, b);
}
Tensor gt(const Tensor& a, const Tensor& b) {
  return detail::compare("gt", elementwise().gt, a, b);
}
Tensor ge(const Tensor& a, const Tensor& b) {
  return detail::compare("ge", elementwise().ge, a, b);
}
Tensor eq(const Tensor& a, Scalar b) { return detail::compare("eq", elementwise().eq, a, b); }
Tensor ne(const Tensor& a, Scalar b) { return detail::compare("ne", elementwise().ne, a, b); }
Tensor lt(const Tensor& a, Scalar b) { return detail::compare("lt", elementwise().lt, a, b); }
Tensor le(const Tensor& a, Scalar b) { return detail::compare("le", elementwise().le, a, b); }
Tensor gt(const Tensor& a, Scalar b) { return detail::compare("gt", elementwise().gt, a, b); }
Tensor ge(const Tensor& a, Scalar b) { return detail::compare("ge", elementwise().ge, a, b); }

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return detail::apply("logical_and", elementwise().mul, ne(a, 0), ne(b, 0));
}

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) {
  Tensor y = detail::where(mask, a, b);
  return autograd::record("where", {a, b}, std::move(y),
                          [mask = autograd::Saved(mask)](const Tensor& dy, autograd::Needs needs) {
                            const Tensor zero = zeros({}, dy.dtype());
                            std::array<Tensor, 2> grads;
                            if (needs[0]) grads[0] = where(*mask, dy, zero);
                            if (needs[1]) grads[1] = where(*mask, zero, dy);
                            return grads;
                          });
}

Tensor where(const Tensor& mask, Scalar a, const Tensor& b) {
  return where(mask, full({}, a, a.promote(b.dtype())), b);
}

}  // namespace bb
