#pragma once

#include <cstdint>

/// Normalisation: (x - mean) / sqrt(variance + eps) over parts of a tensor, times a weight, plus a
/// bias.
namespace bb::kernels {

inline constexpr int64_t kNormRows = 4;    // that share one pass over sums by channel
inline constexpr int64_t kNormBlock = 32;  // rows, one after the other on one thread

/// Elements [outer, rows, groups, channels, inner] without gaps. What is normalised together, a
/// part, has one (row, group): its elements go over outer, channels and inner. Weight and bias are
/// by (group, channel). So batch norm is [N, 1, C, 1, HW], layer norm [1, N, 1, D, 1], group norm
/// [1, N, G, C/G, HW].
struct NormShape {
  int64_t outer, rows, groups, channels, inner;

  int64_t parts() const { return rows * groups; }
  int64_t line() const { return channels * inner; }  // of a part, side by side
  int64_t part_size() const { return outer * line(); }
  /// Where a channel is one element of a part, sums by channel are made of many rows each.
  int64_t sum_blocks() const { return inner > 1 ? rows : (rows + kNormBlock - 1) / kNormBlock; }
};

/// Mean and variance (of the population) of each part, by two passes: exact however far the mean is
/// from 0; rstd = 1 / sqrt(variance + eps); and
///   y = (x - mean) * rstd * weight + bias,
/// part by part, while a part is in the cache. means [parts, 2]: the mean rounded to T, and what is
/// left of it, as a mean of 10^4 rounded to float would move all of x - mean by 5e-4. Without
/// `centered`, the mean is 0 and the variance the mean square. weight and bias may be null.
template <class T>
void normalize(const NormShape& shape, const T* x, bool centered, double eps, const T* weight,
               const T* bias, T* means, T* variance, T* rstd, T* y);

/// The gradient in x, where mean and rstd are functions of x: with z = (x - mean) * rstd and g = dy
/// * weight,
///   dx = rstd * (g - mean of g over the part [if centered] - z * mean of g z over the part).
/// sums [sum_blocks, 2, groups, channels], null for none, takes the sums of dy and of dy z by
/// channel, a block of rows each. Where inner is 1, outer must be.
template <class T>
void normalize_grad(const NormShape& shape, const T* x, const T* dy, bool centered, const T* means,
                    const T* rstd, const T* weight, T* dx, T* sums);

/// What the gradient of one part is made of: dx = g * rstd - c0 - (x - mean) * c1.
template <class T>
struct NormFactors {
  T mean[2], rstd, c0, c1;
};

/// What these do with runs of elements side by side, in one instruction set. z = (x - mean) *
/// rstd; mean points at both parts of it.
template <class T>
struct NormRuns {
  T (*sum)(int64_t n, const T* x);
  /// sums[0] = sum of x - mean, sums[1] of its square.
  void (*centered_sums)(int64_t n, const T* x, T mean, T* sums);
  /// y = (x - mean) * scale + shift, with one scale and shift, or one for each element.
  void (*apply)(int64_t n, const T* x, const T* mean, T scale, T shift, T* y);
  void (*apply_each)(int64_t n, const T* x, const T* mean, T rstd, const T* weight, const T* bias,
                     T* y);
  /// sums[0] = sum of g, sums[1] of g z; g = dy * weight, or dy where weight is null.
  void (*grad_sums)(int64_t n, const T* x, const T* dy, const T* mean, T rstd, const T* weight,
                    T* sums);
  /// dx with g = dy * weight.
  void (*grad)(int64_t n, const T* x, const T* dy, const NormFactors<T>& factors, T weight, T* dx);
  /// dx of up to kNormRows rows, `step` apart, each with its factors; weights by element or null.
  /// sums null, or sums[i] += the sum over the rows of dy, sums[sums_step + i] of dy z.
  void (*grad_rows)(int64_t rows, int64_t n, int64_t step, const T* x, const T* dy,
                    const NormFactors<T>* factors, const T* weight, T* dx, T* sums,
                    int64_t sums_step);
};

}  // namespace bb::kernels
