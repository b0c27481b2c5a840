#pragma once

#include <cstdint>

namespace bb::kernels {

/// A batch of sequences and of labels to align with them.
struct CtcBatch {
  int64_t time, batch, classes, blank;
  const int64_t* input_lengths;   // [batch], in [0, time]
  const int64_t* target_lengths;  // [batch]
  const int64_t* const* targets;  // [batch]: labels in [0, classes), none of them the blank
};

/// losses[n] = -log of the probability of all alignments of sample n with its labels, infinity
/// where there is none: the forward variables of Graves et al., ICML 2006, as logarithms in double.
/// log_probs [time, batch, classes] without gaps.
template <class T>
void ctc_losses(const CtcBatch& b, const T* log_probs, T* losses);

/// The gradient of log_probs for gradients dy [batch] of the losses: minus the posterior
/// probability of each class at each time, times dy; `infinite` where a loss is infinite, 0 beyond
/// a sample's length.
template <class T>
void ctc_grad(const CtcBatch& b, const T* log_probs, const T* dy, T infinite, T* grad);

}  // namespace bb::kernels
