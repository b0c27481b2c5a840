#include <cmath>
#include <tuple>

#include "side.h"

// Whole networks: a step is forward, loss, backward and update; inference is forward alone.
namespace {

using side::Sizes;
using side::Tensor;

/// Makes parameters in turn, the same on both sides, and keeps them.
class Parameters {
 public:
  Tensor operator()(const Sizes& sizes, double scale) {
    return keep(side::filled(sizes, ++seed_, scale));
  }
  Tensor weight(const Sizes& sizes) {  // by fan-in
    double fan_in = 1;
    for (size_t d = 1; d < sizes.size(); ++d) fan_in *= static_cast<double>(sizes[d]);
    return (*this)(sizes, 1 / std::sqrt(fan_in));
  }
  Tensor constant(int64_t n, double value) { return keep(side::constant({n}, value)); }
  const std::vector<Tensor>& all() const { return all_; }

 private:
  Tensor keep(Tensor x) {
    x.requires_grad_();
    all_.push_back(x);
    return x;
  }
  unsigned seed_ = 100;
  std::vector<Tensor> all_;
};

using Network = std::function<Tensor(const Tensor& x)>;
using Optimizer = std::function<void()> (*)(const std::vector<Tensor>&);

std::function<double()> training(const Network& network, const Parameters& p, const Tensor& x,
                                 const Tensor& labels, Optimizer optimizer) {
  return [=, update = optimizer(p.all())] {
    const Tensor loss = side::cross_entropy(network(x), labels);
    loss.backward();
    update();
    return side::number(loss);
  };
}
std::function<double()> inference(const Network& network, const Tensor& x) {
  return [=] {
    const side::NoGrad guard;
    return side::element(network(x), 0);
  };
}

struct Linear {
  Linear(Parameters& p, int64_t in, int64_t out) : w(p.weight({out, in})), b(p({out}, 0.1)) {}
  Tensor operator()(const Tensor& x) const { return side::linear(x, w, b); }
  Tensor w, b;
};
struct Conv {
  Conv(Parameters& p, int64_t in, int64_t out, int64_t kernel, int64_t stride_, int64_t padding_,
       bool has_bias, int64_t groups_ = 1)
      : w(p.weight({out, in / groups_, kernel, kernel})),
        stride(stride_),
        padding(padding_),
        groups(groups_) {
    if (has_bias) b = p({out}, 0.1);
  }
  Tensor operator()(const Tensor& x) const {
    return side::conv2d(x, w, b, stride, padding, /*dilation=*/1, groups);
  }
  Tensor w, b;
  int64_t stride, padding, groups;
};
struct BatchNorm {
  BatchNorm(Parameters& p, int64_t channels, bool training_)
      : w(p.constant(channels, 1)),
        b(p.constant(channels, 0)),
        mean(side::constant({channels}, 0)),
        var(side::constant({channels}, 1)),
        training(training_) {}
  Tensor operator()(const Tensor& x) const {
    return side::batch_norm(x, mean, var, w, b, training);
  }
  Tensor relu(const Tensor& x, const Tensor& residual = {}) const {
    return side::batch_norm_relu(x, mean, var, w, b, training, residual);
  }
  Tensor w, b, mean, var;
  bool training;
};
struct LayerNorm {
  LayerNorm(Parameters& p, int64_t n) : w(p.constant(n, 1)), b(p.constant(n, 0)) {}
  Tensor operator()(const Tensor& x) const { return side::layer_norm(x, w, b); }
  Tensor w, b;
};

// LeNet-5: tanh, average pooling (LeCun et al., 1998).
Network lenet(Parameters& p) {
  const Conv c1(p, 1, 6, 5, 1, 2, true), c2(p, 6, 16, 5, 1, 0, true);
  const Linear f1(p, 400, 120), f2(p, 120, 84), f3(p, 84, 10);
  return [=](const Tensor& x) {
    Tensor h = side::avg_pool2d(side::tanh(c1(x)), 2);
    h = side::avg_pool2d(side::tanh(c2(h)), 2);
    h = side::tanh(f1(side::reshaped(h, {-1, 400})));
    return f3(side::tanh(f2(h)));
  };
}
const versus::Register lenet_step("lenet_step/64", [] {
  Parameters p;
  const Network network = lenet(p);
  return training(network, p, side::filled({64, 1, 28, 28}, 1, 1), side::classes({64}, 2, 10),
                  side::sgd);
});

// The MNIST example of PyTorch and Keras, without its dropout.
Network mnist_cnn(Parameters& p) {
  const Conv c1(p, 1, 32, 3, 1, 0, true), c2(p, 32, 64, 3, 1, 0, true);
  const Linear f1(p, 9216, 128), f2(p, 128, 10);
  return [=](const Tensor& x) {
    const Tensor h = side::max_pool2d(side::relu(c2(side::relu(c1(x)))), 2);
    return f2(side::relu(f1(side::reshaped(h, {-1, 9216}))));
  };
}
const versus::Register cnn_step("mnist_cnn_step/64", [] {
  Parameters p;
  const Network network = mnist_cnn(p);
  return training(network, p, side::filled({64, 1, 28, 28}, 1, 1), side::classes({64}, 2, 10),
                  side::adam);
});

// ResNet-20 for 32x32 images, with 1x1 convolutions where sizes change (He et al., 1512.03385).
Network resnet20(Parameters& p, bool training) {
  struct Block {
    Block(Parameters& p, int64_t in, int64_t out, int64_t stride, bool training)
        : c1(p, in, out, 3, stride, 1, false),
          c2(p, out, out, 3, 1, 1, false),
          n1(p, out, training),
          n2(p, out, training) {
      if (in != out) {
        shortcut = std::make_shared<Conv>(p, in, out, 1, stride, 0, false);
        norm = std::make_shared<BatchNorm>(p, out, training);
      }
    }
    Tensor operator()(const Tensor& x) const {
      return n2.relu(c2(n1.relu(c1(x))), shortcut ? (*norm)((*shortcut)(x)) : x);
    }
    Conv c1, c2;
    BatchNorm n1, n2;
    std::shared_ptr<Conv> shortcut;
    std::shared_ptr<BatchNorm> norm;
  };
  const Conv first(p, 3, 16, 3, 1, 1, false);
  const BatchNorm first_norm(p, 16, training);
  std::vector<Block> blocks;
  int64_t channels = 16;
  for (const int64_t out : {16, 32, 64})
    for (int i = 0; i < 3; ++i) {
      blocks.emplace_back(p, channels, out, channels == out ? 1 : 2, training);
      channels = out;
    }
  const Linear last(p, 64, 10);
  return [=](const Tensor& x) {
    Tensor h = first_norm.relu(first(x));
    for (const Block& block : blocks) h = block(h);
    return last(side::mean_of_images(h));
  };
}
const versus::Register resnet_step("resnet20_step/128", [] {
  Parameters p;
  const Network network = resnet20(p, true);
  return training(network, p, side::filled({128, 3, 32, 32}, 1, 1), side::classes({128}, 2, 10),
                  side::sgd);
});
// The same network with its norms folded into the convolutions.
Network folded_resnet20(Parameters& p) {
  struct Folded {
    Folded(Parameters& p, int64_t in, int64_t out, int64_t kernel, int64_t stride_,
           int64_t padding_)
        : stride(stride_), padding(padding_) {
      const Conv conv(p, in, out, kernel, stride, padding, false);
      const BatchNorm norm(p, out, false);
      const side::NoGrad guard;
      std::tie(w, b) = side::folded(conv.w, norm.mean, norm.var, norm.w, norm.b);
    }
    Tensor operator()(const Tensor& x) const { return side::conv2d(x, w, b, stride, padding); }
    Tensor relu(const Tensor& x, const Tensor& residual = {}) const {
      return side::conv2d_relu(x, w, b, stride, padding, residual);
    }
    Tensor w, b;
    int64_t stride, padding;
  };
  struct Block {
    Block(Parameters& p, int64_t in, int64_t out, int64_t stride)
        : c1(p, in, out, 3, stride, 1), c2(p, out, out, 3, 1, 1) {
      if (in != out) shortcut = std::make_shared<Folded>(p, in, out, 1, stride, 0);
    }
    Tensor operator()(const Tensor& x) const {
      return c2.relu(c1.relu(x), shortcut ? (*shortcut)(x) : x);
    }
    Folded c1, c2;
    std::shared_ptr<Folded> shortcut;
  };
  const Folded first(p, 3, 16, 3, 1, 1);
  std::vector<Block> blocks;
  int64_t channels = 16;
  for (const int64_t out : {16, 32, 64})
    for (int i = 0; i < 3; ++i) {
      blocks.emplace_back(p, channels, out, channels == out ? 1 : 2);
      channels = out;
    }
  const Linear last(p, 64, 10);
  return [=](const Tensor& x) {
    Tensor h = first.relu(x);
    for (const Block& block : blocks) h = block(h);
    return last(side::mean_of_images(h));
  };
}
std::function<double()> folded_inference(int64_t batch) {
  Parameters p;
  return inference(folded_resnet20(p), side::filled({batch, 3, 32, 32}, 1, 1));
}
const versus::Register folded_128("resnet20_folded_inference/128",
                                  [] { return folded_inference(128); });
const versus::Register folded_1("resnet20_folded_inference/1", [] { return folded_inference(1); });

std::function<double()> resnet_inference(int64_t batch) {
  Parameters p;
  return inference(resnet20(p, false), side::filled({batch, 3, 32, 32}, 1, 1));
}
const versus::Register resnet_128("resnet20_inference/128", [] { return resnet_inference(128); });
const versus::Register resnet_1("resnet20_inference/1", [] { return resnet_inference(1); });

// A transformer of the GPT-2 kind: learned positions, norms before each part, no dropout. With
// checkpoints, only what goes into a block is kept of the first half of them, whose values wait
// longest.
Network gpt(Parameters& p, int64_t layers, int64_t heads, int64_t width, int64_t tokens,
            int64_t vocabulary, bool checkpoints) {
  struct Block {
    Block(Parameters& p, int64_t width)
        : n1(p, width),
          n2(p, width),
          qkv(p, width, 3 * width),
          out(p, width, width),
          up(p, width, 4 * width),
          down(p, 4 * width, width) {}
    LayerNorm n1, n2;
    Linear qkv, out, up, down;
  };
  const Tensor token = p({vocabulary, width}, 0.05), position = p({tokens, width}, 0.05);
  std::vector<Block> blocks;
  for (int64_t i = 0; i < layers; ++i) blocks.emplace_back(p, width);
  const LayerNorm last(p, width);
  const Linear head(p, width, vocabulary);
  return [=](const Tensor& x) {
    const int64_t batch = x.size(0);
    const auto by_heads = [=](const Tensor& t) {
      return side::reshaped(t, {batch, tokens, heads, width / heads}).transpose(1, 2);
    };
    Tensor h = side::embedding(x, token) + position;
    for (size_t i = 0; i < blocks.size(); ++i) {
      const auto block = [=, b = blocks[i]](const Tensor& t) {
        const auto qkv = b.qkv(b.n1(t)).chunk(3, 2);
        const Tensor a =
            side::causal_attention(by_heads(qkv[0]), by_heads(qkv[1]), by_heads(qkv[2]));
        const Tensor u = t + b.out(side::reshaped(a.transpose(1, 2), {batch, tokens, width}));
        return u + b.down(side::gelu(b.up(b.n2(u))));
      };
      h = checkpoints && i < blocks.size() / 2 ? side::checkpoint(block, h) : block(h);
    }
    return side::reshaped(head(last(h)), {batch * tokens, vocabulary});
  };
}
std::function<double()> gpt_step(int64_t layers, int64_t heads, int64_t width, int64_t tokens,
                                 int64_t batch, bool checkpoints = false) {
  Parameters p;
  const Network network = gpt(p, layers, heads, width, tokens, 65, checkpoints);
  return training(network, p, side::classes({batch, tokens}, 1, 65),
                  side::classes({batch * tokens}, 2, 65), side::adam);
}
const versus::Register gpt_small("gpt_step/4x128_64_tokens_batch_12",
                                 [] { return gpt_step(4, 4, 128, 64, 12); });
const versus::Register gpt_large("gpt_step/6x384_256_tokens_batch_4",
                                 [] { return gpt_step(6, 6, 384, 256, 4); });
const versus::Register gpt_small_checkpointed("gpt_checkpointed_step/4x128_64_tokens_batch_12",
                                              [] { return gpt_step(4, 4, 128, 64, 12, true); });
const versus::Register gpt_large_checkpointed("gpt_checkpointed_step/6x384_256_tokens_batch_4",
                                              [] { return gpt_step(6, 6, 384, 256, 4, true); });

// A recurrent layer with gates of 128 each, and a linear layer behind its last output.
std::function<double()> recurrent_step(decltype(&side::lstm) layer, int64_t gates) {
  Parameters p;
  const int64_t rows = gates * 128;
  const Tensor w_in = p.weight({rows, 128}), w_hidden = p.weight({rows, 128});
  const Tensor b_in = p({rows}, 0.1), b_hidden = p({rows}, 0.1);
  const Linear last(p, 128, 10);
  const Network network = [=](const Tensor& x) {
    return last(layer(x, w_in, w_hidden, b_in, b_hidden).select(0, 63));
  };
  return training(network, p, side::filled({64, 32, 128}, 1, 1), side::classes({32}, 2, 10),
                  side::adam);
}
const versus::Register lstm_step("lstm_step/128_hidden_64_steps_batch_32",
                                 [] { return recurrent_step(side::lstm, 4); });
const versus::Register gru_step("gru_step/128_hidden_64_steps_batch_32",
                                [] { return recurrent_step(side::gru, 3); });
const versus::Register rnn_step("rnn_tanh_step/128_hidden_64_steps_batch_32",
                                [] { return recurrent_step(side::rnn_tanh, 1); });

const versus::Register mobilenet_step("mobilenet_block_step/64x56x56", [] {
  Parameters p;
  const Conv depthwise(p, 64, 64, 3, 1, 1, false, 64), pointwise(p, 64, 64, 1, 1, 0, false);
  const BatchNorm n1(p, 64, true), n2(p, 64, true);
  const Linear last(p, 64, 10);
  const Network network = [=](const Tensor& x) {
    return last(side::mean_of_images(n2.relu(pointwise(n1.relu(depthwise(x))))));
  };
  return training(network, p, side::filled({16, 64, 56, 56}, 1, 1), side::classes({16}, 2, 10),
                  side::sgd);
});

}  // namespace
