#include "bb/core/kernels/conv_direct.h"

#include <algorithm>
#include <array>
#include <type_traits>
#include <vector>

#include "bb/core/kernels/block.h"
#include "bb/core/kernels/conv_tile.h"
#include "bb/core/parallel.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/conv_direct.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/gemm_pack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// So many vectors at once: sums that do not wait for one another, and factors that serve them all.
constexpr int64_t kVecs = 4;

/// Vectors of results. Vector v goes to element `to` + v * step_to and sees from + v * step_from;
/// from its first result on, its row has left - v * along of them.
template <class T>
struct Vectors {
  const T* from;
  int64_t to, left;
  int64_t step_from, step_to, along;

  template <class D>
  HWY_INLINE bool whole(D d, int64_t v) const {
    return hn::MaxLanes(d) == 1 || left - v * along >= static_cast<int64_t>(hn::Lanes(d));
  }
};

/// Calls run(count, vectors) for all results: kVecs vectors along a row, or where rows are too
/// narrow, down as many rows; and one by one those that are left.
template <class T, class Run>
HWY_INLINE void for_each_vectors(const SeenRows<T>& seen, const Run& run) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  const bool wide = (kVecs - 1) * lanes < seen.n;
  Vectors<T> vectors{seen.from, 0, 0, seen.from_row, seen.row, 0};
  if (wide) vectors.step_from = vectors.step_to = vectors.along = lanes;
  for (int64_t r = 0; r < seen.rows;) {
    const bool down = !wide && r + kVecs <= seen.rows;
    for (int64_t i = 0; i < seen.n;) {
      vectors.from = seen.from + r * seen.from_row + i;
      vectors.to = r * seen.row + i;
      vectors.left = seen.n - i;
      const bool across = wide && i + (kVecs - 1) * lanes < seen.n;
      if (across || down) {
        run(std::integral_constant<int64_t, kVecs>(), vectors);
      } else {
        run(std::integral_constant<int64_t, 1>(), vectors);
      }
      i += across ? kVecs * lanes : lanes;
    }
    r += down ? kVecs : 1;
  }
}

template <class T>
void correlate(const SeenRows<T>& seen, const T* filter, T bias, bool relu, T* y) {
  const hn::ScalableTag<T> d;
  for_each_vectors(seen, [&](auto count, const Vectors<T>& at) {
    constexpr int64_t kCount = decltype(count)::value;
    hn::Vec<decltype(d)> sums[kCount];
#pragma GCC unroll 4
    for (int64_t v = 0; v < kCount; ++v) sums[v] = hn::Set(d, bias);
    for (int64_t k = 0; k < seen.count; ++k) {
      const auto factor = hn::Set(d, filter[k]);
      const T* from = at.from + seen.taps[k];
#pragma GCC unroll 4
      for (int64_t v = 0; v < kCount; ++v)
        sums[v] = hn::MulAdd(factor, hn::LoadU(d, from + v * at.step_from), sums[v]);
    }
#pragma GCC unroll 4
    for (int64_t v = 0; v < kCount; ++v) {
      if (relu) sums[v] = hn::IfThenZeroElse(hn::Lt(sums[v], hn::Zero(d)), sums[v]);
      T* const to = y + at.to + v * at.step_to;
      if (at.whole(d, v)) {
        hn::StoreU(sums[v], d, to);
      } else {
        HWY_ALIGN T rest[HWY_MAX_BYTES / sizeof(T)];
        hn::Store(sums[v], d, rest);
        copy_row<false>(rest, at.left - v * at.along, to);
      }
    }
  });
}

template <class T>
void add_products(const SeenRows<T>& seen, const T* dy, T* sums) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for_each_vectors(seen, [&](auto count, const Vectors<T>& at) {
    constexpr int64_t kCount = decltype(count)::value;
    hn::Vec<decltype(d)> factors[kCount];
#pragma GCC unroll 4
    for (int64_t v = 0; v < kCount; ++v) {
      const T* const from = dy + at.to + v * at.step_to;
      if (at.whole(d, v)) {
        factors[v] = hn::LoadU(d, from);
      } else {  // zeros behind the row
        HWY_ALIGN T rest[HWY_MAX_BYTES / sizeof(T)];
        copy_row<true>(from, at.left - v * at.along, rest);
        factors[v] = hn::Load(d, rest);
      }
    }
    for (int64_t k = 0; k < seen.count; ++k) {
      const T* from = at.from + seen.taps[k];
      auto sum = hn::LoadU(d, sums + k * lanes);
#pragma GCC unroll 4
      for (int64_t v = 0; v < kCount; ++v)
        sum = hn::MulAdd(factors[v], hn::LoadU(d, from + v * at.step_from), sum);
      hn::StoreU(sum, d, sums + k * lanes);
    }
  });
}

template <class T>
void join(int64_t n, T* sums, T* to) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t e = 0; e < n; ++e, sums += lanes) {
    to[e] += hn::GetLane(hn::SumOfLanes(d, hn::LoadU(d, sums)));
    hn::StoreU(hn::Zero(d), d, sums);
  }
}

template <class T>
RowOps<T> ops() {
  return {static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>())), correlate<T>, add_products<T>,
          join<T>};
}
RowOps<float> ops_f32() { return ops<float>(); }
RowOps<double> ops_f64() { return ops<double>(); }

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {
namespace {

constexpr int64_t kColumns = 1024;         // of results at once
constexpr int64_t kBlockBytes = 20 << 10;  // of padded rows, that stay in the first-level cache

template <class T>
RowOps<T> row_ops() {
  if constexpr (sizeof(T) == 4)
    return BB_DISPATCH(ops_f32)();
  else
    return BB_DISPATCH(ops_f64)();
}

/// A correlation along one dim: element k of the filter meets, for result o, position o * step +
/// k * dilation - pad of the source, whose elements are `apart`, with zeros between and around.
struct Axis {
  int64_t in, apart;
  int64_t out, step, pad;
  int64_t kernel, dilation;

  int64_t reach() const { return (kernel - 1) * dilation; }

  /// Elements first + e * step at places lead + e * apart, for e < count.
  struct Run {
    int64_t first, lead, count;
  };
  /// Those at the positions `from`, from + every, ... that go to places [0, places). One of `every`
  /// and `apart` is 1.
  Run run(int64_t from, int64_t every, int64_t places) const {
    int64_t lead = from < 0 ? ceil_div(-from, every) : 0;
    from += lead * every;
    const int64_t first = ceil_div(from, apart);
    lead += first * apart - from;
    const bool none = first >= in || lead >= places;
    return {first, lead,
            none ? 0 : std::min((in - 1 - first) / every, (places - 1 - lead) / apart) + 1};
  }
};
using Axes = std::array<Axis, 3>;

/// Of the convolution itself.
Axes windows_axes(const Windows& w) {
  Axes axes;
  for (size_t d = 0; d < 3; ++d)
    axes[d] = {w.in[d], 1, w.out[d], w.stride[d], w.padding[d], w.kernel[d], w.dilation[d]};
  return axes;
}
/// Of its input's gradient, with the filter turned round.
Axes input_axes(const Windows& w) {
  Axes axes;
  for (size_t d = 0; d < 3; ++d) {
    const int64_t reach = (w.kernel[d] - 1) * w.dilation[d];
    axes[d] = {w.out[d], w.stride[d], w.in[d], 1, reach - w.padding[d], w.kernel[d], w.dilation[d]};
  }
  return axes;
}

/// Blocks of rows of results, and copies of what they see of some images, with the padding. With a
/// step of s along the width, rows are taken apart into s phases (those that the filter meets), so
/// that neighbours see neighbours.
template <class T>
class PaddedBlocks {
 public:
  PaddedBlocks(const Axes& axes, int64_t images, int64_t lanes)
      : z_(axes[0]),
        y_(axes[1]),
        x_(axes[2]),
        images_(images),
        phases_(phases_of(x_)),
        width_(whole(whole(std::min(x_.out, kColumns), lanes) + x_.reach() / x_.step, lanes)),
        rows_(rows_of_block()),
        plane_(positions(rows_) * width_),
        copies_(planes() * plane_ + lanes) {  // copy_padded may write a vector more
    for (int64_t slice = 0; slice < images * z_.kernel; ++slice)
      for (int64_t b = 0; b < y_.kernel; ++b)
        for (int64_t c = 0; c < x_.kernel; ++c) {
          const auto phase = std::find(phases_.begin(), phases_.end(), c * x_.dilation % x_.step);
          const int64_t plane =
              slice * static_cast<int64_t>(phases_.size()) + (phase - phases_.begin());
          taps_.push_back(plane * plane_ + b * y_.dilation * width_ + c * x_.dilation / x_.step);
        }
  }

  /// Calls run(seen, place) for each block, whose results lie at `place` of theirs.
  template <class Run>
  void for_each(const T* images, const Run& run) {
    for (int64_t column = 0; column < x_.out; column += kColumns)
      for (int64_t i = 0; i < z_.out; ++i)
        for (int64_t j = 0; j < y_.out; j += rows_) {
          const int64_t rows = std::min(rows_, y_.out - j);
          copy(images, i, j, rows, column);
          const SeenRows<T> seen{.rows = rows,
                                 .n = std::min(kColumns, x_.out - column),
                                 .from = copies_.data(),
                                 .from_row = y_.step * width_,
                                 .count = static_cast<int64_t>(taps_.size()),
                                 .taps = taps_.data(),
                                 .row = x_.out};
          run(seen, (i * y_.out + j) * x_.out + column);
        }
  }

 private:
  static int64_t whole(int64_t n, int64_t lanes) { return ceil_div(n, lanes) * lanes; }
  static std::vector<int64_t> phases_of(const Axis& x) {
    std::vector<int64_t> phases;
    for (int64_t k = 0; k < x.kernel; ++k) {
      const int64_t phase = k * x.dilation % x.step;
      if (std::find(phases.begin(), phases.end(), phase) == phases.end()) phases.push_back(phase);
    }
    return phases;
  }
  int64_t planes() const { return images_ * z_.kernel * static_cast<int64_t>(phases_.size()); }
  /// Along the height, that so many rows of results see.
  int64_t positions(int64_t rows) const { return (rows - 1) * y_.step + y_.reach() + 1; }
  /// As many as fit, in nearly equal blocks, but enough that a row is copied about twice at most.
  int64_t rows_of_block() const {
    const int64_t fit = kBlockBytes / (planes() * width_ * static_cast<int64_t>(sizeof(T)));
    const int64_t most = std::max(fit - y_.reach(), y_.reach() + 1) / y_.step;
    return ceil_div(y_.out, ceil_div(y_.out, std::max<int64_t>(most, 1)));
  }

  void copy(const T* images, int64_t i, int64_t j, int64_t rows, int64_t column) const {
    const Axis::Run y = y_.run(j * y_.step - y_.pad, 1, positions(rows));
    T* to = copies_.data();
    for (int64_t image = 0; image < images_; ++image)
      for (int64_t k = 0; k < z_.kernel; ++k) {
        const Axis::Run z = z_.run(i * z_.step + k * z_.dilation - z_.pad, 1, 1);
        const T* slice = z.count > 0 ? images + (image * z_.in + z.first) * y_.in * x_.in : nullptr;
        for (const int64_t phase : phases_) {
          copy_plane(slice, y, x_.run(column * x_.step + phase - x_.pad, x_.step, width_),
                     positions(rows), to);
          to += plane_;
        }
      }
  }
  void copy_plane(const T* slice, const Axis::Run& y, const Axis::Run& x, int64_t height,
                  T* to) const {
    T* const end = to + height * width_;
    if (!slice || y.count == 0 || x.count == 0) return std::fill(to, end, T{0});
    const T* from = slice + y.first * x_.in + x.first;
    if (y_.apart * x_.apart == 1) {
      T* const rows = to + y.lead * width_;
      std::fill(to, rows, T{0});
      copy_padded<T>({.rows = y.count,
                      .width = width_,
                      .lead = x.lead,
                      .count = x.count,
                      .from = from,
                      .step = x_.step,
                      .from_row = x_.in,
                      .to = rows});
      std::fill(rows + y.count * width_, end, T{0});
    } else {  // and the width's step is 1
      std::fill(to, end, T{0});
      to += y.lead * width_ + x.lead;
      for (int64_t r = 0; r < y.count; ++r, from += x_.in, to += y_.apart * width_)
        for (int64_t e = 0; e < x.count; ++e) to[e * x_.apart] = from[e];
    }
  }

  Axis z_, y_, x_;
  int64_t images_;
  std::vector<int64_t> phases_;
  int64_t width_, rows_, plane_;
  Block<T> copies_;
  std::vector<int64_t> taps_;
};

int64_t in_size(const Axes& axes) { return axes[0].in * axes[1].in * axes[2].in; }
int64_t out_size(const Axes& axes) { return axes[0].out * axes[1].out * axes[2].out; }

/// Nanoseconds of a filter over an image.
double cost_ns(const Axes& axes) {
  const int64_t kernel = axes[0].kernel * axes[1].kernel * axes[2].kernel;
  return static_cast<double>(out_size(axes)) * (0.04 * static_cast<double>(kernel) + 0.3) + 100;
}

/// Each of `count` images of results is the correlation of `images` images with as many filters;
/// `sharing` of them have the same images, and the filters repeat after `channels` of them.
struct Correlation {
  Axes axes;
  int64_t count, channels, images, sharing;
};

template <class T>
void correlate(const Correlation& c, const T* src, const T* filters,
               const ConvEpilogue<T>& epilogue, T* dst) {
  if (out_size(c.axes) == 0) return;
  const RowOps<T> ops = row_ops<T>();
  const auto& [z, y, x] = c.axes;
  const int64_t kernel = c.images * z.kernel * y.kernel * x.kernel;
  const bool relu = epilogue.activation == Activation::kRelu;
  const double cost = static_cast<double>(c.images) * cost_ns(c.axes);
  parallel_for(c.count, cost, [&](int64_t begin, int64_t end) {
    PaddedBlocks<T> blocks(c.axes, c.images, ops.lanes);
    for (int64_t r = begin; r < end; ++r) {
      const T* filter = filters + r % c.channels * kernel;
      const T bias = epilogue.bias ? epilogue.bias[r % c.channels] : T{0};
      T* to = dst + r * out_size(c.axes);
      blocks.for_each(src + r / c.sharing * c.images * in_size(c.axes),
                      [&](const SeenRows<T>& seen, int64_t place) {
                        ops.correlate(seen, filter, bias, relu, to + place);
                      });
    }
  });
}

}  // namespace

template <class T>
void depthwise_conv(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue,
                    T* y) {
  const int64_t channels = s.groups * s.out_channels;
  correlate<T>({windows_axes(s.windows), s.batch * channels, channels, 1, s.out_channels}, x, w,
               epilogue, y);
}

template <class T>
void depthwise_conv_grad_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  const int64_t filters = s.groups * s.out_channels, kernel = s.windows.kernel_size();
  const Block<T> turned(filters * kernel);
  for (int64_t f = 0; f < filters; ++f)
    std::reverse_copy(w + f * kernel, w + (f + 1) * kernel, turned.data() + f * kernel);
  correlate<T>({input_axes(s.windows), s.batch * s.groups, s.groups, s.out_channels, 1}, dy,
               turned.data(), {}, dx);
}

template <class T>
void depthwise_conv_grad_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const RowOps<T> ops = row_ops<T>();
  const Axes axes = windows_axes(s.windows);
  const int64_t channels = s.groups * s.out_channels, kernel = s.windows.kernel_size();
  parallel_for(channels, static_cast<double>(s.batch) * cost_ns(axes),
               [&](int64_t begin, int64_t end) {
                 PaddedBlocks<T> blocks(axes, 1, ops.lanes);
                 std::vector<T> sums(static_cast<size_t>(kernel * ops.lanes));
                 std::fill(dw + begin * kernel, dw + end * kernel, T{0});
                 for (int64_t image = 0; image < s.batch; ++image)
                   for (int64_t c = begin; c < end; ++c) {
                     const T* grad = dy + (image * channels + c) * out_size(axes);
                     blocks.for_each(x + (image * s.groups + c / s.out_channels) * in_size(axes),
                                     [&](const SeenRows<T>& seen, int64_t place) {
                                       ops.add_products(seen, grad + place, sums.data());
                                     });
                     ops.join(kernel, sums.data(), dw + c * kernel);
                   }
               });
}

template void depthwise_conv(const ConvShape&, const float*, const float*,
                             const ConvEpilogue<float>&, float*);
template void depthwise_conv(const ConvShape&, const double*, const double*,
                             const ConvEpilogue<double>&, double*);
template void depthwise_conv_grad_input(const ConvShape&, const float*, const float*, float*);
template void depthwise_conv_grad_input(const ConvShape&, const double*, const double*, double*);
template void depthwise_conv_grad_weight(const ConvShape&, const float*, const float*, float*);
template void depthwise_conv_grad_weight(const ConvShape&, const double*, const double*, double*);

}  // namespace bb::kernels
#endif
