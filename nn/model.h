#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bb/nn/module.h"

namespace bb::data {
class DataLoader;
}

namespace bb::nn {

struct CompileOptions;  // bb/nn/train/options.h
struct FitOptions;
struct History;
namespace detail {
struct Trainer;
}

/// Mean loss and metrics by name: scores.at("loss"), scores.at("accuracy").
using Scores = std::map<std::string, double>;

/// A module that trains, answers and is kept in a file, each in one call. A custom model derives
/// from it, keeps its layers as members and has a forward:
///   struct Residual : nn::Model {
///     nn::Linear in  = add("in",  nn::Linear(784, 128));
///     nn::Linear out = add("out", nn::Linear(128, 10));
///     Tensor forward(const Tensor& x) override { return out(relu(in(x))); }
///   };
class Model : public Module {
 public:
  /// Says how fit() trains. Throws ValueError without an optimizer or a loss, and for an optimizer
  /// that another model has.
  void compile(const CompileOptions& options);

  /// Trains on `loader` for some epochs, in training mode; returns loss and metrics of each.
  /// Throws ValueError before compile().
  History fit(const data::DataLoader& loader, const FitOptions& options);
  History fit(const data::DataLoader& loader);

  /// Loss and metrics over `loader`, in evaluation mode, without recording. Throws ValueError
  /// before compile().
  Scores evaluate(const data::DataLoader& loader);

  /// Outputs for x [N, ...], computed batch by batch in evaluation mode, without recording.
  /// Throws ValueError for a batch size below 1, ShapeError for a 0-d x.
  Tensor predict(const Tensor& x, int64_t batch_size = 256);

  /// Writes architecture and weights to one file (bb/nn/serialize.h). Throws IoError.
  void save(const std::string& path) const;
  /// Takes the weights of a file that save() wrote for the same architecture, or of any safetensors
  /// file with the same names, shapes and dtypes. Throws IoError, and changes nothing then.
  void load_weights(const std::string& path);

 private:
  std::shared_ptr<detail::Trainer> trainer_;
};

}  // namespace bb::nn
