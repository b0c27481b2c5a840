#pragma once

#include <atomic>
#include <cstdint>

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

  uint64_t seed() const { return seed_; }
  /// For checkpoints: a generator that is given the state goes on with the same numbers.
  ///   const Generator::State before = default_generator().state();
  State state() const { return {seed_, position_.load(std::memory_order_relaxed)}; }
  void set_state(const State& state);
  /// Starts the stream of `seed` from its beginning.
  void manual_seed(uint64_t seed);
  /// Takes the next `count` blocks of four 32-bit numbers; returns the first one's position.
  uint64_t reserve(uint64_t count) { return position_.fetch_add(count, std::memory_order_relaxed); }
  /// 64 random bits, for a seed of something else.
  uint64_t next();

 private:
  uint64_t seed_;
  std::atomic<uint64_t> position_{0};
};

/// The generator used where none is given. Its seed is 0 until manual_seed().
Generator& default_generator();

/// Seeds the default generator.
void manual_seed(uint64_t seed);

/// Uniform on [0, 1), 24 (float32) or 53 (float64) random bits. dtype must be floating point.
Tensor rand(const Shape& shape, DType dtype = kFloat32);
/// Standard normal (Box and Muller, 1958).
Tensor randn(const Shape& shape, DType dtype = kFloat32);
/// int64, uniform on [low, high). Throws ValueError unless low < high.
Tensor randint(int64_t low, int64_t high, const Shape& shape);
/// int64 [n]: a random order of 0..n-1 (Fisher and Yates), from a stream of its own for each seed.
Tensor randperm(int64_t n);
Tensor randperm(int64_t n, Generator& generator);

/// Fills a floating-point tensor in place, uniform on [low, high) or normal; returns it. Not
/// recorded.
Tensor uniform_(Tensor x, double low = 0, double high = 1);
Tensor normal_(Tensor x, double mean = 0, double std = 1);

}  // namespace bb
