#include "side.h"

// Single layers, forward and backward together.
namespace {

using side::Tensor;

/// Makes what a layer has besides x, and keeps it: a step computes all their gradients.
class Parameters {
 public:
  explicit Parameters(std::vector<Tensor>& all) : all_(all) {}
  Tensor operator()(const side::Sizes& sizes, unsigned seed) const {
    all_.push_back(side::filled(sizes, seed, 1).requires_grad_());
    return all_.back();
  }

 private:
  std::vector<Tensor>& all_;
};

/// A step that computes f(x) and the gradients of x and of the parameters, and returns the sum of
/// an element of each.
template <class F>
std::function<double()> forward_and_backward(const side::Sizes& sizes, const F& make) {
  std::vector<Tensor> all{side::filled(sizes, 1, 1).requires_grad_()};
  auto f = make(Parameters(all));
  const Tensor dy = side::like(f(all[0]), 3, 0.1);
  return [=, probe = versus::Probe(side::count(all[0]))]() mutable {
    const Tensor y = f(all[0]);
    const size_t at = probe();
    double sum = side::element(y, at % side::count(y));
    for (const Tensor& dx : side::gradients(y, all, dy))
      sum += side::element(dx, at % side::count(dx));
    return sum;
  };
}

const versus::Register batch_norm("batch_norm/32x64x28x28", [] {
  return forward_and_backward({32, 64, 28, 28}, [](const Parameters& parameter) {
    const Tensor w = parameter({64}, 4), b = parameter({64}, 5);
    const Tensor mean = side::constant({64}, 0), var = side::constant({64}, 1);
    return [=](const Tensor& x) { return side::batch_norm(x, mean, var, w, b, true); };
  });
});
// Of a residual block: relu(batch_norm(x) + residual).
std::function<double()> residual_norm(const side::Sizes& sizes) {
  return forward_and_backward(sizes, [&](const Parameters& parameter) {
    const side::Sizes channels{sizes[1]};
    const Tensor w = parameter(channels, 4), b = parameter(channels, 5), r = parameter(sizes, 6);
    const Tensor mean = side::constant(channels, 0), var = side::constant(channels, 1);
    return [=](const Tensor& x) { return side::batch_norm_relu(x, mean, var, w, b, true, r); };
  });
}
const versus::Register residual_32("batch_norm_residual_relu/128x16x32x32", [] {
  return residual_norm({128, 16, 32, 32});
});
const versus::Register residual_8("batch_norm_residual_relu/128x64x8x8", [] {
  return residual_norm({128, 64, 8, 8});
});
const versus::Register layer_norm("layer_norm/1024x768", [] {
  return forward_and_backward({1024, 768}, [](const Parameters& parameter) {
    const Tensor w = parameter({768}, 4), b = parameter({768}, 5);
    return [=](const Tensor& x) { return side::layer_norm(x, w, b); };
  });
});
const versus::Register rms_norm("rms_norm/1024x768", [] {
  return forward_and_backward({1024, 768}, [](const Parameters& parameter) {
    const Tensor w = parameter({768}, 4);
    return [=](const Tensor& x) { return side::rms_norm(x, w); };
  });
});
const versus::Register group_norm("group_norm/32x64x28x28_8_groups", [] {
  return forward_and_backward({32, 64, 28, 28}, [](const Parameters& parameter) {
    const Tensor w = parameter({64}, 4), b = parameter({64}, 5);
    return [=](const Tensor& x) { return side::group_norm(x, 8, w, b); };
  });
});

std::function<double()> pooling(const side::Sizes& sizes, Tensor (*pool)(const Tensor& x)) {
  return forward_and_backward(sizes, [=](const Parameters&) { return pool; });
}
const versus::Register max_pool("max_pool2d/32x64x28x28", [] {
  return pooling({32, 64, 28, 28}, [](const Tensor& x) { return side::max_pool2d(x, 2); });
});
// Behind the first convolution of a ResNet.
const versus::Register max_pool_3("max_pool2d/3x3_stride_2_16x64x112x112", [] {
  return pooling({16, 64, 112, 112}, [](const Tensor& x) { return side::max_pool2d(x, 3, 2, 1); });
});
const versus::Register avg_pool("avg_pool2d/32x64x28x28", [] {
  return pooling({32, 64, 28, 28}, [](const Tensor& x) { return side::avg_pool2d(x, 2); });
});
// To 6x6 the windows overlap; to 1x1 it is the mean of an image.
const versus::Register adaptive_max_6("adaptive_max_pool2d/32x64x28x28_to_6x6", [] {
  return pooling({32, 64, 28, 28}, [](const Tensor& x) { return side::adaptive_max_pool2d(x, 6); });
});
const versus::Register adaptive_avg_6("adaptive_avg_pool2d/32x64x28x28_to_6x6", [] {
  return pooling({32, 64, 28, 28}, [](const Tensor& x) { return side::adaptive_avg_pool2d(x, 6); });
});
const versus::Register adaptive_avg_1("adaptive_avg_pool2d/32x64x28x28_to_1x1", [] {
  return pooling({32, 64, 28, 28}, [](const Tensor& x) { return side::adaptive_avg_pool2d(x, 1); });
});
const versus::Register attention("attention/8x1024x64_causal", [] {
  return forward_and_backward({1, 8, 1024, 64}, [](const Parameters& parameter) {
    const Tensor k = parameter({1, 8, 1024, 64}, 4), v = parameter({1, 8, 1024, 64}, 5);
    return [=](const Tensor& x) { return side::causal_attention(x, k, v); };
  });
});

// 512 rows of a table; the gradient is of the table's size, and 0 but for these rows.
const versus::Register embedding("embedding/50000x256_512_rows", [] {
  const int64_t rows = 50000, width = 256, n = 512;
  const Tensor table = side::filled({rows, width}, 1, 1).requires_grad_();
  const Tensor indices = side::classes({n}, 2, rows), dy = side::filled({n, width}, 3, 0.1);
  return [=, asked = versus::classes(n, 2, rows), probe = versus::Probe(n * width)]() mutable {
    const Tensor y = side::embedding(indices, table);
    const size_t at = probe(), row = static_cast<size_t>(asked[at / width]);
    return side::element(y, at) +
           side::element(side::gradients(y, {table}, dy)[0], row * width + at % width);
  };
});

}  // namespace
