#pragma once

#include <vector>

#include "bb/core/tensor.h"

namespace bb {

enum class Interpolation : uint8_t {
  kNearest,       ///< as PyTorch and OpenCV have it: element floor(i * scale)
  kNearestExact,  ///< element floor((i + 0.5) * scale), as scikit-image and Pillow
  kLinear,        ///< x [N,C,L]
  kBilinear,      ///< x [N,C,H,W]
  kTrilinear,     ///< x [N,C,D,H,W]
  kBicubic,       ///< x [N,C,H,W]; may overshoot
  kArea,          ///< means of what an element covers: adaptive_avg_pool
};

struct InterpolateOptions {
  Shape size = {};                        ///< of the result's spatial dims; one number for all
  std::vector<double> scale_factor = {};  ///< or factors, sizes then are floor(size * factor)
  Interpolation mode = Interpolation::kNearest;
  /// Whether the centres of corner elements, instead of the image's corners, stay in place; for the
  /// linear modes and kBicubic.
  bool align_corners = false;
};

/// Images of another size, as torch.nn.functional.interpolate. x [N,C,...] with one to three
/// spatial dims, floating point (DTypeError). Differentiable (twice). Throws ShapeError where x
/// does not fit the mode, ValueError unless exactly one of size and scale_factor is given, or for
/// numbers out of range.
///   Tensor y = interpolate(x, {.scale_factor = {2}, .mode = Interpolation::kBilinear});
Tensor interpolate(const Tensor& x, const InterpolateOptions& options);

}  // namespace bb
