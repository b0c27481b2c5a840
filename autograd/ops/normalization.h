#pragma once

#include <optional>

#include "bb/core/activation.h"
#include "bb/core/tensor.h"

/// Normalisation of activations: z = (x - mean) / sqrt(variance + eps), y = z * weight + bias, with
/// mean and variance (of the population) over parts of x that differ from op to op. They are exact
/// however far the mean lies from 0. All operands have one floating-point dtype (DTypeError);
/// weight and bias may be undefined. Differentiable (twice) in x, weight and bias. Throw ShapeError
/// where shapes do not fit.
namespace bb {

struct BatchNormOptions {
  bool training = false;  ///< statistics of the batch; else running_mean and running_var
  double momentum = 0.1;  ///< running = (1 - momentum) * running + momentum * the batch's
  double eps = 1e-5;
  Tensor residual = {};  ///< of x's shape: added to the result, before the activation; backward may
                         ///< read it, as it does x
  Activation activation = Activation::kNone;
};

/// By channel, over the batch and all spatial dims, as torch.nn.functional.batch_norm.
/// x [N,C,...] or [N,C]; all else [C]. In training, running_mean and running_var (of the unbiased
/// variance) are updated in place, where defined. Differentiable in the residual too; residual and
/// activation cost no pass over memory of their own:
///   y = activation(z * weight + bias + residual). Throws ValueError for training on one value a
/// channel, and for running statistics that are needed and undefined.
/// (Ioffe and Szegedy, Batch normalization, arXiv 1502.03167)
Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight = {}, const Tensor& bias = {},
                  const BatchNormOptions& options = {});

struct FoldBatchNormOptions {
  double eps = 1e-5;
  bool transposed = false;  ///< of a transposed convolution: weight [in, out/groups, ...]
  int64_t groups = 1;       ///< matter where it is transposed
};
struct FoldedBatchNorm {
  Tensor weight;
  Tensor bias;
};

/// A convolution and the evaluated batch norm behind it as one convolution, as
/// torch.nn.utils.fusion.fuse_conv_bn_weights: with s = norm_weight / sqrt(running_var + eps),
///   weight' = weight * s, by output channel;  bias' = (bias - running_mean) * s + norm_bias.
/// weight [out, in/groups, ...], or a linear layer's [out, in]; all else [out]; bias, norm_weight
/// and norm_bias may be undefined. Differentiable (twice) in all. Throws ShapeError, DTypeError.
FoldedBatchNorm fold_batch_norm(const Tensor& weight, const Tensor& bias,
                                const Tensor& running_mean, const Tensor& running_var,
                                const Tensor& norm_weight = {}, const Tensor& norm_bias = {},
                                const FoldBatchNormOptions& options = {});

/// Over the last dims of x, whose sizes are normalized_shape, that of weight and bias too.
/// (Ba, Kiros and Hinton, Layer normalization, arXiv 1607.06450)
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);

/// The same without mean: x / sqrt(mean square + eps) * weight. eps: the dtype's epsilon unless
/// given. (Zhang and Sennrich, Root mean square layer normalization, arXiv 1910.07467)
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                std::optional<double> eps = {});

/// By sample and group of channels, over the group and all spatial dims. x [N,C,...]; weight and
/// bias [C]. Throws ShapeError unless num_groups divides C.
/// (Wu and He, Group normalization, arXiv 1803.08494)
Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);

struct InstanceNormOptions {
  bool use_input_stats = true;  ///< else running_mean and running_var
  double momentum = 0.1;
  double eps = 1e-5;
};

/// By sample and channel, over all spatial dims. x [N,C,...] with at least one of them; all else
/// [C]. Running statistics, where defined, are updated in place, with the mean over samples. Throws
/// ValueError for one value a channel. (Ulyanov et al., Instance normalization, arXiv 1607.08022)
Tensor instance_norm(const Tensor& x, const Tensor& running_mean = {},
                     const Tensor& running_var = {}, const Tensor& weight = {},
                     const Tensor& bias = {}, const InstanceNormOptions& options = {});

}  // namespace bb
