#pragma once

#include <torch/torch.h>

#include "../harness.h"

/// What the cases in both/ are written with, here by LibTorch.
namespace side {

using torch::Tensor;
using Sizes = std::vector<int64_t>;
using NoGrad = torch::InferenceMode;

inline Tensor filled(const Sizes& sizes, unsigned seed, double scale) {
  int64_t n = 1;
  for (int64_t size : sizes) n *= size;
  auto values = versus::numbers(static_cast<size_t>(n), seed, scale);
  return torch::from_blob(values.data(), sizes).clone();
}
inline Tensor constant(const Sizes& sizes, double value) { return torch::full(sizes, value); }
inline Tensor classes(const Sizes& sizes, unsigned seed, int64_t count) {
  int64_t n = 1;
  for (int64_t size : sizes) n *= size;
  auto values = versus::classes(static_cast<size_t>(n), seed, count);
  return torch::from_blob(values.data(), sizes, torch::kInt64).clone();
}
inline double element(const Tensor& x, size_t i) {
  return static_cast<double>(x.contiguous().const_data_ptr<float>()[i]);
}
inline size_t count(const Tensor& x) { return static_cast<size_t>(x.numel()); }
inline double number(const Tensor& x) { return x.item<double>(); }
inline Tensor reshaped(const Tensor& x, const Sizes& sizes) { return x.reshape(sizes); }
inline Tensor like(const Tensor& x, unsigned seed, double scale) {
  return filled(x.sizes().vec(), seed, scale);
}

using torch::matmul;
using torch::relu;
using torch::tanh;
inline Tensor gelu(const Tensor& x) { return torch::gelu(x); }
inline Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b = {}) {
  return torch::nn::functional::linear(x, w, b);
}
inline Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                     int64_t padding, int64_t dilation = 1, int64_t groups = 1) {
  return torch::conv1d(x, w, b, stride, padding, dilation, groups);
}
inline Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                     int64_t padding, int64_t dilation = 1, int64_t groups = 1) {
  return torch::conv2d(x, w, b, stride, padding, dilation, groups);
}
inline Tensor conv3d(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                     int64_t padding, int64_t dilation = 1, int64_t groups = 1) {
  return torch::conv3d(x, w, b, stride, padding, dilation, groups);
}
inline Tensor conv_transpose2d(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                               int64_t padding, int64_t dilation = 1, int64_t groups = 1) {
  return torch::conv_transpose2d(x, w, b, stride, padding, /*output_padding=*/0, groups, dilation);
}
inline Tensor max_pool2d(const Tensor& x, int64_t kernel, int64_t stride = 0, int64_t padding = 0) {
  return torch::max_pool2d(x, kernel, stride == 0 ? kernel : stride, padding);
}
inline Tensor avg_pool2d(const Tensor& x, int64_t kernel) { return torch::avg_pool2d(x, kernel); }
inline Tensor adaptive_max_pool2d(const Tensor& x, int64_t output_size) {
  return std::get<0>(torch::adaptive_max_pool2d(x, {output_size, output_size}));
}
inline Tensor adaptive_avg_pool2d(const Tensor& x, int64_t output_size) {
  return torch::adaptive_avg_pool2d(x, {output_size, output_size});
}
inline Tensor mean_of_images(const Tensor& x) { return x.mean({2, 3}); }
inline Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& w,
                         const Tensor& b, bool training) {
  return torch::batch_norm(x, w, b, mean, var, training, 0.1, 1e-5, false);
}
inline Tensor batch_norm_relu(const Tensor& x, const Tensor& mean, const Tensor& var,
                              const Tensor& w, const Tensor& b, bool training,
                              const Tensor& residual = {}) {
  Tensor y = batch_norm(x, mean, var, w, b, training);
  if (residual.defined()) y.add_(residual);
  return y.relu_();
}
inline std::pair<Tensor, Tensor> folded(const Tensor& weight, const Tensor& mean, const Tensor& var,
                                        const Tensor& w, const Tensor& b) {
  const Tensor scale = w * torch::rsqrt(var + 1e-5);  // torch.nn.utils.fusion
  return {weight * scale.reshape({-1, 1, 1, 1}), b - mean * scale};
}
inline Tensor conv2d_relu(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                          int64_t padding, const Tensor& residual) {
  Tensor y = conv2d(x, w, b, stride, padding);
  if (residual.defined()) y.add_(residual);
  return y.relu_();
}
inline Tensor layer_norm(const Tensor& x, const Tensor& w, const Tensor& b) {
  return torch::layer_norm(x, {x.size(-1)}, w, b);
}
inline Tensor rms_norm(const Tensor& x, const Tensor& w) {
  return torch::rms_norm(x, {x.size(-1)}, w);
}
inline Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& w, const Tensor& b) {
  return torch::group_norm(x, groups, w, b);
}
inline Tensor causal_attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  return at::scaled_dot_product_attention(q, k, v, {}, 0.0, true);
}
/// LibTorch has checkpoints in Python only: here all values are kept.
template <class F>
Tensor checkpoint(const F& fn, const Tensor& x) {
  return fn(x);
}
inline Tensor embedding(const Tensor& indices, const Tensor& w) {
  return torch::embedding(w, indices);
}
inline Tensor cross_entropy(const Tensor& x, const Tensor& labels) {
  return torch::nn::functional::cross_entropy(x, labels);
}

inline std::vector<Tensor> gradients(const Tensor& y, const std::vector<Tensor>& xs,
                                     const Tensor& dy) {
  return torch::autograd::grad({y}, xs, {dy}, /*retain_graph=*/true);
}

inline std::function<void()> sgd(const std::vector<Tensor>& parameters) {
  auto optimizer =
      std::make_shared<torch::optim::SGD>(parameters, torch::optim::SGDOptions(0.01).momentum(0.9));
  return [optimizer] {
    optimizer->step();
    optimizer->zero_grad();
  };
}
inline std::function<void()> adam(const std::vector<Tensor>& parameters) {
  auto optimizer =
      std::make_shared<torch::optim::Adam>(parameters, torch::optim::AdamOptions(1e-3));
  return [optimizer] {
    optimizer->step();
    optimizer->zero_grad();
  };
}

inline Tensor lstm(const Tensor& x, const Tensor& w_in, const Tensor& w_hidden, const Tensor& b_in,
                   const Tensor& b_hidden) {
  const Tensor zero = torch::zeros({1, x.size(1), w_hidden.size(1)});
  return std::get<0>(torch::lstm(x, {zero, zero}, {w_in, w_hidden, b_in, b_hidden}, true, 1, 0.0,
                                 true, false, false));
}
inline Tensor gru(const Tensor& x, const Tensor& w_in, const Tensor& w_hidden, const Tensor& b_in,
                  const Tensor& b_hidden) {
  const Tensor zero = torch::zeros({1, x.size(1), w_hidden.size(1)});
  return std::get<0>(
      torch::gru(x, zero, {w_in, w_hidden, b_in, b_hidden}, true, 1, 0.0, true, false, false));
}
inline Tensor rnn_tanh(const Tensor& x, const Tensor& w_in, const Tensor& w_hidden,
                       const Tensor& b_in, const Tensor& b_hidden) {
  const Tensor zero = torch::zeros({1, x.size(1), w_hidden.size(1)});
  return std::get<0>(
      torch::rnn_tanh(x, zero, {w_in, w_hidden, b_in, b_hidden}, true, 1, 0.0, true, false, false));
}

}  // namespace side
