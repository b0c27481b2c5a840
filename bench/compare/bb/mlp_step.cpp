#include "../harness.h"
#include "bb/bb.h"

// One step of the MLP 784-128-64-10: forward, cross-entropy, backward, Adam.
namespace {

using namespace bb;

Tensor filled(const Shape& shape, unsigned seed, double scale) {
  return Tensor::copy_of<float>(versus::numbers(static_cast<size_t>(shape.numel()), seed, scale),
                                shape);
}

std::function<double()> start(int64_t batch) {
  nn::Sequential model{nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 64), nn::ReLU(),
                       nn::Linear(64, 10)};
  unsigned seed = 0;
  no_grad([&] {
    for (Tensor p : model.parameters()) p.copy_(filled(p.shape(), ++seed, 0.05));
  });
  const auto labels = versus::classes(static_cast<size_t>(batch), 8, 10);
  const Tensor x = filled({batch, 784}, 7, 1);
  const Tensor y = tensor(std::vector<int64_t>(labels.begin(), labels.end()));
  auto optimizer =
      std::make_shared<optim::Adam>(model.parameters(), optim::AdamOptions{.lr = 1e-3});
  return [model, optimizer, x, y]() mutable {
    optimizer->zero_grad();
    const Tensor loss = cross_entropy(model(x), y);
    loss.backward();
    optimizer->step();
    return loss.item<double>();
  };
}

const versus::Register batch1("mlp_step/1", [] { return start(1); });
const versus::Register batch32("mlp_step/32", [] { return start(32); });
const versus::Register batch256("mlp_step/256", [] { return start(256); });

}  // namespace
