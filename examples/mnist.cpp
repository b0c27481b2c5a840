// Trains a small network on MNIST, shows what it says of a few digits, saves it and loads it again.
//
//   mnist [--short] [--epochs N] [--seed N] [--data FOLDER]
//
// Ends with an error where test accuracy stays under 97.5% (with --short: one epoch, 90%).
#include <bb/bb.h>

#include <cstdlib>
#include <cstring>

using namespace bb;

struct Arguments {
  int64_t epochs = 10;
  uint64_t seed = 0;
  double wanted_accuracy = 0.975;
  std::string folder = "examples/datasets/mnist";
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--short") {
      arguments.epochs = 1;
      arguments.wanted_accuracy = 0.9;
    } else if (i + 1 < argc && name == "--epochs") {
      arguments.epochs = std::atoll(argv[++i]);
    } else if (i + 1 < argc && name == "--seed") {
      arguments.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (i + 1 < argc && name == "--data") {
      arguments.folder = argv[++i];
    } else {
      throw ValueError(fmt::format("mnist: unknown argument '{}'", name));
    }
  }
  return arguments;
}

// Images side by side, two pixels to a character: upper half, lower half.
void draw(const Tensor& images) {
  const int64_t count = images.size(0), height = images.size(2), width = images.size(3);
  const Tensor pixels = images.contiguous();
  const float* value = pixels.data<float>();
  for (int64_t row = 0; row < height; row += 2) {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t column = 0; column < width; ++column) {
        const float* upper = value + (i * height + row) * width + column;
        const bool top = upper[0] > 0.4f, bottom = row + 1 < height && upper[width] > 0.4f;
        fmt::print("{}", top ? (bottom ? "█" : "▀") : (bottom ? "▄" : " "));
      }
      fmt::print("  ");
    }
    fmt::print("\n");
  }
}

int run(const Arguments& arguments) {
  manual_seed(arguments.seed);
  auto [train, test] = data::mnist(arguments.folder);
  fmt::print("MNIST: {} training and {} test images\n\n", train.size(), test.size());

  nn::Sequential model{nn::Flatten(),       nn::Linear(784, 128), nn::ReLU(),
                       nn::Linear(128, 64), nn::ReLU(),           nn::Linear(64, 10)};
  fmt::print("{}\n\n", model);

  model.compile({.optimizer = optim::Adam(1e-3),
                 .loss = nn::CrossEntropyLoss(),
                 .metrics = {nn::Accuracy()}});
  model.fit(data::DataLoader(train, {.batch_size = 32, .shuffle = true}),
            {.epochs = arguments.epochs, .lr_schedule = [](int64_t epoch, double lr) {
               return epoch == 7 ? lr / 10 : lr;  // the last epochs settle
             }});

  const data::DataLoader test_loader(test, {.batch_size = 256});
  const double accuracy = model.evaluate(test_loader).at("accuracy");
  fmt::print("\nTest accuracy: {:.2f}%\n\n", 100 * accuracy);

  const Tensor digits = test.images.slice(0, 0, 5);
  const Tensor probabilities = model.predict(digits).softmax(1);
  const auto [certainty, answer] = probabilities.max(1);
  draw(digits);
  for (int64_t i = 0; i < digits.size(0); ++i)
    fmt::print("{:<30}",
               fmt::format("   it says {} ({:.1f}% sure), is {}", answer.data<int64_t>()[i],
                           100 * certainty.data<float>()[i], test.labels.data<int64_t>()[i]));
  fmt::print("\n\n");

  const std::string path = "mnist.bb";
  model.save(path);
  auto same = nn::load(path);
  const bool equal =
      same.predict(digits).to_vector<float>() == model.predict(digits).to_vector<float>();
  fmt::print("Saved to {} and loaded again: {}\n", path,
             equal ? "the same answers" : "DIFFERENT answers");

  if (accuracy < arguments.wanted_accuracy) {
    fmt::print(stderr, "mnist: test accuracy {:.2f}% is under {:.1f}%\n", 100 * accuracy,
               100 * arguments.wanted_accuracy);
    return 1;
  }
  return equal ? 0 : 1;
}

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
