#pragma once

#include <optional>

#include "bb/core/tensor.h"

namespace bb {

struct AttentionOptions {
  double dropout_p = 0;              ///< of the attention weights, applied whatever the mode
  bool is_causal = false;            ///< query i sees keys 0 to i alone; no mask besides
  std::optional<double> scale = {};  ///< of the products; 1 / sqrt(E) unless given
  bool enable_gqa =
      false;  ///< keys and values may have fewer heads (dim -3), each for several of q
};

/// Attention, as torch.nn.functional.scaled_dot_product_attention.
///   y = dropout(softmax(q k^T * scale + mask)) v
/// q [..., L, E], k [..., S, E], v [..., S, EV], leading dims (batch, heads) broadcast. mask
/// broadcasts to [..., L, S]: bool (true where a query sees a key), or floating point, added.
/// Returns [..., L, EV]. A query from which a mask hides all keys gets zeros. The scores [..., L,
/// S] are not held whole, unless dropout_p > 0, the mask wants a gradient, gradients are
/// differentiated again, or queries are few (below 64 with gradients, 16 without): then it takes
/// longer to form them again than to keep them. Differentiable (twice) in q, k, v and a
/// floating-point mask. Throws ShapeError, DTypeError, ValueError for a mask beside is_causal.
/// (Vaswani et al., Attention is all you need, arXiv 1706.03762; Dao, FlashAttention-2, arXiv
/// 2307.08691)
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const Tensor& mask = {}, const AttentionOptions& options = {});

}  // namespace bb
