#include "bb/autograd/ops/compare.h"

#include <limits>

#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
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

namespace {

Tensor logical(const char* op, const kernels::Elementwise& f, const Tensor& a, const Tensor& b) {
  detail::check_defined(op, {{"a", a}, {"b", b}});
  return detail::apply(op, f, ne(a, 0), ne(b, 0));
}

}  // namespace

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return logical("logical_and", elementwise().mul, a, b);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return logical("logical_or", elementwise().add, a, b);
}
Tensor logical_xor(const Tensor& a, const Tensor& b) {
  return logical("logical_xor", elementwise().bit_xor, a, b);
}
Tensor logical_not(const Tensor& x) {
  detail::check_defined("logical_not", x);
  return eq(x, 0);
}

Tensor isnan(const Tensor& x) {
  detail::check_defined("isnan", x);
  return ne(x, x);
}
Tensor isinf(const Tensor& x) {
  detail::check_defined("isinf", x);
  if (!is_floating_point(x.dtype())) return zeros(x.shape(), kBool);
  return eq(abs(x.detach()), std::numeric_limits<double>::infinity());
}
Tensor isfinite(const Tensor& x) {
  detail::check_defined("isfinite", x);
  if (!is_floating_point(x.dtype())) return ones(x.shape(), kBool);
  return lt(abs(x.detach()), std::numeric_limits<double>::infinity());
}

Tensor bitwise_and(const Tensor& a, const Tensor& b) {
  return detail::apply("bitwise_and", elementwise().bit_and, a, b);
}
Tensor bitwise_or(const Tensor& a, const Tensor& b) {
  return detail::apply("bitwise_or", elementwise().bit_or, a, b);
}
Tensor bitwise_xor(const Tensor& a, const Tensor& b) {
  return detail::apply("bitwise_xor", elementwise().bit_xor, a, b);
}
Tensor bitwise_not(const Tensor& x) {
  return detail::apply("bitwise_not", elementwise().bit_not, x);
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
  detail::check_defined("where", {{"mask", mask}, {"b", b}});
  return where(mask, detail::filled("where", {}, a, a.promote(b.dtype())), b);
}
Tensor where(const Tensor& mask, const Tensor& a, Scalar b) {
  detail::check_defined("where", {{"mask", mask}, {"a", a}});
  return where(mask, a, detail::filled("where", {}, b, b.promote(a.dtype())));
}
Tensor where(const Tensor& mask, Scalar a, Scalar b) {
  return where(mask, full({}, a), full({}, b));
}

Tensor Tensor::eq(const Tensor& other) const { return bb::eq(*this, other); }
Tensor Tensor::ne(const Tensor& other) const { return bb::ne(*this, other); }
Tensor Tensor::lt(const Tensor& other) const { return bb::lt(*this, other); }
Tensor Tensor::le(const Tensor& other) const { return bb::le(*this, other); }
Tensor Tensor::gt(const Tensor& other) const { return bb::gt(*this, other); }
Tensor Tensor::ge(const Tensor& other) const { return bb::ge(*this, other); }
Tensor Tensor::eq(Scalar other) const { return bb::eq(*this, other); }
Tensor Tensor::ne(Scalar other) const { return bb::ne(*this, other); }
Tensor Tensor::lt(Scalar other) const { return bb::lt(*this, other); }
Tensor Tensor::le(Scalar other) const { return bb::le(*this, other); }
Tensor Tensor::gt(Scalar other) const { return bb::gt(*this, other); }
Tensor Tensor::ge(Scalar other) const { return bb::ge(*this, other); }
Tensor Tensor::logical_and(const Tensor& other) const { return bb::logical_and(*this, other); }
Tensor Tensor::logical_or(const Tensor& other) const { return bb::logical_or(*this, other); }
Tensor Tensor::logical_xor(const Tensor& other) const { return bb::logical_xor(*this, other); }
Tensor Tensor::bitwise_and(const Tensor& other) const { return bb::bitwise_and(*this, other); }
Tensor Tensor::bitwise_or(const Tensor& other) const { return bb::bitwise_or(*this, other); }
Tensor Tensor::bitwise_xor(const Tensor& other) const { return bb::bitwise_xor(*this, other); }
Tensor Tensor::logical_not() const { return bb::logical_not(*this); }
Tensor Tensor::bitwise_not() const { return bb::bitwise_not(*this); }
Tensor Tensor::isnan() const { return bb::isnan(*this); }
Tensor Tensor::isinf() const { return bb::isinf(*this); }
Tensor Tensor::isfinite() const { return bb::isfinite(*this); }
Tensor Tensor::where(const Tensor& mask, const Tensor& other) const {
  return bb::where(mask, *this, other);
}
Tensor Tensor::where(const Tensor& mask, Scalar other) const {
  return bb::where(mask, *this, other);
}

}  // namespace bb
