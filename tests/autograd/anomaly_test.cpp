#include "bb/autograd/anomaly.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "../message_of.h"
#include "bb/bb.h"

namespace bb {
namespace {

TEST(DetectAnomaly, NamesTheOpTheShapesAndTheFirstBadIndex) {
  const DetectAnomaly watch;
  const Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, -1.0, 0.0}});
  EXPECT_EQ(message_of<ValueError>([&] { log(x); }),
            "log: the result has nan at [1, 1]\n"
            "  input 0 float32 [2, 3]\n"
            "  result float32 [2, 3]");
  EXPECT_EQ(message_of<ValueError>([&] { x / zeros({3}); }),
            "div: the result has inf at [0, 0]\n"
            "  input 0 float32 [2, 3]\n"
            "  input 1 float32 [3]\n"
            "  result float32 [2, 3]");
}

TEST(DetectAnomaly, SaysWhichInputHadIt) {
  Tensor x = tensor({1.0, std::nan(""), 3.0});
  const DetectAnomaly watch;
  EXPECT_EQ(message_of<ValueError>([&] { x * 2; }),
            "mul: the result has nan at [1]\n"
            "  input 0 float32 [3], nan at [1]\n"
            "  result float32 [3]");
}

TEST(DetectAnomaly, LooksAtGradientsToo) {
  const Tensor x = tensor({4.0, 0.0}).requires_grad_();
  const Tensor plain = sqrt(x);
  const DetectAnomaly watch;
  EXPECT_EQ(message_of<ValueError>([&] { plain.sum().backward(); }),
            "sqrt: backward gives input 0 a gradient with inf at [1]\n"
            "  gradient float32 [2]   result of the op float32 [2]");
}

struct Bad : nn::Module {
  Tensor forward(const Tensor& x) override { return sqrt(x - x); }
};
struct Worse : nn::Module {
  Tensor forward(const Tensor& x) override { return log(x - x); }
};
template <class Inner>
struct Outer : nn::Module {
  Inner inner = add("inner", Inner());
  Tensor forward(const Tensor& x) override { return inner(x); }
};
template <class Inner>
struct Whole : nn::Module {
  Outer<Inner> outer = add("outer", Outer<Inner>());
  Tensor forward(const Tensor& x) override { return outer(x); }
};

TEST(DetectAnomaly, NamesTheModule) {
  const DetectAnomaly watch;
  const Tensor x = ones({2}).requires_grad_();
  Whole<Worse> worse;
  EXPECT_EQ(message_of<ValueError>([&] { worse(x); }),
            "outer.inner: log: the result has -inf at [0]\n"
            "  input 0 float32 [2]\n"
            "  result float32 [2]");
  Whole<Bad> bad;
  const Tensor y = bad(x);
  EXPECT_EQ(message_of<ValueError>([&] { y.sum().backward(); }),
            "outer.inner: sqrt: backward gives input 0 a gradient with inf at [0]\n"
            "  gradient float32 [2]   result of the op float32 [2]");
}

TEST(DetectAnomaly, LetsInfinitiesPassWhereAsked) {
  const DetectAnomaly watch({.infinity = false});
  EXPECT_NO_THROW(log(zeros({2})));
  EXPECT_THROW(log(-ones({2})), ValueError);
}

TEST(DetectAnomaly, EndsWithItsScope) {
  {
    const DetectAnomaly watch;
    {
      const DetectAnomaly inner({.infinity = false});
      EXPECT_NO_THROW(log(zeros({2})));
    }
    EXPECT_THROW(log(zeros({2})), ValueError);
    EXPECT_THROW(no_grad([] { return log(zeros({2})); }), ValueError);
  }
  EXPECT_NO_THROW(log(-ones({2})));
}

TEST(DetectAnomaly, LooksAtChangesInPlaceToo) {
  Tensor x = -ones({2});
  const DetectAnomaly watch;
  EXPECT_NE(message_of<ValueError>([&] { x.log_(); }).find("log_: the result has nan at [0]"),
            std::string::npos);
}

TEST(DetectAnomaly, FindsNothingInATrainingStep) {
  const DetectAnomaly watch;
  nn::Sequential model{nn::Linear(4, 8), nn::ReLU(), nn::Linear(8, 3)};
  EXPECT_NO_THROW(cross_entropy(model(randn({5, 4})), tensor({0, 1, 2, 0, 1})).backward());
}

}  // namespace
}  // namespace bb
