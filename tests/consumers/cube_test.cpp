#include <bb/autograd/testing.h>
#include <bb/bb.h>

using namespace bb;

Tensor cube(const Tensor& x) {
  Tensor y = no_grad([&] { return x * x * x; });
  return autograd::record("cube", {x}, y, [x](const Tensor& dy) { return dy * 3.0 * x * x; });
}

TEST(Cube, Gradient) { EXPECT_GRADCHECK(cube, {randn({3, 4}, kFloat64)}); }
