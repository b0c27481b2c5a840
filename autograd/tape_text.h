#pragma once

#include <span>
#include <string>

#include "bb/core/tensor.h"

/// Looking at the tape: the records that some tensors were computed by.
namespace bb::tape {

/// A line for each record, in the order in which they were made, leaves first:
///   #2  mul  float32 [2, 3]  of #0 #1  keeps 48 B
/// then totals. A record keeps what its pullback holds as Saved; a value that several keep counts
/// once in the total. Values whose elements a checkpoint will compute again count nothing.
std::string to_text(std::span<const Tensor> outputs);
inline std::string to_text(const Tensor& output) { return to_text(std::span(&output, 1)); }

/// The same as a graph in Graphviz's language; gradients flow against the arrows. Leaves are boxes.
///   dot -Tsvg tape.dot -o tape.svg
std::string to_dot(std::span<const Tensor> outputs);
inline std::string to_dot(const Tensor& output) { return to_dot(std::span(&output, 1)); }

}  // namespace bb::tape
