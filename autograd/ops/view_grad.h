#pragma once

#include "bb/autograd/add_to_gradient.h"
#include "bb/autograd/grad_mode.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/strided.h"

namespace bb::detail {

/// The gradient of view(x) for an x of `shape`: dy where the view looks, 0 elsewhere. `view` is a
/// differentiable op that shows no element twice.
template <class View>
Tensor view_grad(const char* name, const Tensor& dy, const Shape& shape, View view) {
  Tensor dx = zeros(shape, dy.dtype());
  no_grad([&] { copy_elements(view(dx), dy); });
  return autograd::record(name, {dy}, std::move(dx),
                          [view](const Tensor& ddx) { return view(ddx); });
}

/// The same as all that the pullback of a view returns: added in place where that is possible, so
/// that the views of all parts of x take no more work than x has elements.
template <class View>
Tensor pull_view(const char* name, const Tensor& dy, const Shape& shape, View view) {
  if (autograd::add_to_gradient(0, [&](Tensor& sum) { view(sum).add_(dy); })) return Tensor();
  return view_grad(name, dy, shape, view);
}

}  // namespace bb::detail
