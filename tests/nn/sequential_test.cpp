#include "bb/nn/sequential.h"

#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::nn {
namespace {

using bb::testing::bytes_of;

TEST(SequentialTest, RunsItsModulesOneAfterTheOther) {
  Linear a(3, 4), b(4, 2);
  Sequential model{a, ReLU(), b};
  const Tensor x = randn({5, 3});
  EXPECT_EQ(bytes_of(model(x)), bytes_of(b(relu(a(x)))));
}

TEST(SequentialTest, IncludesAnActivationInTheLayerBeforeIt) {
  const Tensor x = randn({40, 3});
  const auto gradients = [&](const auto& model, const std::vector<Tensor>& parameters) {
    std::vector<Tensor> results{model(x)};
    results[0].backward(ones_like(results[0].detach()));
    for (Tensor p : parameters) {
      results.push_back(p.grad());
      p.set_grad(Tensor());
    }
    return bytes_of(results);
  };
  Linear a(3, 17);
  Flatten flatten;
  Sequential fused{a, ReLU(), flatten, ReLU()};
  EXPECT_EQ(gradients([&](const Tensor& input) { return fused(input); }, fused.parameters()),
            gradients([&](const Tensor& input) { return relu(flatten(relu(a(input)))); },
                      fused.parameters()));
}

TEST(SequentialTest, WithoutModulesGivesItsInput) {
  Sequential model;
  const Tensor x = randn({5, 3});
  EXPECT_EQ(bytes_of(model(x)), bytes_of(x));
  EXPECT_EQ(model.size(), 0);
  EXPECT_TRUE(model.parameters().empty());
}

TEST(SequentialTest, GrowsByPushBack) {
  Sequential model;
  model.push_back(Linear(3, 4));
  model.push_back(ReLU());
  model.push_back(Sequential{Linear(4, 2)});
  EXPECT_EQ(model.size(), 3);
  EXPECT_EQ(model(zeros({1, 3})).shape(), (Shape{1, 2}));
  EXPECT_EQ(model.named_parameters()[2].first, "2.0.weight");
  EXPECT_EQ(model.parameter_count(), 3 * 4 + 4 + 4 * 2 + 2);
}

TEST(SequentialTest, IsMadeOfAListOfModules) {
  std::vector<AnyModule> layers;
  for (int64_t i = 0; i < 3; ++i) layers.emplace_back(Linear(2 + i, 3 + i));
  Sequential model(layers);
  EXPECT_EQ(model.size(), 3);
  EXPECT_EQ(model(zeros({1, 2})).shape(), (Shape{1, 5}));
}

TEST(SequentialTest, GivesModulesByNumberFromBothEnds) {
  const Sequential model{Linear(3, 4), ReLU(), Linear(4, 2)};
  EXPECT_EQ(model[0].describe(), "Linear(3 -> 4)");
  EXPECT_EQ(model[-1].describe(), "Linear(4 -> 2)");
  EXPECT_EQ(model[-3].describe(), "Linear(3 -> 4)");
  EXPECT_TRUE(model[2].as<Linear>().weight.is(model.parameters()[2]));
  EXPECT_EQ(message_of<IndexError>([&] { model[3]; }), "Sequential: no module 3 among 3");
  EXPECT_THROW(model[-4], IndexError);
  EXPECT_THROW(Sequential()[0], IndexError);
}

TEST(SequentialTest, OfOneSequentialHoldsItAndIsNoCopy) {
  const Sequential inner{Linear(3, 4)};
  const Sequential outer{AnyModule(inner)};
  ASSERT_EQ(outer.size(), 1);
  EXPECT_EQ(outer.named_parameters()[0].first, "0.0.weight");
}

TEST(SequentialTest, CopiesShareTheirModules) {
  Sequential model{Linear(3, 4)};
  const Sequential copy = model;
  model.push_back(ReLU());
  EXPECT_EQ(copy.size(), 2);
  EXPECT_TRUE(copy.parameters()[0].is(model.parameters()[0]));
}

}  // namespace
}  // namespace bb::nn
