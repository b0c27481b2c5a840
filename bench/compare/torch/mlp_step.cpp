#include <torch/torch.h>

#include "../harness.h"

// One step of the MLP 784-128-64-10: forward, cross-entropy, backward, Adam.
namespace {

torch::Tensor filled(at::IntArrayRef shape, unsigned seed, double scale) {
  int64_t n = 1;
  for (int64_t size : shape) n *= size;
  auto values = versus::numbers(static_cast<size_t>(n), seed, scale);
  return torch::from_blob(values.data(), shape).clone();
}

std::function<double()> start(int64_t batch) {
  torch::nn::Sequential model(torch::nn::Linear(784, 128), torch::nn::ReLU(),
                              torch::nn::Linear(128, 64), torch::nn::ReLU(),
                              torch::nn::Linear(64, 10));
  {
    torch::NoGradGuard guard;
    unsigned seed = 0;
    for (auto& p : model->parameters()) p.copy_(filled(p.sizes(), ++seed, 0.05));
  }
  auto labels = versus::classes(static_cast<size_t>(batch), 8, 10);
  auto x = filled({batch, 784}, 7, 1);
  auto y = torch::from_blob(labels.data(), {batch}, torch::kInt64).clone();
  auto optimizer =
      std::make_shared<torch::optim::Adam>(model->parameters(), torch::optim::AdamOptions(1e-3));
  return [model, optimizer, x, y]() mutable {
    optimizer->zero_grad();
    auto loss = torch::nn::functional::cross_entropy(model->forward(x), y);
    loss.backward();
    optimizer->step();
    return loss.item<double>();
  };
}

const versus::Register batch1("mlp_step/1", [] { return start(1); });
const versus::Register batch32("mlp_step/32", [] { return start(32); });
const versus::Register batch256("mlp_step/256", [] { return start(256); });

}  // namespace
