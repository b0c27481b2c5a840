#include "bb/core/kernels/conv_direct.h"

#include <algorithm>

#include "bb/core/parallel.h"

#include "bb/core/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bb/core/kernels/conv_direct.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "bb/core/kernels/dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace bb::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
void add_scaled(int64_t n, T a, const T* x, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto factor = hn::Set(d, a);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, y + i);
  for (; i < n; ++i) y[i] += a * x[i];
}

template <class T>
void relu(int64_t n, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, y + i);
    hn::StoreU(hn::IfThenZeroElse(hn::Lt(v, hn::Zero(d)), v), d, y + i);
  }
  for (; i < n; ++i)
    if (y[i] < 0) y[i] = 0;
}

RowOps<float> ops_f32() { return {add_scaled<float>, dot<float>, relu<float>}; }
RowOps<double> ops_f64() { return {add_scaled<double>, dot<double>, relu<double>}; }

}  // namespace
}  // namespace bb::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bb::kernels {
namespace {

template <class T>
auto row_ops() {
  if constexpr (sizeof(T) == 4)
    return BB_DISPATCH(ops_f32)();
  else
    return BB_DISPATCH(ops_f64)();
}

/// Calls row(k, out, in, n) for each row of windows and each element k of the filter that lies in
/// the image there: n windows from position `out` of the result on, `in` that of their element k,
/// which steps on by stride[2].
template <class Row>
void for_each_row(const Windows& w, const Row& row) {
  for (int64_t kd = 0; kd < w.kernel[0]; ++kd)
    for (int64_t kh = 0; kh < w.kernel[1]; ++kh)
      for (int64_t kw = 0; kw < w.kernel[2]; ++kw) {
        const int64_t k = (kd * w.kernel[1] + kh) * w.kernel[2] + kw;
        const WindowRange z = windows_inside(w, 0, kd), y = windows_inside(w, 1, kh),
                          x = windows_inside(w, 2, kw);
        if (x.begin >= x.end) continue;
        const int64_t from = x.begin * w.stride[2] + kw * w.dilation[2] - w.padding[2];
        for (int64_t od = z.begin; od < z.end; ++od) {
          const int64_t id = od * w.stride[0] + kd * w.dilation[0] - w.padding[0];
          for (int64_t oh = y.begin; oh < y.end; ++oh) {
            const int64_t ih = oh * w.stride[1] + kh * w.dilation[1] - w.padding[1];
            row(k, (od * w.out[1] + oh) * w.out[2] + x.begin, (id * w.in[1] + ih) * w.in[2] + from,
                x.end - x.begin);
          }
        }
      }
}

double cost_ns(const ConvShape& s) {
  return 0.15 * static_cast<double>(s.windows.kernel_size()) *
             static_cast<double>(s.windows.out_size()) +
         20;
}

}  // namespace

template <class T>
void depthwise_conv(const ConvShape& s, const T* x, const T* w, const ConvEpilogue<T>& epilogue,
                    T* y) {
  const T* bias = epilogue.bias;
  const auto ops = row_ops<T>();
  const int64_t in = s.windows.in_size(), out = s.windows.out_size(), step = s.windows.stride[2];
  const int64_t channels = s.groups * s.out_channels, kernel = s.windows.kernel_size();
  parallel_for(s.batch * channels, cost_ns(s), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T* from = x + i / s.out_channels * in;
      const T* filter = w + i % channels * kernel;
      T* to = y + i * out;
      std::fill_n(to, out, bias ? bias[i % channels] : T{0});
      for_each_row(s.windows, [&](int64_t k, int64_t o, int64_t at, int64_t n) {
        if (step == 1) return ops.add_scaled(n, filter[k], from + at, to + o);
        for (int64_t j = 0; j < n; ++j) to[o + j] += filter[k] * from[at + j * step];
      });
      if (epilogue.activation == Activation::kRelu) ops.relu(out, to);
    }
  });
}

template <class T>
void depthwise_conv_grad_input(const ConvShape& s, const T* dy, const T* w, T* dx) {
  const auto ops = row_ops<T>();
  const int64_t in = s.windows.in_size(), out = s.windows.out_size(), step = s.windows.stride[2];
  const int64_t channels = s.groups * s.out_channels, kernel = s.windows.kernel_size();
  const double cost = static_cast<double>(s.out_channels) * cost_ns(s);
  parallel_for(s.batch * s.groups, cost, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* to = dx + i * in;
      std::fill_n(to, in, T{0});
      for (int64_t j = i * s.out_channels; j < (i + 1) * s.out_channels; ++j) {
        const T* from = dy + j * out;
        const T* filter = w + j % channels * kernel;
        for_each_row(s.windows, [&](int64_t k, int64_t o, int64_t at, int64_t n) {
          if (step == 1) return ops.add_scaled(n, filter[k], from + o, to + at);
          for (int64_t l = 0; l < n; ++l) to[at + l * step] += filter[k] * from[o + l];
        });
      }
    }
  });
}

template <class T>
void depthwise_conv_grad_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const auto ops = row_ops<T>();
  const int64_t in = s.windows.in_size(), out = s.windows.out_size(), step = s.windows.stride[2];
  const int64_t channels = s.groups * s.out_channels, kernel = s.windows.kernel_size();
  const double cost = static_cast<double>(s.batch) * cost_ns(s);
  parallel_for(channels, cost, [&](int64_t begin, int64_t end) {
    std::fill(dw + begin * kernel, dw + end * kernel, T{0});
    for (int64_t c = begin; c < end; ++c)
      for (int64_t image = 0; image < s.batch; ++image) {
        const T* from = x + (image * s.groups + c / s.out_channels) * in;
        const T* grad = dy + (image * channels + c) * out;
        T* to = dw + c * kernel;
        for_each_row(s.windows, [&](int64_t k, int64_t o, int64_t at, int64_t n) {
          if (step == 1) {
            to[k] += ops.dot(n, from + at, grad + o);
            return;
          }
          T sum = 0;
          for (int64_t j = 0; j < n; ++j) sum += from[at + j * step] * grad[o + j];
          to[k] += sum;
        });
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
