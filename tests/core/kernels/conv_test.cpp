#include "bb/core/kernels/conv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "bb/core/kernels/conv_grid.h"
#include "bb/core/kernels/conv_winograd.h"
#include "bb/core/kernels/winograd_tile.h"
#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

using Random = std::mt19937;

int64_t between(Random& random, int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random);
}

// 1-d to 3-d, of any stride, padding, dilation and number of groups, in small.
ConvShape random_shape(Random& random) {
  ConvShape s{between(random, 1, 3),
              between(random, 1, 2),
              between(random, 1, 20),
              between(random, 1, 20),
              {}};
  Windows& w = s.windows;
  const size_t unused = static_cast<size_t>(between(random, 0, 2));
  for (size_t d = 0; d < 3; ++d) {
    w.in[d] = w.kernel[d] = w.out[d] = w.stride[d] = w.dilation[d] = 1;
    if (d < unused) continue;
    do {
      w.in[d] = between(random, 1, d == 2 ? 40 : 12);
      w.kernel[d] = between(random, 1, 5);
      w.stride[d] = between(random, 1, 3);
      w.dilation[d] = between(random, 1, 2);
      w.padding[d] = between(random, 0, 4);
      const int64_t room = w.in[d] + 2 * w.padding[d] - ((w.kernel[d] - 1) * w.dilation[d] + 1);
      w.out[d] = room < 0 ? 0 : room / w.stride[d] + 1;
    } while (w.out[d] < 1);
  }
  return s;
}

// What Winograd's algorithm takes.
ConvShape random_square_shape(Random& random, int64_t kernel) {
  ConvShape s{between(random, 1, 3),
              between(random, 1, 2),
              between(random, 1, 40),
              between(random, 1, 70),
              {}};
  Windows& w = s.windows;
  w.stride = w.dilation = {1, 1, 1};
  w.kernel = {1, kernel, kernel};
  w.padding = {0, between(random, 0, kernel - 1), between(random, 0, kernel - 1)};
  w.in = w.out = {1, 1, 1};
  for (size_t d = 1; d < 3; ++d) {
    w.in[d] = between(random, kernel - std::min(2 * w.padding[d], kernel - 1), 22);
    w.out[d] = w.in[d] + 2 * w.padding[d] - (kernel - 1);
  }
  return s;
}
ConvShape square_shape(int64_t kernel, int64_t batch, int64_t channels, int64_t filters,
                       int64_t height, int64_t width, int64_t padding) {
  return {batch,
          1,
          channels,
          filters,
          {.in = {1, height, width},
           .kernel = {1, kernel, kernel},
           .out = {1, height + 2 * padding - kernel + 1, width + 2 * padding - kernel + 1},
           .stride = {1, 1, 1},
           .padding = {0, padding, padding},
           .dilation = {1, 1, 1}}};
}

std::string text_of(const ConvShape& s) {
  std::string text = "batch " + std::to_string(s.batch) + " groups " + std::to_string(s.groups) +
                     " channels " + std::to_string(s.in_channels) + " -> " +
                     std::to_string(s.out_channels);
  const Windows& w = s.windows;
  for (size_t d = 0; d < 3; ++d)
    for (const auto* numbers : {&w.in, &w.kernel, &w.stride, &w.padding, &w.dilation})
      text += (numbers == &w.in ? "; " : ", ") + std::to_string((*numbers)[d]);
  return text;
}

// Few filters over each channel by itself.
ConvShape depthwise(ConvShape shape, int64_t groups, int64_t filters) {
  shape.groups = groups;
  shape.in_channels = 1;
  shape.out_channels = filters;
  return shape;
}
ConvShape shape_2d(int64_t height, int64_t width, int64_t kernel, int64_t stride, int64_t padding,
                   int64_t dilation) {
  const auto out = [&](int64_t in) {
    return (in + 2 * padding - (kernel - 1) * dilation - 1) / stride + 1;
  };
  return {1,
          1,
          1,
          1,
          {.in = {1, height, width},
           .kernel = {1, kernel, kernel},
           .out = {1, out(height), out(width)},
           .stride = {1, stride, stride},
           .padding = {0, padding, padding},
           .dilation = {1, dilation, dilation}}};
}

// Calls term(x index, weight index, y index) for each product of the sums in conv.h.
template <class Term>
void for_each_term(const ConvShape& s, const Term& term) {
  const Windows& w = s.windows;
  const auto parts = [](int64_t i, const std::array<int64_t, 3>& sizes) {
    return std::array{i / (sizes[1] * sizes[2]), i / sizes[2] % sizes[1], i % sizes[2]};
  };
  for (int64_t image = 0; image < s.batch * s.groups; ++image)
    for (int64_t o = 0; o < s.out_channels; ++o)
      for (int64_t c = 0; c < s.in_channels; ++c)
        for (int64_t p = 0; p < w.out_size(); ++p)
          for (int64_t q = 0; q < w.kernel_size(); ++q) {
            const auto window = parts(p, w.out), element = parts(q, w.kernel);
            int64_t at = 0;
            bool inside = true;
            for (size_t d = 0; d < 3; ++d) {
              const int64_t i = window[d] * w.stride[d] + element[d] * w.dilation[d] - w.padding[d];
              inside = inside && i >= 0 && i < w.in[d];
              at = at * w.in[d] + i;
            }
            if (!inside) continue;
            const int64_t filter = image % s.groups * s.out_channels + o;
            term((image * s.in_channels + c) * w.in_size() + at,
                 (filter * s.in_channels + c) * w.kernel_size() + q,
                 (image * s.out_channels + o) * w.out_size() + p);
          }
}

template <class T>
struct Maps {
  std::vector<T> y, dx, dw;
};

template <class T>
std::vector<T> normal(size_t n, Random& random) {
  std::vector<T> values(n);
  std::normal_distribution<double> distribution;
  for (T& value : values) value = static_cast<T>(distribution(random));
  return values;
}

template <class T>
class ConvMaps : public ::testing::Test {
 protected:
  void make(Random& random) { make(random, random_shape(random)); }
  void make(Random& random, const ConvShape& shape) {
    s = shape;
    const Windows& w = s.windows;
    const int64_t out = s.groups * s.out_channels;
    x = normal<T>(static_cast<size_t>(s.batch * s.groups * s.in_channels * w.in_size()), random);
    weight = normal<T>(static_cast<size_t>(out * s.in_channels * w.kernel_size()), random);
    bias = normal<T>(static_cast<size_t>(out), random);
    dy = normal<T>(static_cast<size_t>(s.batch * out * w.out_size()), random);
    relu = between(random, 0, 1) == 1;
  }
  ConvEpilogue<T> epilogue() const {
    return {bias.data(), relu ? Activation::kRelu : Activation::kNone};
  }
  Maps<T> computed(bool on_grid) const {
    Maps<T> maps{dy, x, weight};
    if (on_grid) {
      grid_conv(s, x.data(), weight.data(), epilogue(), maps.y.data());
      grid_conv_grad_input(s, dy.data(), weight.data(), maps.dx.data());
      grid_conv_grad_weight(s, x.data(), dy.data(), maps.dw.data());
    } else {
      conv(s, x.data(), weight.data(), epilogue(), maps.y.data());
      conv_grad_input(s, dy.data(), weight.data(), maps.dx.data());
      conv_grad_weight(s, x.data(), dy.data(), maps.dw.data());
    }
    return maps;
  }
  void expect_same_by_threads(const Maps<T>& one) const {
    bb::detail::share_all_work(true);
    for (const int threads : {2, 3}) {
      set_num_threads(threads);
      const Maps<T> many = computed(false);
      EXPECT_TRUE(one.y == many.y && one.dx == many.dx && one.dw == many.dw) << text_of(s);
    }
    bb::detail::share_all_work(false);
  }
  Maps<double> defined() const {
    Maps<double> maps{std::vector<double>(dy.size()), std::vector<double>(x.size()),
                      std::vector<double>(weight.size())};
    for (size_t i = 0; i < dy.size(); ++i)
      maps.y[i] = bias[i / static_cast<size_t>(s.windows.out_size()) % bias.size()];
    for_each_term(s, [&](int64_t i, int64_t k, int64_t o) {
      const auto from = static_cast<size_t>(i), by = static_cast<size_t>(k),
                 to = static_cast<size_t>(o);
      maps.y[to] += static_cast<double>(x[from]) * weight[by];
      maps.dx[from] += static_cast<double>(dy[to]) * weight[by];
      maps.dw[by] += static_cast<double>(dy[to]) * x[from];
    });
    for (double& y : maps.y)
      if (relu) y = std::max(y, 0.0);
    return maps;
  }
  void expect_near(const std::vector<T>& got, const std::vector<double>& wanted,
                   const char* what) const {
    const double tolerance = sizeof(T) == 4 ? 1e-4 : 1e-11;
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], wanted[i], tolerance * (1 + std::abs(wanted[i])))
          << what << " at " << i << " of " << text_of(s);
  }

  ConvShape s;
  std::vector<T> x, weight, bias, dy;
  bool relu = false;
};

using WinogradMaps = ConvMaps<float>;

// Against the definition in double; the largest error that 20 other seeds gave is 1.2e-5 of the
// results' root mean square.
TEST_F(WinogradMaps, AreTheirDefinitionsAndTheSameForAnyNumberOfThreads) {
  if (winograd_lanes() == 0) GTEST_SKIP() << "no vectors";
  const auto expect_close = [&](const std::vector<float>& got, const std::vector<double>& wanted,
                                const char* what) {
    double squares = 0, largest = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      squares += wanted[i] * wanted[i];
      const double error = std::abs(static_cast<double>(got[i]) - wanted[i]);
      if (!(error <= largest)) largest = error;  // a NaN too
    }
    EXPECT_LE(largest, 2.5e-5 * std::sqrt(squares / static_cast<double>(got.size())))
        << what << " of " << text_of(s);
  };
  const int before = num_threads();
  Random random(9);
  std::vector<ConvShape> shapes{
      square_shape(3, 1, 32, 32, 8, 1, 2),  // columns beyond the image
      square_shape(5, 1, 32, 32, 4, 1, 4),
      square_shape(3, 3, 17, 16, 50, 50, 1),  // more chunks than each thread has by itself
      square_shape(3, 1, 100, 90, 9, 9, 1),   // filters too many to transform in each thread
      square_shape(3, 1, 20, 70, 8, 8, 1),    // few tiles: threads share channels
  };
  for (int i = 0; i < 60; ++i) shapes.push_back(random_square_shape(random, i < 40 ? 3 : 5));
  for (const ConvShape& shape : shapes) {
    make(random, shape);
    const Maps<double> wanted = defined();
    Maps<float> first;
    for (const int threads : {1, 2, 3}) {
      set_num_threads(threads);
      bb::detail::share_all_work(threads > 1);
      const float nan = std::numeric_limits<float>::quiet_NaN();
      Maps<float> got{std::vector<float>(dy.size(), nan), std::vector<float>(x.size(), nan),
                      std::vector<float>(weight.size(), nan)};
      winograd_conv(s, x.data(), weight.data(), epilogue(), got.y.data());
      winograd_conv_grad_input(s, dy.data(), weight.data(), got.dx.data());
      winograd_conv_grad_weight(s, x.data(), dy.data(), got.dw.data());
      if (threads > 1) {
        EXPECT_TRUE(got.y == first.y && got.dx == first.dx && got.dw == first.dw) << text_of(s);
        continue;
      }
      expect_close(got.y, wanted.y, "y");
      expect_close(got.dx, wanted.dx, "dx");
      expect_close(got.dw, wanted.dw, "dw");
      first = got;
    }
    bb::detail::share_all_work(false);
  }
  set_num_threads(before);
}

// A map of conv() is that of Winograd where it says so: bitwise.
TEST_F(WinogradMaps, ServeConvWhereTheyPay) {
  if (winograd_lanes() == 0) GTEST_SKIP() << "no vectors";
  Random random(10);
  const ConvShape shape = square_shape(3, 2, 64, 64, 16, 16, 1);
  for (const ConvShape& taken : {shape, square_shape(5, 2, 64, 64, 16, 16, 2)}) {
    ASSERT_TRUE(is_for_winograd(taken));
    make(random, taken);
    const Maps<float> got = computed(false);
    std::vector<float> y(dy.size());
    winograd_conv(s, x.data(), weight.data(), epilogue(), y.data());
    EXPECT_EQ(got.y, y);
  }
  for (const auto change : {+[](ConvShape& other) {
                              other.windows.stride = {1, 2, 2};
                            },
                            +[](ConvShape& other) {
                              other.windows.dilation = {1, 2, 2};
                            },
                            +[](ConvShape& other) {
                              other.windows.kernel = {1, 3, 5};
                            },
                            +[](ConvShape& other) { other.in_channels = 1; }}) {
    ConvShape other = shape;
    change(other);
    EXPECT_FALSE(is_for_winograd(other)) << text_of(other);
  }
}

using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ConvMaps, Types);

TYPED_TEST(ConvMaps, AreTheirDefinitions) {
  Random random(7);
  for (int i = 0; i < 120; ++i) {
    this->make(random);
    const Maps<double> wanted = this->defined();
    // The shapes that go other ways are tried on the grid too, where there is one.
    for (const bool on_grid : {false, true}) {
      if (on_grid && !has_vectors<TypeParam>()) continue;
      const Maps<TypeParam> got = this->computed(on_grid);
      this->expect_near(got.y, wanted.y, "y");
      this->expect_near(got.dx, wanted.dx, "dx");
      this->expect_near(got.dw, wanted.dw, "dw");
      if (this->HasFatalFailure()) return;
    }
  }
}

TYPED_TEST(ConvMaps, OfDepthwiseConvolutionsAreTheirDefinitionsForAnyNumberOfThreads) {
  const int before = num_threads();
  Random random(11);
  std::vector<ConvShape> shapes{
      depthwise(shape_2d(1, 2500, 1, 1, 0, 1), 2, 1),  // wider than a block of results
      depthwise(shape_2d(3, 2100, 3, 1, 5, 1), 2, 1),
      depthwise(shape_2d(3, 4200, 3, 2, 1, 1), 2, 2),
      depthwise(shape_2d(150, 75, 3, 1, 1, 1), 2, 1),  // of several blocks of rows
      depthwise(shape_2d(150, 75, 5, 2, 2, 3), 2, 3),
      depthwise(shape_2d(2, 3, 7, 1, 3, 1), 3, 4),   // a kernel larger than the image
      depthwise(shape_2d(4, 5, 3, 1, 6, 1), 3, 2),   // padding beyond the kernel
      depthwise(shape_2d(4, 5, 2, 3, 7, 1), 3, 1),   // and windows that see nothing else
      depthwise(shape_2d(0, 5, 2, 1, 2, 1), 3, 1),   // no image at all
      depthwise(shape_2d(9, 30, 1, 4, 0, 1), 2, 1),  // elements that no window sees
      depthwise(shape_2d(40, 40, 2, 1, 0, 39), 2, 1),
  };
  for (int64_t width = 1; width <= 70; width += 3)
    shapes.push_back(depthwise(shape_2d(width / 4 + 1, width, 3, 1, 1, 1), 2, 1));
  for (int i = 0; i < 60; ++i)
    shapes.push_back(depthwise(random_shape(random), between(random, 2, 4), between(random, 1, 4)));
  for (const ConvShape& shape : shapes) {
    ASSERT_TRUE(shape.is_depthwise());
    this->make(random, shape);
    const Maps<double> wanted = this->defined();
    set_num_threads(1);
    const Maps<TypeParam> one = this->computed(false);
    this->expect_near(one.y, wanted.y, "y");
    this->expect_near(one.dx, wanted.dx, "dx");
    this->expect_near(one.dw, wanted.dw, "dw");
    if (this->HasFatalFailure()) break;
    this->expect_same_by_threads(one);
  }
  set_num_threads(before);
}

TYPED_TEST(ConvMaps, AreTheSameForAnyNumberOfThreads) {
  const int before = num_threads();
  Random random(8);
  for (int i = 0; i < 20; ++i) {
    this->make(random);
    set_num_threads(1);
    const Maps<TypeParam> one = this->computed(false);
    this->expect_same_by_threads(one);
  }
  set_num_threads(before);
}

}  // namespace
}  // namespace bb::kernels
