#include "bb/optim/adam.h"

#include <gtest/gtest.h>

#include <limits>

#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::optim {
namespace {

class AdamGolden : public ::testing::TestWithParam<std::pair<const char*, AdamOptions>> {};

TEST_P(AdamGolden, FollowsPyTorch) {
  const auto& [config, options] = GetParam();
  bb::testing::expect_golden_trajectory(config, [&o = options] { return Adam(o); });
}

INSTANTIATE_TEST_SUITE_P(
    Options, AdamGolden,
    ::testing::Values(std::pair("adam_default", AdamOptions{}),
                      std::pair("adam_lr", AdamOptions{.lr = 0.1}),
                      std::pair("adam_betas", AdamOptions{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.95}),
                      std::pair("adam_no_memory",
                                AdamOptions{.lr = 0.01, .beta1 = 0, .beta2 = 0.5}),
                      std::pair("adam_eps", AdamOptions{.lr = 0.01, .eps = 1e-2}),
                      std::pair("adam_decay", AdamOptions{.lr = 0.01, .weight_decay = 0.1}),
                      std::pair("adam_lr_change", AdamOptions{.lr = 0.05})),
    [](const auto& test) { return std::string(test.param.first); });

TEST(Adam, TakesALearningRateAlone) {
  bb::testing::expect_golden_trajectory("adam_lr", [] { return Adam(0.1); });
}

TEST(Adam, RefusesBadOptions) {
  for (double bad :
       {-0.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(Adam({.lr = bad}), ValueError) << bad;
    EXPECT_THROW(Adam({.beta1 = bad}), ValueError) << bad;
    EXPECT_THROW(Adam({.beta2 = bad}), ValueError) << bad;
    EXPECT_THROW(Adam({.eps = bad}), ValueError) << bad;
    EXPECT_THROW(Adam({.weight_decay = bad}), ValueError) << bad;
  }
  EXPECT_EQ(message_of<ValueError>([] { Adam adam({.beta1 = 1}); }),
            "Adam: beta1 must lie in [0, 1), got 1");
  EXPECT_EQ(message_of<ValueError>([] { Adam adam({.beta2 = 1.5}); }),
            "Adam: beta2 must lie in [0, 1), got 1.5");
  EXPECT_EQ(message_of<ValueError>([] { Adam adam({.eps = -1}); }),
            "Adam: eps must be finite and not negative, got -1");
  EXPECT_NO_THROW(Adam({.beta1 = 0, .beta2 = 0, .eps = 0}));
}

TEST(Adam, FirstStepMovesByTheLearningRateWhateverTheGradientsSize) {
  Tensor x = zeros({3}, kFloat64);
  x.requires_grad_();
  Adam adam({x}, {.lr = 0.25, .eps = 0});
  x.set_grad(tensor({1e-6, -1.0, 1e6}, kFloat64));
  adam.step();
  const auto moved = x.to_vector<double>();
  EXPECT_NEAR(moved[0], -0.25, 1e-12);
  EXPECT_NEAR(moved[1], 0.25, 1e-12);
  EXPECT_NEAR(moved[2], -0.25, 1e-12);
}

}  // namespace
}  // namespace bb::optim
