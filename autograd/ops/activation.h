#pragma once

#include "bb/core/tensor.h"

/// Activations, as in torch.nn.functional: functions of one tensor, element by element, of x's
/// shape. Floating point only (DTypeError), but for relu, relu6 and hardtanh, which keep integers.
/// All are differentiable (twice).
namespace bb {

/// max(x, 0); NaN stays NaN; the gradient at 0 is 0.
Tensor relu(const Tensor& x);
/// min(max(x, 0), 6); the gradient at 0 and 6 is 0.
Tensor relu6(const Tensor& x);
/// x where x > 0, else negative_slope x. The gradient at 0 is negative_slope.
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// x where x > 0, else weight x: leaky_relu with a learned slope. weight: one element, or [C] for x
/// [N,C,...] ([C] of a 1-d x is its one channel's). Differentiable (twice) in both.
/// Throws ShapeError for another weight, DTypeError unless both have one dtype.
/// (He et al., Delving deep into rectifiers, ICCV 2015)
Tensor prelu(const Tensor& x, const Tensor& weight);
/// x where x > 0, else alpha (e^x - 1).
/// (Clevert et al., Fast and accurate deep network learning by exponential linear units, ICLR 2016)
Tensor elu(const Tensor& x, double alpha = 1);
/// 1.0507 elu(x, 1.6733), of the constants that keep means 0 and variances 1.
/// (Klambauer et al., Self-normalizing neural networks, NeurIPS 2017)
Tensor selu(const Tensor& x);

/// min(max(x, min_val), max_val); the gradient at the bounds is 0. Throws ValueError unless
/// min_val <= max_val.
Tensor hardtanh(const Tensor& x, double min_val = -1, double max_val = 1);
/// min(max(x + 3, 0), 6) / 6.
Tensor hardsigmoid(const Tensor& x);
/// x min(max(x + 3, 0), 6) / 6. (Howard et al., Searching for MobileNetV3, ICCV 2019)
Tensor hardswish(const Tensor& x);

enum class GeluApproximate { kNone, kTanh };

struct GeluOptions {
  GeluApproximate approximate = GeluApproximate::kNone;
};

/// Gaussian error linear unit.
///   kNone: x (1 + erf(x / sqrt(2))) / 2
///   kTanh: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
/// Where these cancel, far below 0, the small result is right all the same; -0 for -inf.
/// (Hendrycks and Gimpel, Gaussian error linear units, arXiv 1606.08415)
///   Tensor y = gelu(x, {.approximate = GeluApproximate::kTanh});
Tensor gelu(const Tensor& x, const GeluOptions& options = {});

/// x sigmoid(x), also known as swish. At infinities, value and slope are their limits, where
/// PyTorch has NaN; so are those of mish and gelu.
Tensor silu(const Tensor& x);
/// x tanh(softplus(x)). (Misra, Mish: a self regularized activation function, BMVC 2020)
Tensor mish(const Tensor& x);

struct SoftplusOptions {
  double beta = 1;
  double threshold = 20;
};

/// log(1 + e^(beta x)) / beta; x itself where beta x > threshold. No part of it overflows.
///   Tensor y = softplus(x, {.beta = 2});
Tensor softplus(const Tensor& x, const SoftplusOptions& options = {});
/// log(sigmoid(x)) = -softplus(-x).
Tensor logsigmoid(const Tensor& x);

/// For ops that end in a relu: dy where not s <= 0, else 0; s is relu's input or result. Linear in
/// dy, and flat in s.
Tensor relu_grad(const Tensor& dy, const Tensor& s);

namespace detail {

/// The same for a pullback that reads dy no more: off the tape it may be written over.
Tensor pull_relu(const Tensor& dy, const Tensor& s);

}  // namespace detail

}  // namespace bb
