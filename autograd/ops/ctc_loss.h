#pragma once

#include "bb/autograd/ops/loss.h"

namespace bb {

struct CtcOptions {
  int64_t blank = 0;
  Reduction reduction =
      Reduction::kMean;        ///< kMean: each loss / its target's length, then the mean
  bool zero_infinity = false;  ///< 0, with gradient 0, where no alignment exists (infinite else)
};

/// Connectionist temporal classification, as torch.nn.functional.ctc_loss: the negative logarithm
/// of the probability of all alignments of log_probs with the target, in which blanks may stand
/// anywhere, and must between equal labels.
/// log_probs [T,N,C] (log_softmax() over C), or [T,C]; targets integer [N,S], or all of them one
/// after the other [sum of target_lengths]; input_lengths and target_lengths integer [N] (or []).
/// Returns 0-d, or [N] ([]) for kNone. Differentiable (twice) in log_probs; the gradient is that of
/// log_probs themselves (PyTorch's is right only behind a log_softmax(), and then equal).
/// Throws ShapeError, DTypeError; IndexError for labels and blank outside [0, C), ValueError for
/// labels that are blank and for lengths out of range.
/// (Graves et al., Connectionist temporal classification, ICML 2006)
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, const CtcOptions& options = {});

}  // namespace bb
