#include "bb/autograd/anomaly.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/error.h"

namespace bb {
namespace {

thread_local bool infinity_counts = true;
thread_local std::vector<std::string> module_path;

struct Anomaly {
  const char* value;
  Shape index;
};

template <class T>
std::optional<Anomaly> find(const Tensor& x) {
  const Tensor rows = no_grad([&] { return x.detach().contiguous(); });
  const T* value = rows.data<T>();
  for (int64_t i = 0; i < rows.numel(); ++i) {
    if (std::isfinite(value[i]) || (!infinity_counts && !std::isnan(value[i]))) continue;
    Anomaly found{std::isnan(value[i]) ? "nan" : value[i] > 0 ? "inf" : "-inf", x.shape()};
    int64_t rest = i;
    for (int64_t d = x.dim() - 1; d >= 0; --d) {
      found.index[d] = rest % x.shape()[d];
      rest /= x.shape()[d];
    }
    return found;
  }
  return std::nullopt;
}

std::optional<Anomaly> anomaly_in(const Tensor& x) {
  if (!x.defined() || !is_floating_point(x.dtype())) return std::nullopt;
  // What is looked at here must not be looked at itself.
  struct Unwatched {
    Unwatched() { autograd::detail::set_mode({.records = false}); }
    ~Unwatched() { autograd::detail::set_mode(before); }
    autograd::detail::Mode before = autograd::detail::mode();
  } unwatched;
  return visit_floating(x.dtype(), [&]<class T>() { return find<T>(x); });
}

std::string joined_path() { return fmt::format("{}", fmt::join(module_path, ".")); }

}  // namespace

DetectAnomaly::DetectAnomaly(const Options& options)
    : before_(autograd::detail::mode()), infinity_before_(infinity_counts) {
  autograd::detail::Mode mode = before_;
  mode.seeks_anomalies = true;
  autograd::detail::set_mode(mode);
  infinity_counts = options.infinity;
}

DetectAnomaly::~DetectAnomaly() {
  autograd::detail::Mode mode = autograd::detail::mode();
  mode.seeks_anomalies = before_.seeks_anomalies;
  autograd::detail::set_mode(mode);
  infinity_counts = infinity_before_;
}

namespace autograd {

ModuleScope::ModuleScope(const std::string& name)
    : entered_(detail::mode().seeks_anomalies && !name.empty()) {
  if (entered_) module_path.push_back(name);
}

ModuleScope::~ModuleScope() {
  if (entered_) module_path.pop_back();
}

void detail::check_result(const char* name, std::span<const Input> inputs, const Tensor& y) {
  const auto found = anomaly_in(y);
  if (!found) return;
  std::string operands;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto in_input = anomaly_in(*inputs[i].tensor);
    operands += fmt::format(
        "  input {} {}{}\n", i, describe(*inputs[i].tensor),
        in_input ? fmt::format(", {} at {}", in_input->value, in_input->index) : std::string());
  }
  throw ValueError(fmt::format("{}: the result has {} at {}\n{}  result {}", name, found->value,
                               found->index, operands, describe(y)));
}

void detail::check_gradient(const Node& record, size_t input, const Tensor& gradient) {
  const auto found = anomaly_in(gradient);
  if (!found) return;
  const std::string path = record.extras ? record.extras->module : std::string();
  throw ValueError(
      fmt::format("{}{}{}: backward gives input {} a gradient with {} at {}\n"
                  "  gradient {}   result of the op {} {}",
                  path, path.empty() ? "" : ": ", record.name, input, found->value, found->index,
                  describe(gradient), bb::name(record.dtype), record.shape));
}

void detail::note_module(const Tensor& y) {
  if (!module_path.empty() && y.requires_grad()) node_of(y)->more().module = joined_path();
}

}  // namespace autograd
}  // namespace bb
