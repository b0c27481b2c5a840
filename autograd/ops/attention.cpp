#include "bb/autograd/ops/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bb/autograd/grad_mode.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/dropout.h"
#include "bb/autograd/ops/extremum.h"
#include "bb/autograd/ops/linalg.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/softmax.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/matrix.h"

namespace bb {
namespace {

constexpr const char* kName = "scaled_dot_product_attention";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string text_of(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  std::string text = fmt::format("  q {}   k {}   v {}", describe(q), describe(k), describe(v));
  return mask.defined() ? text + fmt::format("   mask {}", describe(mask)) : text;
}

void check_dtypes(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  detail::check_defined(kName, {{"q", q}, {"k", k}, {"v", v}});
  const bool mask_fits = !mask.defined() || mask.dtype() == kBool || mask.dtype() == q.dtype();
  if (!is_floating_point(q.dtype()) || k.dtype() != q.dtype() || v.dtype() != q.dtype() ||
      !mask_fits)
    throw DTypeError(
        fmt::format("{}: q, k and v must have one floating-point dtype, a mask that or bool\n{}",
                    kName, text_of(q, k, v, mask)));
}

void check(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
           const AttentionOptions& options) {
  const auto text = [&] { return text_of(q, k, v, mask); };
  if (q.dim() < 2 || k.dim() < 2 || v.dim() < 2)
    throw ShapeError(fmt::format("{}: q, k and v need at least two dimensions (..., L or S, E)\n{}",
                                 kName, text()));
  if (q.size(-1) != k.size(-1) || k.size(-2) != v.size(-2))
    throw ShapeError(fmt::format(
        "{}: q [..., L, E], k [..., S, E] and v [..., S, EV] do not fit\n{}", kName, text()));
  detail::broadcast(kName, {{"q", q}, {"k", k}, {"v", v}}, 2);
  if (!(options.dropout_p >= 0 && options.dropout_p <= 1))
    throw ValueError(fmt::format("{}: dropout_p must lie in [0, 1], got {}\n{}", kName,
                                 options.dropout_p, text()));
  if (!mask.defined()) return;
  if (options.is_causal)
    throw ValueError(fmt::format(
        "{}: is_causal is a mask of its own\n{}\n  hint: put it into the mask", kName, text()));
  Shape scores = detail::broadcast(kName, {{"q", q}, {"k", k}}, 2);
  scores = detail::with_matrix(scores, q.size(-2), k.size(-2));
  Shape common = scores;
  if (detail::broadcast_into(common, mask.shape()) > 0 || common.rank() > scores.rank())
    throw ShapeError(fmt::format("{}: the mask does not broadcast with the scores {}\n{}", kName,
                                 scores, text()));
}

// Each head (dim -3) as often as q has heads for it, one after the other.
Tensor repeat_heads(const Tensor& x, int64_t times) {
  Shape repeated = x.shape(), merged = x.shape();
  repeated.insert(x.dim() - 2, times);
  merged[x.dim() - 3] *= times;
  return reshape(expand(unsqueeze(x, -3), repeated), merged);
}

// softmax over the last dim, but 0 throughout where every score is -inf.
Tensor softmax_or_zero(const Tensor& scores) {
  if (scores.numel() == 0) return softmax(scores, -1);
  const Tensor unseen =
      no_grad([&] { return eq(max(scores.detach(), -1, true).values, -kInfinity); });
  if (!unseen.to(kInt64).max().item<bool>()) return softmax(scores, -1);
  // Scores of such rows are put aside on the way in, so that no NaN comes back from them.
  const Tensor weights = softmax(where(unseen, 0.0, scores), -1);
  return where(unseen, 0.0, weights);
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const Tensor& mask, const AttentionOptions& options) {
  check_dtypes(q, k, v, mask);
  if (options.enable_gqa) {
    const bool ranked = q.dim() >= 3 && k.dim() >= 3 && v.dim() >= 3;
    const int64_t heads = ranked ? q.size(-3) : 0;
    if (!ranked || k.size(-3) < 1 || v.size(-3) < 1 || heads % k.size(-3) != 0 ||
        heads % v.size(-3) != 0)
      throw ShapeError(fmt::format("{}: the heads of k and v (dim -3) must divide those of q\n{}",
                                   kName, text_of(q, k, v, mask)));
    // Heads are repeated along a dim of their own.
    detail::check_rank(kName, std::max(k.dim(), v.dim()) + 1, {{"q", q}, {"k", k}, {"v", v}});
    AttentionOptions rest = options;
    rest.enable_gqa = false;
    return scaled_dot_product_attention(q, repeat_heads(k, heads / k.size(-3)),
                                        repeat_heads(v, heads / v.size(-3)), mask, rest);
  }
  check(q, k, v, mask, options);
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
  Tensor scores = matmul(q * scale, transpose(k, -1, -2));
  Tensor weights;
  if (options.is_causal) {
    const Tensor seen = le(arange(k.size(-2)), unsqueeze(arange(q.size(-2)), 1));
    weights = softmax(where(seen, scores, full({}, -kInfinity, q.dtype())), -1);
  } else if (mask.defined()) {
    weights =
        softmax_or_zero(mask.dtype() == kBool ? where(mask, scores, full({}, -kInfinity, q.dtype()))
                                              : scores + mask);
  } else {
    weights = softmax(scores, -1);
  }
  return matmul(dropout(weights, options.dropout_p), v);
}

}  // namespace bb
