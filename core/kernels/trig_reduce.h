#pragma once

namespace bb::kernels {

/// x = quadrant pi/2 + r + whole turns, |r| <= pi/4, r rounded once or twice.
struct Reduced {
  double r;
  int quadrant;
};

/// For any x >= 1: Payne and Hanek's reduction, exact before its last rounding (R. C. Payne, R. N.
/// Hanek, Radian reduction for trigonometric functions, 1983). r is NaN where x is infinite or NaN.
Reduced reduce_angle(double x);

}  // namespace bb::kernels
