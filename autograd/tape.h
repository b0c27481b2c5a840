#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bb/autograd/grad_mode.h"
#include "bb/autograd/hooks.h"
#include "bb/core/memory.h"
#include "bb/core/tensor.h"

/// The tape: each differentiable op that runs while recording is on leaves a record of its inputs
/// and its pullback, the function that takes the gradient of the op's output to those of its
/// inputs. Positions only grow from inputs to outputs: walking records by falling position is the
/// Wengert list backwards (Wengert, "A simple automatic derivative evaluation program", CACM 1964).
namespace bb::autograd {

class Node;
class Saved;

namespace detail {

/// Whether ops are recorded where an input wants a gradient.
inline bool recording(Mode mode) { return mode.records && !bb::detail::inference_mode(); }

/// Throws ValueError where the record has saved a tensor that was made in inference mode.
void check_saved(const Node& record);
/// Makes a new record, which is checked so, y's node.
void set_record(Tensor& y, Node* record);
/// Whether the running backward goes to some nodes only, as grad(outputs, inputs) does.
bool is_selective();
/// Whether that one goes to `node`.
bool goes_to(const Node* node);

}  // namespace detail

/// Which inputs of an op want a gradient, by position.
class Needs {
 public:
  explicit Needs(std::span<const Ref<Node>> inputs)
      : inputs_(inputs), selective_(detail::is_selective()) {}
  bool operator[](size_t input) const {
    return inputs_[input] && (!selective_ || detail::goes_to(inputs_[input].get()));
  }

 private:
  std::span<const Ref<Node>> inputs_;
  bool selective_;
};

namespace detail {

/// Stands where a value was saved, and has it when backward asks: in a checkpoint, or where the
/// value is computed again (bb/autograd/recompute.h).
class Deferred : public RefCounted {
 public:
  explicit Deferred(const Tensor& x) : node(x.node()) {}
  virtual Tensor value() = 0;

  Ref<RefCounted> node;  // of the value
  int steps = 0;         // that recompute it, one from the other
};

/// How backward computes the result of a record again.
class Recompute : public RefCounted {
 public:
  Tensor value();
  void forget();
  int steps() const { return steps_; }

 protected:
  void follow(const Saved& input);
  virtual Tensor compute() const = 0;

 private:
  friend void set_recompute(const Tensor& y, Ref<Recompute> recompute);

  Tensor value_;
  std::mutex mutex_;
  int steps_ = 1;
  const char* op_ = nullptr;  // whose result it is
  Shape shape_;
  DType dtype_ = kFloat32;
};

}  // namespace detail

/// What only few nodes have.
struct NodeExtras {
  Hooks<std::function<Tensor(const Tensor&)>> hooks;
  bool retains_grad = false;
  std::string module;  // the path of the module that the op ran in, where anomalies are sought
  Ref<detail::Recompute> recompute;
};

/// A place on the tape that gradients flow to: a leaf (no inputs, keeps its gradient) or a record.
/// Nodes hold their inputs' nodes, never their data; a tensor holds its node. Dropping the last
/// tensor of a graph drops its nodes, without recursion.
class Node : public RefCounted {
 public:
  Node(const char* op, const Tensor& x, uint64_t at) : Node(op, x.shape(), x.dtype(), at) {}
  Node(const char* op, const Shape& of, DType type, uint64_t at)
      : name(op), position(at), shape(of), dtype(type) {}

  const char* name;   // of the op; static storage
  uint64_t position;  // 0 for a leaf, above every input's for a record
  Shape shape;        // of the tensor that the node stands for
  DType dtype;
  Tensor grad;     // what backward() has accumulated: of a leaf, or where it is to be retained
  Tensor pending;  // in a running backward, the sum of gradients received so far
  std::atomic<const void*> walk{nullptr};  // the backward that `pending` belongs to
  std::unique_ptr<NodeExtras> extras;

  bool is_leaf() const { return position == 0; }
  /// Null for an input that wants no gradient. Empty for a leaf and for a record that was freed.
  virtual std::span<const Ref<Node>> inputs() const { return {}; }
  /// Gradients of the inputs from the output's: grads[i] for each input that is not null.
  virtual void pull(const Tensor& dy, Tensor* grads);
  NodeExtras& more() {
    if (!extras) extras = std::make_unique<NodeExtras>();
    return *extras;
  }
  /// Lets go of the pullback and the inputs.
  virtual void free() {}
  /// The node of output i of the op: this one, unless it has several.
  virtual Ref<Node> output(size_t) { return Ref<Node>(this); }
  /// Lists the values kept with Saved for the pullback.
  virtual void collect_saved(std::vector<Tensor>&) const {}

  void* operator new(size_t size) { return bb::detail::allocate(size); }
  void operator delete(void* block, size_t size) { bb::detail::deallocate(block, size); }

 protected:
  void destroy() override;

 private:
  Node* next_dead_ = nullptr;
};

namespace detail {

/// How x, a result or a view of one that nothing has changed since, is computed again; mostly null.
inline Recompute* recompute_of(const Tensor& x) {
  const bb::detail::TensorImpl& source = x.handle()->base ? *x.handle()->base : *x.handle();
  const auto* node = static_cast<const Node*>(source.node.get());
  return node && node->extras && x.version() == 0 ? node->extras->recompute.get() : nullptr;
}

}  // namespace detail

/// A tensor kept for a pullback. Reading it throws ValueError, naming the op, if it was changed in
/// place after it was saved.
class Saved {
 public:
  Saved() = default;
  explicit Saved(const Tensor& x) : x_(x), version_(x.defined() ? x.version() : 0) {
    if (x.defined() &&
        (x.is_inference() || detail::mode().in_checkpoint || detail::recompute_of(x)))
      keep_specially();
  }
  Saved(Saved&&) noexcept = default;
  Saved& operator=(Saved&&) noexcept = default;
  Saved(const Saved& other);
  Saved& operator=(const Saved& other) { return *this = Saved(other); }
  /// An op's own output, the one of that number where it has several: kept without its node, which
  /// would be a cycle, and given back with it.
  static Saved output(const Tensor& y, size_t number = 0);
  /// x alone, without the graph behind it, in a checkpoint too.
  static Saved detached(const Tensor& x);

  Tensor operator*() const;
  bool defined() const { return x_.defined() || deferred_; }

 private:
  friend detail::Recompute;
  void keep_specially();
  void leave_to_checkpoint();
  void leave_to_recompute();

  Tensor x_;
  uint32_t version_ = 0;
  int32_t output_ = -1;             // its number among the op's outputs
  Ref<detail::Deferred> deferred_;  // in the value's place
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

/// The inputs' nodes, null where no gradient is wanted; none at all where that is so of each.
std::vector<Ref<Node>> nodes_of(std::span<const Tensor> inputs);

[[noreturn]] void throw_gradient_count(const char* op, size_t got, size_t inputs);

/// While it lives, Saved values that are copied on this thread are listed.
class SavedListing {
 public:
  explicit SavedListing(std::vector<Tensor>& list);
  ~SavedListing();
  SavedListing(const SavedListing&) = delete;
  SavedListing& operator=(const SavedListing&) = delete;

 private:
  std::vector<Tensor>* before_;
};

template <class Inputs, class Pullback>
class Record : public Node {
 public:
  template <class P>
  Record(const char* op, const Shape& of, DType type, uint64_t at, Inputs&& inputs, P&& pullback)
      : Node(op, of, type, at), inputs_(std::move(inputs)), pullback_(std::forward<P>(pullback)) {}
  ~Record() override {
    if (!freed_) pullback_.~Pullback();
  }

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
    if (extras) extras->recompute = nullptr;
  }

  void collect_saved(std::vector<Tensor>& list) const override {
    if constexpr (std::is_copy_constructible_v<Pullback>) {
      if (freed_) return;
      const SavedListing listing(list);
      [[maybe_unused]] const Pullback copy(pullback_);
    }
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

template <class Inputs>
uint64_t position_above(const Inputs& nodes) {
  uint64_t floor = 0;
  for (const Ref<Node>& node : nodes)
    if (node && node->position > floor) floor = node->position;
  return next_position(floor);
}

template <class Inputs, class Pullback>
void attach(Tensor& y, const char* name, Inputs&& nodes, Pullback&& pullback) {
  const uint64_t position = position_above(nodes);
  // A pullback that captured y itself would keep it, and thereby this record, alive for ever.
  if (y.use_count() > 1 || y.node()) y = y.alias();
  set_record(y, new Record<std::decay_t<Inputs>, std::decay_t<Pullback>>(
                    name, y.shape(), y.dtype(), position, std::move(nodes),
                    std::forward<Pullback>(pullback)));
}

/// An op of several outputs: each has a node of its own, which hands its gradient to this one. Its
/// pullback takes the gradients of all outputs, zeros where there is none.
class Joint {
 public:
  Joint(const std::vector<Tensor>& outputs);
  /// The gradients that the running backward has brought.
  std::vector<Tensor> take() const;
  const Tensor& token() const { return token_; }
  /// A node for output `number` of `joint`.
  static Ref<Node> make_output(Ref<Node> joint, const std::shared_ptr<Joint>& state, size_t number);

 private:
  std::vector<Shape> shapes_;
  std::vector<DType> dtypes_;
  Tensor token_;  // goes from output nodes to the joint one in the place of a gradient
};

template <class Inputs, class Pullback>
class JointRecord final : public Record<Inputs, Pullback> {
 public:
  JointRecord(const char* op, uint64_t at, Inputs&& inputs, Pullback&& pullback,
              std::shared_ptr<Joint> state)
      : Record<Inputs, Pullback>(op, state->token().shape(), state->token().dtype(), at,
                                 std::move(inputs), std::move(pullback)),
        state_(std::move(state)) {}
  Ref<Node> output(size_t number) override {
    return Joint::make_output(Ref<Node>(this), state_, number);
  }

 private:
  std::shared_ptr<Joint> state_;
};

template <class Pullback>
auto call_pullback(const Pullback& pullback, const std::vector<Tensor>& gradients, Needs needs) {
  if constexpr (std::is_invocable_v<const Pullback&, const std::vector<Tensor>&, Needs>)
    return pullback(gradients, needs);
  else
    return pullback(gradients);
}

/// Puts an op of several outputs on the tape.
template <class Inputs, class Pullback>
void attach_all(std::vector<Tensor>& outputs, const char* name, Inputs&& nodes, Pullback pullback) {
  if (outputs.size() == 1) {
    if (!is_floating_point(outputs[0].dtype())) return;
    auto pull = [pullback = std::move(pullback)](const Tensor& dy, Needs needs) {
      return call_pullback(pullback, std::vector<Tensor>{dy}, needs);
    };
    attach(outputs[0], name, std::move(nodes), std::move(pull));
    return;
  }
  auto state = std::make_shared<Joint>(outputs);
  auto pull = [state, pullback = std::move(pullback)](const Tensor&, Needs needs) {
    return call_pullback(pullback, state->take(), needs);
  };
  const uint64_t position = position_above(nodes);
  const Ref<Node> joint(new JointRecord<std::decay_t<Inputs>, decltype(pull)>(
      name, position, std::move(nodes), std::move(pull), state));
  check_saved(*joint);
  for (size_t i = 0; i < outputs.size(); ++i) {
    Tensor& y = outputs[i];
    if (!is_floating_point(y.dtype())) continue;
    if (y.use_count() > 1 || y.node()) y = y.alias();
    y.set_node(Ref<RefCounted>(joint->output(i).get()));
  }
}

/// Notes that y shows elements of x (bb/autograd/mutation.h).
void mark_view(const Tensor& y, const Tensor& x, bb::detail::ViewKind kind);
/// Notes that the result y of a user's op shows elements of its input x.
void mark_alias(Tensor& y, const Tensor& x);
void mark_aliases(std::span<Tensor> outputs, std::span<const Tensor> inputs);
/// Throws where y is the first with a NaN or an infinity.
void check_result(const char* name, std::span<const Input> inputs, const Tensor& y);
/// The same for the gradient of an input that a pullback returned.
void check_gradient(const Node& record, size_t input, const Tensor& gradient);
/// Notes which module the op that made y ran in.
void note_module(const Tensor& y);

}  // namespace detail

/// True where an op over `x` is to be recorded.
inline bool wants_grad(const Tensor& x) { return x.requires_grad() && is_grad_enabled(); }

/// Whether a pullback may write its result over dy, the gradient that it was given: nobody else
/// sees those elements, they have no gaps, and nothing is recorded.
bool may_write_over(const Tensor& dy);

/// x, kept only where the gradient of `other`, which reads it, is wanted.
inline Saved saved_for(const Tensor& other, const Tensor& x) {
  return wants_grad(other) ? Saved(x) : Saved();
}
/// The output y of an op, kept only where the gradient of its input x, which reads it, is wanted.
inline Saved output_for(const Tensor& x, const Tensor& y) {
  return wants_grad(x) ? Saved::output(y) : Saved();
}

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
  const detail::Mode mode = detail::mode();
  if (mode.seeks_anomalies) detail::check_result(name, inputs, y);
  if (detail::recording(mode)) {
    std::array<Ref<Node>, N> nodes;
    bool any = false;
    for (size_t i = 0; i < N; ++i) {
      nodes[i] = Ref<Node>(detail::node_of(*inputs[i].tensor));
      any = any || nodes[i];
    }
    if (any) {
      detail::attach(y, name, std::move(nodes), std::forward<Pullback>(pullback));
      if (mode.seeks_anomalies) detail::note_module(y);
    }
  }
  for (const Input& x : inputs)
    if (x.tensor->defined() && y.shares_storage(*x.tensor)) detail::mark_alias(y, *x.tensor);
  return y;
}

/// The same for an op that only looks at x in another way: `y` is x.alias(...). A change in place
/// of either is followed to the other.
template <class Pullback>
Tensor record_view(const char* name, const Tensor& x, Tensor y, Pullback&& pullback) {
  const detail::Mode mode = detail::mode();
  if (mode.seeks_anomalies) detail::check_result(name, std::array{Input(x)}, y);
  const bool recording = detail::recording(mode);
  if (recording && x.node()) {
    detail::attach(y, name, std::array{Ref<Node>(detail::node_of(x))},
                   std::forward<Pullback>(pullback));
    if (mode.seeks_anomalies) detail::note_module(y);
  }
  using Kind = bb::detail::ViewKind;
  detail::mark_view(y, x, recording ? Kind::kFollowed : Kind::kOffTheTape);
  return y;
}

/// The same for a number of inputs known only at run time.
template <class Pullback>
Tensor record(const char* name, std::span<const Tensor> inputs, Tensor y, Pullback&& pullback) {
  const detail::Mode mode = detail::mode();
  if (mode.seeks_anomalies)
    detail::check_result(name, std::vector<Input>(inputs.begin(), inputs.end()), y);
  std::vector<Ref<Node>> nodes;
  if (detail::recording(mode) && is_floating_point(y.dtype())) nodes = detail::nodes_of(inputs);
  if (!nodes.empty()) {
    detail::attach(y, name, std::move(nodes), std::forward<Pullback>(pullback));
    if (mode.seeks_anomalies) detail::note_module(y);
  }
  detail::mark_aliases(std::span(&y, 1), inputs);
  return y;
}

/// The same for several outputs: the pullback takes the gradients of all of them, a
/// const std::vector<Tensor>&, with zeros for an output that nothing was computed from. Outputs
/// that are not floating point have no gradient. A saved output is Saved::output(y, its number).
///
///   auto [q, r] = ...;
///   auto outputs = autograd::record("qr", inputs, {q, r}, [...](const std::vector<Tensor>& dy) {
///     return std::vector<Tensor>{...};
///   });
template <class Pullback>
std::vector<Tensor> record(const char* name, std::span<const Tensor> inputs,
                           std::vector<Tensor> outputs, Pullback&& pullback) {
  const detail::Mode mode = detail::mode();
  if (mode.seeks_anomalies)
    for (const Tensor& y : outputs)
      detail::check_result(name, std::vector<Input>(inputs.begin(), inputs.end()), y);
  std::vector<Ref<Node>> nodes;
  if (detail::recording(mode)) nodes = detail::nodes_of(inputs);
  if (!nodes.empty()) {
    detail::attach_all(outputs, name, std::move(nodes), std::forward<Pullback>(pullback));
    if (mode.seeks_anomalies)
      for (const Tensor& y : outputs) detail::note_module(y);
  }
  detail::mark_aliases(outputs, inputs);
  return outputs;
}
template <class Pullback>
std::vector<Tensor> record(const char* name, std::initializer_list<Tensor> inputs,
                           std::vector<Tensor> outputs, Pullback&& pullback) {
  return record(name, std::span<const Tensor>(inputs.begin(), inputs.size()), std::move(outputs),
                std::forward<Pullback>(pullback));
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
/// The same for several outputs, whose gradients add up; `gradients` is empty or one for each.
void backward(std::span<const Tensor> outputs, std::span<const Tensor> gradients = {},
              const BackwardOptions& options = {});

/// Returns those gradients for `inputs` (leaves or not) and leaves every grad() as it is. One that
/// no output depends on is undefined.
std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> gradients = {},
                         const BackwardOptions& options = {});
using TensorList = std::initializer_list<Tensor>;
inline std::vector<Tensor> grad(TensorList outputs, TensorList inputs, TensorList gradients = {},
                                const BackwardOptions& options = {}) {
  const auto all = [](TensorList list) { return std::span(list.begin(), list.size()); };
  return grad(all(outputs), all(inputs), all(gradients), options);
}
/// Of one output.
std::vector<Tensor> grad(const Tensor& output, std::span<const Tensor> inputs,
                         const Tensor& gradient = {}, const BackwardOptions& options = {});
inline std::vector<Tensor> grad(const Tensor& output, TensorList inputs,
                                const Tensor& gradient = {}, const BackwardOptions& options = {}) {
  return grad(output, std::span(inputs.begin(), inputs.size()), gradient, options);
}
/// grad(loss, {x}, {.create_graph = true})
inline std::vector<Tensor> grad(const Tensor& output, TensorList inputs,
                                const BackwardOptions& options) {
  return grad(output, std::span(inputs.begin(), inputs.size()), Tensor(), options);
}

/// See Tensor::register_hook.
HookHandle register_hook(const Tensor& x, std::function<Tensor(const Tensor&)> hook);

}  // namespace bb::autograd

namespace bb {

template <class F>
HookHandle Tensor::register_hook(F hook) const {
  if constexpr (std::is_void_v<std::invoke_result_t<F&, const Tensor&>>)
    return autograd::register_hook(*this, [hook](const Tensor& gradient) mutable {
      hook(gradient);
      return Tensor();
    });
  else
    return autograd::register_hook(*this, std::move(hook));
}

}  // namespace bb
