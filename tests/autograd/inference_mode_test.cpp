// InferenceMode: what is recorded, what its tensors may be used for. Each case was tried in
// PyTorch.
#include <gtest/gtest.h>

#include <thread>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

using Values = std::vector<float>;

Tensor made_inside() {
  return inference_mode([] { return ones({2}); });
}

TEST(InferenceMode, RecordsNothingAndMarksWhatIsMade) {
  const Tensor w = ones({2}).requires_grad_();
  {
    const InferenceMode guard;
    EXPECT_TRUE(is_inference_mode_enabled());
    EXPECT_FALSE(is_grad_enabled());
    const Tensor y = w * 2;
    EXPECT_FALSE(y.requires_grad());
    EXPECT_TRUE(y.is_inference());
    EXPECT_TRUE(y.view({2, 1}).is_inference());
  }
  EXPECT_FALSE(is_inference_mode_enabled());
  EXPECT_TRUE(is_grad_enabled());
  EXPECT_FALSE(ones({2}).is_inference());
}

TEST(InferenceMode, LeavesOtherTensorsAndTheirViewsAsTheyAre) {
  Tensor x = ones({2}), view, same;
  inference_mode([&] {
    view = x.view({2, 1});
    same = x.contiguous();
    x.add_(1);
    return 0;
  });
  EXPECT_FALSE(view.is_inference());
  EXPECT_FALSE(same.is_inference());
  EXPECT_FALSE(x.is_inference());
  EXPECT_EQ(x.version(), 1u);
  view.add_(1);
  EXPECT_EQ(x.to_vector<float>(), (Values{3, 3}));
}

TEST(InferenceMode, HoldsWhateverGradModeSays) {
  Tensor w = ones({2}).requires_grad_();
  const InferenceMode guard;
  const GradMode recording(true);
  EXPECT_TRUE(is_grad_enabled());
  EXPECT_FALSE((w * 2).requires_grad());
  EXPECT_FALSE(w.view({2, 1}).requires_grad());
  EXPECT_FALSE(cat({w, w}, 0).requires_grad());
  EXPECT_NO_THROW(w.add_(1));  // a leaf, but nothing is recorded
}

TEST(InferenceMode, CanBeLeftWithinIt) {
  const Tensor w = ones({2}).requires_grad_();
  const InferenceMode guard;
  {
    const InferenceMode outside(false);
    EXPECT_FALSE(is_inference_mode_enabled());
    EXPECT_TRUE((w * 2).requires_grad());
    EXPECT_FALSE(ones({2}).is_inference());
  }
  EXPECT_TRUE(is_inference_mode_enabled());
  EXPECT_FALSE(is_grad_enabled());
}

TEST(InferenceMode, EndsWhereAnExceptionLeavesIt) {
  EXPECT_THROW(inference_mode([]() -> int { throw ValueError("out"); }), ValueError);
  EXPECT_FALSE(is_inference_mode_enabled());
  EXPECT_TRUE(is_grad_enabled());
}

TEST(InferenceMode, IsOfTheThread) {
  const InferenceMode guard;
  bool inside = true;
  std::thread([&] { inside = is_inference_mode_enabled(); }).join();
  EXPECT_FALSE(inside);
}

TEST(InferenceTensor, CanBeReadAnywhere) {
  const Tensor x = made_inside(), w = ones({2}).requires_grad_();
  EXPECT_EQ((x * 3).to_vector<float>(), (Values{3, 3}));
  EXPECT_FALSE((x * 3).is_inference());
  EXPECT_TRUE(x.view({2, 1}).is_inference());
  EXPECT_TRUE(x.detach().is_inference());
  EXPECT_FALSE(x.clone().is_inference());
  // A recorded op may read it, as long as its gradient does not.
  const Tensor y = w + x;
  y.sum().backward();
  EXPECT_EQ(w.grad().to_vector<float>(), (Values{1, 1}));
}

TEST(InferenceTensor, IsNotSavedByARecord) {
  const Tensor x = made_inside(), w = ones({2}).requires_grad_();
  const std::string rest =
      ": backward needs a tensor that was made in inference mode\n"
      "  float32 [2]\n  hint: clone() it outside inference mode, and use the clone";
  expect_error<ValueError>([&] { w* x; }, "mul" + rest);
  expect_error<ValueError>([&] { (w * 1).mul_(x); }, "mul" + rest);
  expect_error<ValueError>(
      [&] {
        cross_entropy(w.view({1, 2}) * x.view({1, 2}), tensor({0}));
      },
      "mul: backward needs a tensor that was made in inference mode\n"
      "  float32 [1, 2]\n"
      "  hint: clone() it outside inference mode, and use the clone");
  EXPECT_NO_THROW(w * x.clone());
  EXPECT_FALSE(no_grad([&] { return w * x; }).requires_grad());
  // One that was kept for nothing is not held against the next op.
  EXPECT_FALSE(exp(x).requires_grad());
  EXPECT_TRUE(exp(w).requires_grad());
}

TEST(InferenceTensor, OfSeveralOutputsIsNotSavedEither) {
  const Tensor x = made_inside(), w = ones({2, 2}).requires_grad_();
  const auto op = [&](const Tensor& kept) {
    return autograd::record("pair", {w}, {w.detach() + 1, w.detach() + 2},
                            [kept = autograd::Saved(kept)](const std::vector<Tensor>& dy) {
                              return std::vector<Tensor>{dy[0] * *kept + dy[1]};
                            });
  };
  expect_error<ValueError>([&] { op(x); },
                           "pair: backward needs a tensor that was made in inference mode\n"
                           "  float32 [2]\n"
                           "  hint: clone() it outside inference mode, and use the clone");
  EXPECT_TRUE(op(x.clone())[0].requires_grad());
}

TEST(InferenceTensor, ChangesInPlaceOnlyInside) {
  Tensor x = made_inside();
  inference_mode([&] { return x.add_(1).view({2, 1}).mul_(2); });
  EXPECT_EQ(x.to_vector<float>(), (Values{4, 4}));
  const std::string rest =
      ": a tensor made in inference mode is changed in place outside it\n"
      "  tensor float32 [2]\n  hint: clone() it first";
  expect_error<ValueError>([&] { x.add_(1); }, "add_" + rest);
  expect_error<ValueError>([&] { x.fill_(1); }, "fill_" + rest);
  expect_error<ValueError>([&] { x.copy_(ones({2})); }, "copy_" + rest);
  expect_error<ValueError>([&] { x.detach().relu_(); }, "relu_" + rest);
  expect_error<ValueError>([&] { normal_(x); }, "normal_" + rest);
  expect_error<ValueError>([&] { no_grad([&] { return x.exp_(); }); }, "exp_" + rest);
  expect_error<ValueError>([&] { x.index_put_({0}, ones({})); }, "index_put_" + rest);
  EXPECT_EQ(x.to_vector<float>(), (Values{4, 4}));
  EXPECT_NO_THROW(x.clone().add_(1));
}

TEST(InferenceTensor, ThatIsAGradientIsAddedToOutsideAsANewTensor) {
  const Tensor w = ones({2}).requires_grad_(), y = (w * 2).sum();
  inference_mode([&] {
    y.backward();
    return 0;
  });
  (w * 3).sum().backward();
  EXPECT_EQ(w.grad().to_vector<float>(), (Values{5, 5}));
}

TEST(InferenceTensor, BecomesALeafOnlyInside) {
  Tensor x = made_inside();
  expect_error<ValueError>(
      [&] { x.requires_grad_(); },
      "requires_grad_: a tensor made in inference mode is made a leaf outside it\n"
      "  tensor float32 [2]\n  hint: clone() it first");
  EXPECT_FALSE(x.requires_grad_(false).requires_grad());
  EXPECT_TRUE(x.clone().requires_grad_().requires_grad());
}

TEST(InferenceTensor, MayBeALeafWhereItsRecordsSaveNothing) {
  Tensor x = inference_mode([] { return ones({2}).requires_grad_(); });
  (x * 2).sum().backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (Values{2, 2}));
}

}  // namespace
}  // namespace bb
