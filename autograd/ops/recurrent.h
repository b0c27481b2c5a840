#pragma once

#include <vector>

#include "bb/core/tensor.h"

/// Recurrent layers over sequences, and single steps of them, as torch.lstm and its relations. A
/// layer is one record: its inputs' products are one GEMM over all steps, gates and state one pass.
///
/// Sizes: T steps, N sequences, I features, H hidden, G gates (4 for lstm, 3 for gru, 1 for rnn).
/// Weights are PyTorch's: w_ih [G*H, I], w_hh [G*H, H], biases b_ih and b_hh [G*H] or undefined;
/// gates in the order i, f, g, o (lstm) and r, z, n (gru). All operands have one floating-point
/// dtype. All are differentiable (twice) in each operand. They throw ShapeError, DTypeError,
/// ValueError.
namespace bb {

struct RecurrentOptions {
  int64_t num_layers = 1;      ///< each takes the outputs of the one below it
  bool bidirectional = false;  ///< D = 2: besides, a layer from the last step to the first
  bool batch_first = false;    ///< x and the outputs are [N,T,...], not [T,N,...]
  double dropout = 0;          ///< of the outputs between layers, applied whatever the mode
};

struct LstmState {
  Tensor h, c;
};

struct LstmResult {
  Tensor outputs;  ///< h of the last layer at each step, [T,N,D*H]; of both directions side by side
  Tensor h, c;     ///< after the last step, [num_layers*D, N, H]
};
struct RecurrentResult {
  Tensor outputs, h;  ///< as above
};

/// Long short-term memory (Hochreiter and Schmidhuber, Neural Computation 1997).
///   i, f, g, o = x[t] w_ih^T + b_ih + h w_hh^T + b_hh
///   c = sigmoid(f) c + sigmoid(i) tanh(g);  h = sigmoid(o) tanh(c)
/// x [T,N,I], T >= 1; state h and c [num_layers*D, N, H], zeros where undefined. weights: w_ih,
/// w_hh, b_ih, b_hh of layer 0, the same of its other direction, of layer 1, ...; or all without
/// the biases. Layers above the first have I = D*H.
///   auto [y, h, c] = lstm(x, {h0, c0}, {w_ih, w_hh, b_ih, b_hh}, {.batch_first = true});
LstmResult lstm(const Tensor& x, const LstmState& state, const std::vector<Tensor>& weights,
                const RecurrentOptions& options = {});

/// Gated recurrent units (Cho et al., arXiv 1406.1078), PyTorch's form.
///   r, z = sigmoid(x[t] w_ih^T + b_ih + h w_hh^T + b_hh), their parts
///   n = tanh(x[t] w_in^T + b_in + r (h w_hn^T + b_hn));  h = (1 - z) n + z h
/// Shapes as for lstm().
RecurrentResult gru(const Tensor& x, const Tensor& h0, const std::vector<Tensor>& weights,
                    const RecurrentOptions& options = {});

/// h = tanh(x[t] w_ih^T + b_ih + h w_hh^T + b_hh). Shapes as for lstm().
RecurrentResult rnn_tanh(const Tensor& x, const Tensor& h0, const std::vector<Tensor>& weights,
                         const RecurrentOptions& options = {});
/// The same with max(., 0) for tanh.
RecurrentResult rnn_relu(const Tensor& x, const Tensor& h0, const std::vector<Tensor>& weights,
                         const RecurrentOptions& options = {});

/// One step of one layer: x [N,I], the state before and after [N,H], zeros where undefined.
LstmState lstm_cell(const Tensor& x, const LstmState& state, const Tensor& w_ih, const Tensor& w_hh,
                    const Tensor& b_ih = {}, const Tensor& b_hh = {});
Tensor gru_cell(const Tensor& x, const Tensor& h, const Tensor& w_ih, const Tensor& w_hh,
                const Tensor& b_ih = {}, const Tensor& b_hh = {});
Tensor rnn_tanh_cell(const Tensor& x, const Tensor& h, const Tensor& w_ih, const Tensor& w_hh,
                     const Tensor& b_ih = {}, const Tensor& b_hh = {});
Tensor rnn_relu_cell(const Tensor& x, const Tensor& h, const Tensor& w_ih, const Tensor& w_hh,
                     const Tensor& b_ih = {}, const Tensor& b_hh = {});

}  // namespace bb
