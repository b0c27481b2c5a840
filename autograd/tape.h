#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "bb/autograd/grad_mode.h"
#include "bb/core/memory.h"
#include "bb/core/tensor.h"

/// The tape: each differentiable op that runs while recording is on leaves a record of its inputs
/// and its pullback, the function that takes the gradient of the op's output to those of its
/// inputs. Positions only grow from inputs to outputs: walking records by falling position is the
/// Wengert list backwards (Wengert, "A simple automatic derivative evaluation program", CACM 1964).
namespace bb::autograd {

class Node;

/// Which inputs of an op want a gradient, by position.
class Needs {
 public:
  explicit Needs(std::span<const Ref<Node>> inputs) : inputs_(inputs) {}
  bool operator[](size_t input) const { return static_cast<bool>(inputs_[input]); }

 private:
  std::span<const Ref<Node>> inputs_;
};

/// A place on the tape that gradients flow to: a leaf (no inputs, keeps its gradient) or a record.
/// Nodes hold their inputs' nodes, never their data; a tensor holds its node. Dropping the last
/// tensor of a graph drops its nodes, without recursion.
class Node : public RefCounted {
 public:
  Node(const char* op, const Tensor& x, uint64_t at)
      : name(op), position(at), shape(x.shape()), dtype(x.dtype()) {}

  const char* name;   // of the op; static storage
  uint64_t position;  // 0 for a leaf, above every input's for a record
  Shape shape;        // of the tensor that the node stands for
  DType dtype;
  Tensor grad;     // of a leaf, what backward() has accumulated
  Tensor pending;  // in a running backward, the sum of gradients received so far

  bool is_leaf() const { return position == 0; }
  /// Null for an input that wants no gradient. Empty for a leaf and for a record that was freed.
  virtual std::span<const Ref<Node>> inputs() const { return {}; }
  /// Gradients of the inputs from the output's: grads[i] for each input that is not null.
  virtual void pull(const Tensor& dy, Tensor* grads);
  /// Lets go of the pullback and the inputs.
  virtual void free() {}

  void* operator new(size_t size) { return bb::detail::allocate(size); }
  void operator delete(void* block, size_t size) { bb::detail::deallocate(block, size); }

 protected:
  void destroy() override;

 private:
  Node* next_dead_ = nullptr;
};

/// A tensor kept for a pullback. Reading it throws ValueError, naming the op, if it was changed in
/// place after it was saved.
class Saved {
 public:
  Saved() = default;
  explicit Saved(const Tensor& x) : x_(x), version_(x.defined() ? x.version() : 0) {}
  /// An op's own output: kept without its node, which would be a cycle, and given back with it.
  static Saved output(const Tensor& y);

  Tensor operator*() const;
  bool defined() const { return x_.defined(); }

 private:
  Tensor x_;
  uint32_t version_ = 0;
  bool is_output_ = false;
};

/// Tensors given to record() as an op's inputs, without copying the handles.
struct Input {
  Input(const Tensor& x) : tensor(&x) {}
  const Tensor* tensor;
};

namespace detail {

inline Node* node_of(const Tensor& x) {
  return x.defined() ? static_cast<Node*>(x.node().get()) : nullptr;
}

[[noreturn]] void throw_gradient_count(const char* op, size_t got, size_t inputs);

template <class Inputs, class Pullback>
class Record final : public Node {
 public:
  Record(const char* op, const Tensor& y, uint64_t at, Inputs inputs, Pullback pullback)
      : Node(op, y, at), inputs_(std::move(inputs)), pullback_(std::move(pullback)) {}
  ~Record() override { free(); }

  std::span<const Ref<Node>> inputs() const override {
    if (freed_) return {};
    return inputs_;
  }

  void pull(const Tensor& dy, Tensor* grads) override {
    if (freed_) return Node::pull(dy, grads);
    if constexpr (std::is_invocable_v<Pullback&, const Tensor&, Needs>)
      store(pullback_(dy, Needs(inputs_)), grads);
    else
      store(pullback_(dy), grads);
  }

  void free() override {
    if (std::exchange(freed_, true)) return;
    pullback_.~Pullback();
    inputs_ = Inputs();
  }

 private:
  void store(Tensor&& dx, Tensor* grads) {
    if (inputs_.size() != 1) throw_gradient_count(name, 1, inputs_.size());
    grads[0] = std::move(dx);
  }
  template <class Grads>
  void store(Grads&& values, Tensor* grads) {
    if (values.size() != inputs_.size()) throw_gradient_count(name, values.size(), inputs_.size());
    for (size_t i = 0; i < inputs_.size(); ++i) grads[i] = std::move(values[i]);
  }

  Inputs inputs_;
  bool freed_ = false;
  union {
    Pullback pullback_;  // ended by free()
  };
};

/// The next position above `floor` and above all that this thread has given out.
uint64_t next_position(uint64_t floor);

template <class Inputs, class Pullback>
void attach(Tensor& y, const char* name, Inputs nodes, Pullback&& pullback) {
  uint64_t floor = 0;
  for (const Ref<Node>& node : nodes)
    if (node && node->position > floor) floor = node->position;
  // A pullback that captured y itself would keep it, and thereby this record, alive for ever.
  if (y.use_count() > 1 || y.node()) y = y.alias();
  using R = Record<Inputs, std::decay_t<Pullback>>;
  y.set_node(Ref<RefCounted>(
      new R(name, y, next_position(floor), std::move(nodes), std::forward<Pullback>(pullback))));
}

}  // namespace detail

/// True where an op over `x` is to be recorded.
inline bool wants_grad(const Tensor& x) { return x.requires_grad() && is_grad_enabled(); }

/// Puts an op on the tape: `y` was computed from `inputs` without recording; `pullback` takes the
/// gradient dy of y (of y's shape and dtype) to the gradients of the inputs, and is itself written
/// with differentiable ops, so that it can be differentiated. Where an input was broadcast or
/// promoted, its gradient may have the larger shape and the other floating-point dtype: it is
/// summed to the input's shape and converted.
///
///   Tensor y = no_grad([&] { return x * x * x; });
///   return autograd::record("cube", {x}, y, [x](const Tensor& dy) { return dy * 3.0 * x * x; });
///
/// The pullback returns a Tensor (one input), a std::array or a std::vector of them; an undefined
/// one means zero. It may take a second argument, Needs, to skip what no input wants. Values that
/// may change in place are captured as Saved(x), the op's own output as Saved::output(y).
/// `name` must outlive the graph (a literal). Returns y on the tape; y itself where nothing is
/// recorded.
template <size_t N, class Pullback>
Tensor record(const char* name, const Input (&inputs)[N], Tensor y, Pullback&& pullback) {
  if (!is_grad_enabled()) return y;
  std::array<Ref<Node>, N> nodes;
  bool any = false;
  for (size_t i = 0; i < N; ++i) {
    nodes[i] = Ref<Node>(detail::node_of(*inputs[i].tensor));
    any = any || nodes[i];
  }
  if (any) detail::attach(y, name, std::move(nodes), std::forward<Pullback>(pullback));
  return y;
}

/// The same for a number of inputs known only at run time.
template <class Pullback>
Tensor record(const char* name, std::span<const Tensor> inputs, Tensor y, Pullback&& pullback) {
  if (!is_grad_enabled()) return y;
  std::vector<Ref<Node>> nodes;
  bool any = false;
  for (const Tensor& x : inputs) {
    nodes.emplace_back(detail::node_of(x));
    any = any || nodes.back();
  }
  if (any) detail::attach(y, name, std::move(nodes), std::forward<Pullback>(pullback));
  return y;
}

struct BackwardOptions {
  /// Keep the records for another backward. create_graph implies it.
  bool retain_graph = false;
  /// Record the gradients' own computation, so that they can be differentiated again.
  bool create_graph = false;
};

/// Adds to the grad() of every leaf that `output` was computed from: gradient^T d(output)/d(leaf).
/// `gradient` has output's shape; undefined means 1 and needs one element.
/// Throws ValueError where nothing was recorded or records were freed, ShapeError, DTypeError.
void backward(const Tensor& output, const Tensor& gradient, const BackwardOptions& options = {});

/// Returns those gradients for `inputs` (leaves or not) and leaves every grad() as it is. One that
/// output does not depend on is undefined.
std::vector<Tensor> grad(const Tensor& output, std::span<const Tensor> inputs,
                         const Tensor& gradient = {}, const BackwardOptions& options = {});
inline std::vector<Tensor> grad(const Tensor& output, std::initializer_list<Tensor> inputs,
                                const Tensor& gradient = {}, const BackwardOptions& options = {}) {
  return grad(output, std::span<const Tensor>(inputs.begin(), inputs.size()), gradient, options);
}

}  // namespace bb::autograd
