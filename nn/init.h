#pragma once

#include "bb/core/tensor.h"

/// First values of weights, in place and off the tape; all return the tensor. fan_in is size(1) and
/// fan_out size(0), each times the sizes of the dims from 2 on (a filter's area).
/// Throw ShapeError for fewer than two dims.
namespace bb::nn::init {

enum class Fan { kIn, kOut };

/// What the gain makes up for: sqrt(2) for kReLU, 5/3 for kTanh, sqrt(2 / (1 + slope^2)) for
/// kLeakyReLU, else 1.
enum class Nonlinearity { kLinear, kSigmoid, kTanh, kReLU, kLeakyReLU };
double gain(Nonlinearity nonlinearity, double slope = 0.01);

/// Uniform on [-a, a), a = gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, AISTATS 2010).
Tensor xavier_uniform_(Tensor x, double gain = 1);
/// Normal with standard deviation gain sqrt(2 / (fan_in + fan_out)).
Tensor xavier_normal_(Tensor x, double gain = 1);

struct KaimingOptions {
  double slope = 0;  ///< of the negative side, for kLeakyReLU
  Fan mode = Fan::kIn;
  Nonlinearity nonlinearity = Nonlinearity::kLeakyReLU;
};
/// Uniform on [-a, a), a = gain sqrt(3 / fan) (He et al., "Delving deep into rectifiers", 2015).
Tensor kaiming_uniform_(Tensor x, const KaimingOptions& options = {});
/// Normal with standard deviation gain / sqrt(fan).
Tensor kaiming_normal_(Tensor x, const KaimingOptions& options = {});

}  // namespace bb::nn::init
