#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "bb/core/parallel.h"
#include "bb/core/tensor.h"

/// For tests that results do not depend on the number of threads, down to the last bit.
namespace bb::testing {

/// The bytes of elements of T with every NaN the same one: which of its operands' sign and payload
/// a NaN takes is left to the compiler, which may swap the operands of a sum.
template <class T, class Bytes>
Bytes with_one_nan(Bytes bytes) {
  if constexpr (std::is_floating_point_v<T>) {
    for (size_t i = 0; i + sizeof(T) <= bytes.size(); i += sizeof(T)) {
      T x;
      std::memcpy(&x, &bytes[i], sizeof(T));
      if (std::isnan(x)) x = std::numeric_limits<T>::quiet_NaN();
      std::memcpy(&bytes[i], &x, sizeof(T));
    }
  }
  return bytes;
}

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
