#include "bb/autograd/ops/pad.h"

#include <algorithm>
#include <limits>

#include "bb/autograd/ops/gather.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/strided.h"

namespace bb {
namespace {

using autograd::record;

// The padding of one dim of size n.
struct Pair {
  int64_t dim, n, before, behind;
};

std::string operands(const Tensor& x, const std::vector<int64_t>& padding) {
  return fmt::format("  x {}   padding [{}]", x.shape(), fmt::join(padding, ", "));
}

std::vector<Pair> pairs_of(const Tensor& x, const std::vector<int64_t>& padding) {
  detail::check_defined("pad", x);
  if (padding.size() % 2 != 0 || static_cast<int64_t>(padding.size()) > 2 * x.dim())
    throw ValueError(
        fmt::format("pad: padding needs two numbers for each dimension, last dimension first, and "
                    "no more\n{}",
                    operands(x, padding)));
  std::vector<Pair> pairs;
  Shape result = x.shape();
  for (size_t i = 0; i < padding.size(); i += 2) {
    const int64_t d = x.dim() - 1 - static_cast<int64_t>(i / 2);
    const Pair pair{d, x.shape()[d], padding[i], padding[i + 1]};
    int64_t size = 0;
    if (__builtin_add_overflow(pair.n, pair.before, &size) ||
        __builtin_add_overflow(size, pair.behind, &size) || size < 0)
      throw ShapeError(fmt::format("pad: dimension {} of size {} cannot be padded by {} and {}\n{}",
                                   d, pair.n, pair.before, pair.behind, operands(x, padding)));
    if (pair.before != 0 || pair.behind != 0) pairs.push_back(pair);
    result[d] = size;
  }
  if (!detail::is_possible(result, x.dtype()))
    detail::throw_too_large("pad", operands(x, padding).substr(2));
  return pairs;
}

Tensor pad_constant(const Tensor& x, const std::vector<Pair>& pairs, Scalar value) {
  Shape shape = x.shape();
  for (const Pair& p : pairs) shape[p.dim] = p.n + p.before + p.behind;
  Tensor y = detail::filled("pad", shape, value, x.dtype());
  no_grad([&] {
    Tensor from = x, to = y;  // what stays of x, and where it goes
    for (const Pair& p : pairs) {
      const int64_t first = std::min(p.n, std::max<int64_t>(0, -p.before));
      const int64_t last = std::max(first, p.n - std::max<int64_t>(0, -p.behind));
      from = slice(from, p.dim, first, last);
      to = slice(to, p.dim, std::max<int64_t>(0, p.before),
                 std::max<int64_t>(0, p.before) + last - first);
    }
    detail::copy_elements(to, from);
  });
  return record("pad", {x}, std::move(y), [pairs](const Tensor& dy) {
    std::vector<Pair> back = pairs;  // what was put in is cropped, and the other way round
    for (Pair& p : back) p = {p.dim, p.n + p.before + p.behind, -p.before, -p.behind};
    return pad_constant(dy, back, 0);
  });
}

// The most that a mode can put before or behind n elements.
int64_t most(PadMode mode, int64_t n) {
  switch (mode) {
    case PadMode::kReflect:
      return n - 1;
    case PadMode::kCircular:
      return n;
    default:
      return n > 0 ? std::numeric_limits<int64_t>::max() : 0;
  }
}

// The element of 0 to n - 1 that `at`, which may lie outside, stands for.
int64_t source_of(PadMode mode, int64_t at, int64_t n) {
  switch (mode) {
    case PadMode::kReflect:
      return at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
    case PadMode::kCircular:
      return at < 0 ? at + n : at >= n ? at - n : at;
    default:
      return std::clamp<int64_t>(at, 0, n - 1);
  }
}

}  // namespace

Tensor pad(const Tensor& x, const std::vector<int64_t>& padding, const PadOptions& options) {
  const std::vector<Pair> pairs = pairs_of(x, padding);
  if (options.mode == PadMode::kConstant) return pad_constant(x, pairs, options.value);
  for (const Pair& p : pairs)
    if (std::max(p.before, p.behind) > std::max<int64_t>(0, most(options.mode, p.n)))
      throw ShapeError(
          fmt::format("pad: dimension {} of size {} has too few elements for this mode to pad by "
                      "{} and {}\n{}",
                      p.dim, p.n, p.before, p.behind, operands(x, padding)));
  Tensor y = x;
  for (const Pair& p : pairs) {
    Tensor places = Tensor::empty({p.n + p.before + p.behind}, kInt64);
    int64_t* place = places.data<int64_t>();
    for (int64_t i = 0; i < places.numel(); ++i)
      place[i] = source_of(options.mode, i - p.before, p.n);
    y = index_select(y, p.dim, places);
  }
  return pairs.empty() ? clone(x) : y;
}

}  // namespace bb
