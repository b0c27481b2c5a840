#include "side.h"

// Convolutions: forward, and the gradient of each operand.
namespace {

using side::Tensor;

struct Layer {
  const char* name;
  decltype(&side::conv2d) op;
  side::Sizes images, filters;
  int64_t stride, padding, dilation = 1, groups = 1;
};

Tensor convolved(const Layer& l, const Tensor& x, const Tensor& w) {
  return l.op(x, w, {}, l.stride, l.padding, l.dilation, l.groups);
}
Tensor images(const Layer& l) { return side::filled(l.images, 1, 1); }
Tensor filters(const Layer& l) { return side::filled(l.filters, 2, 0.1); }

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

// The names that give no kernel have one of 3. compare.py counts what each multiplies.
const bool registered = [] {
  using side::conv1d, side::conv2d, side::conv3d, side::conv_transpose2d;
  for (const Layer& l :
       {Layer{"16x32x32", conv2d, {16, 16, 32, 32}, {16, 16, 3, 3}, 1, 1},
        {"64x56x56", conv2d, {16, 64, 56, 56}, {64, 64, 3, 3}, 1, 1},
        {"128x28x28", conv2d, {16, 128, 28, 28}, {128, 128, 3, 3}, 1, 1},
        {"256x14x14", conv2d, {16, 256, 14, 14}, {256, 256, 3, 3}, 1, 1},
        {"7x7_stride_2_3x224x224", conv2d, {16, 3, 224, 224}, {64, 3, 7, 7}, 2, 3},
        {"5x5_32x28x28", conv2d, {16, 32, 28, 28}, {64, 32, 5, 5}, 1, 2},
        {"1x1_256x28x28_to_64", conv2d, {16, 256, 28, 28}, {64, 256, 1, 1}, 1, 0},
        {"1x1_64x28x28_to_256", conv2d, {16, 64, 28, 28}, {256, 64, 1, 1}, 1, 0},
        {"depthwise_64x56x56", conv2d, {16, 64, 56, 56}, {64, 1, 3, 3}, 1, 1, 1, 64},
        {"32_groups_128x28x28", conv2d, {16, 128, 28, 28}, {128, 4, 3, 3}, 1, 1, 1, 32},
        {"dilation_2_64x56x56", conv2d, {16, 64, 56, 56}, {64, 64, 3, 3}, 1, 2, 2},
        {"transposed_4x4_64x28x28", conv_transpose2d, {16, 64, 28, 28}, {64, 32, 4, 4}, 2, 1},
        {"1d_64x1024", conv1d, {16, 64, 1024}, {128, 64, 3}, 1, 1},
        {"1d_7_64x1024", conv1d, {16, 64, 1024}, {128, 64, 7}, 1, 3},
        {"3d_16x16x32x32", conv3d, {4, 16, 16, 32, 32}, {32, 16, 3, 3, 3}, 1, 1}}) {
    const std::string name = std::string("conv/") + l.name;
    versus::Register(name + "/forward", [l] { return forward(l); });
    versus::Register(name + "/grad_input", [l] { return gradient(l, false); });
    versus::Register(name + "/grad_weight", [l] { return gradient(l, true); });
  }
  return true;
}();

}  // namespace
