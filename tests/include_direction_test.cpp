// Folders may include only what lies below them:
//   core <- autograd <- {optim, data, io} <- nn <- nn/train
// and of the three in the middle, data may use io.

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace bb {
namespace {

namespace fs = std::filesystem;

struct Layer {
  std::string_view folder;
  int level;
};

constexpr std::array kLayers = {Layer{"nn/train", 4}, Layer{"nn", 3}, Layer{"optim", 2},
                                Layer{"data", 2},     Layer{"io", 2}, Layer{"autograd", 1},
                                Layer{"core", 0}};

/// The layer that a path, relative to the repository, lies in; null where it lies in none.
const Layer* layer_of(std::string_view path) {
  for (const Layer& layer : kLayers) {
    const size_t length = layer.folder.size();
    if (path.starts_with(layer.folder) && path.size() > length && path[length] == '/') {
      return &layer;
    }
  }
  return nullptr;
}

/// Whether the file may include "bb/<header>". Both paths are relative to the repository.
bool may_include(std::string_view file, std::string_view header) {
  const Layer* from = layer_of(file);
  const Layer* to = layer_of(header);
  if (from == nullptr || to == nullptr) return from == nullptr;
  if (from == to || to->level < from->level) return true;
  return from->folder == "data" && to->folder == "io";
}

/// What the text includes, with the quotes or angle brackets around it.
std::vector<std::string> includes_of(std::string_view text) {
  std::vector<std::string> result;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "#") {
      words >> word;
      word.insert(0, "#");
    }
    if (!word.starts_with("#include")) continue;
    const size_t open = line.find_first_of("\"<");
    const size_t close = line.find_first_of("\">", open + 1);
    if (open != std::string::npos && close != std::string::npos) {
      result.push_back(line.substr(open, close - open + 1));
    }
  }
  return result;
}

/// One line for each include of the file that is not allowed.
std::vector<std::string> bad_includes(std::string_view file, std::string_view text,
                                      const fs::path& root) {
  std::vector<std::string> result;
  for (const std::string& include : includes_of(text)) {
    const std::string name = include.substr(1, include.size() - 2);
    const std::string where = std::string(file) + " includes " + include;
    if (name.starts_with("bb/")) {
      if (!may_include(file, std::string_view(name).substr(3))) {
        result.push_back(where + ", against the direction of the folders");
      }
    } else if (include[0] == '"' &&
               (fs::exists((root / file).parent_path() / name) || fs::exists(root / name))) {
      result.push_back(where + ", which is written without its bb/... path");
    }
  }
  return result;
}

TEST(IncludeDirection, HoldsInEveryFileOfTheLibrary) {
  const fs::path root = BB_SOURCE_DIR;
  int files = 0;
  for (const Layer& layer : kLayers) {
    if (layer.folder == "nn/train" || !fs::exists(root / layer.folder)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / layer.folder)) {
      const fs::path& path = entry.path();
      if (path.extension() != ".h" && path.extension() != ".cpp") continue;
      ++files;
      std::stringstream text;
      text << std::ifstream(path).rdbuf();
      const std::string file = fs::relative(path, root).generic_string();
      for (const std::string& line : bad_includes(file, text.str(), root)) ADD_FAILURE() << line;
    }
  }
  EXPECT_GT(files, 0) << "no source was found under " << root;
}

TEST(IncludeDirection, AllowsLowerFoldersAndTheOwn) {
  EXPECT_TRUE(may_include("core/kernels/gemm.cpp", "core/parallel.h"));
  EXPECT_TRUE(may_include("autograd/ops/matmul.cpp", "core/kernels/gemm.h"));
  EXPECT_TRUE(may_include("data/mnist.cpp", "io/idx.h"));
  EXPECT_TRUE(may_include("nn/train/fit.cpp", "nn/module.h"));
  EXPECT_TRUE(may_include("nn/linear.cpp", "optim/adam.h"));
  EXPECT_TRUE(may_include("tests/nn/linear_test.cpp", "bb.h"));
}

TEST(IncludeDirection, RejectsHigherFoldersNeighboursAndTheUmbrella) {
  EXPECT_FALSE(may_include("core/tensor.h", "autograd/tape.h"));
  EXPECT_FALSE(may_include("autograd/ops/matmul.cpp", "nn/linear.h"));
  EXPECT_FALSE(may_include("io/npy.cpp", "data/dataset.h"));
  EXPECT_FALSE(may_include("optim/adam.cpp", "io/safetensors.h"));
  EXPECT_FALSE(may_include("data/loader.cpp", "optim/adam.h"));
  EXPECT_FALSE(may_include("nn/linear.cpp", "nn/train/fit.h"));
  EXPECT_FALSE(may_include("nn/linear.cpp", "bb.h"));
  EXPECT_FALSE(may_include("core/tensor.cpp", "tests/op_cases.h"));
}

TEST(IncludeDirection, FindsAPlantedInclude) {
  const std::string_view text =
      "#pragma once\n"
      "#include <vector>\n"
      "  #  include \"bb/nn/linear.h\"  // planted\n"
      "#include \"bb/core/shape.h\"\n"
      "#include <bb/bb.h>\n";
  EXPECT_EQ(bad_includes("core/tensor.h", text, BB_SOURCE_DIR),
            (std::vector<std::string>{
                "core/tensor.h includes \"bb/nn/linear.h\", against the direction of the folders",
                "core/tensor.h includes <bb/bb.h>, against the direction of the folders"}));
}

TEST(IncludeDirection, FindsAnIncludeWithoutItsPath) {
  const std::string_view text =
      "#include \"include_direction_test.cpp\"\n"
      "#include <include_direction_test.cpp>\n"
      "#include \"hwy/highway.h\"\n";
  EXPECT_EQ(bad_includes("tests/x.cpp", text, BB_SOURCE_DIR),
            (std::vector<std::string>{"tests/x.cpp includes \"include_direction_test.cpp\", "
                                      "which is written without its bb/... path"}));
}

}  // namespace
}  // namespace bb
