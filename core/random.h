#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "bb/core/tensor.h"

namespace bb {

/// A stream of counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random
/// numbers: as easy as 1, 2, 3", SC 2011). Number i of a stream depends on the seed and i alone, so
/// that a fill gives the same numbers for any thread count.
class Generator {
 public:
  /// All that its next numbers depend on.
  struct State {
    uint64_t seed = 0;
    uint64_t position = 0;
    friend bool operator==(const State&, const State&) = default;
  };

  explicit Generator(uint64_t seed) : seed_(seed) {}

  uint64_t seed() const;
  /// A generator that is given the state goes on with the same numbers: to stop and resume.
  ///   const Generator::State before = default_generator().state();
  State state() const { return {seed_, position_.load(std::memory_order_relaxed)}; }
  void set_state(const State& state);
  /// Starts the stream of `seed` from its beginning.
  void manual_seed(uint64_t seed);
  /// Takes the next `count` blocks of four 32-bit numbers; returns the first one's position.
  /// (seed() is asked for before it.)
  uint64_t reserve(uint64_t count);
  /// 64 random bits, for a seed of something else.
  uint64_t next();

 private:
  uint64_t seed_;
  std::atomic<uint64_t> position_{0};
};

namespace detail {

/// While it lives, what generators give out on this thread is listed, to be given out again by a
/// second scope over the same list: for code that must draw the same numbers when it runs again.
class DrawsScope {
 public:
  using List = std::vector<Generator::State>;
  DrawsScope(List& list, bool repeats);
  ~DrawsScope();
  DrawsScope(const DrawsScope&) = delete;
  DrawsScope& operator=(const DrawsScope&) = delete;

 private:
  friend class bb::Generator;
  bool is_repeating() const { return repeats_ && next_ < list_.size(); }

  List& list_;
  size_t next_ = 0;
  bool repeats_;
  DrawsScope* outer_;
};

}  // namespace detail

/// The generator used where none is given. Its seed is 0 until manual_seed().
Generator& default_generator();

/// Seeds the default generator.
void manual_seed(uint64_t seed);

// Each takes its numbers from `generator`: a function given one of its own repeats itself, whatever
// others draw in between.
//   Generator noise(7);
//   Tensor x = randn({3, 4}, kFloat32, noise);

/// Uniform on [0, 1), 24 (float32) or 53 (float64) random bits. dtype must be floating point.
Tensor rand(const Shape& shape, DType dtype = kFloat32, Generator& generator = default_generator());
/// Standard normal (Box and Muller, 1958).
Tensor randn(const Shape& shape, DType dtype = kFloat32,
             Generator& generator = default_generator());
/// Whole numbers, uniform on [low, high). Throws ValueError unless low < high, and where dtype
/// cannot hold them.
Tensor randint(int64_t low, int64_t high, const Shape& shape, DType dtype = kInt64,
               Generator& generator = default_generator());
/// From 0.
Tensor randint(int64_t high, const Shape& shape, DType dtype = kInt64,
               Generator& generator = default_generator());
/// The same of x's shape and, unless another is given, dtype.
Tensor rand_like(const Tensor& x, Generator& generator = default_generator());
Tensor rand_like(const Tensor& x, DType dtype, Generator& generator = default_generator());
Tensor randn_like(const Tensor& x, Generator& generator = default_generator());
Tensor randn_like(const Tensor& x, DType dtype, Generator& generator = default_generator());
Tensor randint_like(const Tensor& x, int64_t low, int64_t high,
                    Generator& generator = default_generator());
Tensor randint_like(const Tensor& x, int64_t high, Generator& generator = default_generator());
/// int64 [n]: a random order of 0..n-1 (Fisher and Yates), from a stream of its own for each seed.
Tensor randperm(int64_t n, Generator& generator = default_generator());

/// Normal, of a mean and a standard deviation for each element: mean and std broadcast and promote
/// (floating point). Not differentiable. Throws ValueError for a negative std, ShapeError,
/// DTypeError.
Tensor normal(const Tensor& mean, const Tensor& std, Generator& generator = default_generator());
Tensor normal(const Tensor& mean, double std = 1, Generator& generator = default_generator());
Tensor normal(double mean, const Tensor& std, Generator& generator = default_generator());
/// float32 of that shape.
Tensor normal(double mean, double std, const Shape& shape,
              Generator& generator = default_generator());

/// 1 with the probability that stands in `probabilities` at its place, else 0; of their shape and
/// dtype. Throws ValueError where one is not in [0, 1], DTypeError for other than floating point.
Tensor bernoulli(const Tensor& probabilities, Generator& generator = default_generator());
/// The same with one probability for all; x gives shape and dtype (any).
Tensor bernoulli(const Tensor& x, double p, Generator& generator = default_generator());

/// Indices drawn by weight: int64 [count] from weights [n], [rows, count] from [rows, n], which
/// need not sum to 1. Without replacement, the order is that of drawing one after the other
/// (Efraimidis and Spirakis, 2006). What has weight 0 is never drawn. Throws ShapeError for other
/// ranks, DTypeError for other than floating point, ValueError where count < 1, a weight is
/// negative, infinite or NaN, a row sums to 0, or, without replacement, fewer than count weights
/// are above 0.
Tensor multinomial(const Tensor& weights, int64_t count, bool replacement = false,
                   Generator& generator = default_generator());

/// Fills a floating-point tensor in place, uniform on [low, high) or normal; returns it. Not
/// recorded.
Tensor uniform_(Tensor x, double low = 0, double high = 1,
                Generator& generator = default_generator());
Tensor normal_(Tensor x, double mean = 0, double std = 1,
               Generator& generator = default_generator());

namespace detail {

/// normal_() for an op of that name.
Tensor fill_normal(const char* op, Tensor x, double mean, double std, Generator& generator);

}  // namespace detail

}  // namespace bb
