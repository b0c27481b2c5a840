#include "bb/bb.h"
#include "bb/tests/op_cases.h"

namespace bb {
namespace {

using In = const std::vector<Tensor>&;

// The results of one call as one.
Tensor flat(const std::vector<Tensor>& results) {
  std::vector<Tensor> parts;
  for (const Tensor& x : results) parts.push_back(flatten(x));
  return cat(parts);
}

// x, h0, c0, weights...
Tensor over_steps(In x, const RecurrentOptions& options) {
  const auto [y, h, c] = lstm(x[0], {x[1], x[2]}, {x.begin() + 3, x.end()}, options);
  return flat({y, h, c});
}
// x, h0, weights...
template <class Op>
Tensor over_steps(const Op& op, In x, const RecurrentOptions& options) {
  const auto [y, h] = op(x[0], x[1], {x.begin() + 2, x.end()}, options);
  return flat({y, h});
}

constexpr auto of_lstm = [](In x, const RecurrentOptions& options) {
  return over_steps(x, options);
};
template <auto kOp>
constexpr auto of =
    [](In x, const RecurrentOptions& options) { return over_steps(kOp, x, options); };

Tensor of_cell(In x) {
  const auto [h, c] = lstm_cell(x[0], {x[1], x[2]}, x[3], x[4], x[5], x[6]);
  return flat({h, c});
}

std::vector<OpCase> rows() {
  std::vector<OpCase> rows;
  const auto add = [&](const std::string& name, auto op) {
    rows.push_back({name, [=](In x) { return op(x, {}); }});
    rows.push_back({name + "_without_biases", [=](In x) { return op(x, {}); }});
    rows.push_back({name + "_bidirectional", [=](In x) { return op(x, {.bidirectional = true}); }});
    rows.push_back({name + "_batch_first",
                    [=](In x) { return op(x, {.num_layers = 2, .batch_first = true}); }});
  };
  add("lstm", of_lstm);
  rows.push_back({"lstm_layers_bidirectional",
                  [](In x) { return of_lstm(x, {.num_layers = 2, .bidirectional = true}); }});
  add("gru", of<gru>);
  add("rnn_tanh", of<rnn_tanh>);
  add("rnn_relu", of<rnn_relu>);
  rows.push_back({"lstm_cell", of_cell});
  rows.push_back({"gru_cell", [](In x) { return gru_cell(x[0], x[1], x[2], x[3], x[4], x[5]); }});
  rows.push_back(
      {"rnn_tanh_cell", [](In x) { return rnn_tanh_cell(x[0], x[1], x[2], x[3], x[4], x[5]); }});
  rows.push_back(
      {"rnn_relu_cell", [](In x) { return rnn_relu_cell(x[0], x[1], x[2], x[3], x[4], x[5]); }});
  return rows;
}

const OpFamily family("recurrent", rows());

}  // namespace
}  // namespace bb
