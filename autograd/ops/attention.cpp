#include "bb/autograd/ops/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "bb/autograd/grad_mode.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/dropout.h"
#include "bb/autograd/ops/extremum.h"
#include "bb/autograd/ops/linalg.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/ops/softmax.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/attention.h"
#include "bb/core/matrix.h"
#include "bb/core/strided.h"

namespace bb {

using autograd::Needs;
using autograd::Saved;

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

// How many heads of q (dim -3) each head of x serves.
int64_t heads_for(const Tensor& q, const Tensor& x, const AttentionOptions& options) {
  return options.enable_gqa && x.size(-3) > 0 ? q.size(-3) / x.size(-3) : 1;
}

void check_heads(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  const auto fail = [&](const char* rule) {
    throw ShapeError(fmt::format("{}: {}\n{}", kName, rule, text_of(q, k, v, mask)));
  };
  if (q.dim() < 3 || k.dim() < 3 || v.dim() < 3)
    fail("grouped heads need at least three dimensions (..., heads, L or S, E)");
  for (const int64_t heads : {k.size(-3), v.size(-3)}) {
    if (heads == 0 && q.size(-3) > 0) fail("there are heads of q, but none of k or v (dim -3)");
    if (heads > 0 && q.size(-3) % heads != 0)
      fail("the heads of k and v (dim -3) must divide those of q");
  }
}

// x's shape without its last two dims, each head counted as often as it serves.
Shape batch_of(const Tensor& x, int64_t times) {
  Shape batch = detail::batch_shape(x);
  if (times != 1) batch[batch.rank() - 1] *= times;
  return batch;
}

// Throws where the operands do not fit; else the leading dims of the result.
Shape check(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
            const AttentionOptions& options) {
  const auto text = [&] { return text_of(q, k, v, mask); };
  if (q.dim() < 2 || k.dim() < 2 || v.dim() < 2)
    throw ShapeError(fmt::format("{}: q, k and v need at least two dimensions (..., L or S, E)\n{}",
                                 kName, text()));
  if (q.size(-1) != k.size(-1) || k.size(-2) != v.size(-2))
    throw ShapeError(fmt::format(
        "{}: q [..., L, E], k [..., S, E] and v [..., S, EV] do not fit\n{}", kName, text()));
  if (options.enable_gqa) {
    check_heads(q, k, v, mask);
    // Where ops compose it, heads are repeated along a dim of their own.
    detail::check_rank(kName, std::max(k.dim(), v.dim()) + 1, {{"q", q}, {"k", k}, {"v", v}});
  }
  Shape batch = detail::batch_shape(q);
  for (const Tensor* x : {&k, &v}) {
    const Shape other = batch_of(*x, heads_for(q, *x, options));
    if (const int64_t dim = detail::broadcast_into(batch, other); dim > 0)
      detail::throw_no_broadcast(kName, dim + 2, batch[batch.rank() - dim],
                                 other[other.rank() - dim],
                                 detail::shapes_of({{"q", q}, {"k", k}, {"v", v}}));
  }
  detail::check_result(kName, detail::with_matrix(batch, q.size(-2), v.size(-1)), q.dtype(),
                       {{"q", q}, {"k", k}, {"v", v}});
  if (!(options.dropout_p >= 0 && options.dropout_p <= 1))
    throw ValueError(fmt::format("{}: dropout_p must lie in [0, 1], got {}\n{}", kName,
                                 options.dropout_p, text()));
  if (!mask.defined()) return batch;
  if (options.is_causal)
    throw ValueError(fmt::format(
        "{}: is_causal is a mask of its own\n{}\n  hint: put it into the mask", kName, text()));
  const Shape scores = detail::with_matrix(batch, q.size(-2), k.size(-2));
  Shape common = scores;
  if (detail::broadcast_into(common, mask.shape()) > 0 || common != scores)
    throw ShapeError(fmt::format("{}: the mask does not broadcast with the scores {}\n{}", kName,
                                 scores, text()));
  return batch;
}

// ---- Composed of ops, for gradients that are differentiated again, of a mask, or with dropout

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

// The weights, before dropout: q and k with one head each for the other's.
Tensor attention_weights(const Tensor& q, const Tensor& k, const Tensor& mask,
                         const AttentionOptions& options, double scale) {
  const Tensor scores = matmul(q * scale, transpose(k, -1, -2));
  const Tensor unseen = full({}, -kInfinity, q.dtype());
  if (options.is_causal) {
    const Tensor seen = le(arange(k.size(-2)), unsqueeze(arange(q.size(-2)), 1));
    return softmax(where(seen, scores, unseen), -1);
  }
  if (!mask.defined()) return softmax(scores, -1);
  return softmax_or_zero(mask.dtype() == kBool ? where(mask, scores, unseen) : scores + mask);
}

Tensor repeated_for(const Tensor& q, const Tensor& x, const AttentionOptions& options) {
  const int64_t times = heads_for(q, x, options);
  return times == 1 ? x : repeat_heads(x, times);
}
// The sum over the heads of q that each head of x serves.
Tensor summed_for(const Tensor& q, const Tensor& x, const AttentionOptions& options, Tensor dx) {
  const int64_t times = heads_for(q, x, options);
  if (times == 1) return dx;
  return sum(unflatten(dx, -3, {x.size(-3), times}), {-3});
}

using Gradients = std::array<Tensor, 3>;  // of q, k and v

Gradients composed_gradients(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                             const AttentionOptions& options, double scale, const Tensor& dy,
                             Needs needs) {
  const Tensor keys = repeated_for(q, k, options), values = repeated_for(q, v, options);
  const Tensor weights = attention_weights(q, keys, mask, options, scale);
  const Tensor dw = matmul(dy, transpose(values, -1, -2));
  const Tensor dscores = weights * (dw - sum(dw * weights, {-1}, true)) * scale;
  Gradients grads;
  if (needs[0]) grads[0] = matmul(dscores, keys);
  if (needs[1]) grads[1] = summed_for(q, k, options, matmul(transpose(dscores, -1, -2), q));
  if (needs[2]) grads[2] = summed_for(q, v, options, matmul(transpose(weights, -1, -2), dy));
  return grads;
}

// ---- By tiles, off the tape

// x with adjacent elements in each row, and leading dims `batch` (the last one of x's own heads).
Tensor rows_of(const Tensor& x, Shape batch, int64_t heads_each) {
  if (heads_each > 1) batch[batch.rank() - 1] /= heads_each;
  Tensor rows = x.detach();
  if (x.size(-1) > 1 && x.strides()[x.dim() - 1] != 1) rows = rows.contiguous();
  return expand(rows, detail::with_matrix(batch, x.size(-2), x.size(-1)));
}

// Where the matrices of x lie, one for each of `batch`.
std::vector<int64_t> offsets_of(const Tensor& x, const Shape& batch, int64_t heads_each = 1) {
  std::vector<int64_t> offsets{0};
  for (int64_t d = 0; d < batch.rank(); ++d) {
    const int64_t each = d + 1 == batch.rank() ? heads_each : 1;
    std::vector<int64_t> longer;
    for (const int64_t offset : offsets)
      for (int64_t i = 0; i < batch[d]; ++i) longer.push_back(offset + i / each * x.strides()[d]);
    offsets = std::move(longer);
  }
  return offsets;
}

// Uninitialised, its rows in memory in the order of x's where x has as many dims: what is then
// transposed back, as x was, lies without gaps.
Tensor empty_in_order_of(const Tensor& x, const Shape& shape) {
  Tensor result = Tensor::empty(shape, x.dtype());
  if (x.dim() != shape.rank()) return result;
  const int64_t last = shape.rank() - 1;  // remains the last
  Shape sizes, numbers, strides = shape;
  for (int64_t d = 0; d < last; ++d) {
    sizes.push_back(shape[d]);
    numbers.push_back(last - d);
  }
  std::array<detail::Operand, 2> order{detail::Operand{nullptr, sizes}, {nullptr, numbers}};
  for (int64_t d = 0; d < last; ++d) order[0].strides[d] = x.strides()[d];
  detail::order_dims(sizes, order);
  int64_t step = shape[last];
  strides[last] = 1;
  for (int64_t i = last - 1; i >= 0; --i) {
    strides[last - order[1].strides[i]] = step;
    step *= sizes[i];
  }
  return result.alias(shape, strides, 0);
}

// What the kernels see of q, k, v and mask.
class Tiles {
 public:
  Tiles(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, const Shape& batch,
        const AttentionOptions& options, double scale)
      : scale_(scale), causal_(options.is_causal), batch_(batch) {
    const int64_t for_k = heads_for(q, k, options), for_v = heads_for(q, v, options);
    q_ = rows_of(q, batch_, 1);
    k_ = rows_of(k, batch_, for_k);
    v_ = rows_of(v, batch_, for_v);
    q_offsets_ = offsets_of(q_, batch_);
    k_offsets_ = offsets_of(k_, batch_, for_k);
    v_offsets_ = offsets_of(v_, batch_, for_v);
    if (!mask.defined()) return;
    mask_ = expand(mask.detach(), shape(q.size(-2), k.size(-2)));
    mask_offsets_ = offsets_of(mask_, batch_);
  }

  Shape shape(int64_t rows, int64_t columns) const {
    return detail::with_matrix(batch_, rows, columns);
  }

  // y and, for the backward pass, what the kernel's Softmax gets, [2, heads, L].
  std::pair<Tensor, Tensor> run() const {
    Tensor y = empty_in_order_of(q_, shape(q_.size(-2), v_.size(-1)));
    Tensor row_scales = Tensor::empty({2, batch_.numel(), q_.size(-2)}, y.dtype());
    const std::vector<int64_t> offsets = offsets_of(y, batch_);
    visit_floating(y.dtype(), [&]<class T>() {
      T* const most = row_scales.data<T>();
      kernels::attention<T>(kernel_view<T>(), written<T>(y, offsets),
                            {most, most + row_scales.numel() / 2});
    });
    return {y, row_scales};
  }

  Gradients gradients(const Tensor& y, const Tensor& row_scales, const Tensor& dy,
                      Needs needs) const {
    const Tensor dy_rows = rows_of(dy, batch_, 1);
    const auto y_offsets = offsets_of(y, batch_), dy_offsets = offsets_of(dy_rows, batch_);
    Gradients grads;
    std::array<std::vector<int64_t>, 3> offsets;
    for (size_t i = 0; i < 3; ++i) {
      if (!needs[i]) continue;
      const Tensor& x = i == 0 ? q_ : i == 1 ? k_ : v_;
      grads[i] = empty_in_order_of(x, shape(x.size(-2), x.size(-1)));
      offsets[i] = offsets_of(grads[i], batch_);
    }
    visit_floating(y.dtype(), [&]<class T>() {
      const auto target = [&](size_t i) {
        return grads[i].defined() ? written<T>(grads[i], offsets[i]) : kernels::HeadRows<T>();
      };
      const T* const most = row_scales.data<T>();
      kernels::attention_grad<T>(kernel_view<T>(), read<T>(y, y_offsets),
                                 {most, most + row_scales.numel() / 2},
                                 read<T>(dy_rows, dy_offsets), target(0), target(1), target(2));
    });
    return grads;
  }

 private:
  template <class T>
  static kernels::HeadRows<const T> read(const Tensor& x, const std::vector<int64_t>& offsets) {
    return {x.data<T>(), offsets.data(), x.strides()[x.dim() - 2]};
  }
  template <class T>
  static kernels::HeadRows<T> written(Tensor& x, const std::vector<int64_t>& offsets) {
    return {x.data<T>(), offsets.data(), x.strides()[x.dim() - 2]};
  }

  template <class T>
  kernels::Attention<T> kernel_view() const {
    kernels::Attention<T> a{.heads = batch_.numel(),
                            .queries = q_.size(-2),
                            .keys = k_.size(-2),
                            .width = q_.size(-1),
                            .value_width = v_.size(-1),
                            .scale = static_cast<T>(scale_),
                            .q = read<T>(q_, q_offsets_),
                            .k = read<T>(k_, k_offsets_),
                            .v = read<T>(v_, v_offsets_)};
    if (causal_) a.sight = kernels::Sight::kCausal;
    if (mask_.defined()) {
      const int64_t rows = mask_.dim() - 2;
      a.sight = mask_.dtype() == kBool ? kernels::Sight::kMask : kernels::Sight::kAdded;
      a.mask = mask_.raw_data();
      a.mask_offsets = mask_offsets_.data();
      a.mask_row = mask_.strides()[rows];
      a.mask_col = mask_.strides()[rows + 1];
    }
    return a;
  }

  double scale_;
  bool causal_;
  Shape batch_;
  Tensor q_, k_, v_, mask_;
  std::vector<int64_t> q_offsets_, k_offsets_, v_offsets_, mask_offsets_;
};

// Whether tiles pay. They are filled along the queries, and the backward pass forms their scores
// again, a fifth of its work: with few queries, to keep the scores is faster, and memory linear in
// S all the same.
bool suits_tiles(int64_t queries, int64_t keys, bool differentiated) {
  return queries >= (differentiated ? 64 : 16) || (queries >= 8 && keys <= 16);
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const Tensor& mask, const AttentionOptions& options) {
  check_dtypes(q, k, v, mask);
  const Shape batch = check(q, k, v, mask, options);
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
  using autograd::wants_grad;
  const bool differentiated = wants_grad(q) || wants_grad(k) || wants_grad(v);
  if (batch.numel() == 0 || options.dropout_p > 0 || (mask.defined() && wants_grad(mask)) ||
      !suits_tiles(q.size(-2), k.size(-2), differentiated)) {
    const Tensor weights = attention_weights(q, repeated_for(q, k, options), mask, options, scale);
    return matmul(dropout(weights, options.dropout_p), repeated_for(q, v, options));
  }
  auto [y, row_scales] = no_grad([&] { return Tiles(q, k, v, mask, batch, options, scale).run(); });
  const Saved saved = Saved::output(y);
  return autograd::record(
      kName, {q, k, v}, std::move(y),
      [q = Saved(q), k = Saved(k), v = Saved(v), mask = Saved(mask), y = saved,
       row_scales = row_scales, batch, options, scale](const Tensor& dy, Needs needs) {
        const Tensor m = mask.defined() ? *mask : Tensor();
        if (is_grad_enabled()) return composed_gradients(*q, *k, *v, m, options, scale, dy, needs);
        const Tensor queries = *q, keys = *k, values = *v;
        Gradients grads = Tiles(queries, keys, values, m, batch, options, scale)
                              .gradients(*y, row_scales, dy, needs);
        if (needs[1]) grads[1] = summed_for(queries, keys, options, grads[1]);
        if (needs[2]) grads[2] = summed_for(queries, values, options, grads[2]);
        return grads;
      });
}

}  // namespace bb
