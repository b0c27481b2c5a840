#include "bb/nn/init.h"

#include <cmath>

#include "bb/core/error.h"
#include "bb/core/random.h"

namespace bb::nn::init {
namespace {

struct Fans {
  Fans(const char* op, const Tensor& x) {
    if (x.dim() < 2)
      throw ShapeError(
          fmt::format("{}: fan in and out need at least two dimensions\n  x {}", op, x.shape()));
    double area = 1;
    for (int64_t d = 2; d < x.dim(); ++d) area *= static_cast<double>(x.size(d));
    in = static_cast<double>(x.size(1)) * area;
    out = static_cast<double>(x.size(0)) * area;
  }
  double in, out;
};

double kaiming_std(const char* op, const Tensor& x, const KaimingOptions& options) {
  const Fans fans(op, x);
  return gain(options.nonlinearity, options.slope) /
         std::sqrt(options.mode == Fan::kIn ? fans.in : fans.out);
}

Tensor symmetric(const Tensor& x, double bound) {
  return x.numel() == 0 ? x : uniform_(x, -bound, bound);
}
Tensor fill_normal(const Tensor& x, double std) { return x.numel() == 0 ? x : normal_(x, 0, std); }

}  // namespace

double gain(Nonlinearity nonlinearity, double slope) {
  switch (nonlinearity) {
    case Nonlinearity::kTanh:
      return 5.0 / 3;
    case Nonlinearity::kReLU:
      return std::sqrt(2.0);
    case Nonlinearity::kLeakyReLU:
      return std::sqrt(2.0 / (1 + slope * slope));
    case Nonlinearity::kLinear:
    case Nonlinearity::kSigmoid:
      break;
  }
  return 1;
}

Tensor xavier_uniform_(Tensor x, double gain) {
  const Fans fans("xavier_uniform_", x);
  return symmetric(x, gain * std::sqrt(6 / (fans.in + fans.out)));
}

Tensor xavier_normal_(Tensor x, double gain) {
  const Fans fans("xavier_normal_", x);
  return fill_normal(x, gain * std::sqrt(2 / (fans.in + fans.out)));
}

Tensor kaiming_uniform_(Tensor x, const KaimingOptions& options) {
  return symmetric(x, std::sqrt(3.0) * kaiming_std("kaiming_uniform_", x, options));
}

Tensor kaiming_normal_(Tensor x, const KaimingOptions& options) {
  return fill_normal(x, kaiming_std("kaiming_normal_", x, options));
}

}  // namespace bb::nn::init
