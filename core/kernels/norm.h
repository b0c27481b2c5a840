#pragma once

#include <cstdint>

/// Normalisation: (x - mean) / sqrt(variance + eps) over parts of a tensor, times a weight, plus a
/// bias.
namespace bb::kernels {

/// Elements [outer, rows, groups, channels, inner] without gaps. What is normalised together, a
/// part, has one (row, group): its elements go over outer, channels and inner. Weight and bias are
/// by (group, channel). So batch norm is [N, 1, C, 1, HW], layer norm [1, N, 1, D, 1], group norm
/// [1, N, G, C/G, HW].
struct NormShape {
  int64_t outer, rows, groups, channels, inner;

  int64_t parts() const { return rows * groups; }
  int64_t line() const { return channels * inner; }  // of a part, side by side
  int64_t part_size() const { return outer * line(); }
};

/// Mean and variance (of the population) of each part, by two passes: exact however far the mean is
/// from 0. means [parts, 2]: the mean rounded to T, and what is left of it, as a mean of 10^4
/// rounded to float would move all of x - mean by 5e-4. Without `centered`, the mean is 0 and the
/// variance the mean square.
template <class T>
void norm_statistics(const NormShape& shape, const T* x, bool centered, T* means, T* variance);

/// y = (x - mean) * rstd * weight + bias; weight and bias may be null.
template <class T>
void norm_apply(const NormShape& shape, const T* x, const T* means, const T* rstd, const T* weight,
                const T* bias, T* y);

/// The gradient of the two together in x, where mean and rstd = 1 / sqrt(variance + eps) are
/// functions of x: with z = (x - mean) * rstd and g = dy * weight,
///   dx = rstd * (g - mean of g over the part [if centered] - z * mean of g z over the part).
/// sums [rows, groups, channels, 2], null for none, takes the sums of dy and of dy z by channel.
template <class T>
void norm_grad(const NormShape& shape, const T* x, const T* dy, bool centered, const T* means,
               const T* rstd, const T* weight, T* dx, T* sums);

/// What these do with runs of elements side by side, in one instruction set. z = (x - mean) *
/// rstd; mean points at both parts of it.
template <class T>
struct NormRuns {
  T (*sum)(int64_t n, const T* x);
  /// sums[0] = sum of x - mean, sums[1] of its square.
  void (*centered_sums)(int64_t n, const T* x, const T* mean, T* sums);
  /// y = (x - mean) * scale + shift, with one scale and shift, or one for each element.
  void (*apply)(int64_t n, const T* x, const T* mean, T scale, T shift, T* y);
  void (*apply_each)(int64_t n, const T* x, const T* mean, T rstd, const T* weight, const T* bias,
                     T* y);
  /// sums[0] = sum of g, sums[1] of g z; g = dy * weight, or dy where weight is null.
  void (*grad_sums)(int64_t n, const T* x, const T* dy, const T* mean, T rstd, const T* weight,
                    T* sums);
  /// dx = g * scale - c0 - z * c1.
  void (*grad)(int64_t n, const T* x, const T* dy, const T* mean, T rstd, const T* weight, T scale,
               T c0, T c1, T* dx);
};

}  // namespace bb::kernels
