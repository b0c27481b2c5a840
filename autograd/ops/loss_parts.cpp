#include "bb/autograd/ops/loss_parts.h"

#include "bb/autograd/ops/check_indices.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"

namespace bb::detail {

void check_reduction(const char* op, Reduction reduction) {
  if (reduction == Reduction::kBatchMean)
    throw ValueError(fmt::format("{}: Reduction::kBatchMean is for kl_div alone", op));
}

Tensor reduced(const Tensor& losses, Reduction reduction) {
  switch (reduction) {
    case Reduction::kMean:
      return mean(losses);
    case Reduction::kSum:
      return sum(losses);
    default:
      return losses;
  }
}

void check_same_shape(const char* op, const Tensor& x, const char* x_role, const Tensor& target,
                      const char* target_role) {
  check_defined(op, {{x_role, x}, {target_role, target}});
  if (x.dtype() == kBool || target.dtype() == kBool)
    throw DTypeError(
        fmt::format("{}: bool is not supported\n  {}\n  hint: convert with to(kFloat32)", op,
                    text_of({{x_role, x}, {target_role, target}})));
  if (x.shape() == target.shape()) return;
  throw ShapeError(
      fmt::format("{0}: {1} and {2} differ in shape\n  {1} {3}   {2} {4}\n"
                  "  hint: reshape or expand the {2}",
                  op, x_role, target_role, x.shape(), target.shape()));
}

Tensor checked_class_weight(const char* op, const Tensor& weight, int64_t classes,
                            const Tensor& x) {
  if (!weight.defined()) return weight;
  if (weight.shape() != Shape{classes})
    throw ShapeError(fmt::format("{}: weight must be [{}], one for each class\n  weight {}   x {}",
                                 op, classes, weight.shape(), x.shape()));
  if (weight.dtype() != x.dtype())
    throw DTypeError(fmt::format("{}: weight must have x's dtype\n  weight {}   x {}", op,
                                 describe(weight), describe(x)));
  return weight.detach();
}

Tensor checked_labels(const char* op, const Tensor& target, const Tensor& x) {
  if (is_floating_point(target.dtype()) || target.dtype() == kBool)
    throw DTypeError(fmt::format("{}: labels must be integers\n  {}", op,
                                 text_of({{"x", x}, {"target", target}})));
  return target.to(kInt64).contiguous();
}

bool check_label_range(const char* op, const Tensor& labels, int64_t classes, const Tensor& x,
                       std::optional<int64_t> ignore_index) {
  const int64_t* label = labels.data<int64_t>();
  bool ignored = false;
  for (int64_t i = 0; i < labels.numel(); ++i) {
    if (label[i] == ignore_index)
      ignored = true;
    else if (label[i] < 0 || label[i] >= classes)
      throw_label_range(op, labels, i, classes, x, "");
  }
  return ignored;
}

void throw_label_range(const char* op, const Tensor& labels, int64_t flat, int64_t classes,
                       const Tensor& x, const char* exception) {
  throw IndexError(fmt::format("{}: label {}{} is out of range for {} classes (0 to {}{})\n  {}",
                               op, labels.data<int64_t>()[flat],
                               position_text(labels.shape(), flat), classes, classes - 1, exception,
                               shapes_of({{"x", x}, {"target", labels}})));
}

}  // namespace bb::detail
