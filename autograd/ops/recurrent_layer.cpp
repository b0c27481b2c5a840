#include "bb/autograd/ops/recurrent_layer.h"

#include <algorithm>

#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/join.h"
#include "bb/autograd/ops/linalg.h"
#include "bb/autograd/ops/parts.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/core/creation.h"
#include "bb/core/matrix.h"
#include "bb/core/parallel.h"

namespace bb {

using autograd::Needs;
using autograd::Saved;
using detail::RecurrentOperands;
using kernels::RecurrentCell;
using enum detail::RecurrentOperand;

namespace {

// A layer's sizes, and the order of its steps.
struct Layer {
  Layer(RecurrentCell of, const RecurrentOperands& in, bool is_reverse)
      : cell(of),
        steps(in[kX].size(0)),
        batch(in[kX].size(1)),
        hidden(in[kWhh].size(1)),
        gates(in[kWhh].size(0)),
        reverse(is_reverse) {}

  // The time of step s.
  int64_t at(int64_t s) const { return reverse ? steps - 1 - s : s; }
  // The first of the rows [T * N] of step s, of a block that begins with sequence `row`.
  int64_t rows_at(int64_t s, int64_t row) const { return at(s) * batch + row; }
  Shape shape(int64_t width) const { return {steps, batch, width}; }

  RecurrentCell cell;
  int64_t steps, batch, hidden, gates;  // gates: of all hidden units, G * H
  bool reverse;
};

template <class T>
T* data_of(const Tensor& x) {
  return x.defined() ? static_cast<T*>(x.raw_data()) : nullptr;
}
template <class T>
T* moved(T* data, int64_t by) {
  return data ? data + by : nullptr;
}

constexpr double kStepNs = 4;  // of the elementwise part, for each hidden unit

// Calls fn(row, rows) for blocks of sequences that go through all steps by themselves: threads meet
// at the end, not at each step. Where the weights do not stay in a core's cache, all sequences go
// together, and the threads share the work of each step. Sizes alone decide: a block's products may
// be summed in an order of their own.
template <class T, class Fn>
void for_blocks(const Layer& layer, const Fn& fn) {
  constexpr int64_t kRows = 16, kNear = 1 << 20;
  if (layer.batch == 0) return;
  const int64_t weights = layer.gates * layer.hidden;
  const bool is_near = weights * static_cast<int64_t>(sizeof(T)) <= kNear;
  const int64_t most = is_near ? std::min(kRows, layer.batch) : layer.batch;
  const int64_t blocks = (layer.batch + most - 1) / most;
  const double row_ns =
      static_cast<double>(weights) / 50 + kStepNs * static_cast<double>(layer.hidden);
  parallel_for(blocks, row_ns * static_cast<double>(most * layer.steps),
               [&](int64_t begin, int64_t end) {
                 for (int64_t b = begin; b < end; ++b)
                   fn(b * most, std::min(most, layer.batch - b * most));
               });
}

// What a layer computes: its outputs, and what its pullback reads besides.
struct Results {
  Tensor outputs;    // [T,N,H]
  Tensor gates;      // activated [T,N,G*H]; of rnn the outputs themselves
  Tensor candidate;  // kGru: h w_hn^T + b_hn [T,N,H]
  Tensor cells;      // kLstm: c after each step [T,N,H]
};

template <class T>
void run(const Layer& layer, const RecurrentOperands& in, const Results& to) {
  const bool is_gru = layer.cell == RecurrentCell::kGru;
  const int64_t hidden = layer.hidden;
  // Transposed once, so that no step's product packs it.
  const Tensor w = layer.steps > 1 ? in[kWhh].t().contiguous() : in[kWhh].t();
  const Tensor sums = is_gru ? empty({layer.batch, layer.gates}, w.dtype()) : Tensor();
  T *const gates = data_of<T>(to.gates), *const candidate = data_of<T>(to.candidate);
  T *const cells = data_of<T>(to.cells), *const outputs = data_of<T>(to.outputs);
  T* const scratch = data_of<T>(sums);
  const T *const h0 = data_of<T>(in[kH]), *const c0 = data_of<T>(in[kC]);
  const kernels::GemmEpilogue<T> epilogue{.beta = is_gru ? T{0} : T{1},
                                          .bias = data_of<T>(in[kBhh])};
  for_blocks<T>(layer, [&](int64_t row, int64_t rows) {
    for (int64_t s = 0; s < layer.steps; ++s) {
      const int64_t now = layer.rows_at(s, row), before = layer.rows_at(s - 1, row);
      const T* h = s == 0 ? h0 + row * hidden : outputs + before * hidden;
      const T* c = s == 0 ? moved(c0, row * hidden) : moved(cells, before * hidden);
      kernels::gemm<T>(
          rows, layer.gates, hidden, {h, hidden, 1}, detail::matrix<T>(w),
          {is_gru ? scratch + row * layer.gates : gates + now * layer.gates, layer.gates, 1},
          epilogue);
      const double cost = kStepNs * static_cast<double>(hidden);
      parallel_for(rows, cost, [&](int64_t begin, int64_t end) {
        const int64_t i = begin * hidden, first = (now + begin) * hidden;
        kernels::recurrent_step<T>(layer.cell, end - begin, hidden,
                                   {.gates = gates + (now + begin) * layer.gates,
                                    .hidden = moved(scratch, (row + begin) * layer.gates),
                                    .candidate = moved(candidate, first),
                                    .h_before = h + i,
                                    .c_before = moved(c, i),
                                    .c = moved(cells, first),
                                    .h = outputs + first});
      });
    }
  });
}

// The gradients of a layer's sums, and of the state before its first step.
struct SumGradients {
  Tensor inputs;  // of x w_ih^T + b_ih [T,N,G*H]
  Tensor hidden;  // of h w_hh^T + b_hh; but for gru the same
  Tensor h, c;    // in: of the state after the last step
};

template <class T>
void run_back(const Layer& layer, const RecurrentOperands& in, const Results& from,
              const Tensor& dy, bool wants_h, const SumGradients& to) {
  const int64_t hidden = layer.hidden;
  const kernels::GemmEpilogue<T> epilogue{.beta = layer.cell == RecurrentCell::kGru ? T{1} : T{0}};
  const T *const gates = data_of<T>(from.gates), *const candidate = data_of<T>(from.candidate);
  const T *const cells = data_of<T>(from.cells), *const outputs = data_of<T>(from.outputs);
  const T *const h0 = data_of<T>(in[kH]), *const c0 = data_of<T>(in[kC]);
  const T* const douts = data_of<T>(dy);
  T *const dgates = data_of<T>(to.inputs), *const dhidden = data_of<T>(to.hidden);
  T *const dh = data_of<T>(to.h), *const dc = data_of<T>(to.c);
  for_blocks<T>(layer, [&](int64_t row, int64_t rows) {
    for (int64_t s = layer.steps - 1; s >= 0; --s) {
      const int64_t now = layer.rows_at(s, row), before = layer.rows_at(s - 1, row);
      const T* h = s == 0 ? h0 + row * hidden : outputs + before * hidden;
      const T* c = s == 0 ? moved(c0, row * hidden) : moved(cells, before * hidden);
      const double cost = kStepNs * static_cast<double>(hidden);
      parallel_for(rows, cost, [&](int64_t begin, int64_t end) {
        const int64_t i = begin * hidden, first = (now + begin) * hidden;
        const int64_t state = (row + begin) * hidden, sums = (now + begin) * layer.gates;
        kernels::recurrent_step_grad<T>(layer.cell, end - begin, hidden,
                                        {.gates = gates + sums,
                                         .candidate = moved(candidate, first),
                                         .h_before = h + i,
                                         .c_before = moved(c, i),
                                         .c = moved(cells, first),
                                         .dy = douts + first,
                                         .dh = dh + state,
                                         .dc = moved(dc, state),
                                         .dgates = dgates + sums,
                                         .dhidden = dhidden + sums});
      });
      if (s > 0 || wants_h)
        kernels::gemm<T>(rows, hidden, layer.gates, {dhidden + now * layer.gates, layer.gates, 1},
                         detail::matrix<T>(in[kWhh]), {dh + row * hidden, hidden, 1}, epilogue);
    }
  });
}

// Off the tape, by kernels.
std::vector<Tensor> fused_gradients(const Layer& layer, const RecurrentOperands& in,
                                    const Results& from, const std::vector<Tensor>& dy,
                                    Needs needs) {
  SumGradients sums;
  sums.inputs = empty(layer.shape(layer.gates), in[kX].dtype());
  sums.hidden = layer.cell == RecurrentCell::kGru ? empty_like(sums.inputs) : sums.inputs;
  sums.h = dy[1].clone();
  if (layer.cell == RecurrentCell::kLstm) sums.c = dy[2].clone();
  const Tensor outer = dy[0].contiguous();
  visit_floating(in[kX].dtype(),
                 [&]<class T>() { run_back<T>(layer, in, from, outer, needs[kH], sums); });

  const int64_t rows = layer.steps * layer.batch;
  const Tensor inputs = sums.inputs.view({rows, layer.gates});
  std::vector<Tensor> grads(kRecurrentOperands);
  if (needs[kX]) grads[kX] = matmul(sums.inputs, in[kWih]);
  if (needs[kH]) grads[kH] = sums.h;
  if (needs[kC]) grads[kC] = sums.c;
  // Weights' gradients are made transposed: the gates' gradients, the wider operand, are read along
  // their rows then (1.4 times as fast at 128 hidden units).
  if (needs[kWih])
    grads[kWih] = matmul(in[kX].view({rows, in[kX].size(2)}).t(), inputs).t().contiguous();
  if (needs[kWhh]) {
    // Outputs are the states before all steps but the first.
    const auto all_but = [&](const Tensor& x, int64_t s) {
      const int64_t begin = layer.at(s) == 0 ? 1 : 0;
      return narrow(x, 0, begin, layer.steps - 1).reshape({rows - layer.batch, x.size(2)});
    };
    const Tensor turned = empty({layer.hidden, layer.gates}, in[kX].dtype());
    detail::multiply(turned, all_but(from.outputs, layer.steps - 1).t(), all_but(sums.hidden, 0));
    detail::multiply(turned, in[kH].t(), select(sums.hidden, 0, layer.at(0)), 1, 1);
    grads[kWhh] = turned.t().contiguous();
  }
  if (needs[kBih]) grads[kBih] = sum(inputs, {0});
  if (needs[kBhh])
    grads[kBhh] = grads[kBih].defined() && layer.cell != RecurrentCell::kGru
                      ? grads[kBih]
                      : sum(sums.hidden.view({rows, layer.gates}), {0});
  return grads;
}

// The layer of differentiable ops.
std::vector<Tensor> composed(const Layer& layer, const RecurrentOperands& in) {
  const Tensor inputs = linear(in[kX], in[kWih], in[kBih]);
  Tensor h = in[kH], c = in[kC];
  std::vector<Tensor> outputs(static_cast<size_t>(layer.steps));
  for (int64_t s = 0; s < layer.steps; ++s) {
    const Tensor of_x = select(inputs, 0, layer.at(s)), of_h = linear(h, in[kWhh], in[kBhh]);
    if (layer.cell == RecurrentCell::kLstm) {
      const auto gates = chunk(of_x + of_h, 4, 1);
      c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
      h = sigmoid(gates[3]) * tanh(c);
    } else if (layer.cell == RecurrentCell::kGru) {
      const auto a = chunk(of_x, 3, 1), b = chunk(of_h, 3, 1);
      const Tensor n = tanh(a[2] + sigmoid(a[0] + b[0]) * b[2]);
      h = n + sigmoid(a[1] + b[1]) * (h - n);
    } else {
      h = layer.cell == RecurrentCell::kTanh ? tanh(of_x + of_h) : relu(of_x + of_h);
    }
    outputs[static_cast<size_t>(layer.at(s))] = h;
  }
  std::vector<Tensor> results{stack(outputs), h};
  if (c.defined()) results.push_back(c);
  return results;
}

// On the tape: the layer runs again, composed, and that is differentiated. Views of the operands
// stand for them, because one may have been computed from another.
std::vector<Tensor> recorded_gradients(const Layer& layer, RecurrentOperands in,
                                       const std::vector<Tensor>& dy, Needs needs) {
  std::vector<Tensor> wanted;
  for (size_t i = 0; i < in.size(); ++i) {
    if (!needs[i]) continue;
    in[i] = view_as(in[i], in[i]);
    wanted.push_back(in[i]);
  }
  const auto found = autograd::grad(composed(layer, in), wanted, dy, {.create_graph = true});
  std::vector<Tensor> grads(in.size());
  size_t next = 0;
  for (size_t i = 0; i < in.size(); ++i)
    if (needs[i]) grads[i] = found[next++];
  return grads;
}

}  // namespace

std::vector<Tensor> detail::recurrent_layer(const char* op, RecurrentCell cell,
                                            RecurrentOperands operands, bool reverse) {
  for (const size_t i : {kX, kH, kC, kBhh})
    if (operands[i].defined()) operands[i] = contiguous(operands[i]);
  const RecurrentOperands& in = operands;
  const Layer layer(cell, in, reverse);
  std::vector<Tensor> outputs;
  Results results;
  no_grad([&] {
    const Shape shape = layer.shape(layer.hidden);
    const DType dtype = in[kX].dtype();
    results.gates = linear(in[kX], in[kWih], in[kBih]);
    const bool has_gates = cell == RecurrentCell::kLstm || cell == RecurrentCell::kGru;
    results.outputs = has_gates ? empty(shape, dtype) : results.gates;
    if (cell == RecurrentCell::kGru) results.candidate = empty(shape, dtype);
    if (cell == RecurrentCell::kLstm) results.cells = empty(shape, dtype);
    visit_floating(dtype, [&]<class T>() { run<T>(layer, in, results); });
    const auto last = [&](const Tensor& x) {
      return select(x, 0, layer.at(layer.steps - 1)).clone();
    };
    outputs = {results.outputs, last(results.outputs)};
    if (results.cells.defined()) outputs.push_back(last(results.cells));
  });
  std::array<Saved, kRecurrentOperands> saved;
  for (size_t i = 0; i < saved.size(); ++i) saved[i] = Saved(in[i]);
  return autograd::record(
      op, std::span<const Tensor>(in), std::move(outputs),
      [layer, saved = std::move(saved), outputs = Saved::output(results.outputs),
       gates = Saved(results.gates), candidate = Saved(results.candidate),
       cells = Saved(results.cells)](const std::vector<Tensor>& dy, Needs needs) {
        RecurrentOperands all;
        for (size_t i = 0; i < all.size(); ++i) all[i] = *saved[i];
        if (is_grad_enabled()) return recorded_gradients(layer, std::move(all), dy, needs);
        return fused_gradients(layer, all, {*outputs, *gates, *candidate, *cells}, dy, needs);
      });
}

}  // namespace bb
