#include "bb/nn/train/metrics.h"

#include <limits>

#include "bb/core/error.h"

namespace bb::nn {

void Accuracy::update(const Tensor& output, const Tensor& target) {
  const bool classes = target.defined() && target.dim() == 1 && !is_floating_point(target.dtype());
  const bool scores = target.defined() && target.shape() == output.shape();
  if (output.dim() != 2 || !(classes || scores) || output.size(0) != target.size(0))
    throw ShapeError(
        fmt::format("Accuracy: the target does not fit the output\n"
                    "  output {} (N,C)   target {} (integer (N), or scores (N,C))",
                    bb::describe(output), bb::describe(target)));
  const Tensor answers = output.detach().argmax(1);
  const Tensor truth = classes ? target.to(kInt64).contiguous() : target.detach().argmax(1);
  const int64_t n = output.size(0);
  const int64_t *a = answers.data<int64_t>(), *b = truth.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) right_ += a[i] == b[i];
  total_ += n;
}

double Accuracy::value() const {
  return total_ == 0 ? std::numeric_limits<double>::quiet_NaN()
                     : static_cast<double>(right_) / static_cast<double>(total_);
}

}  // namespace bb::nn
