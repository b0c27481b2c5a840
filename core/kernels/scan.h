#pragma once

#include "bb/core/kernels/lines.h"

namespace bb::kernels {

/// Cumulative results along lines of int64, float or double, in the best instruction set of this
/// processor: y[i] = x[0] op ... op x[i], or from the other end, y[i] = x[i] op ... op x[n - 1].
struct ScanTable {
  LineOp cumsum, cumsum_reversed;    // integers wrap
  LineOp cumprod, cumprod_reversed;  // so do they here
  /// y[i] = b[i] + a[i] y[i - 1], y[0] = b[0], of inputs a, b; from the other end,
  /// y[i] = b[i] + a[i] y[i + 1]. Float and double.
  LineOp recurrence, recurrence_reversed;
};
const ScanTable& scans();

}  // namespace bb::kernels
