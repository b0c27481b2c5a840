#pragma once

#include <cstdint>

#include "bb/core/kernels/lines.h"

namespace bb::kernels {

/// Softmax and its relations along lines of float or double, in the best instruction set of this
/// processor. Shifted by the line's largest element, so that exp never overflows; a line of -inf
/// alone, or with a NaN, gives NaN. What is below the smallest normal number becomes 0.
struct SoftmaxTable {
  LineOp softmax;           // y[i] = exp(x[i]) / sum over j of exp(x[j])
  LineOp log_softmax;       // y[i] = x[i] - log(sum over j of exp(x[j]))
  LineOp softmax_grad;      // of dy and y: y[i] (dy[i] - sum over j of dy[j] y[j])
  LineOp log_softmax_grad;  // of dy and y: dy[i] - exp(y[i]) sum over j of dy[j]
};
const SoftmaxTable& softmax();

/// losses[r] = log(sum over j of exp(x[r, j])) - x[r, labels[r]], x [rows, n] row-major. sums
/// [rows, 2] keeps each row's largest element m and the sum of exp(x[r, j] - m).
template <class T>
void cross_entropy_rows(const T* x, int64_t rows, int64_t n, const int64_t* labels, T* losses,
                        T* sums);

/// dx[r, i] = dy[r] (softmax(x[r])[i] - (1 if i == labels[r] else 0)), from the sums kept above.
template <class T>
void cross_entropy_grad_rows(const T* x, int64_t rows, int64_t n, const int64_t* labels,
                             const T* sums, const T* dy, T* dx);

}  // namespace bb::kernels
