#include "bb/autograd/ops/distance.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/check_floating.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/norm.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/error.h"

namespace bb {

Tensor normalize(const Tensor& x, const NormalizeOptions& options) {
  detail::check_floating("normalize", x);
  const int64_t d = normalize_dim("normalize", options.dim, x);
  if (x.dim() == 0) return squeeze(normalize(unsqueeze(x, 0), {options.p, 0, options.eps}), 0);
  return x / clamp(detail::norm_for("normalize", x, options.p, {d}, true), options.eps);
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim, double eps) {
  const auto operands = {detail::Role{"x1", x1}, detail::Role{"x2", x2}};
  detail::check_defined("cosine_similarity", operands);
  detail::check_floating("cosine_similarity", x1, "x1");
  detail::check_floating("cosine_similarity", x2, "x2");
  const Shape shape = detail::broadcast("cosine_similarity", operands);
  const int64_t d = normalize_dim("cosine_similarity", dim, shape, "x1 and x2 together");
  if (shape.empty()) throw ShapeError("cosine_similarity: numbers have no angle\n  x1 []   x2 []");
  const Tensor a = expand(x1, shape), b = expand(x2, shape);
  return sum((a / clamp(norm(a, 2, {d}, true), eps)) * (b / clamp(norm(b, 2, {d}, true), eps)),
             {d});
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2,
                         const PairwiseDistanceOptions& options) {
  const auto operands = {detail::Role{"x1", x1}, detail::Role{"x2", x2}};
  detail::check_defined("pairwise_distance", operands);
  detail::check_floating("pairwise_distance", x1, "x1");
  detail::check_floating("pairwise_distance", x2, "x2");
  const Shape shape = detail::broadcast("pairwise_distance", operands);
  if (shape.empty())
    throw ShapeError(
        "pairwise_distance: needs vectors\n  x1 []   x2 []\n"
        "  hint: use abs(x1 - x2) for numbers");
  return detail::norm_for("pairwise_distance", x1 - x2 + options.eps, options.p, {-1},
                          options.keepdim);
}

}  // namespace bb
