#include "bb/nn/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <regex>
#include <thread>

#include "bb/bb.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::nn {
namespace {

using bb::testing::bytes_of;
using bb::testing::expect_close;
using bb::testing::Threads;
using bb::testing::training_golden;

// Two clouds of points in the plane, easy to tell apart.
data::TensorDataset clouds(int64_t n = 200) {
  std::vector<float> points;
  std::vector<int64_t> classes;
  const auto noise = randn({n, 2}).to_vector<float>();
  for (int64_t i = 0; i < n; ++i) {
    const float side = i % 2 == 0 ? 2.0f : -2.0f;
    points.push_back(side + 0.5f * noise[static_cast<size_t>(2 * i)]);
    points.push_back(side + 0.5f * noise[static_cast<size_t>(2 * i + 1)]);
    classes.push_back(i % 2);
  }
  return data::TensorDataset(tensor(points).view({n, 2}), tensor(classes));
}

Sequential small_model() { return Sequential{Linear(2, 8), Tanh(), Linear(8, 2)}; }

CompileOptions adam_and_accuracy(double lr = 0.05) {
  return {.optimizer = optim::Adam(lr), .loss = CrossEntropyLoss(), .metrics = {Accuracy()}};
}

// The first `n` test images of MNIST.
data::ImageDataset digits(int64_t n) {
  const std::string folder = BB_SOURCE_DIR "/examples/datasets/mnist/";
  const Tensor pixels = io::read_idx(folder + "t10k-images-idx3-ubyte.gz").slice(0, 0, n);
  const Tensor labels = io::read_idx(folder + "t10k-labels-idx1-ubyte.gz").slice(0, 0, n);
  Tensor images = pixels.to(kFloat32).unsqueeze(1);
  images.div_(255);
  return {images, labels.to(kInt64)};
}

Sequential demo_model() {
  return {Flatten(), Linear(784, 128), ReLU(), Linear(128, 64), ReLU(), Linear(64, 10)};
}

// ---- A whole trajectory against PyTorch

void expect_trajectory(const std::string& name, const std::vector<Tensor>& parameters,
                       optim::Optimizer& optimizer, DType dtype, double tolerance,
                       const std::function<Tensor(const Tensor&)>& forward) {
  NoGrad loading;
  for (size_t k = 0; k < parameters.size(); ++k)
    Tensor(parameters[k]).copy_(training_golden("mlp.start." + std::to_string(k)));
  optimizer.attach(parameters);
  std::vector<double> losses;
  {
    GradMode recording(true);
    for (int64_t step = 0; step < 5; ++step) {
      const Tensor x = training_golden("mlp.x").slice(0, step, step + 1).squeeze(0).to(dtype);
      const Tensor y = training_golden("mlp.y").slice(0, step, step + 1).squeeze(0);
      optimizer.zero_grad();
      const Tensor loss = cross_entropy(forward(x), y);
      loss.backward();
      optimizer.step();
      losses.push_back(loss.item<double>());
    }
  }
  const std::string prefix = fmt::format("mlp.{}.{}.", dtype == kFloat64 ? "f64" : "f32", name);
  expect_close(tensor(losses).to(dtype), training_golden(prefix + "losses"), tolerance,
               prefix + "losses");
  for (size_t k = 0; k < parameters.size(); ++k)
    expect_close(parameters[k], training_golden(prefix + "end." + std::to_string(k)), tolerance,
                 prefix + "end." + std::to_string(k));
}

void expect_trajectories(DType dtype, double tolerance) {
  optim::Adam adam(0.01);
  optim::SGD sgd({.lr = 0.1, .momentum = 0.9});
  for (auto& [name, optimizer] :
       {std::pair<std::string, optim::Optimizer*>("adam", &adam), {"sgd", &sgd}}) {
    if (dtype == kFloat32) {
      Sequential model{Linear(20, 16), ReLU(), Linear(16, 8), ReLU(), Linear(8, 5)};
      expect_trajectory(name, model.parameters(), *optimizer, dtype, tolerance,
                        [&](const Tensor& x) { return model(x); });
    } else {
      std::vector<Tensor> p;
      for (const Shape& shape :
           {Shape{16, 20}, Shape{16}, Shape{8, 16}, Shape{8}, Shape{5, 8}, Shape{5}}) {
        p.push_back(empty(shape, dtype));
        p.back().requires_grad_();
      }
      expect_trajectory(name, p, *optimizer, dtype, tolerance, [&](const Tensor& x) {
        const Tensor h = relu(linear(relu(linear(x, p[0], p[1])), p[2], p[3]));
        return linear(h, p[4], p[5]);
      });
    }
  }
}

TEST(Training, FollowsPyTorchInFloat32) { expect_trajectories(kFloat32, 1e-5); }
TEST(Training, FollowsPyTorchInFloat64) { expect_trajectories(kFloat64, 1e-10); }

// ---- compile

TEST(ModelCompile, NeedsAnOptimizerAndALoss) {
  Sequential model = small_model();
  const std::string hint =
      "\n  hint: compile({.optimizer = optim::Adam(1e-3), .loss = nn::CrossEntropyLoss()})";
  EXPECT_EQ(message_of<ValueError>([&] { model.compile({.loss = CrossEntropyLoss()}); }),
            "compile: the optimizer is missing" + hint);
  EXPECT_EQ(message_of<ValueError>([&] { model.compile({.optimizer = optim::SGD(0.1)}); }),
            "compile: the loss is missing" + hint);
  EXPECT_THROW(model.compile({}), ValueError);
  EXPECT_THROW(model.evaluate(data::DataLoader(clouds())), ValueError) << "still not compiled";
}

TEST(ModelCompile, MustComeBeforeFitAndEvaluate) {
  Sequential model = small_model();
  const data::DataLoader loader(clouds(), {.batch_size = 10});
  const std::string rest =
      ": the model is not compiled\n"
      "  hint: call compile({.optimizer = optim::Adam(1e-3), .loss = nn::CrossEntropyLoss()})";
  EXPECT_EQ(message_of<ValueError>([&] { model.fit(loader); }), "fit" + rest);
  EXPECT_EQ(message_of<ValueError>([&] { model.evaluate(loader); }), "evaluate" + rest);
  EXPECT_EQ(model.predict(zeros({3, 2})).shape(), (Shape{3, 2})) << "predict needs no compile";
}

TEST(ModelCompile, AgainTrainsWithTheNewOptimizer) {
  Sequential model = small_model();
  const data::DataLoader loader(clouds(), {.batch_size = 10});
  model.compile(adam_and_accuracy());
  model.fit(loader, {.verbose = false});
  model.compile({.optimizer = optim::SGD(0.0), .loss = CrossEntropyLoss()});
  const auto before = bytes_of(model.parameters());
  const History history = model.fit(loader, {.verbose = false});
  EXPECT_EQ(bytes_of(model.parameters()), before) << "a rate of 0 changes nothing";
  EXPECT_FALSE(history.values.contains("accuracy"));
}

// ---- fit

TEST(ModelCompile, RefusesAnOptimizerThatAnotherModelHas) {
  Sequential one = small_model(), other = small_model();
  const CompileOptions options = adam_and_accuracy();
  one.compile(options);
  EXPECT_EQ(message_of<ValueError>([&] { other.compile(options); }),
            "compile: the optimizer has the parameters of another model\n"
            "  hint: give each model an optimizer of its own");
  one.compile(options);  // its own again
}

TEST(ModelFit, RefusesALoaderWithoutABatch) {
  Sequential model = small_model();
  model.compile(adam_and_accuracy());
  const data::DataLoader none(clouds(3), {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(message_of<ValueError>([&] { model.fit(none); }),
            "fit: the loader has no batch: 3 samples do not fill one, and drop_last is set");
  EXPECT_THROW(model.evaluate(none), ValueError);
}

TEST(ModelPredict, GivesElementsOfItsOwn) {
  Sequential nothing;
  const Tensor x = ones({2, 2});
  EXPECT_FALSE(nothing.predict(x).shares_storage(x));
}

TEST(AnyModule, RefusesANullPointer) {
  EXPECT_THROW(AnyModule(std::shared_ptr<Module>()), ValueError);
}

TEST(ModelFit, LearnsToTellTwoCloudsApart) {
  manual_seed(0);
  Sequential model = small_model();
  const data::DataLoader loader(clouds(), {.batch_size = 20, .shuffle = true});
  model.compile(adam_and_accuracy());
  const History history = model.fit(loader, {.epochs = 5, .verbose = false});
  EXPECT_GT(history["accuracy"].back(), 0.95);
  EXPECT_LT(history["loss"].back(), history["loss"].front());
  const data::TensorDataset unseen = clouds(101);
  EXPECT_GT(model.evaluate(data::DataLoader(unseen, {.batch_size = 7})).at("accuracy"), 0.95);
}

TEST(ModelFit, GivesLossAndMetricsOfEachEpoch) {
  Sequential model = small_model();
  model.compile(adam_and_accuracy());
  const data::DataLoader train(clouds(), {.batch_size = 32}), test(clouds(50), {.batch_size = 8});
  History history = model.fit(train, {.epochs = 3, .verbose = false});
  EXPECT_EQ(history.values.size(), 2u);
  EXPECT_EQ(history["loss"].size(), 3u);
  EXPECT_EQ(history["accuracy"].size(), 3u);
  history = model.fit(train, {.epochs = 2, .validation = test, .verbose = false});
  EXPECT_EQ(history.values.size(), 4u);
  for (const char* name : {"loss", "accuracy", "val_loss", "val_accuracy"})
    EXPECT_EQ(history[name].size(), 2u) << name;
  EXPECT_EQ(message_of<ValueError>([&] { history["lose"]; }), "History: nothing named 'lose'");
}

TEST(ModelFit, TrainsOneEpochIfNotToldAndNoneIfAsked) {
  Sequential model = small_model();
  model.compile(adam_and_accuracy());
  const data::DataLoader loader(clouds(), {.batch_size = 32});
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(model.fit(loader)["loss"].size(), 1u);
  ::testing::internal::GetCapturedStdout();
  const auto before = bytes_of(model.parameters());
  EXPECT_TRUE(model.fit(loader, {.epochs = 0, .verbose = false}).values.empty());
  EXPECT_EQ(bytes_of(model.parameters()), before);
  EXPECT_EQ(message_of<ValueError>([&] { model.fit(loader, {.epochs = -1}); }),
            "fit: epochs must not be negative, got -1");
}

TEST(ModelFit, LrScheduleSetsTheRateOfEachEpoch) {
  const auto optimizer = std::make_shared<optim::SGD>(0.1);
  Sequential model = small_model();
  model.compile({.optimizer = optimizer, .loss = CrossEntropyLoss()});
  std::vector<std::pair<int64_t, double>> asked;
  model.fit(data::DataLoader(clouds(8), {.batch_size = 4}), {.epochs = 3,
                                                             .lr_schedule =
                                                                 [&](int64_t epoch, double lr) {
                                                                   asked.emplace_back(epoch, lr);
                                                                   return lr / 2;
                                                                 },
                                                             .verbose = false});
  EXPECT_EQ(asked, (std::vector<std::pair<int64_t, double>>{{0, 0.1}, {1, 0.05}, {2, 0.025}}));
  EXPECT_EQ(optimizer->lr(), 0.0125);
  EXPECT_THROW(model.fit(data::DataLoader(clouds(8), {.batch_size = 4}),
                         {.lr_schedule = [](int64_t, double) { return NAN; }, .verbose = false}),
               ValueError);
}

TEST(ModelFit, ValidationIsWhatEvaluateGivesAndChangesNothing) {
  const auto run = [](bool validate) {
    manual_seed(1);
    Sequential model{Linear(2, 8), Dropout(0.5), Linear(8, 2)};
    const data::DataLoader train(clouds(), {.batch_size = 32}), test(clouds(50), {.batch_size = 8});
    model.compile(adam_and_accuracy());
    FitOptions options{.epochs = 2, .verbose = false};
    if (validate) options.validation = test;
    const History history = model.fit(train, options);
    if (validate) {
      const Scores scores = model.evaluate(test);
      EXPECT_EQ(history["val_loss"].back(), scores.at("loss"));
      EXPECT_EQ(history["val_accuracy"].back(), scores.at("accuracy"));
      EXPECT_NE(history["val_loss"].back(), history["loss"].back());
    }
    return std::pair(history["loss"], bytes_of(model.parameters()));
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(ModelFit, MeanLossWeighsBatchesByTheirSamples) {
  Sequential model = small_model();
  const data::TensorDataset dataset = clouds(7);
  model.compile({.optimizer = optim::SGD(0.0), .loss = CrossEntropyLoss()});
  const double whole = cross_entropy(model(dataset.inputs), dataset.targets).item<double>();
  const data::DataLoader loader(dataset, {.batch_size = 3});  // 3, 3 and 1
  EXPECT_NEAR(model.fit(loader, {.verbose = false})["loss"][0], whole, 1e-6);
  EXPECT_NEAR(model.evaluate(loader).at("loss"), whole, 1e-6);
}

TEST(ModelFit, PrintsNothingUnlessVerbose) {
  Sequential model = small_model();
  model.compile(adam_and_accuracy());
  const data::DataLoader loader(clouds(), {.batch_size = 32});
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  model.fit(loader, {.epochs = 2, .validation = loader, .verbose = false});
  model.evaluate(loader);
  model.predict(zeros({3, 2}));
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(ModelFit, PrintsOneLineAnEpochWhereStdoutIsNoTerminal) {
  Sequential model = small_model();
  model.compile(adam_and_accuracy());
  const data::DataLoader loader(clouds(), {.batch_size = 32});
  ::testing::internal::CaptureStdout();
  model.fit(loader, {.epochs = 3, .validation = loader});
  const std::string text = ::testing::internal::GetCapturedStdout();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_TRUE(std::regex_search(
      text, std::regex("^Epoch 1/3  [^\n]* 7/7  [^\n]*accuracy \\d\\.\\d{4}  loss \\d\\.\\d{4}  "
                       "val_accuracy \\d\\.\\d{4}  val_loss \\d\\.\\d{4}")))
      << text;
}

TEST(ModelFit, TrainsInTrainingModeWithRecordingAndGivesBothBack) {
  Sequential model{Linear(2, 64), Dropout(0.9), Linear(64, 2)};
  model.compile(adam_and_accuracy());
  model.eval();
  const data::DataLoader loader(clouds(), {.batch_size = 32});
  const auto before = bytes_of(model.parameters());
  {
    NoGrad guard;
    model.fit(loader, {.verbose = false});
    EXPECT_FALSE(is_grad_enabled());
  }
  EXPECT_NE(bytes_of(model.parameters()), before) << "it trained all the same";
  EXPECT_FALSE(model.is_training());
  EXPECT_FALSE(model[1].is_training());
}

TEST(ModelFit, GivesTheModeBackAfterAnError) {
  Sequential model = small_model();
  model.compile(adam_and_accuracy());
  model.eval();
  const data::DataLoader wrong(data::TensorDataset(zeros({4, 3}), zeros({4}, kInt64)));
  EXPECT_EQ(message_of<ShapeError>([&] { model.fit(wrong, {.verbose = false}); }).substr(0, 30),
            "0: Linear(2 -> 8) got [1, 3]\n ");
  EXPECT_FALSE(model.is_training());
  EXPECT_THROW(model.evaluate(wrong), ShapeError);
  EXPECT_THROW(model.predict(zeros({4, 3})), ShapeError);
  EXPECT_FALSE(model.is_training());
  EXPECT_TRUE(is_grad_enabled());
}

TEST(ModelFit, RefusesLabelsOutOfRange) {
  Sequential model = small_model();
  model.compile(adam_and_accuracy());
  const data::DataLoader wrong(data::TensorDataset(zeros({4, 2}), full({4}, 2)));
  EXPECT_EQ(message_of<IndexError>([&] { model.fit(wrong, {.verbose = false}); }),
            "cross_entropy: label 2 at position [0] is out of range for 2 classes (0 to 1)\n"
            "  x [1, 2]   target [1]");
}

TEST(ModelFit, EqualsTheLoopByHand) {
  const auto prepared = [] {
    manual_seed(4);
    Sequential model{Linear(2, 16), ReLU(), Dropout(0.3), Linear(16, 2)};
    const data::DataLoader loader(clouds(), {.batch_size = 32, .shuffle = true});
    return std::pair(model, loader);
  };
  auto [model, loader] = prepared();
  model.compile(adam_and_accuracy(0.01));
  const History history = model.fit(loader, {.epochs = 3, .verbose = false});

  auto [twin, batches] = prepared();
  optim::Adam opt(twin.parameters(), {.lr = 0.01});
  std::vector<double> losses;
  for (int epoch = 0; epoch < 3; ++epoch) {
    double sum = 0;
    for (auto& [x, y] : batches) {
      opt.zero_grad();
      const Tensor loss = cross_entropy(twin(x), y);
      loss.backward();
      opt.step();
      sum += loss.item<double>() * static_cast<double>(x.size(0));
    }
    losses.push_back(sum / 200);
  }
  EXPECT_EQ(bytes_of(model.parameters()), bytes_of(twin.parameters()));
  EXPECT_EQ(history["loss"], losses);
}

TEST(ModelFit, KeepsTheOptimizersStateBetweenCalls) {
  const auto run = [](std::vector<int64_t> epochs) {
    manual_seed(2);
    Sequential model = small_model();
    const data::DataLoader loader(clouds(), {.batch_size = 32, .shuffle = true});
    model.compile(adam_and_accuracy());
    for (int64_t n : epochs) model.fit(loader, {.epochs = n, .verbose = false});
    return bytes_of(model.parameters());
  };
  EXPECT_EQ(run({3}), run({1, 2}));
}

// Losses of each epoch, and weights, of the demo's model on a few hundred digits.
auto demo_run(const data::ImageDataset& dataset, int64_t epochs = 2) {
  Sequential model = demo_model();
  const data::DataLoader loader(dataset, {.batch_size = 32, .shuffle = true});
  model.compile(
      {.optimizer = optim::Adam(1e-3), .loss = CrossEntropyLoss(), .metrics = {Accuracy()}});
  const History history = model.fit(loader, {.epochs = epochs, .verbose = false});
  return std::tuple(history["loss"], bytes_of(model.parameters()),
                    bytes_of(model.predict(dataset.images, 256)));
}

TEST(ModelFit, GivesTheSameBitsForAnyNumberOfThreads) {
  const data::ImageDataset dataset = digits(300);
  const auto run = [&](int threads) {
    const Threads guard(threads);
    manual_seed(0);
    return demo_run(dataset);
  };
  const auto one = run(1);
  for (int threads : {2, 3}) EXPECT_TRUE(run(threads) == one) << threads;
  manual_seed(1);
  EXPECT_FALSE(demo_run(dataset) == one) << "another seed gives something else";
}

TEST(ModelFit, TwoModelsInTwoThreadsTrainAsOneAfterTheOther) {
  const auto make = [](uint64_t seed) {
    manual_seed(seed);
    Sequential model{Linear(2, 40), ReLU(), Linear(40, 30), Tanh(), Linear(30, 2)};
    model.compile(adam_and_accuracy());
    const data::DataLoader loader(clouds(300), {.batch_size = 16, .shuffle = true, .seed = seed});
    return std::pair(model, loader);
  };
  const auto train = [](Sequential& model, const data::DataLoader& loader,
                        std::vector<double>& losses) {
    losses = model.fit(loader, {.epochs = 4, .validation = loader, .verbose = false})["loss"];
  };
  auto a = make(1), b = make(2), c = make(1), d = make(2);
  std::vector<double> losses[4];
  train(a.first, a.second, losses[0]);
  train(b.first, b.second, losses[1]);
  std::thread first([&] { train(c.first, c.second, losses[2]); });
  std::thread second([&] { train(d.first, d.second, losses[3]); });
  first.join();
  second.join();
  EXPECT_EQ(losses[2], losses[0]);
  EXPECT_EQ(losses[3], losses[1]);
  EXPECT_EQ(bytes_of(c.first.parameters()), bytes_of(a.first.parameters()));
  EXPECT_EQ(bytes_of(d.first.parameters()), bytes_of(b.first.parameters()));
}

TEST(ModelFit, TrainsModulesAgainstMeanSquaredError) {
  manual_seed(0);
  Sequential model{Linear(1, 1)};
  const Tensor x = randn({64, 1});
  model.compile({.optimizer = optim::SGD(0.1), .loss = MSELoss()});
  model.fit(data::DataLoader(data::TensorDataset(x, x * 3 - 2), {.batch_size = 16}),
            {.epochs = 60, .verbose = false});
  EXPECT_NEAR(model.parameters()[0].item<float>(), 3, 1e-3);
  EXPECT_NEAR(model.parameters()[1].item<float>(), -2, 1e-3);
}

// ---- evaluate and predict

// Counts its calls and remembers how it was called.
struct Watch : Module {
  struct Log {
    int calls = 0;
    bool trained = false, recorded = false;
    std::vector<int64_t> rows;
  };
  explicit Watch(std::shared_ptr<Log> to) : log(std::move(to)) {}
  Tensor forward(const Tensor& x) override {
    ++log->calls;
    log->trained = log->trained || is_training();
    log->recorded = log->recorded || is_grad_enabled();
    log->rows.push_back(x.size(0));
    return x;
  }
  std::shared_ptr<Log> log;
};

TEST(ModelEvaluate, AndPredictRunInEvaluationModeOffTheTapeAndGiveTheModeBack) {
  for (bool training : {true, false}) {
    auto log = std::make_shared<Watch::Log>();
    Sequential model{Linear(2, 2), Watch(log), Dropout(0.5)};
    model.compile(adam_and_accuracy());
    model.train(training);
    const data::DataLoader loader(clouds(50), {.batch_size = 20});
    const auto before = bytes_of(model.parameters());
    const Scores scores = model.evaluate(loader);
    EXPECT_EQ(log->calls, 3);
    const Tensor y = model.predict(zeros({50, 2}), 20);
    EXPECT_EQ(log->rows, (std::vector<int64_t>{20, 20, 10, 20, 20, 10}));
    EXPECT_FALSE(log->trained);
    EXPECT_FALSE(log->recorded);
    EXPECT_FALSE(y.requires_grad());
    EXPECT_EQ(model.is_training(), training);
    EXPECT_EQ(model[2].is_training(), training);
    EXPECT_TRUE(is_grad_enabled());
    EXPECT_EQ(bytes_of(model.parameters()), before);
    for (const Tensor& p : model.parameters()) EXPECT_FALSE(p.grad().defined());
    EXPECT_EQ(scores.size(), 2u);
  }
}

TEST(ModelEvaluate, AndPredictAndFitGiveEachLayersOwnModeBack) {
  Sequential model{Linear(2, 4), Sequential{Dropout(0.5), Linear(4, 4)}, Dropout(0.5),
                   Linear(4, 2)};
  model.compile(adam_and_accuracy());
  model[1].eval();  // a part that is kept as it is while the rest trains
  const auto modes = [&] {
    return std::vector<bool>{model.is_training(), model[0].is_training(), model[1].is_training(),
                             model[1].as<Sequential>()[0].is_training(), model[2].is_training()};
  };
  const std::vector<bool> expected{true, true, false, false, true};
  ASSERT_EQ(modes(), expected);
  const data::DataLoader loader(clouds(50), {.batch_size = 20});
  model.predict(zeros({5, 2}));
  EXPECT_EQ(modes(), expected) << "after predict";
  model.evaluate(loader);
  EXPECT_EQ(modes(), expected) << "after evaluate";
  model.fit(loader, {.validation = loader, .verbose = false});
  EXPECT_EQ(modes(), expected) << "after fit";
}

TEST(ModelPredict, EqualsForwardForAnyBatchSize) {
  manual_seed(3);
  Sequential model{Linear(2, 8), Tanh(), Linear(8, 3)};
  const Tensor x = randn({23, 2});
  const Tensor expected = no_grad([&] { return model(x); });
  for (int64_t batch_size : {1, 2, 7, 22, 23, 24, 1000}) {
    const Tensor y = model.predict(x, batch_size);
    expect_close(y, expected, 1e-6, fmt::format("batch size {}", batch_size));
  }
  EXPECT_EQ(bytes_of(model.predict(x)), bytes_of(expected));
}

TEST(ModelPredict, TakesStridedInputsAndOutputsOfAnyRankAndType) {
  struct Classes : Model {
    Tensor forward(const Tensor& x) override { return x.argmax(1); }
  };
  const Tensor x = tensor({{1, 5, 2}, {9, 1, 0}}, kFloat32).t();  // [3, 2]
  const Tensor y = Classes().predict(x, 2);
  EXPECT_EQ(y.dtype(), kInt64);
  EXPECT_EQ(y.to_vector<int64_t>(), (std::vector<int64_t>{1, 0, 0}));
}

TEST(ModelPredict, TakesNoRows) {
  EXPECT_EQ(small_model().predict(zeros({0, 2})).shape(), (Shape{0, 2}));
  EXPECT_EQ(demo_model().predict(zeros({0, 1, 28, 28})).shape(), (Shape{0, 10}));
}

TEST(ModelPredict, RefusesABatchSizeBelowOneAndNoDimensions) {
  Sequential model = small_model();
  EXPECT_EQ(message_of<ValueError>([&] {
              model.predict(zeros({3, 2}), 0);
            }),
            "predict: batch_size must be at least 1, got 0");
  EXPECT_THROW(model.predict(zeros({3, 2}), -5), ValueError);
  EXPECT_EQ(message_of<ShapeError>([&] { model.predict(tensor(1.0)); }),
            "predict: x needs a first dimension of samples, this is 0-d");
}

// ---- Custom models

// As in the design.
struct Residual : Model {
  Linear in = add("in", Linear(784, 128));
  Linear mid = add("mid", Linear(128, 128));
  Linear out = add("out", Linear(128, 10));
  Tensor forward(const Tensor& x) override {
    Tensor h = relu(in(x));
    return out(h + relu(mid(h)));
  }
};

TEST(CustomModel, ResidualTrains) {
  manual_seed(0);
  const data::ImageDataset images = digits(200);
  const data::DataLoader loader(data::TensorDataset(images.images.flatten(1), images.labels),
                                {.batch_size = 32, .shuffle = true});
  Residual model;
  model.compile(adam_and_accuracy(1e-3));
  const History history = model.fit(loader, {.epochs = 4, .verbose = false});
  EXPECT_LT(history["loss"].back(), 0.5 * history["loss"].front());
  EXPECT_GT(history["accuracy"].back(), 0.8);
  for (const Tensor& p : model.parameters()) EXPECT_TRUE(p.grad().defined());
}

TEST(CustomModel, ABufferIsNotTrainedButMayBeUsed) {
  struct Scaled : Model {
    Tensor scale = add_buffer("scale", full({2}, 2.0f));
    Linear layer = add("layer", Linear(2, 2));
    Tensor forward(const Tensor& x) override { return layer(x * scale); }
  };
  Scaled model;
  model.compile(adam_and_accuracy());
  const auto weights = bytes_of(model.parameters());
  model.fit(data::DataLoader(clouds(), {.batch_size = 20}), {.verbose = false});
  EXPECT_EQ(model.scale.to_vector<float>(), (std::vector<float>{2, 2}));
  EXPECT_NE(bytes_of(model.parameters()), weights);
}

}  // namespace
}  // namespace bb::nn
