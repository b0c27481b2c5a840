#pragma once

#include <cstdint>

namespace bb::kernels {

/// What a recurrent layer does at each step, with a = W_ih x + b_ih and b = W_hh h + b_hh:
///   kLstm  i, f, g, o of a + b:  c' = sigmoid(f) c + sigmoid(i) tanh(g),  h' = sigmoid(o) tanh(c')
///   kGru   r = sigmoid(a_r + b_r), z = sigmoid(a_z + b_z), n = tanh(a_n + r b_n),
///          h' = (1 - z) n + z h
///   kTanh  h' = tanh(a + b);   kRelu  h' = max(a + b, 0)
enum class RecurrentCell : uint8_t { kLstm, kGru, kTanh, kRelu };

/// Gates that a step has for each element of its state.
constexpr int64_t gates_of(RecurrentCell cell) {
  return cell == RecurrentCell::kLstm ? 4 : cell == RecurrentCell::kGru ? 3 : 1;
}

/// Rows of one step, each without gaps, one after the other: gates [rows, gates_of(cell) * size],
/// the rest [rows, size].
template <typename T>
struct RecurrentStep {
  T* gates = nullptr;           ///< a + b; kGru: a. Activated on return
  const T* hidden = nullptr;    ///< kGru: b [rows, 3 * size]
  T* candidate = nullptr;       ///< kGru: keeps b_n
  const T* h_before = nullptr;  ///< kGru
  const T* c_before = nullptr;  ///< kLstm
  T* c = nullptr;               ///< kLstm
  T* h = nullptr;               ///< kTanh and kRelu: may be gates itself
};

/// The elementwise part of a step: from sums to gates and the state.
template <typename T>
void recurrent_step(RecurrentCell cell, int64_t rows, int64_t size, const RecurrentStep<T>& step);

/// The same backwards.
template <typename T>
struct RecurrentStepGrad {
  const T* gates = nullptr;      ///< activated
  const T* candidate = nullptr;  ///< kGru
  const T* h_before = nullptr;   ///< kGru
  const T* c_before = nullptr;   ///< kLstm
  const T* c = nullptr;          ///< kLstm
  const T* dy = nullptr;         ///< of h' as an output
  T* dh = nullptr;  ///< in: of h' from later steps. Out, kGru: of h, but for what goes through b
  T* dc = nullptr;  ///< kLstm. In: of c'; out: of c
  T* dgates = nullptr;   ///< out: of a
  T* dhidden = nullptr;  ///< out: of b, kGru; elsewhere it is that of a
};

template <typename T>
void recurrent_step_grad(RecurrentCell cell, int64_t rows, int64_t size,
                         const RecurrentStepGrad<T>& step);

}  // namespace bb::kernels
