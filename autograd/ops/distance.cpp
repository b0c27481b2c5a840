#include "bb/autograd/ops/distance.h"

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/clamp.h"
#include "bb/autograd/ops/norm.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/error.h"

namespace bb {
namespace {

void check(const char* op, const Tensor& x, const char* role) {
  if (!is_floating_point(x.dtype()))
    throw DTypeError(
        fmt::format("{}: needs floating point\n  {} {}\n"
                    "  hint: convert with to(kFloat32)",
                    op, role, describe(x)));
}

}  // namespace

Tensor normalize(const Tensor& x, const NormalizeOptions& options) {
  check("normalize", x, "x");
  const int64_t d = normalize_dim("normalize", options.dim, x.dim());
  if (x.dim() == 0) return squeeze(normalize(unsqueeze(x, 0), {options.p, 0, options.eps}), 0);
  return x / clamp(norm(x, options.p, {d}, true), options.eps);
}

Tensor cosine_similarity(const Tensor& x1, const Tensor& x2, int64_t dim, double eps) {
  check("cosine_similarity", x1, "x1");
  check("cosine_similarity", x2, "x2");
  const Shape shape = broadcast_shapes("cosine_similarity", x1.shape(), x2.shape());
  const int64_t d = normalize_dim("cosine_similarity", dim, shape.rank());
  if (shape.empty()) throw ShapeError("cosine_similarity: numbers have no angle\n  x1 []   x2 []");
  const Tensor a = expand(x1, shape), b = expand(x2, shape);
  return sum((a / clamp(norm(a, 2, {d}, true), eps)) * (b / clamp(norm(b, 2, {d}, true), eps)),
             {d});
}

Tensor pairwise_distance(const Tensor& x1, const Tensor& x2,
                         const PairwiseDistanceOptions& options) {
  check("pairwise_distance", x1, "x1");
  check("pairwise_distance", x2, "x2");
  const Shape shape = broadcast_shapes("pairwise_distance", x1.shape(), x2.shape());
  if (shape.empty())
    throw ShapeError(
        "pairwise_distance: needs vectors\n  x1 []   x2 []\n"
        "  hint: use abs(x1 - x2) for numbers");
  return norm(x1 - x2 + options.eps, options.p, {-1}, options.keepdim);
}

}  // namespace bb
