#include "side.h"

// Convolutions of 16 images: forward, and the gradient of each operand.
namespace {

using side::Tensor;

struct Layer {
  const char* name;
  int64_t in, out, side, kernel, stride, padding;
};

Tensor convolved(const Layer& l, const Tensor& x, const Tensor& w) {
  return side::conv2d(x, w, {}, l.stride, l.padding);
}
Tensor images(const Layer& l) { return side::filled({16, l.in, l.side, l.side}, 1, 1); }
Tensor filters(const Layer& l) { return side::filled({l.out, l.in, l.kernel, l.kernel}, 2, 0.1); }

std::function<double()> forward(const Layer& l) {
  const Tensor x = images(l), w = filters(l);
  return [=, probe = versus::Probe(side::count(convolved(l, x, w)))]() mutable {
    const side::NoGrad guard;
    return side::element(convolved(l, x, w), probe());
  };
}

std::function<double()> gradient(const Layer& l, bool of_weight) {
  const Tensor x = images(l).requires_grad_(!of_weight), w = filters(l).requires_grad_(of_weight);
  const Tensor y = convolved(l, x, w), wanted = of_weight ? w : x, dy = side::like(y, 3, 0.1);
  return [=, probe = versus::Probe(side::count(wanted))]() mutable {
    return side::element(side::gradients(y, {wanted}, dy)[0], probe());
  };
}

const bool registered = [] {
  for (const Layer& l : {Layer{"16x32x32", 16, 16, 32, 3, 1, 1},
                         {"64x56x56", 64, 64, 56, 3, 1, 1},
                         {"128x28x28", 128, 128, 28, 3, 1, 1},
                         {"256x14x14", 256, 256, 14, 3, 1, 1},
                         {"7x7_stride_2_3x224x224", 3, 64, 224, 7, 2, 3}}) {
    const std::string name = std::string("conv/") + l.name;
    versus::Register(name + "/forward", [l] { return forward(l); });
    versus::Register(name + "/grad_input", [l] { return gradient(l, false); });
    versus::Register(name + "/grad_weight", [l] { return gradient(l, true); });
  }
  return true;
}();

}  // namespace
