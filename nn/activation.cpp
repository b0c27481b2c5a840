#include "bb/nn/activation.h"

#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/softmax.h"

namespace bb::nn {

Tensor ReLU::forward(const Tensor& x) { return relu(x); }
Tensor Sigmoid::forward(const Tensor& x) { return sigmoid(x); }
Tensor Tanh::forward(const Tensor& x) { return tanh(x); }
Tensor Softmax::forward(const Tensor& x) { return softmax(x, dim_); }

}  // namespace bb::nn
