#include "bb/nn/model.h"

#include <algorithm>

#include "bb/autograd/grad_mode.h"
#include "bb/core/error.h"
#include "bb/nn/serialize.h"
#include "bb/nn/train/options.h"
#include "bb/nn/train/progress.h"

namespace bb::nn {

struct detail::Trainer {
  CompileOptions options;

  void reset_metrics() {
    for (const auto& metric : options.metrics) metric->reset();
  }
  void update_metrics(const Tensor& output, const Tensor& target) {
    for (const auto& metric : options.metrics) metric->update(output, target);
  }
};

namespace {

// Puts a module and all below it into a mode for a scope; then each has its own mode again.
class Mode {
 public:
  Mode(Module& module, bool training) {
    remember(module);
    module.train(training);
  }
  ~Mode() {
    for (const auto& [module, training] : before_) module->train(training);  // parents first
  }
  Mode(const Mode&) = delete;
  Mode& operator=(const Mode&) = delete;

 private:
  void remember(Module& module) {
    before_.emplace_back(&module, module.is_training());
    for (const auto& [name, child] : module.children()) remember(*child);
  }

  std::vector<std::pair<Module*, bool>> before_;
};

// The mean loss of an epoch, each batch weighted by its samples.
struct MeanLoss {
  double sum = 0;
  int64_t samples = 0;
  void add(const Tensor& loss, int64_t count) {
    sum += loss.item<double>() * static_cast<double>(count);
    samples += count;
  }
  double value() const { return sum / static_cast<double>(samples); }
};

Scores scores_of(const detail::Trainer& trainer, const MeanLoss& loss) {
  Scores scores{{"loss", loss.value()}};
  for (const auto& metric : trainer.options.metrics) scores[metric->name()] = metric->value();
  return scores;
}

std::string to_text(const Scores& scores) {
  std::string text;
  for (const auto& [name, value] : scores) text += fmt::format("{} {:.4f}  ", name, value);
  return text;
}

detail::Trainer& compiled(const char* op, const std::shared_ptr<detail::Trainer>& trainer) {
  if (!trainer)
    throw ValueError(fmt::format(
        "{}: the model is not compiled\n"
        "  hint: call compile({{.optimizer = optim::Adam(1e-3), .loss = nn::CrossEntropyLoss()}})",
        op));
  return *trainer;
}

void check_batches(const char* op, const data::DataLoader& loader) {
  if (loader.size() == 0)
    throw ValueError(
        fmt::format("{}: the loader has no batch: {} samples do not fill one, and drop_last is set",
                    op, loader.sample_count()));
}

}  // namespace

const std::vector<double>& History::operator[](const std::string& name) const {
  const auto found = values.find(name);
  if (found == values.end()) throw ValueError(fmt::format("History: nothing named '{}'", name));
  return found->second;
}

void Model::compile(const CompileOptions& options) {
  if (!options.optimizer || !options.loss)
    throw ValueError(
        fmt::format("compile: {} is missing\n  hint: compile({{.optimizer = "
                    "optim::Adam(1e-3), .loss = nn::CrossEntropyLoss()}})",
                    options.optimizer ? "the loss" : "the optimizer"));
  const std::vector<Tensor> ours = parameters();
  for (const Tensor& theirs : options.optimizer->parameters())
    if (std::none_of(ours.begin(), ours.end(), [&](const Tensor& p) { return p.is(theirs); }))
      throw ValueError(
          "compile: the optimizer has the parameters of another model\n"
          "  hint: give each model an optimizer of its own");
  options.optimizer->attach(ours);
  trainer_ = std::make_shared<detail::Trainer>(detail::Trainer{options});
}

History Model::fit(const data::DataLoader& loader) { return fit(loader, FitOptions()); }

History Model::fit(const data::DataLoader& loader, const FitOptions& options) {
  detail::Trainer& trainer = compiled("fit", trainer_);
  if (options.epochs < 0)
    throw ValueError(fmt::format("fit: epochs must not be negative, got {}", options.epochs));
  check_batches("fit", loader);
  GradMode recording(true);
  Mode mode(*this, true);
  History history;
  for (int64_t epoch = 1; epoch <= options.epochs; ++epoch) {
    optim::Optimizer& optimizer = *trainer.options.optimizer;
    if (options.lr_schedule) optimizer.set_lr(options.lr_schedule(epoch - 1, optimizer.lr()));
    detail::Progress progress(options.verbose, epoch, options.epochs, loader.size());
    MeanLoss mean;
    trainer.reset_metrics();
    int64_t done = 0;
    for (auto& [x, y] : loader) {
      optimizer.zero_grad();
      const Tensor output = (*this)(x);
      const Tensor loss = (*trainer.options.loss)(output, y);
      loss.backward();
      optimizer.step();
      mean.add(loss, x.size(0));
      trainer.update_metrics(output, y);
      progress.batch(++done, [&] { return to_text(scores_of(trainer, mean)); });
    }
    Scores scores = scores_of(trainer, mean);
    if (options.validation)
      for (const auto& [name, value] : evaluate(*options.validation)) scores["val_" + name] = value;
    for (const auto& [name, value] : scores) history.values[name].push_back(value);
    progress.end(to_text(scores));
  }
  return history;
}

Scores Model::evaluate(const data::DataLoader& loader) {
  detail::Trainer& trainer = compiled("evaluate", trainer_);
  check_batches("evaluate", loader);
  NoGrad guard;
  Mode mode(*this, false);
  MeanLoss mean;
  trainer.reset_metrics();
  for (auto& [x, y] : loader) {
    const Tensor output = (*this)(x);
    mean.add((*trainer.options.loss)(output, y), x.size(0));
    trainer.update_metrics(output, y);
  }
  return scores_of(trainer, mean);
}

Tensor Model::predict(const Tensor& x, int64_t batch_size) {
  if (batch_size < 1)
    throw ValueError(fmt::format("predict: batch_size must be at least 1, got {}", batch_size));
  if (x.dim() == 0) throw ShapeError("predict: x needs a first dimension of samples, this is 0-d");
  NoGrad guard;
  Mode mode(*this, false);
  const int64_t n = x.size(0);
  if (n <= batch_size) {
    const Tensor output = (*this)(x);
    return output.shares_storage(x) ? output.clone() : output;  // not the caller's own elements
  }
  Tensor result;
  for (int64_t i = 0; i < n; i += batch_size) {
    const int64_t end = std::min(n, i + batch_size);
    const Tensor output = (*this)(x.slice(0, i, end));
    if (!result.defined()) {
      Shape shape = output.shape();
      shape[0] = n;
      result = Tensor::empty(shape, output.dtype());
    }
    result.slice(0, i, end).copy_(output);
  }
  return result;
}

void Model::save(const std::string& path) const { nn::save(*this, path); }
void Model::load_weights(const std::string& path) { nn::load_weights(*this, path); }

}  // namespace bb::nn
