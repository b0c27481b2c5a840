#include "bb/optim/sgd.h"

#include <gtest/gtest.h>

#include <limits>

#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::optim {
namespace {

class SGDGolden : public ::testing::TestWithParam<std::pair<const char*, SGDOptions>> {};

TEST_P(SGDGolden, FollowsPyTorch) {
  const auto& [config, options] = GetParam();
  bb::testing::expect_golden_trajectory(config, [&o = options] { return SGD(o); });
}

INSTANTIATE_TEST_SUITE_P(
    Options, SGDGolden,
    ::testing::Values(
        std::pair("sgd_plain", SGDOptions{.lr = 0.1}),
        std::pair("sgd_decay", SGDOptions{.lr = 0.05, .weight_decay = 0.1}),
        std::pair("sgd_momentum", SGDOptions{.lr = 0.05, .momentum = 0.9}),
        std::pair("sgd_dampening", SGDOptions{.lr = 0.05, .momentum = 0.9, .dampening = 0.5}),
        std::pair("sgd_nesterov", SGDOptions{.lr = 0.05, .momentum = 0.8, .nesterov = true}),
        std::pair("sgd_all",
                  SGDOptions{.lr = 0.05, .momentum = 0.7, .dampening = 0.3, .weight_decay = 0.2}),
        std::pair("sgd_nesterov_decay",
                  SGDOptions{.lr = 0.05, .momentum = 0.7, .weight_decay = 0.2, .nesterov = true}),
        std::pair("sgd_lr_change", SGDOptions{.lr = 0.05, .momentum = 0.9})),
    [](const auto& test) { return std::string(test.param.first); });

TEST(SGD, TakesALearningRateAlone) {
  bb::testing::expect_golden_trajectory("sgd_plain", [] { return SGD(0.1); });
}

TEST(SGD, RefusesBadOptions) {
  for (double bad :
       {-0.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(SGD({.lr = bad}), ValueError) << bad;
    EXPECT_THROW(SGD({.momentum = bad}), ValueError) << bad;
    EXPECT_THROW(SGD({.momentum = 0.9, .dampening = bad}), ValueError) << bad;
    EXPECT_THROW(SGD({.weight_decay = bad}), ValueError) << bad;
  }
  EXPECT_EQ(message_of<ValueError>([] { SGD sgd({.momentum = -0.5}); }),
            "SGD: momentum must be finite and not negative, got -0.5");
  EXPECT_EQ(message_of<ValueError>([] { SGD sgd({.weight_decay = -1}); }),
            "SGD: weight_decay must be finite and not negative, got -1");
}

TEST(SGD, NesterovNeedsAMomentumAndNoDampening) {
  EXPECT_EQ(message_of<ValueError>([] { SGD sgd({.nesterov = true}); }),
            "SGD: nesterov needs a momentum and no dampening, got momentum 0 and dampening 0");
  EXPECT_EQ(message_of<ValueError>(
                [] { SGD sgd({.momentum = 0.9, .dampening = 0.5, .nesterov = true}); }),
            "SGD: nesterov needs a momentum and no dampening, got momentum 0.9 and dampening 0.5");
  EXPECT_NO_THROW(SGD({.momentum = 0.9, .nesterov = true}));
}

TEST(SGD, RefusesBadOptionsWithParametersToo) {
  Tensor x = zeros({2});
  x.requires_grad_();
  EXPECT_THROW(SGD({x}, {.lr = -1}), ValueError);
  EXPECT_THROW(SGD({zeros({2})}, {.lr = 1}), ValueError);
}

}  // namespace
}  // namespace bb::optim
