#include <algorithm>
#include <array>

#include "bb/autograd/mutation.h"
#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/check_writable.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/gather.h"
#include "bb/autograd/ops/mask.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/triangle.h"
#include "bb/core/creation.h"
#include "bb/core/elementwise.h"
#include "bb/core/error.h"
#include "bb/core/strided.h"

/// Tensor's in-place methods: counted by the storage's version and, where a gradient is wanted,
/// recorded as the out-of-place op whose result the tensor then is (bb/autograd/mutation.h).
namespace bb {

using kernels::elementwise;

namespace {

bool wants_grad(const Tensor& x) { return x.requires_grad(); }
bool wants_grad(Scalar) { return false; }

// The operand as it is before x changes.
Tensor kept_from(const Tensor& x, const Tensor& operand) {
  return operand.defined() && operand.shares_storage(x) ? operand.clone() : operand;
}
Scalar kept_from(const Tensor&, Scalar operand) { return operand; }

// x becomes out_of_place(x, operand); f is the kernel that computes it.
template <class Operand>
Tensor& change(const char* op, const kernels::Elementwise& f,
               Tensor (*out_of_place)(const Tensor&, Operand), Tensor& x,
               std::type_identity_t<Operand> operand) {
  detail::check_writable(op, x);
  if (autograd::records_mutation(x, wants_grad(operand))) {
    autograd::check_mutable(op, x);
    detail::check_in_place(op, f, x, operand);
    autograd::mutate(
        x, bb::to(out_of_place(autograd::before_mutation(x), kept_from(x, operand)), x.dtype()));
    return x;
  }
  detail::apply_in_place(op, f, x, operand);
  return autograd::finish_unrecorded(op, x);
}

// x becomes out_of_place(x); f is the kernel that computes it.
Tensor& change(const char* op, const kernels::Elementwise& f, Tensor (*out_of_place)(const Tensor&),
               Tensor& x) {
  detail::check_writable(op, x);
  if (autograd::records_mutation(x)) {
    autograd::check_mutable(op, x);
    autograd::mutate(x, out_of_place(autograd::before_mutation(x)));
    return x;
  }
  detail::apply_in_place(op, f, x);
  return autograd::finish_unrecorded(op, x);
}

// The same where no kernel writes to its input: x takes the result over.
template <class Fn>
Tensor& replace(const char* op, Tensor& x, std::initializer_list<const Tensor*> operands,
                const Fn& out_of_place) {
  detail::check_writable(op, x);
  const bool recorded = autograd::records_mutation(
      x, std::any_of(operands.begin(), operands.end(),
                     [](const Tensor* operand) { return operand->requires_grad(); }));
  if (recorded) autograd::check_mutable(op, x);
  const Tensor y = out_of_place(recorded ? autograd::before_mutation(x) : x);
  detail::check_in_place(op, x, y);
  if (recorded) {
    autograd::mutate(x, bb::to(y, x.dtype()));
    return x;
  }
  detail::copy_elements(x, y);
  return autograd::finish_unrecorded(op, x);
}

}  // namespace

Tensor& Tensor::fill_(Scalar value) {
  detail::check_fits("fill_", value, dtype());
  if (autograd::records_mutation(*this)) {
    autograd::check_mutable("fill_", *this);
    const auto no_gradient = [](const Tensor& dy) { return zeros_like(dy); };
    autograd::mutate(*this,
                     autograd::record("fill_", {*this}, full_like(*this, value), no_gradient));
    return *this;
  }
  detail::fill_elements(*this, value);
  return autograd::finish_unrecorded("fill_", *this);
}

Tensor& Tensor::copy_(const Tensor& source) {
  detail::check_writable("copy_", *this);
  if (broadcast_shapes("copy_", shape(), source.shape()) != shape())
    throw ShapeError(fmt::format("copy_: the source does not fit\n  tensor {}   source {}", shape(),
                                 source.shape()));
  const bool same_place = raw_data() == source.raw_data() && strides() == source.strides();
  const bool overlaps = shares_storage(source) && !same_place;
  if (autograd::records_mutation(*this, source.requires_grad() && is_floating_point(dtype()))) {
    autograd::check_mutable("copy_", *this);
    const Tensor y = bb::to(bb::expand(kept_from(*this, source), shape()), dtype());
    autograd::mutate(*this, autograd::record("copy_", {*this, y}, y.detach(), [](const Tensor& dy) {
      return std::array{zeros_like(dy), dy};
    }));
    return *this;
  }
  detail::copy_elements(*this, overlaps ? source.detach().clone() : source);
  return autograd::finish_unrecorded("copy_", *this);
}

Tensor& Tensor::add_(const Tensor& b) {
  return change<const Tensor&>("add_", elementwise().add, bb::add, *this, b);
}
Tensor& Tensor::sub_(const Tensor& b) {
  detail::check_subtracts("sub_", dtype(), b.dtype());
  return change<const Tensor&>("sub_", elementwise().sub, bb::sub, *this, b);
}
Tensor& Tensor::mul_(const Tensor& b) {
  return change<const Tensor&>("mul_", elementwise().mul, bb::mul, *this, b);
}
Tensor& Tensor::div_(const Tensor& b) {
  return change<const Tensor&>("div_", elementwise().div, bb::div, *this, b);
}
Tensor& Tensor::add_(Scalar b) {
  return change<Scalar>("add_", elementwise().add, bb::add, *this, b);
}
Tensor& Tensor::sub_(Scalar b) {
  detail::check_subtracts("sub_", dtype(), b.natural_dtype());
  return change<Scalar>("sub_", elementwise().sub, bb::sub, *this, b);
}
Tensor& Tensor::mul_(Scalar b) {
  return change<Scalar>("mul_", elementwise().mul, bb::mul, *this, b);
}
Tensor& Tensor::div_(Scalar b) {
  return change<Scalar>("div_", elementwise().div, bb::div, *this, b);
}

Tensor& Tensor::neg_() { return change("neg_", elementwise().neg, bb::neg, *this); }
Tensor& Tensor::abs_() { return change("abs_", elementwise().abs, bb::abs, *this); }
Tensor& Tensor::sqrt_() { return change("sqrt_", elementwise().sqrt, bb::sqrt, *this); }
Tensor& Tensor::rsqrt_() { return change("rsqrt_", elementwise().rsqrt, bb::rsqrt, *this); }
Tensor& Tensor::exp_() { return change("exp_", elementwise().exp, bb::exp, *this); }
Tensor& Tensor::log_() { return change("log_", elementwise().log, bb::log, *this); }
Tensor& Tensor::sin_() { return change("sin_", elementwise().sin, bb::sin, *this); }
Tensor& Tensor::cos_() { return change("cos_", elementwise().cos, bb::cos, *this); }
Tensor& Tensor::tanh_() { return change("tanh_", elementwise().tanh, bb::tanh, *this); }
Tensor& Tensor::sigmoid_() { return change("sigmoid_", elementwise().sigmoid, bb::sigmoid, *this); }

Tensor& Tensor::square_() {
  return replace("square_", *this, {}, [](const Tensor& x) { return bb::square(x); });
}
Tensor& Tensor::reciprocal_() {
  return replace("reciprocal_", *this, {}, [](const Tensor& x) { return bb::reciprocal(x); });
}
Tensor& Tensor::relu_() {
  return replace("relu_", *this, {}, [](const Tensor& x) { return bb::relu(x); });
}
Tensor& Tensor::floor_() {
  return replace("floor_", *this, {}, [](const Tensor& x) { return bb::floor(x); });
}
Tensor& Tensor::ceil_() {
  return replace("ceil_", *this, {}, [](const Tensor& x) { return bb::ceil(x); });
}
Tensor& Tensor::round_() {
  return replace("round_", *this, {}, [](const Tensor& x) { return bb::round(x); });
}
Tensor& Tensor::trunc_() {
  return replace("trunc_", *this, {}, [](const Tensor& x) { return bb::trunc(x); });
}
Tensor& Tensor::pow_(const Tensor& exponent) {
  return replace("pow_", *this, {&exponent},
                 [&](const Tensor& x) { return bb::pow(x, kept_from(*this, exponent)); });
}
Tensor& Tensor::pow_(Scalar exponent) {
  return replace("pow_", *this, {}, [&](const Tensor& x) { return bb::pow(x, exponent); });
}
Tensor& Tensor::lerp_(const Tensor& end, const Tensor& weight) {
  return replace("lerp_", *this, {&end, &weight}, [&](const Tensor& x) {
    return bb::lerp(x, kept_from(*this, end), kept_from(*this, weight));
  });
}
Tensor& Tensor::lerp_(const Tensor& end, Scalar weight) {
  return replace("lerp_", *this, {&end},
                 [&](const Tensor& x) { return bb::lerp(x, kept_from(*this, end), weight); });
}
Tensor& Tensor::clamp_(std::optional<Scalar> min, std::optional<Scalar> max) {
  return replace("clamp_", *this, {}, [&](const Tensor& x) { return bb::clamp(x, min, max); });
}
Tensor& Tensor::clamp_(const Tensor& min, const Tensor& max) {
  return replace("clamp_", *this, {&min, &max}, [&](const Tensor& x) {
    return bb::clamp(x, kept_from(*this, min), kept_from(*this, max));
  });
}
Tensor& Tensor::tril_(int64_t diagonal) {
  return replace("tril_", *this, {}, [&](const Tensor& x) { return bb::tril(x, diagonal); });
}
Tensor& Tensor::triu_(int64_t diagonal) {
  return replace("triu_", *this, {}, [&](const Tensor& x) { return bb::triu(x, diagonal); });
}
Tensor& Tensor::masked_fill_(const Tensor& mask, Scalar value) {
  return replace("masked_fill_", *this, {},
                 [&](const Tensor& x) { return bb::masked_fill(x, mask, value); });
}
Tensor& Tensor::masked_fill_(const Tensor& mask, const Tensor& value) {
  return replace("masked_fill_", *this, {&value}, [&](const Tensor& x) {
    return bb::masked_fill(x, mask, kept_from(*this, value));
  });
}
Tensor& Tensor::masked_scatter_(const Tensor& mask, const Tensor& source) {
  return replace("masked_scatter_", *this, {&source}, [&](const Tensor& x) {
    return bb::masked_scatter(x, mask, kept_from(*this, source));
  });
}
Tensor& Tensor::scatter_(int64_t dim, const Tensor& index, const Tensor& source) {
  return replace("scatter_", *this, {&source}, [&](const Tensor& x) {
    return bb::scatter(x, dim, index, kept_from(*this, source));
  });
}
Tensor& Tensor::scatter_(int64_t dim, const Tensor& index, Scalar value) {
  return replace("scatter_", *this, {},
                 [&](const Tensor& x) { return bb::scatter(x, dim, index, value); });
}
Tensor& Tensor::scatter_add_(int64_t dim, const Tensor& index, const Tensor& source) {
  return replace("scatter_add_", *this, {&source}, [&](const Tensor& x) {
    return bb::scatter_add(x, dim, index, kept_from(*this, source));
  });
}
Tensor& Tensor::index_add_(int64_t dim, const Tensor& index, const Tensor& source, Scalar alpha) {
  return replace("index_add_", *this, {&source}, [&](const Tensor& x) {
    return bb::index_add(x, dim, index, kept_from(*this, source), alpha);
  });
}
Tensor& Tensor::index_copy_(int64_t dim, const Tensor& index, const Tensor& source) {
  return replace("index_copy_", *this, {&source}, [&](const Tensor& x) {
    return bb::index_copy(x, dim, index, kept_from(*this, source));
  });
}
Tensor& Tensor::index_fill_(int64_t dim, const Tensor& index, Scalar value) {
  return replace("index_fill_", *this, {},
                 [&](const Tensor& x) { return bb::index_fill(x, dim, index, value); });
}

}  // namespace bb
