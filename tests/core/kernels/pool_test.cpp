// The kernels against the plain definition: windows one by one, padding as elements left out.
#include "bb/core/kernels/pool.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "bb/tests/same_bits.h"

namespace bb::kernels {
namespace {

// Calls element(i) for the places of window o of a plane, in order; returns how many elements an
// average counts.
template <class Element>
int64_t for_window(const PoolWindows& w, int64_t o, const Element& element) {
  const auto& [depth, height, width] = w.dims;
  const std::array<int64_t, 3> at{o / (height.out * width.out), o / width.out % height.out,
                                  o % width.out};
  std::array<int64_t, 3> start{};
  int64_t count = 1;
  for (size_t d = 0; d < 3; ++d) {
    const PoolDim& dim = w.dims[d];
    start[d] = at[d] * dim.stride - dim.padding;
    const int64_t margin = dim.counts_padding ? dim.padding : 0;
    int64_t counted = 0;
    for (int64_t k = 0; k < dim.kernel; ++k) {
      const int64_t i = start[d] + k * dim.step;
      counted += i >= -margin && i < dim.in + margin ? 1 : 0;
    }
    count *= counted;
  }
  const auto inside = [&](size_t d, int64_t i) { return i >= 0 && i < w.dims[d].in; };
  for (int64_t a = 0; a < depth.kernel; ++a)
    for (int64_t b = 0; b < height.kernel; ++b)
      for (int64_t c = 0; c < width.kernel; ++c) {
        const int64_t i = start[0] + a * depth.step, j = start[1] + b * height.step,
                      k = start[2] + c * width.step;
        if (inside(0, i) && inside(1, j) && inside(2, k))
          element((i * height.in + j) * width.in + k);
      }
  return w.divisor != 0 ? w.divisor : count;
}

template <class T>
struct Pooled {
  std::vector<T> max, max_grad, avg, avg_grad;
  std::vector<int64_t> at;
};

template <class T>
Pooled<T> by_definition(const PoolWindows& w, int64_t planes, const std::vector<T>& x,
                        const std::vector<T>& dy) {
  const auto in = w.in_size(), out = w.out_size();
  Pooled<T> r;
  r.max_grad.resize(x.size());
  r.avg_grad.resize(x.size());
  for (int64_t p = 0; p < planes; ++p) {
    const T* plane = x.data() + p * in;
    for (int64_t o = 0; o < out; ++o) {
      T best = -std::numeric_limits<T>::infinity(), sum = 0;
      int64_t place = -1;
      const int64_t count = for_window(w, o, [&](int64_t i) {
        sum += plane[i];
        if (place >= 0 && !(plane[i] > best) && !std::isnan(plane[i])) return;
        best = plane[i];
        place = i;
      });
      const T grad = dy[static_cast<size_t>(p * out + o)], share = grad / static_cast<T>(count);
      if (place >= 0) r.max_grad[static_cast<size_t>(p * in + place)] += grad;
      for_window(w, o, [&](int64_t i) { r.avg_grad[static_cast<size_t>(p * in + i)] += share; });
      r.max.push_back(best);
      r.at.push_back(place);
      r.avg.push_back(sum / static_cast<T>(count));
    }
  }
  return r;
}

template <class T>
Pooled<T> by_kernels(const PoolWindows& w, int64_t planes, const std::vector<T>& x,
                     const std::vector<T>& dy) {
  const size_t out = dy.size();
  Pooled<T> r{std::vector<T>(out, 7), std::vector<T>(x.size(), 7), std::vector<T>(out, 7),
              std::vector<T>(x.size(), 7), std::vector<int64_t>(out, 7)};
  max_pool(w, planes, x.data(), r.max.data(), r.at.data());
  max_pool_grad(w, planes, dy.data(), r.at.data(), r.max_grad.data());
  avg_pool(w, planes, x.data(), r.avg.data());
  avg_pool_grad(w, planes, dy.data(), r.avg_grad.data());
  std::vector<T> again(out, 7);
  max_pool<T>(w, planes, x.data(), again.data(), nullptr);
  for (size_t i = 0; i < out; ++i)
    EXPECT_TRUE(again[i] == r.max[i] || std::isnan(again[i])) << "without places, " << i;
  return r;
}

template <class T>
void expect_same(const char* what, const std::vector<T>& actual, const std::vector<T>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    const bool same =
        actual[i] == expected[i] || (actual[i] != actual[i] && expected[i] != expected[i]);
    ASSERT_TRUE(same) << what << " at " << i << ": " << actual[i] << ", not " << expected[i];
  }
}

// Elements with many ties, some infinite or NaN. Copies end where memory does, so that the address
// sanitizer sees reads beyond.
template <class T>
std::vector<T> elements(int64_t n, std::mt19937& random) {
  std::vector<T> x;
  for (int64_t i = 0; i < n; ++i) {
    const auto draw = random() % 64;
    x.push_back(draw == 0   ? std::numeric_limits<T>::quiet_NaN()
                : draw == 1 ? -std::numeric_limits<T>::infinity()
                            : static_cast<T>(static_cast<int64_t>(draw % 7) - 3) / 3);
  }
  return x;
}

template <class T>
void check(const PoolWindows& w, int64_t planes) {
  std::mt19937 random(static_cast<unsigned>(w.in_size()));
  const auto x = elements<T>(planes * w.in_size(), random);
  const auto dy = elements<T>(planes * w.out_size(), random);
  const auto expected = by_definition<T>(w, planes, x, dy);
  const auto actual = by_kernels<T>(w, planes, x, dy);
  expect_same("max", actual.max, expected.max);
  expect_same("at", actual.at, expected.at);
  expect_same("max_grad", actual.max_grad, expected.max_grad);
  // Averages have no dilation.
  for (const PoolDim& dim : w.dims)
    if (dim.step != 1) return;
  expect_same("avg", actual.avg, expected.avg);
  expect_same("avg_grad", actual.avg_grad, expected.avg_grad);
}

PoolDim dim_of(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t step = 1,
               bool ceil_mode = false) {
  PoolDim dim{.in = in, .kernel = kernel, .stride = stride, .padding = padding, .step = step};
  const int64_t room = in + 2 * padding - dim.extent();
  dim.out = room < 0 ? 0 : (room + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (dim.out - 1) * stride >= in + padding) --dim.out;
  return dim;
}

template <class T>
void check_widths(int64_t step, bool ceil_mode, bool counts_padding) {
  for (int64_t in = 1; in <= 40; ++in)
    for (int64_t kernel = 1; kernel <= 5; ++kernel)
      for (int64_t stride = 1; stride <= 3; ++stride)
        for (int64_t padding = 0; padding <= kernel / 2; ++padding) {
          PoolWindows w;
          w.dims[1] = dim_of(5, 1 + kernel / 2, 1 + in % 3, padding / 2);
          w.dims[2] = dim_of(in, kernel, stride, padding, step, ceil_mode);
          for (PoolDim& dim : w.dims) dim.counts_padding = counts_padding;
          if (w.out_size() == 0) continue;
          SCOPED_TRACE(::testing::Message()
                       << "width " << in << ", kernel " << kernel << ", stride " << stride
                       << ", padding " << padding << ", dilation " << step);
          check<T>(w, 2);
          if (::testing::Test::HasFatalFailure()) return;
        }
}

template <class T>
class PoolKernels : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(PoolKernels, Types);

TYPED_TEST(PoolKernels, AnyWidthKernelStrideAndPadding) {
  check_widths<TypeParam>(1, false, true);
  check_widths<TypeParam>(1, false, false);
}
TYPED_TEST(PoolKernels, CeilMode) { check_widths<TypeParam>(1, true, true); }
TYPED_TEST(PoolKernels, Dilation) {
  check_widths<TypeParam>(2, false, true);
  check_widths<TypeParam>(3, true, true);
}

TYPED_TEST(PoolKernels, ThreeDims) {
  for (int64_t kernel : {1, 2, 3})
    for (int64_t stride : {1, 2})
      for (int64_t divisor : {0, 5}) {
        PoolWindows w;
        w.divisor = divisor;
        w.dims = {dim_of(6, kernel, stride, kernel / 2), dim_of(8, 2, 2, 0),
                  dim_of(36, kernel, stride, kernel / 2)};
        check<TypeParam>(w, 3);
      }
}

TYPED_TEST(PoolKernels, WindowsOfTwoByTwoInImagesOfOddHeight) {
  for (int64_t height : {7, 8}) {
    PoolWindows w;
    w.dims[1] = dim_of(height, 2, 2, 0);
    w.dims[2] = dim_of(24, 2, 2, 0);
    check<TypeParam>(w, 5);
  }
}

TYPED_TEST(PoolKernels, AnyNumberOfThreadsGivesTheSame) {
  detail::share_all_work(true);
  for (int threads : {1, 2, 5}) {
    const testing::Threads scope(threads);
    for (int64_t kernel : {2, 3}) {
      PoolWindows w;
      w.dims = {dim_of(3, 2, 1, 1), dim_of(9, kernel, 2, kernel / 2),
                dim_of(34, kernel, 2, kernel / 2)};
      check<TypeParam>(w, 1);
      check<TypeParam>(w, 7);
    }
  }
  detail::share_all_work(false);
}

}  // namespace
}  // namespace bb::kernels
