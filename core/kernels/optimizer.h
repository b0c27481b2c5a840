#pragma once

#include <cstdint>

namespace bb::kernels {

/// One step of stochastic gradient descent over n elements, as torch.optim.SGD:
///   d = g + weight_decay p;  b = momentum b + (1 - dampening) d (b = d in the first step);
///   d = d + momentum b if nesterov, else b;  p = p - lr d.
/// Without momentum, b is null and d is used as it is.
struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, first;
};
template <class T>
void sgd_update(const SgdStep& step, int64_t n, const T* g, T* p, T* b);

/// One step of Adam (Kingma and Ba, arXiv 1412.6980) over n elements, as torch.optim.Adam:
///   g = g + weight_decay p;  m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
///   p = p - step_size m / (sqrt(v) * v_scale + epsilon)
/// with step_size = lr / (1 - beta1^t) and v_scale = 1 / sqrt(1 - beta2^t).
struct AdamStep {
  double step_size, v_scale, beta1, beta2, epsilon, weight_decay;
};
template <class T>
void adam_update(const AdamStep& step, int64_t n, const T* g, T* p, T* m, T* v);

}  // namespace bb::kernels
