#include "bb/core/kernels/gather.h"

#include <gtest/gtest.h>

#include <vector>

#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

TEST(Gather, FindsTheFirstIndexOutOfRange) {
  const std::vector<int64_t> indices{0, 4, 5, -1};
  EXPECT_EQ(first_out_of_range(indices.data(), 4, 5), 2);
  EXPECT_EQ(first_out_of_range(indices.data(), 4, 6), 3);
  EXPECT_EQ(first_out_of_range(indices.data(), 2, 5), -1);
  EXPECT_EQ(first_out_of_range(indices.data(), 0, 0), -1);
}

TEST(Gather, CopiesRowsOfAnySizeFromAnySteps) {
  const std::vector<int64_t> indices{3, 0, 3, 6, 1};
  std::vector<char> from(2 * 9000);
  for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<char>(i * 7 + i / 251);
  for (int64_t bytes : {1, 3, 4, 8, 12, 64, 1000}) {
    const int64_t step = bytes + 8, block = 7 * step + 16;  // of the rows of 2 blocks
    std::vector<char> to(static_cast<size_t>(2 * 5 * bytes) + 1, 'x');
    gather_rows(from.data(), 2, block, step, bytes, indices.data(), 5, to.data());
    for (int64_t o = 0; o < 2; ++o)
      for (int64_t i = 0; i < 5; ++i)
        for (int64_t b = 0; b < bytes; ++b)
          ASSERT_EQ(
              to[static_cast<size_t>((o * 5 + i) * bytes + b)],
              from[static_cast<size_t>(o * block + indices[static_cast<size_t>(i)] * step + b)]);
    EXPECT_EQ(to.back(), 'x');
  }
}

template <class T>
void expect_scattered(int64_t width) {
  const int64_t count = 3000, n = 50;
  std::vector<int64_t> indices;
  std::vector<T> from;
  for (int64_t i = 0; i < count; ++i) indices.push_back(i * i % n);
  for (int64_t i = 0; i < count * width; ++i) from.push_back(static_cast<T>(i % 1013) / T{7});
  std::vector<T> expected(static_cast<size_t>(n * width), T{1});
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < width; ++j)
      expected[static_cast<size_t>(indices[static_cast<size_t>(i)] * width + j)] +=
          from[static_cast<size_t>(i * width + j)];
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    std::vector<T> to(expected.size(), T{1});
    scatter_add_rows(from.data(), indices.data(), count, width, to.data(), n);
    EXPECT_EQ(to, expected) << threads << " threads";  // to the bit: one fixed order
  }
}

TEST(Gather, AddsRowsInTheOrderOfTheirIndices) {
  const int before = num_threads();
  for (int64_t width : {1, 3, 16, 37, 200}) {
    expect_scattered<float>(width);
    expect_scattered<double>(width);
  }
  set_num_threads(before);
}

}  // namespace
}  // namespace bb::kernels
