#pragma once

#include "../harness.h"
#include "bb/bb.h"

/// What the cases in both/ are written with, here by this library: names and arguments that are the
/// same on both sides.
namespace side {

using NoGrad = bb::InferenceMode;
using bb::Tensor;
using Sizes = std::vector<int64_t>;

inline Tensor filled(const Sizes& sizes, unsigned seed, double scale) {
  const bb::Shape shape{std::span<const int64_t>(sizes)};
  return Tensor::copy_of<float>(versus::numbers(static_cast<size_t>(shape.numel()), seed, scale),
                                shape);
}
inline Tensor constant(const Sizes& sizes, double value) {
  return bb::full(bb::Shape{std::span<const int64_t>(sizes)}, value);
}
inline Tensor classes(const Sizes& sizes, unsigned seed, int64_t count) {
  const bb::Shape shape{std::span<const int64_t>(sizes)};
  const auto values = versus::classes(static_cast<size_t>(shape.numel()), seed, count);
  return Tensor::copy_of<int64_t>(std::vector<int64_t>(values.begin(), values.end()), shape);
}
inline double element(const Tensor& x, size_t i) {
  return static_cast<double>(x.detach().contiguous().data<float>()[i]);
}
inline size_t count(const Tensor& x) { return static_cast<size_t>(x.numel()); }
inline double number(const Tensor& x) { return x.item<double>(); }
inline Tensor reshaped(const Tensor& x, const Sizes& sizes) {
  return x.reshape(bb::Shape{std::span<const int64_t>(sizes)});
}
inline Tensor like(const Tensor& x, unsigned seed, double scale) {
  return filled(Sizes(x.shape().begin(), x.shape().end()), seed, scale);
}

using bb::gelu;
using bb::matmul;
using bb::relu;
using bb::tanh;
inline Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b = {}) {
  return bb::linear(x, w, b);
}
inline Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                     int64_t padding, int64_t dilation = 1, int64_t groups = 1) {
  return bb::conv1d(x, w, b,
                    {.stride = stride, .padding = padding, .dilation = dilation, .groups = groups});
}
inline Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                     int64_t padding, int64_t dilation = 1, int64_t groups = 1) {
  return bb::conv2d(x, w, b,
                    {.stride = stride, .padding = padding, .dilation = dilation, .groups = groups});
}
inline Tensor conv3d(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                     int64_t padding, int64_t dilation = 1, int64_t groups = 1) {
  return bb::conv3d(x, w, b,
                    {.stride = stride, .padding = padding, .dilation = dilation, .groups = groups});
}
inline Tensor conv_transpose2d(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                               int64_t padding, int64_t dilation = 1, int64_t groups = 1) {
  return bb::conv_transpose2d(
      x, w, b, {.stride = stride, .padding = padding, .groups = groups, .dilation = dilation});
}
/// Poolings with windows of kernel x kernel; stride 0 is the kernel.
inline Tensor max_pool2d(const Tensor& x, int64_t kernel, int64_t stride = 0, int64_t padding = 0) {
  return bb::max_pool2d(x, kernel, {.stride = stride, .padding = padding});
}
inline Tensor avg_pool2d(const Tensor& x, int64_t kernel) { return bb::avg_pool2d(x, kernel); }
inline Tensor adaptive_max_pool2d(const Tensor& x, int64_t output_size) {
  return bb::adaptive_max_pool2d(x, output_size);
}
inline Tensor adaptive_avg_pool2d(const Tensor& x, int64_t output_size) {
  return bb::adaptive_avg_pool2d(x, output_size);
}
inline Tensor mean_of_images(const Tensor& x) { return bb::mean(x, {2, 3}); }
inline Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& w,
                         const Tensor& b, bool training) {
  return bb::batch_norm(x, mean, var, w, b, {.training = training});
}
/// relu(batch_norm(x) + residual); the residual may be undefined.
inline Tensor batch_norm_relu(const Tensor& x, const Tensor& mean, const Tensor& var,
                              const Tensor& w, const Tensor& b, bool training,
                              const Tensor& residual = {}) {
  return bb::batch_norm(
      x, mean, var, w, b,
      {.training = training, .residual = residual, .activation = bb::Activation::kRelu});
}
/// The weight and bias of a convolution without one with an evaluated batch norm folded in.
inline std::pair<Tensor, Tensor> folded(const Tensor& weight, const Tensor& mean, const Tensor& var,
                                        const Tensor& w, const Tensor& b) {
  const auto result = bb::fold_batch_norm(weight, {}, mean, var, w, b);
  return {result.weight, result.bias};
}
/// relu(conv2d(x) + residual), for inference; the residual may be undefined.
inline Tensor conv2d_relu(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                          int64_t padding, const Tensor& residual) {
  if (!residual.defined())
    return bb::conv2d(x, w, b,
                      {.stride = stride, .padding = padding, .activation = bb::Activation::kRelu});
  return conv2d(x, w, b, stride, padding).add_(residual).relu_();
}
inline Tensor layer_norm(const Tensor& x, const Tensor& w, const Tensor& b) {
  return bb::layer_norm(x, {x.size(-1)}, w, b);
}
inline Tensor rms_norm(const Tensor& x, const Tensor& w) {
  return bb::rms_norm(x, {x.size(-1)}, w);
}
inline Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& w, const Tensor& b) {
  return bb::group_norm(x, groups, w, b);
}
inline Tensor causal_attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  return bb::scaled_dot_product_attention(q, k, v, {}, {.is_causal = true});
}
template <class F>
Tensor checkpoint(const F& fn, const Tensor& x) {
  return bb::checkpoint(fn, {x});
}
inline Tensor embedding(const Tensor& indices, const Tensor& w) {
  return bb::embedding(indices, w);
}
inline Tensor cross_entropy(const Tensor& x, const Tensor& labels) {
  return bb::cross_entropy(x, labels);
}

/// The gradients of each of xs.
inline std::vector<Tensor> gradients(const Tensor& y, const std::vector<Tensor>& xs,
                                     const Tensor& dy) {
  return bb::autograd::grad(y, xs, dy, {.retain_graph = true});
}

/// A step of an optimizer over the parameters' gradients, which are then let go.
inline std::function<void()> sgd(const std::vector<Tensor>& parameters) {
  auto optimizer = std::make_shared<bb::optim::SGD>(
      parameters, bb::optim::SGDOptions{.lr = 0.01, .momentum = 0.9});
  return [optimizer] {
    optimizer->step();
    optimizer->zero_grad();
  };
}
inline std::function<void()> adam(const std::vector<Tensor>& parameters) {
  auto optimizer =
      std::make_shared<bb::optim::Adam>(parameters, bb::optim::AdamOptions{.lr = 1e-3});
  return [optimizer] {
    optimizer->step();
    optimizer->zero_grad();
  };
}

/// Recurrent layers over x [time, batch, features] from a state of zeros: the outputs of all times.
inline Tensor lstm(const Tensor& x, const Tensor& w_in, const Tensor& w_hidden, const Tensor& b_in,
                   const Tensor& b_hidden) {
  return bb::lstm(x, {}, {w_in, w_hidden, b_in, b_hidden}).outputs;
}
inline Tensor gru(const Tensor& x, const Tensor& w_in, const Tensor& w_hidden, const Tensor& b_in,
                  const Tensor& b_hidden) {
  return bb::gru(x, {}, {w_in, w_hidden, b_in, b_hidden}).outputs;
}
inline Tensor rnn_tanh(const Tensor& x, const Tensor& w_in, const Tensor& w_hidden,
                       const Tensor& b_in, const Tensor& b_hidden) {
  return bb::rnn_tanh(x, {}, {w_in, w_hidden, b_in, b_hidden}).outputs;
}

}  // namespace side
