#pragma once

#include <string>
#include <vector>

#include "bb/core/parallel.h"
#include "bb/core/tensor.h"

/// For tests that results do not depend on the number of threads, down to the last bit.
namespace bb::testing {

/// The bytes of the elements, row-major: equal only where tensors are bitwise equal.
inline std::string bytes_of(const Tensor& x) {
  const Tensor rows = x.detach().contiguous();
  return {static_cast<const char*>(rows.raw_data()),
          static_cast<size_t>(rows.numel() * size_of(rows.dtype()))};
}

inline std::vector<std::string> bytes_of(const std::vector<Tensor>& tensors) {
  std::vector<std::string> result;
  for (const Tensor& x : tensors) result.push_back(bytes_of(x));
  return result;
}

/// num_threads() until the end of the scope.
class Threads {
 public:
  explicit Threads(int n) : before_(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace bb::testing
