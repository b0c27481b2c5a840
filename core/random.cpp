#include "bb/core/random.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "bb/core/error.h"
#include "bb/core/parallel.h"
#include "bb/core/strided.h"

namespace bb {
namespace {

struct Block {
  uint32_t word[4];
};

// Philox4x32 with ten rounds: position and stream in the counter, the seed as key.
Block philox(uint64_t seed, uint64_t position, uint64_t stream = 0) {
  constexpr uint64_t kMultiply0 = 0xD2511F53, kMultiply1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  uint32_t c0 = low(position), c1 = high(position), c2 = low(stream), c3 = high(stream);
  uint32_t k0 = low(seed), k1 = high(seed);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = kMultiply0 * c0, p1 = kMultiply1 * c2;
    c0 = high(p1) ^ c1 ^ k0;
    c1 = low(p1);
    c2 = high(p0) ^ c3 ^ k1;
    c3 = low(p0);
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
  return {{c0, c1, c2, c3}};
}

// Uniform on [0, 1): all mantissa bits that the type holds.
float unit_float(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }
double unit_double(uint32_t a, uint32_t b) {
  return static_cast<double>((uint64_t{a} << 21) ^ (b >> 11)) * 0x1p-53;
}

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
          const Values& values) {
  if (!is_floating_point(x.dtype()))
    throw DTypeError(fmt::format("{}: needs a floating-point tensor, this is {}", op, describe(x)));
  if (!x.is_contiguous()) {
    Tensor rows = Tensor::empty(x.shape(), x.dtype());
    fill(op, rows, scale, shift, open_end, cost_ns, values);
    detail::copy_elements(x, rows);
    x.bump_version();
    return;
  }
  Generator& generator = default_generator();
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

__extension__ using uint128 = unsigned __int128;

// An integer below `range`: the high half of 64 random bits times range (Lemire, 2019).
uint64_t below(uint64_t range, const Block& b) {
  const uint64_t bits = (uint64_t{b.word[0]} << 32) | b.word[1];
  return static_cast<uint64_t>((static_cast<uint128>(bits) * range) >> 64);
}

}  // namespace

void Generator::set_state(const State& state) {
  seed_ = state.seed;
  position_.store(state.position, std::memory_order_relaxed);
}

void Generator::manual_seed(uint64_t seed) { set_state({seed, 0}); }

uint64_t Generator::next() {
  const Block bits = philox(seed_, reserve(1));
  return (uint64_t{bits.word[0]} << 32) | bits.word[1];
}

Generator& default_generator() {
  static Generator generator(0);
  return generator;
}

void manual_seed(uint64_t seed) { default_generator().manual_seed(seed); }

Tensor uniform_(Tensor x, double low, double high) {
  if (!(low <= high)) throw ValueError(fmt::format("uniform_: low {} is above high {}", low, high));
  if (!std::isfinite(high - low))
    throw ValueError(fmt::format("uniform_: low {} and high {} must be finite", low, high));
  fill("uniform_", x, high - low, low, high, 2,
       [](const Block& b, auto* out) { uniform_values(b, out); });
  return x;
}

Tensor normal_(Tensor x, double mean, double std) {
  if (!(std >= 0)) throw ValueError(fmt::format("normal_: std {} is negative", std));
  if (!std::isfinite(mean) || !std::isfinite(std))
    throw ValueError(fmt::format("normal_: mean {} and std {} must be finite", mean, std));
  fill("normal_", x, std, mean, kNoEnd, 15,
       [](const Block& b, auto* out) { normal_values(b, out); });
  return x;
}

Tensor rand(const Shape& shape, DType dtype) { return uniform_(Tensor::empty(shape, dtype)); }

Tensor randn(const Shape& shape, DType dtype) { return normal_(Tensor::empty(shape, dtype)); }

Tensor randint(int64_t low, int64_t high, const Shape& shape) {
  if (low >= high) throw ValueError(fmt::format("randint: low {} is not below high {}", low, high));
  Tensor x = Tensor::empty(shape, kInt64);
  Generator& generator = default_generator();
  const uint64_t first = generator.reserve(static_cast<uint64_t>(x.numel()));
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  for (int64_t i = 0; i < x.numel(); ++i)
    x.data<int64_t>()[i] = static_cast<int64_t>(
        static_cast<uint64_t>(low) +
        below(range, philox(generator.seed(), first + static_cast<uint64_t>(i))));
  return x;
}

Tensor randperm(int64_t n) { return randperm(n, default_generator()); }

Tensor randperm(int64_t n, Generator& generator) {
  if (n < 0) throw ValueError(fmt::format("randperm: n {} is negative", n));
  Tensor x = Tensor::empty({n}, kInt64);
  auto* order = x.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) order[i] = i;
  const uint64_t first = generator.reserve(static_cast<uint64_t>(n));
  for (int64_t i = n - 1; i > 0; --i) {
    const Block bits = philox(generator.seed(), first + static_cast<uint64_t>(i));
    std::swap(order[i], order[below(static_cast<uint64_t>(i) + 1, bits)]);
  }
  return x;
}

}  // namespace bb
