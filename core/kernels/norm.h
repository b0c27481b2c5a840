#pragma once

#include <cstdint>

#include "bb/core/activation.h"

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

/// Where mean and rstd come from.
enum class NormStatistics : uint8_t {
  kOwn,      ///< x
  kOwnRoot,  ///< x; the mean is 0 and the variance the mean square
  kGiven,    ///< the caller: constants in gradients, which are for parts of one channel
};

/// What normalize() reads and writes; weight, bias and residual may be null.
template <class T>
struct NormPass {
  const T* x;
  const T* weight;
  const T* bias;
  const T* residual;
  Activation activation;
  T* means;  // [parts, 2]: the mean rounded to T, and what is left of it, as a mean of 10^4 rounded
             // to float would move all of x - mean by 5e-4
  T* variance;
  T* rstd;
  T* y;
};

/// Mean and variance (of the population) of each part, exact however far the mean is from 0;
/// rstd = 1 / sqrt(variance + eps); and
///   y = activation((x - mean) * rstd * weight + bias + residual),
/// part by part, while a part is in the cache. Residual and activation are for parts of one
/// channel.
template <class T>
void normalize(const NormShape& shape, NormStatistics statistics, double eps,
               const NormPass<T>& pass);

/// What normalize_grad() reads and writes; weight, bias, residual, dresidual and sums may be null.
template <class T>
struct NormGradPass {
  const T* x;
  const T* dy;
  Activation activation;  // dy counts where relu's result is above 0 or NaN: it is made again
  const T* weight;
  const T* bias;  // these two for that alone
  const T* residual;
  const T* means;
  const T* rstd;
  T* dx;         // may be dy
  T* dresidual;  // takes what counts of dy
  T* sums;       // [sum_blocks, 2, groups, channels]: of dy and of dy z by channel, from a block of
                 // rows each
};

/// The gradient in x: with z = (x - mean) * rstd and g = dy * weight,
///   dx = rstd * (g - mean of g over the part [kOwn] - z * mean of g z over the part [not kGiven]).
/// Where inner is 1, outer must be; activation and dresidual are for parts of one channel.
template <class T>
void normalize_grad(const NormShape& shape, NormStatistics statistics, const NormGradPass<T>& pass);

/// Runs of n elements, `step` apart.
struct NormRuns {
  int64_t count, n, step;
};

/// What the gradient of one part is made of: dx = g * rstd - c0 - (x - mean) * c1.
template <class T>
struct NormFactors {
  T mean[2], rstd, c0, c1;
  bool given;  // c0 and c1 are 0, whatever x is
};

/// Whether dy passes: without relu, or where (x - mean) * scale + shift + residual is above 0 or
/// NaN.
template <class T>
struct NormGate {
  bool relu = false;
  const T* residual = nullptr;
  T scale = 0, shift = 0;
};

/// What these do with runs of elements, in one instruction set. z = (x - mean) * rstd; mean points
/// at both parts of it; residual, dresidual, weight, bias, sums may be null.
template <class T>
struct NormLoops {
  int64_t block;  // elements that are to be summed in T, so many that a lane of a sum takes 64 of a
                  // long run
  /// moments[0] = m, about the mean, or 0 unless `centered`; moments[1] = sum of x - m,
  /// moments[2] of its square.
  void (*moments)(const NormRuns& runs, const T* x, bool centered, T* moments);
  /// y = relu((x - mean) * scale + shift + residual), without relu where it is not asked for.
  void (*apply)(const NormRuns& runs, const T* x, const T* mean, T scale, T shift,
                const T* residual, bool relu, T* y);
  /// With a weight and a bias for each element.
  void (*apply_each)(int64_t n, const T* x, const T* mean, T rstd, const T* weight, const T* bias,
                     T* y);
  /// sums[0] = sum of g, sums[1] of g z; g = what passes of dy, times the weight, by element.
  /// dresidual takes g.
  void (*grad_sums)(const NormRuns& runs, const T* x, const T* dy, const NormGate<T>& gate,
                    const T* mean, T rstd, const T* weight, T* dresidual, T* sums);
  /// dx with g = what passes of dy, times the weight.
  void (*grad)(const NormRuns& runs, const T* x, const T* dy, const NormGate<T>& gate,
               const NormFactors<T>& factors, T weight, T* dx);
  /// dx of up to kNormRows rows, `step` apart, each with its factors; weights by element or null.
  /// sums null, or sums[i] += the sum over the rows of dy, sums[sums_step + i] of dy z.
  void (*grad_rows)(int64_t rows, int64_t n, int64_t step, const T* x, const T* dy,
                    const NormFactors<T>* factors, const T* weight, T* dx, T* sums,
                    int64_t sums_step);
};

}  // namespace bb::kernels
