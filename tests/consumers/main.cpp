#include <bb/bb.h>

int main() {
  bb::Tensor x = bb::ones({2, 3});
  x.requires_grad_(true);
  bb::Tensor y = (x * 3.0).sum();
  y.backward();
  return x.grad().sum().item<float>() == 18.0f ? 0 : 1;
}
