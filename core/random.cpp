#include "bb/core/random.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "bb/core/checks.h"
#include "bb/core/error.h"
#include "bb/core/parallel.h"
#include "bb/core/philox.h"
#include "bb/core/strided.h"

namespace bb {

using detail::below;
using detail::Block;
using detail::philox;
using detail::unit_double;
using detail::unit_float;

namespace {

// Values of one block: four float32 or two float64.
void uniform_values(const Block& b, float* out) {
  for (int i = 0; i < 4; ++i) out[i] = unit_float(b.word[i]);
}
void uniform_values(const Block& b, double* out) {
  for (int i = 0; i < 2; ++i) out[i] = unit_double(b.word[2 * i], b.word[2 * i + 1]);
}
// Box-Muller: r cos(t), r sin(t) with r = sqrt(-2 ln(1 - u)), t = 2 pi v.
void normal_pair(double u, double v, double* out) {
  const double r = std::sqrt(-2.0 * std::log1p(-u));
  const double t = 2.0 * std::numbers::pi * v;
  out[0] = r * std::cos(t);
  out[1] = r * std::sin(t);
}
void normal_values(const Block& b, float* out) {
  double pair[2];
  for (int i = 0; i < 2; ++i) {
    normal_pair(unit_float(b.word[2 * i]), unit_float(b.word[2 * i + 1]), pair);
    out[2 * i] = static_cast<float>(pair[0]);
    out[2 * i + 1] = static_cast<float>(pair[1]);
  }
}
void normal_values(const Block& b, double* out) {
  normal_pair(unit_double(b.word[0], b.word[1]), unit_double(b.word[2], b.word[3]), out);
}

constexpr double kNoEnd = std::numeric_limits<double>::infinity();

// The largest T below `end`, which rounding must not reach; `start` where there is none above that.
template <class T>
T largest_below(double end, double start) {
  if (end == kNoEnd) return static_cast<T>(end);
  return std::nextafter(static_cast<T>(end), static_cast<T>(start));
}

// Fills x with scale * values(block) + shift, kept below open_end, block by block; element i always
// comes from block i / per_block, so threads do not matter.
template <class Values>
void fill(const char* op, Tensor& x, double scale, double shift, double open_end, double cost_ns,
          Generator& generator, const Values& values) {
  detail::check_defined(op, x);
  detail::check_not_inference(op, x);
  if (!is_floating_point(x.dtype()))
    throw DTypeError(fmt::format("{}: needs floating point\n  x {}", op, describe(x)));
  if (!x.is_contiguous()) {
    Tensor rows = Tensor::empty(x.shape(), x.dtype());
    fill(op, rows, scale, shift, open_end, cost_ns, generator, values);
    detail::copy_elements(x, rows);
    x.bump_version();
    return;
  }
  visit_floating(x.dtype(), [&]<class T>() {
    constexpr int64_t kPerBlock = 16 / sizeof(T);
    const int64_t n = x.numel(), blocks = (n + kPerBlock - 1) / kPerBlock;
    const uint64_t seed = generator.seed();
    const uint64_t first = generator.reserve(static_cast<uint64_t>(blocks));
    T* out = x.data<T>();
    const T limit = largest_below<T>(open_end, shift);
    parallel_for(blocks, cost_ns * static_cast<double>(kPerBlock), [&](int64_t begin, int64_t end) {
      T block[kPerBlock];
      for (int64_t b = begin; b < end; ++b) {
        values(philox(seed, first + static_cast<uint64_t>(b)), block);
        const int64_t count = std::min(kPerBlock, n - b * kPerBlock);
        for (int64_t i = 0; i < count; ++i)
          out[b * kPerBlock + i] = std::min(
              static_cast<T>(block[i] * static_cast<T>(scale) + static_cast<T>(shift)), limit);
      }
    });
  });
  x.bump_version();
}

}  // namespace

namespace {

thread_local detail::DrawsScope* draws = nullptr;

}  // namespace

detail::DrawsScope::DrawsScope(List& list, bool repeats)
    : list_(list), repeats_(repeats), outer_(std::exchange(draws, this)) {}
detail::DrawsScope::~DrawsScope() { draws = outer_; }

uint64_t Generator::seed() const {
  for (const detail::DrawsScope* scope = draws; scope; scope = scope->outer_)
    if (scope->is_repeating()) return scope->list_[scope->next_].seed;
  return seed_;
}

// The innermost scope that repeats says which numbers come; those within it list them.
uint64_t Generator::reserve(uint64_t count) {
  if (!draws) return position_.fetch_add(count, std::memory_order_relaxed);
  const detail::DrawsScope* source = draws;
  while (source && !source->is_repeating()) source = source->outer_;
  State state{source ? source->list_[source->next_].seed : seed_, 0};
  state.position = source ? source->list_[source->next_].position
                          : position_.fetch_add(count, std::memory_order_relaxed);
  for (detail::DrawsScope* scope = draws; scope; scope = scope->outer_) {
    if (scope == source) {
      ++scope->next_;
      break;
    }
    if (!scope->repeats_) scope->list_.push_back(state);
  }
  return state.position;
}

void Generator::set_state(const State& state) {
  seed_ = state.seed;
  position_.store(state.position, std::memory_order_relaxed);
}

void Generator::manual_seed(uint64_t seed) { set_state({seed, 0}); }

uint64_t Generator::next() {
  const uint64_t key = seed();
  const Block bits = philox(key, reserve(1));
  return (uint64_t{bits.word[0]} << 32) | bits.word[1];
}

Generator& default_generator() {
  static Generator generator(0);
  return generator;
}

void manual_seed(uint64_t seed) { default_generator().manual_seed(seed); }

Tensor uniform_(Tensor x, double low, double high, Generator& generator) {
  if (!(low <= high)) throw ValueError(fmt::format("uniform_: low {} is above high {}", low, high));
  if (!std::isfinite(high - low))
    throw ValueError(fmt::format("uniform_: low {} and high {} must be finite", low, high));
  fill("uniform_", x, high - low, low, high, 2, generator,
       [](const Block& b, auto* out) { uniform_values(b, out); });
  return x;
}

Tensor detail::fill_normal(const char* op, Tensor x, double mean, double std,
                           Generator& generator) {
  if (!(std >= 0)) throw ValueError(fmt::format("{}: std {} is negative", op, std));
  if (!std::isfinite(mean) || !std::isfinite(std))
    throw ValueError(fmt::format("{}: mean {} and std {} must be finite", op, mean, std));
  fill(op, x, std, mean, kNoEnd, 15, generator,
       [](const Block& b, auto* out) { normal_values(b, out); });
  return x;
}

Tensor normal_(Tensor x, double mean, double std, Generator& generator) {
  return detail::fill_normal("normal_", std::move(x), mean, std, generator);
}

namespace {

// A new tensor for numbers that are not whole.
Tensor empty_real(const char* op, const Shape& shape, DType dtype) {
  if (!is_floating_point(dtype))
    throw DTypeError(fmt::format("{}: dtype must be floating point, got {}\n  shape {}", op,
                                 name(dtype), shape));
  detail::checked_numel(op, shape, dtype);
  return Tensor::empty(shape, dtype);
}

}  // namespace

Tensor rand(const Shape& shape, DType dtype, Generator& generator) {
  return uniform_(empty_real("rand", shape, dtype), 0, 1, generator);
}
Tensor randn(const Shape& shape, DType dtype, Generator& generator) {
  return normal_(empty_real("randn", shape, dtype), 0, 1, generator);
}
Tensor rand_like(const Tensor& x, Generator& generator) {
  detail::check_defined("rand_like", x);
  return uniform_(empty_real("rand_like", x.shape(), x.dtype()), 0, 1, generator);
}
Tensor rand_like(const Tensor& x, DType dtype, Generator& generator) {
  detail::check_defined("rand_like", x);
  return uniform_(empty_real("rand_like", x.shape(), dtype), 0, 1, generator);
}
Tensor randn_like(const Tensor& x, Generator& generator) {
  detail::check_defined("randn_like", x);
  return randn_like(x, x.dtype(), generator);
}
Tensor randn_like(const Tensor& x, DType dtype, Generator& generator) {
  detail::check_defined("randn_like", x);
  return normal_(empty_real("randn_like", x.shape(), dtype), 0, 1, generator);
}

namespace {

// The whole numbers that a dtype holds, without gaps, are first to last.
struct Range {
  int64_t first, last;
};
Range range_of(DType dtype) {
  return visit(dtype, []<class T>() -> Range {
    if constexpr (std::is_floating_point_v<T>) {
      constexpr int64_t kMost = int64_t{1} << std::numeric_limits<T>::digits;
      return {-kMost, kMost};
    } else {
      return {static_cast<int64_t>(std::numeric_limits<T>::lowest()),
              static_cast<int64_t>(std::numeric_limits<T>::max())};
    }
  });
}

Tensor whole_numbers(const char* op, int64_t low, int64_t high, const Shape& shape, DType dtype,
                     Generator& generator) {
  if (low >= high) throw ValueError(fmt::format("{}: low {} is not below high {}", op, low, high));
  const Range range = range_of(dtype);
  if (low < range.first || high - 1 > range.last)
    throw ValueError(
        fmt::format("{}: {} does not hold all of {} to {}", op, name(dtype), low, high - 1));
  detail::checked_numel(op, shape, dtype);
  Tensor x = Tensor::empty(shape, dtype);
  const uint64_t seed = generator.seed();
  const uint64_t first = generator.reserve(static_cast<uint64_t>(x.numel()));
  const uint64_t width = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  visit(dtype, [&]<class T>() {
    T* out = x.data<T>();
    parallel_for(x.numel(), 6, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        out[i] = static_cast<T>(
            static_cast<int64_t>(static_cast<uint64_t>(low) +
                                 below(width, philox(seed, first + static_cast<uint64_t>(i)))));
    });
  });
  return x;
}

}  // namespace

Tensor randint(int64_t low, int64_t high, const Shape& shape, DType dtype, Generator& generator) {
  return whole_numbers("randint", low, high, shape, dtype, generator);
}
Tensor randint(int64_t high, const Shape& shape, DType dtype, Generator& generator) {
  return randint(0, high, shape, dtype, generator);
}
Tensor randint_like(const Tensor& x, int64_t low, int64_t high, Generator& generator) {
  detail::check_defined("randint_like", x);
  return whole_numbers("randint_like", low, high, x.shape(), x.dtype(), generator);
}
Tensor randint_like(const Tensor& x, int64_t high, Generator& generator) {
  return randint_like(x, 0, high, generator);
}

Tensor randperm(int64_t n, Generator& generator) {
  if (n < 0) throw ValueError(fmt::format("randperm: n {} is negative", n));
  detail::checked_numel("randperm", {n}, kInt64);
  Tensor x = Tensor::empty({n}, kInt64);
  auto* order = x.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) order[i] = i;
  const uint64_t seed = generator.seed();
  const uint64_t first = generator.reserve(static_cast<uint64_t>(n));
  for (int64_t i = n - 1; i > 0; --i) {
    const Block bits = philox(seed, first + static_cast<uint64_t>(i));
    std::swap(order[i], order[below(static_cast<uint64_t>(i) + 1, bits)]);
  }
  return x;
}

}  // namespace bb
