#include "bb/autograd/ops/recurrent.h"

#include <string>
#include <utility>

#include "bb/autograd/ops/dropout.h"
#include "bb/autograd/ops/join.h"
#include "bb/autograd/ops/parts.h"
#include "bb/autograd/ops/recurrent_layer.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {

using detail::recurrent_layer;
using detail::RecurrentOperands;
using kernels::RecurrentCell;
using enum detail::RecurrentOperand;

namespace {

// An op as it was called, for its checks. `level` is the layer looked at, as errors call it.
struct Call {
  const char* op;
  RecurrentCell cell;
  bool is_step;  // of one cell: x [N,I] and no layers
  std::string level = {};

  const char* name_of(size_t operand) const {
    static constexpr const char* kNames[] = {"x", "h0", "c0", "w_ih", "w_hh", "b_ih", "b_hh"};
    static constexpr const char* kStepNames[] = {"x", "h", "c"};
    return is_step && operand <= kC ? kStepNames[operand] : kNames[operand];
  }
  std::string of_level() const { return level.empty() ? "" : " of " + level; }
  // "  x float32 [5, 2, 3]   h0 ...\n  w_ih ..."
  std::string text_of(const RecurrentOperands& in) const {
    std::string text = " ";
    for (size_t i = 0; i < in.size(); ++i) {
      if (i == kWih) text += level.empty() ? "\n " : "\n  " + level + ":";
      if (!in[i].defined() && i != kX && i != kWih && i != kWhh) continue;
      text +=
          fmt::format("{}{} {}", i == kX || i == kWih ? " " : "   ", name_of(i), describe(in[i]));
    }
    return text;
  }
};

[[noreturn]] void throw_shape(const Call& call, const RecurrentOperands& in, size_t operand,
                              const std::string& form, const Shape& shape) {
  throw ShapeError(fmt::format("{}: {}{} must be {} = {}\n{}", call.op, call.name_of(operand),
                               operand >= kWih ? call.of_level() : "", form, shape,
                               call.text_of(in)));
}

// x, the states of all `layers` and the weights of one, which takes `features`.
void check(const Call& call, const RecurrentOperands& in, bool batch_first, int64_t layers,
           int64_t features) {
  for (const size_t i : {kX, kWih, kWhh})
    if (!in[i].defined())
      throw ValueError(
          fmt::format("{}: {} is undefined\n{}", call.op, call.name_of(i), call.text_of(in)));
  const DType dtype = in[kX].dtype();
  for (const Tensor& operand : in)
    if (!is_floating_point(dtype) || (operand.defined() && operand.dtype() != dtype))
      throw DTypeError(fmt::format("{}: all operands must have one floating-point dtype\n{}",
                                   call.op, call.text_of(in)));
  if (in[kX].dim() != (call.is_step ? 2 : 3))
    throw ShapeError(fmt::format(
        "{}: x must be {}\n{}\n  hint: one sequence is a batch of one, unsqueeze({})", call.op,
        call.is_step  ? "[N,I]"
        : batch_first ? "[N,T,I]"
                      : "[T,N,I]",
        call.text_of(in), call.is_step || batch_first ? 0 : 1));
  const int64_t batch = in[kX].size(call.is_step || batch_first ? 0 : 1);
  const int64_t steps = call.is_step ? 1 : in[kX].size(batch_first ? 1 : 0);
  if (steps < 1)
    throw ShapeError(
        fmt::format("{}: x has no steps, T must be at least 1\n{}", call.op, call.text_of(in)));
  const int64_t gates = kernels::gates_of(call.cell);
  const std::string rows = gates == 1 ? "H" : fmt::format("{}*H", gates);
  if (in[kWhh].dim() != 2 || in[kWhh].size(0) != gates * in[kWhh].size(1))
    throw ShapeError(fmt::format("{}: w_hh{} must be [{}, H]\n{}", call.op, call.of_level(), rows,
                                 call.text_of(in)));
  const int64_t hidden = in[kWhh].size(1);
  const auto expect = [&](size_t operand, const std::string& form, const Shape& shape) {
    if (in[operand].defined() && in[operand].shape() != shape)
      throw_shape(call, in, operand, form, shape);
  };
  expect(kWih, "[" + rows + ", I]", {gates * hidden, features});
  for (const size_t i : {kBih, kBhh}) expect(i, "[" + rows + "]", {gates * hidden});
  for (const size_t i : {kH, kC}) {
    if (call.is_step)
      expect(i, "[N, H]", {batch, hidden});
    else
      expect(i, "[num_layers * directions, N, H]", {layers, batch, hidden});
  }
  const Shape sums{steps, batch, gates * hidden};
  if (!detail::is_possible(sums, dtype)) detail::throw_too_large(call.op, call.text_of(in));
}

// Of an x that may not fit.
int64_t features_of(const Tensor& x) { return x.defined() && x.dim() > 0 ? x.size(-1) : 0; }

// The step of one layer: h and, of lstm, c.
std::vector<Tensor> step(const char* op, RecurrentCell cell, RecurrentOperands in) {
  check({op, cell, true}, in, false, 1, features_of(in[kX]));
  in[kX] = unsqueeze(in[kX], 0);
  const Shape state{in[kX].size(1), in[kWhh].size(1)};
  if (!in[kH].defined()) in[kH] = zeros(state, in[kX].dtype());
  if (!in[kC].defined() && cell == RecurrentCell::kLstm) in[kC] = zeros(state, in[kX].dtype());
  const auto results = recurrent_layer(op, cell, std::move(in), false);
  return {results.begin() + 1, results.end()};
}

// The operands of each layer and direction, all checked. x stands for what upper layers take.
std::vector<RecurrentOperands> checked(const char* op, RecurrentCell cell, const Tensor& x,
                                       const Tensor& h0, const Tensor& c0,
                                       const std::vector<Tensor>& weights,
                                       const RecurrentOptions& options) {
  const int64_t directions = options.bidirectional ? 2 : 1;
  const auto text = [&] {
    std::string operands = fmt::format("  x {}", describe(x));
    if (h0.defined()) operands += fmt::format("   h0 {}", describe(h0));
    if (c0.defined()) operands += fmt::format("   c0 {}", describe(c0));
    return operands + "\n  " + detail::shapes_of("weight", weights);
  };
  if (options.num_layers < 1)
    throw ValueError(fmt::format("{}: num_layers must be at least 1, got {}\n{}", op,
                                 options.num_layers, text()));
  if (!(options.dropout >= 0 && options.dropout <= 1))
    throw ValueError(
        fmt::format("{}: dropout must lie in [0, 1], got {}\n{}", op, options.dropout, text()));
  const int64_t given = static_cast<int64_t>(weights.size());
  const int64_t least = 2 * directions,
                each = options.num_layers > given ? 0 : given / options.num_layers;
  if ((each != least && each != 2 * least) || given % options.num_layers != 0)
    throw ValueError(fmt::format(
        "{}: each layer takes {} weights, or {} with biases: got {} for num_layers {}\n{}", op,
        least, 2 * least, given, options.num_layers, text()));

  const int64_t count = options.num_layers * directions, of_each = given / count;
  std::vector<RecurrentOperands> all;
  for (int64_t i = 0; i < count; ++i) {
    RecurrentOperands& in = all.emplace_back(RecurrentOperands{x, h0, c0});
    for (int64_t j = 0; j < of_each; ++j)
      in[kWih + static_cast<size_t>(j)] = weights[static_cast<size_t>(i * of_each + j)];
    Call call{op, cell, false};
    if (count > 1)
      call.level =
          fmt::format("layer {}{}", i / directions, i % directions == 1 ? ", reverse" : "");
    const Tensor& first = all[0][kWhh];
    const int64_t below = i < directions ? features_of(x) : directions * first.size(1);
    check(call, in, options.batch_first, count, below);
    if (in[kWhh].shape() != first.shape())
      throw_shape(call, in, kWhh, "that of the first", first.shape());
  }
  return all;
}

struct Results {
  Tensor outputs, h, c;
};

Results layers(const char* op, RecurrentCell cell, const Tensor& x, const Tensor& h0,
               const Tensor& c0, const std::vector<Tensor>& weights,
               const RecurrentOptions& options) {
  auto all = checked(op, cell, x, h0, c0, weights, options);
  const size_t directions = options.bidirectional ? 2 : 1;
  Tensor y = options.batch_first ? transpose(x, 0, 1) : x;
  const Shape state{y.size(1), all[0][kWhh].size(1)};
  const auto start = [&](const Tensor& states, size_t i) {
    return states.defined() ? select(states, 0, static_cast<int64_t>(i)) : zeros(state, x.dtype());
  };
  std::vector<Tensor> h, c;
  for (size_t i = 0; i < all.size(); i += directions) {
    if (i > 0) y = dropout(y, options.dropout);
    std::vector<Tensor> sides;
    for (size_t direction = 0; direction < directions; ++direction) {
      RecurrentOperands& in = all[i + direction];
      in[kX] = y;
      in[kH] = start(h0, i + direction);
      if (cell == RecurrentCell::kLstm) in[kC] = start(c0, i + direction);
      const auto results = recurrent_layer(op, cell, std::move(in), direction == 1);
      sides.push_back(results[0]);
      h.push_back(results[1]);
      if (cell == RecurrentCell::kLstm) c.push_back(results[2]);
    }
    y = directions == 1 ? sides[0] : cat(sides, -1);
  }
  const auto joined = [](const std::vector<Tensor>& states) {
    return states.size() == 1 ? unsqueeze(states[0], 0) : stack(states);
  };
  return {options.batch_first ? transpose(y, 0, 1) : y, joined(h),
          c.empty() ? Tensor() : joined(c)};
}

}  // namespace

LstmResult lstm(const Tensor& x, const LstmState& state, const std::vector<Tensor>& weights,
                const RecurrentOptions& options) {
  auto [y, h, c] = layers("lstm", RecurrentCell::kLstm, x, state.h, state.c, weights, options);
  return {std::move(y), std::move(h), std::move(c)};
}

RecurrentResult gru(const Tensor& x, const Tensor& h0, const std::vector<Tensor>& weights,
                    const RecurrentOptions& options) {
  auto [y, h, c] = layers("gru", RecurrentCell::kGru, x, h0, {}, weights, options);
  return {std::move(y), std::move(h)};
}

RecurrentResult rnn_tanh(const Tensor& x, const Tensor& h0, const std::vector<Tensor>& weights,
                         const RecurrentOptions& options) {
  auto [y, h, c] = layers("rnn_tanh", RecurrentCell::kTanh, x, h0, {}, weights, options);
  return {std::move(y), std::move(h)};
}

RecurrentResult rnn_relu(const Tensor& x, const Tensor& h0, const std::vector<Tensor>& weights,
                         const RecurrentOptions& options) {
  auto [y, h, c] = layers("rnn_relu", RecurrentCell::kRelu, x, h0, {}, weights, options);
  return {std::move(y), std::move(h)};
}

LstmState lstm_cell(const Tensor& x, const LstmState& state, const Tensor& w_ih, const Tensor& w_hh,
                    const Tensor& b_ih, const Tensor& b_hh) {
  const auto after =
      step("lstm_cell", RecurrentCell::kLstm, {x, state.h, state.c, w_ih, w_hh, b_ih, b_hh});
  return {after[0], after[1]};
}

Tensor gru_cell(const Tensor& x, const Tensor& h, const Tensor& w_ih, const Tensor& w_hh,
                const Tensor& b_ih, const Tensor& b_hh) {
  return step("gru_cell", RecurrentCell::kGru, {x, h, {}, w_ih, w_hh, b_ih, b_hh})[0];
}

Tensor rnn_tanh_cell(const Tensor& x, const Tensor& h, const Tensor& w_ih, const Tensor& w_hh,
                     const Tensor& b_ih, const Tensor& b_hh) {
  return step("rnn_tanh_cell", RecurrentCell::kTanh, {x, h, {}, w_ih, w_hh, b_ih, b_hh})[0];
}

Tensor rnn_relu_cell(const Tensor& x, const Tensor& h, const Tensor& w_ih, const Tensor& w_hh,
                     const Tensor& b_ih, const Tensor& b_hh) {
  return step("rnn_relu_cell", RecurrentCell::kRelu, {x, h, {}, w_ih, w_hh, b_ih, b_hh})[0];
}

}  // namespace bb
