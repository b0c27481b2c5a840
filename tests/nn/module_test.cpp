#include "bb/nn/module.h"

#include <gtest/gtest.h>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::nn {
namespace {

using bb::testing::bytes_of;

std::vector<std::string> names_of(const std::vector<std::pair<std::string, Tensor>>& named) {
  std::vector<std::string> names;
  for (const auto& [name, x] : named) names.push_back(name);
  return names;
}

using Names = std::vector<std::string>;

struct Encoder : Model {
  Linear fc1 = add("fc1", Linear(784, 127));
  Linear fc2 = add("fc2", Linear(128, 64));
  Tensor forward(const Tensor& x) override { return fc2(relu(fc1(x))); }
};

struct Autoencoder : Model {
  Encoder encoder = add("encoder", Encoder());
  Linear decoder = add("decoder", Linear(64, 784));
  Tensor forward(const Tensor& x) override { return decoder(encoder(x)); }
};

// Own parameter and buffer beside children; one child inside another.
struct Mixed : Model {
  Tensor scale = add_parameter("scale", ones({3}));
  Sequential body = add("body", Sequential{Linear(3, 4), ReLU(), Sequential{Linear(4, 2)}});
  Tensor calls = add_buffer("calls", zeros({}, kInt64));
  Tensor shift = add_parameter("shift", zeros({2}));
  Tensor forward(const Tensor& x) override {
    calls.add_(1);
    return body(x * scale) + shift;
  }
};

TEST(Module, NamesItsOwnParametersThenThoseOfItsChildrenByPath) {
  EXPECT_EQ(names_of(Mixed().named_parameters()),
            (Names{"scale", "shift", "body.0.weight", "body.0.bias", "body.2.0.weight",
                   "body.2.0.bias"}));
  EXPECT_EQ(names_of(Autoencoder().named_parameters()),
            (Names{"encoder.fc1.weight", "encoder.fc1.bias", "encoder.fc2.weight",
                   "encoder.fc2.bias", "decoder.weight", "decoder.bias"}));
  EXPECT_TRUE(ReLU().named_parameters().empty());
}

TEST(Module, ParametersAreTheMembersAndRequireGradients) {
  Mixed model;
  const auto parameters = model.parameters();
  ASSERT_EQ(parameters.size(), 6u);
  EXPECT_TRUE(parameters[0].is(model.scale));
  EXPECT_TRUE(parameters[1].is(model.shift));
  for (const Tensor& p : parameters) {
    EXPECT_TRUE(p.requires_grad());
    EXPECT_TRUE(p.is_leaf());
  }
}

TEST(Module, BuffersAreListedApartAndAreNotLearnt) {
  Mixed model;
  const auto buffers = model.named_buffers();
  EXPECT_EQ(names_of(buffers), Names{"calls"});
  EXPECT_TRUE(buffers[0].second.is(model.calls));
  EXPECT_FALSE(model.calls.requires_grad());
  model(ones({1, 3}));
  model(ones({1, 3}));
  EXPECT_EQ(buffers[0].second.item<int64_t>(), 2);
}

struct Tied : Model {
  Tensor shared = ones({4, 4});
  Tensor a = add_parameter("a", shared);
  Tensor b = add_parameter("b", shared);
  Tensor forward(const Tensor& x) override { return x.matmul(a) + x.matmul(b); }
};

TEST(Module, ListsAndCountsASharedTensorOnce) {
  Tied model;
  EXPECT_EQ(names_of(model.named_parameters()), Names{"a"});
  EXPECT_EQ(model.parameter_count(), 16);
  const Linear layer(3, 3);
  const Sequential twice{layer, ReLU(), layer};
  EXPECT_EQ(names_of(twice.named_parameters()), (Names{"0.weight", "0.bias"}));
  EXPECT_EQ(twice.parameter_count(), 12);
}

TEST(Module, CountsTheElementsOfAllParametersButNotOfBuffers) {
  EXPECT_EQ(Mixed().parameter_count(), 3 + 2 + (3 * 4 + 4) + (4 * 2 + 2));
  EXPECT_EQ(Linear(784, 128).parameter_count(), 100480);
  EXPECT_EQ(Linear(784, 128, {.bias = false}).parameter_count(), 100352);
  EXPECT_EQ(ReLU().parameter_count(), 0);
}

TEST(Module, ListsChildrenInTheOrderOfAdding) {
  const Autoencoder model;
  Names names, types;
  for (const auto& [name, child] : model.children()) {
    names.push_back(name);
    types.push_back(child->type());
  }
  EXPECT_EQ(names, (Names{"encoder", "decoder"}));
  EXPECT_EQ(types, (Names{"Encoder", "Linear"}));
}

TEST(Module, TrainAndEvalReachAllBelow) {
  Mixed model;
  const auto modes = [&] {
    std::vector<bool> result{model.is_training(), model.body.is_training()};
    for (const auto& [name, child] : model.body.children()) {
      result.push_back(child->is_training());
      for (const auto& [inner_name, inner] : child->children())
        result.push_back(inner->is_training());
    }
    return result;
  };
  EXPECT_EQ(modes(), std::vector<bool>(6, true)) << "training is the start";
  model.eval();
  EXPECT_EQ(modes(), std::vector<bool>(6, false));
  model.train();
  EXPECT_EQ(modes(), std::vector<bool>(6, true));
  model.train(false);
  EXPECT_EQ(modes(), std::vector<bool>(6, false));
}

TEST(Module, EvalOfAChildLeavesItsParentAlone) {
  Mixed model;
  model.body.eval();
  EXPECT_TRUE(model.is_training());
  EXPECT_FALSE(model.body[2].is_training());
}

TEST(Module, CopiesShareParametersChildrenAndMode) {
  Autoencoder model;
  Autoencoder copy = model;
  const auto a = model.parameters(), b = copy.parameters();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(a[i].is(b[i]));
  copy.eval();
  EXPECT_FALSE(model.is_training());
  EXPECT_FALSE(model.encoder.fc2.is_training());
  no_grad([&] { model.decoder.bias.fill_(3); });
  EXPECT_EQ(copy.decoder.bias.to_vector<float>()[0], 3);
}

TEST(Module, AChildGivenToAddIsTheOneThatIsKept) {
  Linear layer(2, 2);
  struct Holder : Model {
    explicit Holder(const Linear& given) : layer(add("layer", given)) {}
    Linear layer;
    Tensor forward(const Tensor& x) override { return layer(x); }
  };
  const Holder holder(layer);
  EXPECT_TRUE(holder.parameters()[0].is(layer.weight));
}

TEST(Module, ZeroGradClearsAllGradients) {
  Mixed model;
  model(ones({2, 3})).sum().backward();
  for (const Tensor& p : model.parameters()) ASSERT_TRUE(p.grad().defined());
  model.zero_grad();
  for (const Tensor& p : model.parameters()) EXPECT_FALSE(p.grad().defined());
}

struct Loose : Model {
  using Module::add;
  using Module::add_buffer;
  using Module::add_parameter;
  Tensor forward(const Tensor& x) override { return x; }
};

TEST(Module, RefusesNamesThatAreEmptyTakenOrHaveADot) {
  Loose model;
  model.add_parameter("w", ones({1}));
  model.add_buffer("b", ones({1}));
  model.add("c", ReLU());
  EXPECT_EQ(message_of<ValueError>([&] { model.add_parameter("w", ones({1})); }),
            "add_parameter: the name 'w' is taken");
  EXPECT_EQ(message_of<ValueError>([&] { model.add_buffer("", ones({1})); }),
            "add_buffer: the name '' is empty or has a dot");
  EXPECT_EQ(message_of<ValueError>([&] { model.add("x.y", ReLU()); }),
            "add: the name 'x.y' is empty or has a dot");
  for (const char* name : {"w", "b", "c", "", ".", "a.b"}) {
    EXPECT_THROW(model.add_parameter(name, ones({1})), ValueError) << name;
    EXPECT_THROW(model.add_buffer(name, ones({1})), ValueError) << name;
    EXPECT_THROW(model.add(name, ReLU()), ValueError) << name;
  }
  EXPECT_EQ(names_of(model.named_parameters()), Names{"w"}) << "refused ones are not kept";
  EXPECT_EQ(names_of(model.named_buffers()), Names{"b"});
  EXPECT_EQ(model.children().size(), 1u);
}

TEST(Module, RefusesParametersThatCannotLearn) {
  Loose model;
  EXPECT_THROW(model.add_parameter("labels", zeros({2}, kInt64)), DTypeError);
  Tensor leaf = ones({2});
  leaf.requires_grad_();
  EXPECT_EQ(message_of<ValueError>([&] { model.add_parameter("computed", leaf * 2); }),
            "add_parameter: an op made 'computed', so that it cannot learn\n"
            "  hint: add its detach()");
  EXPECT_TRUE(model.parameters().empty());
}

TEST(Module, ErrorsStartWithThePathOfTheLayer) {
  Autoencoder model;
  EXPECT_EQ(message_of<ShapeError>([&] {
              model(zeros({16, 784}));
            }),
            "encoder.fc2: Linear(128 -> 64) got [16, 127]\n"
            "  hint: the last size must be 128");
  EXPECT_EQ(message_of<ShapeError>([&] {
              model.encoder(zeros({16, 784}));
            }).substr(0, 44),
            "encoder.fc2: Linear(128 -> 64) got [16, 127]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              model(zeros({16, 7}));
            }).substr(0, 43),
            "encoder.fc1: Linear(784 -> 127) got [16, 7]");
}

TEST(Module, ErrorsOutsideALayerHaveNoPath) {
  Linear layer(3, 2);
  EXPECT_EQ(message_of<ShapeError>([&] { layer(zeros({4})); }),
            "Linear(3 -> 2) got [4]\n"
            "  hint: the last size must be 3");
}

TEST(Module, ErrorsOfSequentialNameTheLayerByItsNumber) {
  Sequential model{Flatten(), Sequential{ReLU(), Linear(4, 2)}};
  EXPECT_EQ(message_of<ShapeError>([&] {
              model(zeros({5, 3}));
            }).substr(0, 30),
            "1.1: Linear(4 -> 2) got [5, 3]");
}

TEST(Module, ErrorsOfAModuleTakenOutOfASequentialNameItOnce) {
  Sequential model{Flatten(), Linear(4, 2)};
  EXPECT_EQ(message_of<ShapeError>([&] {
              model[1](zeros({5, 3}));
            }).substr(0, 28),
            "1: Linear(4 -> 2) got [5, 3]");
}

TEST(Module, ErrorsThroughAnyModuleNameItOnce) {
  struct Wrapper : Model {
    AnyModule inner = add("inner", AnyModule(Linear(4, 2)));
    Tensor forward(const Tensor& x) override { return inner(x); }
  };
  Wrapper model;
  EXPECT_EQ(message_of<ShapeError>([&] {
              model(zeros({5, 3}));
            }).substr(0, 32),
            "inner: Linear(4 -> 2) got [5, 3]");
}

TEST(Module, ErrorsOfOpsGetThePathToo) {
  struct Adder : Module {
    Tensor forward(const Tensor& x) override { return x + ones({7}); }
  };
  struct Holder : Model {
    Adder adder = add("adder", Adder());
    Tensor forward(const Tensor& x) override { return adder(x); }
  };
  Holder model;
  EXPECT_EQ(message_of<ShapeError>([&] { model(zeros({5, 3})); }).substr(0, 12), "adder: add: ");
}

TEST(Module, DescribesItselfInOneLine) {
  EXPECT_EQ(Linear(784, 128).describe(), "Linear(784 -> 128)");
  EXPECT_EQ(Linear(784, 128, {.bias = false}).describe(), "Linear(784 -> 128, no bias)");
  EXPECT_EQ(ReLU().describe(), "ReLU()");
  EXPECT_EQ(Dropout(0.25).describe(), "Dropout(p=0.25)");
  EXPECT_EQ(Softmax(1).describe(), "Softmax(dim=1)");
  EXPECT_EQ(Flatten().describe(), "Flatten(start_dim=1, end_dim=-1)");
  EXPECT_EQ(Autoencoder().describe(), "Autoencoder");
  EXPECT_EQ(Autoencoder().type(), "Autoencoder");
}

TEST(Module, PrintsTheModelOfTheDemo) {
  const Sequential model{Flatten(),       Linear(784, 128), ReLU(),
                         Linear(128, 64), ReLU(),           Linear(64, 10)};
  EXPECT_EQ(fmt::format("{}", model),
            "Sequential\n"
            "  0  Flatten(start_dim=1, end_dim=-1)\n"
            "  1  Linear(784 -> 128)                     100,480\n"
            "  2  ReLU()\n"
            "  3  Linear(128 -> 64)                        8,256\n"
            "  4  ReLU()\n"
            "  5  Linear(64 -> 10)                           650\n"
            "Total parameters: 109,386");
}

TEST(Module, PrintsNestedModels) {
  EXPECT_EQ(fmt::format("{}", Autoencoder()),
            "Autoencoder\n"
            "  encoder  Encoder\n"
            "    fc1  Linear(784 -> 127)         99,695\n"
            "    fc2  Linear(128 -> 64)           8,256\n"
            "  decoder  Linear(64 -> 784)        50,960\n"
            "Total parameters: 158,911");
  EXPECT_EQ(fmt::format("{}", ReLU()), "ReLU()\nTotal parameters: 0");
  EXPECT_EQ(fmt::format("{}", AnyModule(ReLU())), "ReLU()\nTotal parameters: 0");
}

}  // namespace
}  // namespace bb::nn
