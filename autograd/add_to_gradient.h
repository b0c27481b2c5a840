#pragma once

#include <cstddef>
#include <functional>

#include "bb/core/tensor.h"

namespace bb::autograd {

/// For a pullback whose gradient is 0 but for a few elements: calls add(sum), which adds them in
/// place, where the input of that number already has a sum of gradients that nobody else sees. That
/// may be the grad() of a leaf without hooks, and stays added where the backward pass throws later,
/// as in PyTorch. The pullback then returns an undefined Tensor for the input. So it does, and add
/// is not called, where nobody asks for the input's gradient. False, and nothing is done, where it
/// has to return the gradient whole: for the first gradient of a sum, and where gradients are
/// recorded. add must not run a backward pass: a lock on the leaf is held.
///
///   if (autograd::add_to_gradient(0, [&](Tensor& sum) { slice(sum, 0, begin, end).add_(dy); }))
///     return Tensor();
bool add_to_gradient(size_t input, const std::function<void(Tensor& sum)>& add);

}  // namespace bb::autograd
