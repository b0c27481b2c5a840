#include "bb/autograd/mutation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/creation.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"
#include "bb/core/strided.h"

/// Tensor's in-place methods: counted by the storage's version and, where a gradient is wanted,
/// recorded as the out-of-place op whose result the tensor then is (bb/autograd/mutation.h).
namespace bb {

using kernels::elementwise;

namespace {

bool is_recorded(const Tensor& x, bool operand_wants_grad = false) {
  return is_grad_enabled() && (x.requires_grad() || operand_wants_grad);
}
bool wants_grad(const Tensor& x) { return x.requires_grad(); }
bool wants_grad(Scalar) { return false; }

// A change of elements that several indices share has no one right result.
void check_writable(const char* op, const Tensor& x) {
  for (int64_t d = 0; d < x.dim(); ++d)
    if (x.strides()[d] == 0 && x.shape()[d] > 1)
      throw ValueError(
          fmt::format("{}: several elements of an expanded tensor share memory\n"
                      "  x {} with strides {}\n  hint: clone() it first",
                      op, x.shape(), x.strides()));
}

// The operand as it is before x changes.
Tensor kept_from(const Tensor& x, const Tensor& operand) {
  return operand.shares_storage(x) ? operand.clone() : operand;
}
Scalar kept_from(const Tensor&, Scalar operand) { return operand; }

// x becomes out_of_place(x, operand); f is the kernel that computes it.
template <class Operand>
Tensor& change(const char* op, const kernels::Elementwise& f,
               Tensor (*out_of_place)(const Tensor&, Operand), Tensor& x,
               std::type_identity_t<Operand> operand) {
  check_writable(op, x);
  if (is_recorded(x, wants_grad(operand))) {
    autograd::check_mutable(op, x);
    detail::check_in_place(op, f, x, operand);
    autograd::mutate(
        x, bb::to(out_of_place(autograd::before_mutation(x), kept_from(x, operand)), x.dtype()));
    return x;
  }
  detail::apply_in_place(op, f, x, operand);
  x.bump_version();
  return x;
}

}  // namespace

Tensor& Tensor::fill_(Scalar value) {
  if (is_recorded(*this)) {
    autograd::check_mutable("fill_", *this);
    autograd::mutate(*this, full_like(*this, value));
    return *this;
  }
  detail::fill_elements(*this, value);
  bump_version();
  return *this;
}

Tensor& Tensor::copy_(const Tensor& source) {
  check_writable("copy_", *this);
  if (broadcast_shapes("copy_", shape(), source.shape()) != shape())
    throw ShapeError(fmt::format("copy_: the source does not fit\n  tensor {}   source {}", shape(),
                                 source.shape()));
  const bool same_place = raw_data() == source.raw_data() && strides() == source.strides();
  const bool overlaps = shares_storage(source) && !same_place;
  if (is_recorded(*this, source.requires_grad() && is_floating_point(dtype()))) {
    autograd::check_mutable("copy_", *this);
    autograd::mutate(*this, bb::to(bb::expand(kept_from(*this, source), shape()), dtype()));
    return *this;
  }
  detail::copy_elements(*this, overlaps ? source.detach().clone() : source);
  bump_version();
  return *this;
}

Tensor& Tensor::add_(const Tensor& b) {
  return change<const Tensor&>("add_", elementwise().add, add, *this, b);
}
Tensor& Tensor::sub_(const Tensor& b) {
  return change<const Tensor&>("sub_", elementwise().sub, sub, *this, b);
}
Tensor& Tensor::mul_(const Tensor& b) {
  return change<const Tensor&>("mul_", elementwise().mul, mul, *this, b);
}
Tensor& Tensor::div_(const Tensor& b) {
  return change<const Tensor&>("div_", elementwise().div, div, *this, b);
}
Tensor& Tensor::add_(Scalar b) { return change<Scalar>("add_", elementwise().add, add, *this, b); }
Tensor& Tensor::sub_(Scalar b) { return change<Scalar>("sub_", elementwise().sub, sub, *this, b); }
Tensor& Tensor::mul_(Scalar b) { return change<Scalar>("mul_", elementwise().mul, mul, *this, b); }
Tensor& Tensor::div_(Scalar b) { return change<Scalar>("div_", elementwise().div, div, *this, b); }

}  // namespace bb
