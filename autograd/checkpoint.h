#pragma once

#include <utility>
#include <vector>

#include "bb/autograd/list_function.h"
#include "bb/core/error.h"

namespace bb {

namespace autograd {
std::vector<Tensor> checkpoint_list(const ListFunction& fn, const std::vector<Tensor>& inputs);
}

/// fn(inputs), recorded without the values that backward needs of it: when the first of them is
/// asked for, fn runs again on the same inputs, as far as the last of them, and gives them all
/// (Chen et al., "Training deep nets with sublinear memory cost", 2016). Memory for one more
/// forward pass, and gradients that are bitwise the same. From then on they are kept as without a
/// checkpoint: results that recompute() makes are not.
///   Tensor h = checkpoint([&](const Tensor& x) { return block(x); }, {x});
/// fn takes one to six tensors or a std::vector<Tensor>; it may read other tensors, such as
/// parameters, and must compute the same each time; the random numbers that it draws come again.
/// Checkpoints may lie within one another. Backward throws ValueError where fn saves fewer values
/// than before, or others by shape or dtype, or where a value that backward needs was changed in
/// place since. fn must let exceptions through that it does not know.
template <class F>
Tensor checkpoint(F fn, const std::vector<Tensor>& inputs) {
  auto outputs = autograd::checkpoint_list(autograd::as_list_function(std::move(fn)), inputs);
  if (outputs.size() != 1)
    throw ValueError(
        "checkpoint: the function must return one tensor\n"
        "  hint: checkpoint_all() takes several");
  return outputs[0];
}
/// The same for a function that returns a std::vector<Tensor>.
template <class F>
std::vector<Tensor> checkpoint_all(F fn, const std::vector<Tensor>& inputs) {
  return autograd::checkpoint_list(autograd::as_list_function(std::move(fn)), inputs);
}

}  // namespace bb
