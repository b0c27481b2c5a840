#pragma once

#include <cstdint>

#include "bb/core/kernels/block.h"
#include "bb/core/parallel.h"

namespace bb::kernels {

/// Sums of n elements that are made in `count` shares, by threads, and added up in order: bitwise
/// the same whoever made them. The first share is made in `to`.
template <class T>
class Shares {
 public:
  Shares(int64_t n, int64_t count, T* to) : n_(n), count_(count), to_(to), more_((count - 1) * n) {}

  T* of(int64_t share) const { return share == 0 ? to_ : more_.data() + (share - 1) * n_; }

  /// Adds the others to the first.
  void join() const {
    parallel_for(count_ > 1 ? n_ : 0, 0.3 * static_cast<double>(count_),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i)
                     for (int64_t share = 1; share < count_; ++share) to_[i] += of(share)[i];
                 });
  }

 private:
  int64_t n_, count_;
  T* to_;
  Block<T> more_;
};

}  // namespace bb::kernels
