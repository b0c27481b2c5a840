#include "bb/core/kernels/sort.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

// An unsigned number that orders as x does: NaN last, -0 with 0.
template <class T>
auto sort_key(T x) {
  if constexpr (std::is_floating_point_v<T>) {
    using U = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    if (std::isnan(x)) return std::numeric_limits<U>::max();
    const U sign = U{1} << (8 * sizeof(T) - 1);
    const U bits = x == 0 ? 0 : std::bit_cast<U>(x);
    return static_cast<U>(bits & sign ? ~bits : bits | sign);
  } else if constexpr (sizeof(T) == 8) {
    return static_cast<uint64_t>(x) ^ (uint64_t{1} << 63);
  } else if constexpr (sizeof(T) == 4) {
    return static_cast<uint32_t>(x) ^ (uint32_t{1} << 31);
  } else {
    return static_cast<uint32_t>(x);
  }
}

// An element to sort: by key, then by place. Small keys and places share one number.
struct Narrow {
  using Key = uint32_t;
  uint64_t bits;
  Narrow(Key key, int64_t place) : bits(uint64_t{key} << 32 | static_cast<uint64_t>(place)) {}
  int64_t place() const { return static_cast<int64_t>(bits & 0xFFFFFFFF); }
  bool operator<(const Narrow& other) const { return bits < other.bits; }
};
struct Wide {
  using Key = uint64_t;
  uint64_t key;
  int64_t at;
  Wide(Key k, int64_t place) : key(k), at(place) {}
  int64_t place() const { return at; }
  bool operator<(const Wide& other) const {
    return key != other.key ? key < other.key : at < other.at;
  }
};

template <class Entry, class T>
void sort_rows_as(const T* x, int64_t rows, int64_t n, int64_t k, bool descending, T* values,
                  int64_t* places) {
  const double cost_ns =
      static_cast<double>(n) * (5 + 3 * std::log2(static_cast<double>(std::max<int64_t>(k, 2))));
  parallel_for(rows, cost_ns, [&](int64_t begin, int64_t end) {
    std::vector<Entry> entries;
    for (int64_t r = begin; r < end; ++r) {
      const T* row = x + r * n;
      entries.clear();
      entries.reserve(static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i) {
        const auto key = static_cast<typename Entry::Key>(sort_key(row[i]));
        entries.emplace_back(descending ? ~key : key, i);
      }
      if (k < n) std::nth_element(entries.begin(), entries.begin() + k, entries.end());
      std::sort(entries.begin(), entries.begin() + k);
      for (int64_t i = 0; i < k; ++i) {
        const int64_t place = entries[static_cast<size_t>(i)].place();
        values[r * k + i] = row[place];
        places[r * k + i] = place;
      }
    }
  });
}

}  // namespace

template <class T>
void sort_rows(const T* x, int64_t rows, int64_t n, int64_t k, bool descending, T* values,
               int64_t* places) {
  if (sizeof(T) <= 4 && n <= std::numeric_limits<uint32_t>::max()) {
    if constexpr (sizeof(T) <= 4) sort_rows_as<Narrow>(x, rows, n, k, descending, values, places);
  } else {
    sort_rows_as<Wide>(x, rows, n, k, descending, values, places);
  }
}

template <class T>
void search_rows(const T* boundaries, int64_t boundary_step, int64_t n, const T* x, int64_t rows,
                 int64_t count, bool right, int64_t* places) {
  const double cost_ns = 5 + 4 * std::log2(static_cast<double>(n + 1));
  parallel_for(rows * count, cost_ns, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* first = boundaries + i / count * boundary_step;
      const T value = x[i];
      const T* found =
          right ? std::partition_point(first, first + n, [&](T b) { return !(b > value); })
                : std::partition_point(first, first + n, [&](T b) { return !(b >= value); });
      places[i] = found - first;
    }
  });
}

template void sort_rows(const bool*, int64_t, int64_t, int64_t, bool, bool*, int64_t*);
template void sort_rows(const uint8_t*, int64_t, int64_t, int64_t, bool, uint8_t*, int64_t*);
template void sort_rows(const int32_t*, int64_t, int64_t, int64_t, bool, int32_t*, int64_t*);
template void sort_rows(const int64_t*, int64_t, int64_t, int64_t, bool, int64_t*, int64_t*);
template void sort_rows(const float*, int64_t, int64_t, int64_t, bool, float*, int64_t*);
template void sort_rows(const double*, int64_t, int64_t, int64_t, bool, double*, int64_t*);
template void search_rows(const bool*, int64_t, int64_t, const bool*, int64_t, int64_t, bool,
                          int64_t*);
template void search_rows(const uint8_t*, int64_t, int64_t, const uint8_t*, int64_t, int64_t, bool,
                          int64_t*);
template void search_rows(const int32_t*, int64_t, int64_t, const int32_t*, int64_t, int64_t, bool,
                          int64_t*);
template void search_rows(const int64_t*, int64_t, int64_t, const int64_t*, int64_t, int64_t, bool,
                          int64_t*);
template void search_rows(const float*, int64_t, int64_t, const float*, int64_t, int64_t, bool,
                          int64_t*);
template void search_rows(const double*, int64_t, int64_t, const double*, int64_t, int64_t, bool,
                          int64_t*);

}  // namespace bb::kernels
