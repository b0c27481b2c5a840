#pragma once

#include <cstdint>

namespace bb::kernels {

/// Rows of adjacent elements for each of a number of heads: row i of head h begins at data +
/// offsets[h] + i * row_stride. Rows that are written do not overlap.
template <class T>
struct HeadRows {
  T* data = nullptr;
  const int64_t* offsets = nullptr;
  int64_t row_stride = 0;

  T* row(int64_t head, int64_t i) const { return data + offsets[head] + i * row_stride; }
};

/// Which keys a query sees: all; those up to its own number; those that a mask says; or all, with
/// numbers added to the scores.
enum class Sight : uint8_t { kAll, kCausal, kMask, kAdded };

/// For each of `heads` heads: queries q [L, E], keys k [S, E] and values v [S, EV].
template <class T>
struct Attention {
  int64_t heads = 0;
  int64_t queries = 0, keys = 0;       // L, S
  int64_t width = 0, value_width = 0;  // E, EV
  T scale = 1;
  HeadRows<const T> q, k, v;
  Sight sight = Sight::kAll;
  // The mask of kMask (bool) or kAdded (T): element (i, j) of head h lies at mask_offsets[h] + i *
  // mask_row + j * mask_col.
  const void* mask = nullptr;
  const int64_t* mask_offsets = nullptr;
  int64_t mask_row = 0, mask_col = 0;
};

/// What makes weights of scores, for the queries of all heads [heads, L]: w = exp(score - most) *
/// inverse, most the greatest score, inverse 1 over the sum of these exp; both 0 for a query that
/// sees no key. As one number, the logarithm of the sum, it would be rounded to the digits of the
/// scores.
template <class T>
struct Softmax {
  T *most, *inverse;
};

/// y = softmax(scale q k^T, what is not seen left out) v for each head, y [L, EV]; 0 for a query
/// that sees no key. Scores are formed in tiles that stay in the caches, and only what `softmax`
/// gets is kept (Dao, FlashAttention-2, arXiv 2307.08691).
template <class T>
void attention(const Attention<T>& a, HeadRows<T> y, Softmax<T> softmax);

/// The gradients of q, k and v from dy, that of y; those with null data are left out. Scores are
/// formed again, by tiles.
template <class T>
void attention_grad(const Attention<T>& a, HeadRows<const T> y, Softmax<const T> softmax,
                    HeadRows<const T> dy, HeadRows<T> dq, HeadRows<T> dk, HeadRows<T> dv);

}  // namespace bb::kernels
