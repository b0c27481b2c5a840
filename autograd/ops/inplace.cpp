#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"
#include "bb/core/strided.h"

/// Tensor's in-place methods: off the tape, counted by the storage's version.
namespace bb {

using kernels::elementwise;

namespace {

void check_not_recording(const char* op, const Tensor& x, const Tensor& operand = {}) {
  if (!is_grad_enabled() || !(x.requires_grad() || operand.requires_grad())) return;
  throw ValueError(
      fmt::format("{}: a change in place is not recorded, and {} requires a gradient\n"
                  "  hint: use the out-of-place form, or no_grad() where no gradient should flow",
                  op, x.requires_grad() ? "the tensor" : "the operand"));
}

// A change of elements that several indices share has no one right result.
void check_writable(const char* op, const Tensor& x) {
  for (int64_t d = 0; d < x.dim(); ++d)
    if (x.strides()[d] == 0 && x.shape()[d] > 1)
      throw ValueError(
          fmt::format("{}: several elements of an expanded tensor share memory\n"
                      "  x {} with strides {}\n  hint: clone() it first",
                      op, x.shape(), x.strides()));
}

template <class Operand>
Tensor& change(const char* op, const kernels::Elementwise& f, Tensor& x, const Operand& operand) {
  if constexpr (std::is_same_v<Operand, Tensor>)
    check_not_recording(op, x, operand);
  else
    check_not_recording(op, x);
  check_writable(op, x);
  detail::apply_in_place(op, f, x, operand);
  x.bump_version();
  return x;
}

}  // namespace

Tensor& Tensor::fill_(Scalar value) {
  check_not_recording("fill_", *this);
  detail::fill_elements(*this, value);
  bump_version();
  return *this;
}

Tensor& Tensor::copy_(const Tensor& source) {
  check_not_recording("copy_", *this, source);
  check_writable("copy_", *this);
  if (broadcast_shapes("copy_", shape(), source.shape()) != shape())
    throw ShapeError(fmt::format("copy_: the source does not fit\n  tensor {}   source {}", shape(),
                                 source.shape()));
  const bool same_place = raw_data() == source.raw_data() && strides() == source.strides();
  detail::copy_elements(*this,
                        shares_storage(source) && !same_place ? source.detach().clone() : source);
  bump_version();
  return *this;
}

Tensor& Tensor::add_(const Tensor& b) { return change("add_", elementwise().add, *this, b); }
Tensor& Tensor::sub_(const Tensor& b) { return change("sub_", elementwise().sub, *this, b); }
Tensor& Tensor::mul_(const Tensor& b) { return change("mul_", elementwise().mul, *this, b); }
Tensor& Tensor::div_(const Tensor& b) { return change("div_", elementwise().div, *this, b); }
Tensor& Tensor::add_(Scalar b) { return change("add_", elementwise().add, *this, b); }
Tensor& Tensor::sub_(Scalar b) { return change("sub_", elementwise().sub, *this, b); }
Tensor& Tensor::mul_(Scalar b) { return change("mul_", elementwise().mul, *this, b); }
Tensor& Tensor::div_(Scalar b) { return change("div_", elementwise().div, *this, b); }

}  // namespace bb
