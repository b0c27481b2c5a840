#include "bb/nn/serialize.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <limits>

#include "bb/bb.h"
#include "bb/tests/io/files.h"
#include "bb/tests/message_of.h"
#include "bb/tests/training_golden.h"

namespace bb::nn {
namespace {

using bb::testing::bytes_of;
using io::TestFolder;

std::vector<std::string> state_bytes(const Module& module) {
  std::vector<std::string> result;
  for (const auto& [name, x] : state_of(module)) result.push_back(name + " " + bytes_of(x));
  return result;
}

// Every layer, with settings that are not the default's, and a nested Sequential.
Sequential all_layers() {
  return {Flatten(1, 2), Linear(6, 5),
          ReLU(),        Linear(5, 4, {.bias = false}),
          Sigmoid(),     Sequential{Linear(4, 3), Tanh(), Sequential{Dropout(0.1), Linear(3, 3)}},
          Softmax(1)};
}

std::string saved_to(const TestFolder& folder, const Model& model) {
  model.save(folder.file("m.bb"));
  return folder.file("m.bb");
}

// A small model: its file is cut and flipped at every byte.
Sequential tiny() { return {Linear(2, 3), ReLU(), Linear(3, 1)}; }

TEST(Serialize, GivesBackEveryLayerAndWeight) {
  const TestFolder folder;
  Sequential model = all_layers();
  AnyModule same = load(saved_to(folder, model));
  EXPECT_EQ(fmt::format("{}", same), fmt::format("{}", model));
  EXPECT_EQ(state_bytes(same), state_bytes(model));
  EXPECT_EQ(same.type(), "Sequential");
  EXPECT_EQ(same.as<Sequential>().size(), 7);
  const Tensor x = randn({7, 2, 3});
  EXPECT_EQ(bytes_of(same.predict(x)), bytes_of(model.predict(x)));
}

TEST(Serialize, LoadedModelIsInTrainingModeAndTrains) {
  const TestFolder folder;
  Sequential model = tiny();
  model.eval();
  AnyModule same = load(saved_to(folder, model));
  EXPECT_TRUE(same.is_training());
  same.compile({.optimizer = optim::SGD(0.1), .loss = MSELoss()});
  const auto before = state_bytes(same);
  same.fit(data::DataLoader(data::TensorDataset(ones({4, 2}), ones({4, 1})), {.batch_size = 2}),
           {.verbose = false});
  EXPECT_NE(state_bytes(same), before);
  EXPECT_EQ(state_bytes(model), before) << "two models";
}

TEST(Serialize, KeepsEveryBitOfAFloat) {
  const TestFolder folder;
  Sequential model{Linear(4, 2)};
  const float values[] = {0.0f,
                          -0.0f,
                          std::numeric_limits<float>::denorm_min(),
                          std::numeric_limits<float>::max(),
                          std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN(),
                          1.0f / 3};
  std::copy(std::begin(values), std::end(values), model.parameters()[0].data<float>());
  EXPECT_EQ(state_bytes(load(saved_to(folder, model))), state_bytes(model));
}

TEST(Serialize, KeepsSettingsExactly) {
  const TestFolder folder;
  for (double p : {0.0, 1.0, 0.1, 1.0 / 3, 0.30000000000000004}) {
    const AnyModule same = load(saved_to(folder, Sequential{Dropout(p)}));
    EXPECT_EQ(same.as<Sequential>()[0].config().real("p"), p);
  }
}

TEST(Serialize, KeepsModelsWithoutLayersAndLayersWithoutElements) {
  const TestFolder folder;
  EXPECT_EQ(load(saved_to(folder, Sequential())).type(), "Sequential");
  Sequential empty{Linear(0, 3), Linear(3, 0)};
  EXPECT_EQ(state_bytes(load(saved_to(folder, empty))), state_bytes(empty));
}

TEST(Serialize, SavesAModuleThatIsNoModel) {
  const TestFolder folder;
  const Linear layer(3, 2);
  save(layer, folder.file("l"));
  const AnyModule same = load(folder.file("l"));
  EXPECT_EQ(same.type(), "Linear");
  EXPECT_EQ(state_bytes(same), state_bytes(layer));
}

TEST(Serialize, SavesWhatWasLoaded) {
  const TestFolder folder;
  const AnyModule same = load(saved_to(folder, all_layers()));
  const std::string bytes = io::contents(folder.file("m.bb"));
  same.save(folder.file("again.bb"));
  EXPECT_EQ(io::contents(folder.file("again.bb")), bytes);
}

TEST(Serialize, FileIsSafetensorsWithTheArchitectureAsJson) {
  const TestFolder folder;
  const Sequential model = tiny();
  io::Archive archive = io::read_safetensors(saved_to(folder, model));
  std::vector<std::string> names;
  for (const auto& [name, x] : archive.tensors) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"0.weight", "0.bias", "2.weight", "2.bias"}));
  EXPECT_EQ(bytes_of(archive.tensors[0].second), bytes_of(model.parameters()[0]));
  EXPECT_EQ(archive.metadata.at("format"), "bb");
  EXPECT_EQ(
      archive.metadata.at("bb.architecture"),
      R"({"type":"Sequential","config":{},"children":[)"
      R"({"name":"0","module":{"type":"Linear","config":{"in_features":2,"out_features":3,"bias":true}}},)"
      R"({"name":"1","module":{"type":"ReLU","config":{}}},)"
      R"({"name":"2","module":{"type":"Linear","config":{"in_features":3,"out_features":1,"bias":true}}}]})");
  EXPECT_EQ(archive.metadata.at("bb.checksum"), io::checksum(archive, "bb.checksum"));
}

TEST(Serialize, SaveReplacesAnOlderFile) {
  const TestFolder folder;
  saved_to(folder, all_layers());
  const Sequential model = tiny();
  EXPECT_EQ(state_bytes(load(saved_to(folder, model))), state_bytes(model));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"m.bb"}) << "and leaves nothing beside it";
}

// ---- Custom models

struct Custom : Model {
  Linear layer = add("layer", Linear(3, 2));
  Tensor seen = add_buffer("seen", zeros({}, kInt64));
  Tensor forward(const Tensor& x) override {
    seen.add_(1);
    return layer(x);
  }
};

struct CustomSized : Model {
  explicit CustomSized(int64_t n) : n_(n), layer(add("layer", Linear(n, n))) {}
  explicit CustomSized(const Config& config) : CustomSized(config.integer("n")) {}
  Config config() const override { return {{"n", n_}}; }
  Tensor forward(const Tensor& x) override { return layer(x); }
  int64_t n_;
  Linear layer;
};

TEST(SerializeCustom, LoadNamesAModuleThatIsNotRegistered) {
  struct Unknown : Model {
    Linear layer = add("layer", Linear(3, 2));
    Tensor forward(const Tensor& x) override { return layer(x); }
  };
  const TestFolder folder;
  Unknown model;
  const std::string path = saved_to(folder, model);
  const std::string text = message_of<IoError>([&] { load(path); });
  const std::string name = model.registered_name();
  EXPECT_NE(name.find("Unknown"), std::string::npos);
  EXPECT_EQ(text, fmt::format("load: {}: module '{}' is not registered\n"
                              "  hint: call nn::register_module<{}>() first, or make the module "
                              "and use load_weights()",
                              path, name, name));
  Unknown other;
  other.load_weights(path);  // as the hint says
  EXPECT_EQ(state_bytes(other), state_bytes(model));
}

TEST(SerializeCustom, RegisteredModulesAreLoadedWithTheirBuffers) {
  register_module<Custom>();
  const TestFolder folder;
  Custom model;
  model(zeros({1, 3}));
  model(zeros({1, 3}));
  AnyModule same = load(saved_to(folder, model));
  EXPECT_EQ(same.type(), "Custom");
  EXPECT_EQ(same.as<Custom>().seen.item<int64_t>(), 2);
  EXPECT_EQ(state_bytes(same), state_bytes(model));
  const Tensor x = randn({4, 3});
  EXPECT_EQ(bytes_of(same(x)), bytes_of(model(x)));
}

TEST(SerializeCustom, RegisteredModulesAreMadeFromTheirConfig) {
  register_module<CustomSized>();
  const TestFolder folder;
  const Sequential model{CustomSized(3), ReLU(), CustomSized(3)};
  const AnyModule same = load(saved_to(folder, model));
  EXPECT_EQ(state_bytes(same), state_bytes(model));
}

TEST(SerializeCustom, AFactoryThatFailsIsAnErrorOfTheFile) {
  struct Never : Model {
    Tensor forward(const Tensor& x) override { return x; }
  };
  register_factory(registered_name_of(typeid(Never)),
                   [](const Config&, const Children&) -> std::shared_ptr<Module> {
                     throw ValueError("Never: cannot be made");
                   });
  const TestFolder folder;
  const std::string path = saved_to(folder, Never());
  EXPECT_EQ(message_of<IoError>([&] { load(path); }), "load: " + path + ": Never: cannot be made");
}

// ---- load_weights

TEST(LoadWeights, TakesTheWeightsOfTheSameArchitecture) {
  const TestFolder folder;
  const Sequential model = all_layers();
  const std::string path = saved_to(folder, model);
  Sequential other = all_layers();
  ASSERT_NE(state_bytes(other), state_bytes(model));
  const Tensor weight = other.parameters()[0];
  other.load_weights(path);
  EXPECT_EQ(state_bytes(other), state_bytes(model));
  EXPECT_TRUE(other.parameters()[0].is(weight)) << "in place: optimizers and members see it";
  EXPECT_TRUE(weight.requires_grad());
}

TEST(LoadWeights, IntoTheModelThatWasSavedUndoesTraining) {
  const TestFolder folder;
  Sequential model = tiny();
  const std::string path = saved_to(folder, model);
  const auto before = state_bytes(model);
  for (Tensor p : model.parameters()) p.detach().fill_(9);
  model.load_weights(path);
  EXPECT_EQ(state_bytes(model), before);
}

void expect_refused(const std::string& path, Model&& target, const std::string& text) {
  const auto before = state_bytes(target);
  EXPECT_EQ(message_of<IoError>([&] { target.load_weights(path); }), text);
  EXPECT_EQ(state_bytes(target), before) << "nothing changed";
}

TEST(LoadWeights, OfAnotherArchitectureChangesNothing) {
  const TestFolder folder;
  const std::string path = saved_to(folder, tiny());
  expect_refused(
      path, Sequential{Linear(2, 3), Linear(3, 1)},
      fmt::format("load: {} has no '1.weight'\n  the module expects float32 [1, 3]", path));
  expect_refused(
      path, Sequential{Linear(2, 3), ReLU(), Linear(3, 1), Linear(1, 1)},
      fmt::format("load: {} has no '3.weight'\n  the module expects float32 [1, 1]", path));
  expect_refused(path, Sequential{Linear(2, 3)},
                 fmt::format("load: {} has '2.weight', which the module does not have", path));
  expect_refused(path, Sequential{Linear(2, 3), ReLU(), Linear(3, 2)},
                 fmt::format("load: '2.weight' in {} does not fit the module\n"
                             "  file float32 [1, 3]   module float32 [2, 3]",
                             path));
  expect_refused(path, Sequential{Linear(2, 3), ReLU(), Linear(3, 1, {.bias = false})},
                 fmt::format("load: {} has '2.bias', which the module does not have", path));
}

io::Archive archive_of(const Module& module) { return {state_of(module), {}}; }

TEST(LoadWeights, TakesPlainSafetensorsAndLoadSaysWhatIsMissing) {
  const TestFolder folder;
  const Sequential model = tiny();
  const std::string path = folder.file("plain.safetensors");
  io::Archive archive = archive_of(model);
  std::reverse(archive.tensors.begin(), archive.tensors.end());  // the order does not matter
  io::write_safetensors(path, archive);
  Sequential other = tiny();
  other.load_weights(path);
  EXPECT_EQ(state_bytes(other), state_bytes(model));
  EXPECT_EQ(message_of<IoError>([&] { load(path); }),
            fmt::format("load: {} holds weights, but no architecture\n"
                        "  hint: make the module and use load_weights()",
                        path));
}

TEST(LoadWeights, RefusesAnotherDtype) {
  const TestFolder folder;
  io::Archive archive = archive_of(tiny());
  archive.tensors[1].second = archive.tensors[1].second.detach().to(kFloat64);
  const std::string path = folder.file("x");
  io::write_safetensors(path, archive);
  expect_refused(path, tiny(),
                 fmt::format("load: '0.bias' in {} does not fit the module\n"
                             "  file float64 [3]   module float32 [3]",
                             path));
}

TEST(LoadWeights, AndLoadSayWhichFileIsMissing) {
  const TestFolder folder;
  const std::string path = folder.file("nothing.bb");
  EXPECT_NE(message_of<IoError>([&] { load(path); }).find(path), std::string::npos);
  Sequential model = tiny();
  const auto before = state_bytes(model);
  EXPECT_NE(message_of<IoError>([&] { model.load_weights(path); }).find(path), std::string::npos);
  EXPECT_THROW(load(folder.path().string()), IoError) << "a folder";
  EXPECT_EQ(state_bytes(model), before);
}

// ---- Damaged files

TEST(SerializeDamage, AFileCutAtAnyByteIsRefusedAndChangesNothing) {
  const TestFolder folder;
  const std::string whole = io::contents(saved_to(folder, tiny()));
  const std::string path = folder.file("cut.bb");
  Sequential target = tiny();
  const auto before = state_bytes(target);
  for (size_t n = 0; n < whole.size(); ++n) {
    io::put(path, whole.substr(0, n));
    EXPECT_THROW(load(path), IoError) << n;
    EXPECT_THROW(target.load_weights(path), IoError) << n;
    ASSERT_EQ(state_bytes(target), before) << n;
  }
  io::put(path, whole);
  EXPECT_NO_THROW(load(path));
  io::put(path, whole + '\0');
  EXPECT_THROW(load(path), IoError) << "one byte more";
}

TEST(SerializeDamage, AnyByteFlippedIsNoticed) {
  const TestFolder folder;
  const Sequential model = tiny();
  const std::string whole = io::contents(saved_to(folder, model));
  const std::string path = folder.file("flipped.bb");
  const auto right = state_bytes(model);
  Sequential target = tiny();
  const auto before = state_bytes(target);
  for (size_t i = 0; i < whole.size(); ++i)
    for (int mask : {0x01, 0x80}) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ mask);
      io::put(path, bytes);
      EXPECT_THROW(load(path), IoError) << "byte " << i << " ^ " << mask;
      // A flip in the checksum's own name makes a plain safetensors file of right weights.
      try {
        target.load_weights(path);
        ASSERT_EQ(state_bytes(target), right) << "byte " << i << " ^ " << mask;
        target = tiny();
        const auto state = state_of(target);
        for (size_t k = 0; k < before.size(); ++k) {
          const auto& [name, x] = state[k];
          const std::string& kept = before[k];
          std::copy(kept.begin() + static_cast<int64_t>(name.size()) + 1, kept.end(),
                    static_cast<char*>(x.raw_data()));
        }
      } catch (const IoError&) {
      }
      ASSERT_EQ(state_bytes(target), before) << "byte " << i << " ^ " << mask;
    }
}

TEST(SerializeDamage, SaysThatTheChecksumDoesNotMatch) {
  const TestFolder folder;
  const std::string path = saved_to(folder, tiny());
  std::string bytes = io::contents(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  io::put(path, bytes);
  EXPECT_EQ(message_of<IoError>([&] { load(path); }),
            fmt::format("load: {} is corrupted: its checksum does not match", path));
}

// ---- Hostile architectures, with right checksums

std::string written(const TestFolder& folder, const std::string& architecture,
                    io::Archive archive = {}) {
  archive.metadata["bb.architecture"] = architecture;
  archive.metadata["format"] = "bb";
  archive.metadata["bb.checksum"] = io::checksum(archive, "bb.checksum");
  io::write_safetensors(folder.file("h.bb"), archive);
  return folder.file("h.bb");
}

std::string linear_json(const std::string& in, const std::string& out,
                        const std::string& bias = "true") {
  return fmt::format(
      R"({{"type":"Linear","config":{{"in_features":{},"out_features":{},"bias":{}}}}})", in, out,
      bias);
}

std::string in_sequential(const std::string& child) {
  return R"({"type":"Sequential","config":{},"children":[{"name":"0","module":)" + child + "}]}";
}

std::string nested(int depth) {
  std::string json = R"({"type":"ReLU","config":{}})";
  for (int i = 0; i < depth; ++i) json = in_sequential(json);
  return json;
}

TEST(SerializeHostile, ARightArchitectureWrittenByHandLoads) {
  const TestFolder folder;
  const Linear layer(2, 3);
  const auto same = load(written(folder, linear_json("2", "3"), archive_of(layer)));
  EXPECT_EQ(state_bytes(same), state_bytes(layer));
  EXPECT_NO_THROW(load(written(folder, nested(10))));
}

class HostileArchitecture : public ::testing::TestWithParam<const char*> {};

TEST_P(HostileArchitecture, IsAnIoError) {
  const TestFolder folder;
  const std::string path = written(folder, GetParam(), archive_of(Linear(2, 3)));
  const std::string text = message_of<IoError>([&] { load(path); });
  EXPECT_EQ(text.find("load: " + path), 0u) << text;
}

INSTANTIATE_TEST_SUITE_P(
    NotJson, HostileArchitecture,
    ::testing::Values(
        "", "{", "nonsense", "null", "7", "[]", "{}", "\"Linear\"", "[[[[", "{\"type\"",
        R"({"type":"Linear","config":{"in_features":2,"out_features":3,"bias":true}}})",
        "\xEF\xBB\xBF"));

INSTANTIATE_TEST_SUITE_P(
    WrongTypes, HostileArchitecture,
    ::testing::Values(
        R"({"type":5,"config":{}})", R"({"type":null,"config":{}})", R"({"type":[],"config":{}})",
        R"({"config":{}})", R"({"type":"Linear"})", R"({"type":"Linear","config":null})",
        R"({"type":"Linear","config":5})", R"({"type":"Linear","config":"x"})",
        R"({"type":"Linear","config":[2,3,true]})", R"({"type":"Linear","config":{}})",
        R"({"type":"Linear","config":{"in_features":2,"out_features":3}})",
        R"({"type":"Linear","config":{"in_features":"2","out_features":3,"bias":true}})",
        R"({"type":"Linear","config":{"in_features":2.0,"out_features":3,"bias":true}})",
        R"({"type":"Linear","config":{"in_features":null,"out_features":3,"bias":true}})",
        R"({"type":"Linear","config":{"in_features":[2],"out_features":3,"bias":true}})",
        R"({"type":"Linear","config":{"in_features":{},"out_features":3,"bias":true}})",
        R"({"type":"Linear","config":{"in_features":2,"out_features":3,"bias":1}})",
        R"({"type":"Linear","config":{"in_features":true,"out_features":3,"bias":true}})",
        R"({"type":"Dropout","config":{"p":"0.5"}})", R"({"type":"Dropout","config":{"p":1.5}})",
        R"({"type":"Dropout","config":{"p":-1}})", R"({"type":"Dropout","config":{"p":1e999}})",
        R"({"type":"Sequential","config":{},"children":5})",
        R"({"type":"Sequential","config":{},"children":{"a":1}})",
        R"({"type":"Sequential","config":{},"children":[5]})",
        R"({"type":"Sequential","config":{},"children":[{"name":"0"}]})",
        R"({"type":"Sequential","config":{},"children":[{"module":{"type":"ReLU","config":{}}}]})",
        R"({"type":"Sequential","config":{},"children":[{"name":0,"module":{"type":"ReLU","config":{}}}]})",
        R"({"type":"Sequential","config":{},"children":[{"name":"0","module":null}]})"));

INSTANTIATE_TEST_SUITE_P(WrongNames, HostileArchitecture,
                         ::testing::Values(R"({"type":"NoSuchLayer","config":{}})",
                                           R"({"type":"","config":{}})",
                                           R"({"type":"bb::nn::Linear","config":{}})",
                                           R"({"type":"linear","config":{}})",
                                           R"({"type":"Module","config":{}})",
                                           R"({"type":"Linear{}","config":{}})"));

std::vector<std::string> sizes() {
  return {"1000000000",
          "1000000000000",
          "4611686018427387904",
          "9223372036854775807",
          "18446744073709551615",
          "-1",
          "-9223372036854775808",
          "1e9",
          "1e300",
          "99999999999999999999999999",
          "0",
          "4"};
}

TEST(SerializeHostile, SizesThatTheWeightsDoNotHaveAreRefusedWithoutTheMemory) {
  const TestFolder folder;
  const io::Archive archive = archive_of(Linear(2, 3));
  memory::reset_peak();
  const int64_t before = memory::stats().live_bytes;
  for (const std::string& size : sizes())
    for (const char* bias : {"true", "false"})
      for (const std::string& json : {linear_json(size, "3", bias), linear_json("2", size, bias),
                                      linear_json(size, size, bias), linear_json("0", size, bias),
                                      in_sequential(linear_json(size, "3", bias))}) {
        const std::string path = written(folder, json, archive);
        EXPECT_THROW(load(path), IoError) << json;
      }
  EXPECT_LT(memory::stats().peak_bytes - before, 1 << 20);
}

TEST(SerializeHostile, ManySmallLayersAreRefusedWithoutTheMemory) {
  std::string children;
  for (int i = 0; i < 100; ++i)
    children += fmt::format(R"({}{{"name":"{}","module":{}}})", i ? "," : "", i,
                            linear_json("1000", "100"));
  const TestFolder folder;
  memory::reset_peak();
  const int64_t before = memory::stats().live_bytes;
  const std::string path =
      written(folder, R"({"type":"Sequential","config":{},"children":[)" + children + "]}");
  EXPECT_EQ(message_of<IoError>([&] { load(path); }),
            "load: " + path + ": its architecture is larger than its weights");
  EXPECT_LT(memory::stats().peak_bytes - before, 8 << 20);
}

TEST(SerializeHostile, DeepNestingIsRefused) {
  const TestFolder folder;
  const std::string path = written(folder, nested(200));
  EXPECT_EQ(message_of<IoError>([&] { load(path); }),
            "load: " + path + ": modules are nested more than 64 deep");
  for (const std::string& json :
       {std::string(100000, '['), std::string(100000, '[') + std::string(100000, ']'),
        R"({"type":"ReLU","config":{"x":)" + std::string(50000, '[') + std::string(50000, ']') +
            "}}"}) {
    const std::string deep = written(folder, json);
    EXPECT_THROW(load(deep), IoError);
  }
}

TEST(SerializeHostile, ALoadThatFailsLeavesNothingBehind) {
  const TestFolder folder;
  const std::string path = written(folder, linear_json("20", "30"), archive_of(Linear(2, 3)));
  EXPECT_THROW(load(path), IoError);
  const int64_t before = memory::stats().live_bytes;
  for (int i = 0; i < 20; ++i) EXPECT_THROW(load(path), IoError);
  EXPECT_EQ(memory::stats().live_bytes, before);
  EXPECT_NO_THROW(zeros({1000, 1000})) << "the budget ended with the load";
}

// ---- A save that fails

TEST(SerializeSave, ToAFolderThatIsNotThereOrAFolderItselfIsAnError) {
  const TestFolder folder;
  const Sequential model = tiny();
  const std::string path = folder.file("none/m.bb");
  EXPECT_NE(message_of<IoError>([&] { model.save(path); }).find(path), std::string::npos);
  EXPECT_THROW(model.save(folder.path().string()), IoError);
  EXPECT_THROW(model.save(""), IoError);
  saved_to(folder, model);
  EXPECT_THROW(model.save(folder.file("m.bb") + "/x"), IoError) << "below a file";
  EXPECT_EQ(folder.names(), std::vector<std::string>{"m.bb"});
}

TEST(SerializeSave, ToAFolderWithoutWritePermissionKeepsTheOldFile) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TestFolder folder;
  const Sequential old = tiny();
  const std::string path = saved_to(folder, old);
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0500));
  EXPECT_THROW(tiny().save(path), IoError);
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0700));
  EXPECT_EQ(state_bytes(load(path)), state_bytes(old));
}

TEST(SerializeSave, ThatRunsOutOfRoomKeepsTheOldFileAndLeavesNothing) {
  const TestFolder folder;
  const Sequential old = tiny(), larger{Linear(100, 100)};
  const std::string path = saved_to(folder, old);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  rlimit limited = before;
  limited.rlim_cur = 10000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limited), 0);
  std::string text;
  try {
    larger.save(path);
  } catch (const IoError& error) {
    text = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_NE(text.find("cannot write"), std::string::npos) << text;
  EXPECT_EQ(state_bytes(load(path)), state_bytes(old));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"m.bb"});
}

}  // namespace
}  // namespace bb::nn
