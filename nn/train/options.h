#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bb/core/any_of.h"
#include "bb/data/data_loader.h"
#include "bb/nn/losses.h"
#include "bb/nn/model.h"
#include "bb/nn/train/metrics.h"
#include "bb/optim/optimizer.h"

namespace bb::nn {

/// What Model::compile() is told: {.optimizer = optim::Adam(1e-3), .loss = CrossEntropyLoss()}.
struct CompileOptions {
  AnyOf<optim::Optimizer> optimizer = {};
  AnyOf<Loss> loss = {};
  std::vector<AnyOf<Metric>> metrics = {};
};

struct FitOptions {
  int64_t epochs = 1;
  /// The learning rate of each epoch (counted from 0), from the one before it; none keeps it.
  ///   .lr_schedule = [](int64_t epoch, double lr) { return epoch == 7 ? lr / 10 : lr; }
  std::function<double(int64_t epoch, double lr)> lr_schedule = nullptr;
  /// Scored after each epoch, under "val_loss" and "val_<metric>".
  std::optional<data::DataLoader> validation = std::nullopt;
  /// A progress bar for each epoch on a terminal, one line for each epoch elsewhere.
  bool verbose = true;
};

/// One value for each epoch, by name: history["loss"], history["accuracy"], history["val_loss"].
struct History {
  std::map<std::string, std::vector<double>> values;

  /// Throws ValueError for a name that was not recorded.
  const std::vector<double>& operator[](const std::string& name) const;
};

}  // namespace bb::nn
