#include "bb/autograd/tape.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "bb/autograd/add_to_gradient.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {
namespace {

thread_local autograd::detail::Mode op_mode;

}  // namespace

autograd::detail::Mode autograd::detail::mode() { return op_mode; }
void autograd::detail::set_mode(Mode mode) { op_mode = mode; }
bool is_grad_enabled() { return op_mode.records; }
void set_grad_enabled(bool enabled) { op_mode.records = enabled; }

}  // namespace bb

namespace bb::autograd {
namespace {

thread_local uint64_t last_position = 0;
thread_local Node* pulling = nullptr;  // the record whose pullback runs
thread_local std::vector<Tensor>* saved_list = nullptr;

constexpr size_t kInlineInputs = 8;

[[noreturn]] void throw_misfit(bool shape_differs, std::string message) {
  if (shape_differs) throw ShapeError(std::move(message));
  throw DTypeError(std::move(message));
}

// True where broadcasting gives `from` from `to`.
bool sums_to(const Shape& from, const Shape& to) {
  const int64_t added = from.rank() - to.rank();
  if (added < 0) return false;
  for (int64_t d = 0; d < to.rank(); ++d)
    if (to[d] != from[added + d] && to[d] != 1) return false;
  return true;
}

// `grad` as the gradient of an input that was broadcast or promoted.
Tensor fitted(const Tensor& grad, const Node& input, const char* from) {
  const bool fits = sums_to(grad.shape(), input.shape);
  if (!fits || !is_floating_point(grad.dtype()))
    throw_misfit(!fits,
                 fmt::format("{}: the pullback returned a gradient that does not fit its input\n"
                             "  gradient {}   input {} {}",
                             from, describe(grad), name(input.dtype), input.shape));
  return to(sum_to(grad, input.shape), input.dtype);
}

// One backward pass: nodes with a pending gradient, highest position first. A node leaves the heap
// after all that lie above it, which are all that could still add to its gradient. Passes may meet
// at a node, in several threads or one within a pullback of another: the first to reach it keeps
// its sum there, others keep theirs in a table.
class Walk {
 public:
  explicit Walk(const BackwardOptions& options)
      : retain_(options.retain_graph || options.create_graph),
        mode_(options.create_graph),
        outer_(std::exchange(running, this)) {}

  ~Walk() {
    running = outer_;
    for (const Ref<Node>& node : heap_) take(*node);  // what an exception left
  }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  /// Goes only to nodes that lead to one of `wanted`, and leaves alone what lies below those.
  void go_only_to(std::span<const Tensor> outputs, std::span<const Tensor> wanted);

  bool is_selective() const { return !leads_.empty(); }
  bool goes_to(const Node* node) const { return !is_selective() || leads_.contains(node); }

  void deliver(const Ref<Node>& node, Tensor grad, const char* from) {
    if (!goes_to(node.get())) return;
    if (grad.shape() != node->shape || grad.dtype() != node->dtype)
      grad = fitted(grad, *node, from);
    Tensor& sum = pending(*node);
    if (sum.defined()) {
      accumulate(sum, std::move(grad));
      return;
    }
    sum = std::move(grad);
    heap_.push_back(node);
    std::push_heap(heap_.begin(), heap_.end(), below);
  }

  // Calls at_leaf(node, gradient) for every leaf, on_record(node, gradient) before each record.
  template <class AtLeaf, class OnRecord>
  void run(const AtLeaf& at_leaf, const OnRecord& on_record) {
    std::vector<Tensor> more;
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), below);
      const Ref<Node> node = std::move(heap_.back());
      heap_.pop_back();
      Tensor dy = take(*node);
      if (node->extras) call_hooks(*node, dy);
      if (node->is_leaf()) {
        at_leaf(*node, std::move(dy));
        continue;
      }
      on_record(*node, dy);
      if (node->extras && node->extras->recompute) node->extras->recompute->forget();
      if (!ends_.empty() && ends_.contains(node.get())) continue;

      Tensor few[kInlineInputs];
      const size_t count = node->inputs().size();
      if (count > kInlineInputs) more.resize(count);
      Tensor* grads = count > kInlineInputs ? more.data() : few;
      {
        Pulling scope(node.get());
        node->pull(dy, grads);
      }
      dy = Tensor();
      for (size_t i = 0; i < count; ++i) {
        const Ref<Node>& input = node->inputs()[i];
        Tensor grad = std::exchange(grads[i], Tensor());
        if (!input || !grad.defined()) continue;
        if (detail::mode().seeks_anomalies) detail::check_gradient(*node, i, grad);
        deliver(input, std::move(grad), node->name);
      }
      if (!retain_) node->free();
    }
  }

  static bool adds_in_place(const Tensor& sum) {
    return !is_grad_enabled() && sum.defined() && sum.is_sole_owner() && sum.is_contiguous() &&
           !sum.handle()->storage->is_borrowed() &&
           (!sum.is_inference() || bb::detail::inference_mode());
  }
  static void accumulate(Tensor& sum, Tensor grad) {
    if (adds_in_place(sum))
      sum.add_(grad);
    else
      sum = add(sum, grad);
  }

  /// What add_to_gradient() does, for an input of the record whose pullback runs.
  bool add_in_place(Node& node, const std::function<void(Tensor&)>& add) {
    if (!goes_to(&node)) return true;  // nobody asks for it
    Tensor* sum = nullptr;
    if (node.walk.load(std::memory_order_relaxed) == this)
      sum = &node.pending;
    else if (const auto it = elsewhere_.find(&node); it != elsewhere_.end())
      sum = &it->second;
    std::unique_lock<std::mutex> lock;
    if (!sum && keeps_at_leaves && node.is_leaf() && !node.extras) {
      lock = std::unique_lock(lock_of(node));
      sum = &node.grad;
    }
    if (!sum || !adds_in_place(*sum)) return false;
    add(*sum);
    return true;
  }

  // The gradients of a joint record's outputs.
  std::vector<Tensor>& of_joint(const detail::Joint* joint) { return joints_[joint]; }

  /// Of a node's grad: several threads may leave gradients there at once.
  static std::mutex& lock_of(const Node& node) {
    static std::array<std::mutex, 16> locks;
    return locks[reinterpret_cast<uintptr_t>(&node) / 64 % locks.size()];
  }

  static thread_local Walk* running;  // the innermost
  bool keeps_at_leaves = false;       // by run(keep_gradient, ...)

 private:
  Tensor& pending(Node& node) {
    if (!elsewhere_.empty())
      if (const auto it = elsewhere_.find(&node); it != elsewhere_.end()) return it->second;
    const void* owner = nullptr;
    if (node.walk.compare_exchange_strong(owner, this, std::memory_order_acquire) || owner == this)
      return node.pending;
    return elsewhere_[&node];
  }
  Tensor take(Node& node) {
    if (node.walk.load(std::memory_order_relaxed) != this)
      return std::move(elsewhere_.extract(&node).mapped());
    Tensor sum = std::move(node.pending);
    node.walk.store(nullptr, std::memory_order_release);
    return sum;
  }

  struct Pulling {
    explicit Pulling(Node* node) : before(std::exchange(pulling, node)) {}
    ~Pulling() { pulling = before; }
    Pulling(const Pulling&) = delete;
    Pulling& operator=(const Pulling&) = delete;
    Node* before;
  };

  static void call_hooks(Node& node, Tensor& dy) {
    node.extras->hooks.for_each([&](const auto& hook) {
      const Tensor other = hook(dy);
      if (!other.defined()) return;
      if (other.shape() != dy.shape() || other.dtype() != dy.dtype())
        throw_misfit(other.shape() != dy.shape(),
                     fmt::format("backward: a hook returned a gradient that does not fit\n"
                                 "  returned {}   gradient {}, of {}",
                                 describe(other), describe(dy), node.name));
      dy = other;
    });
  }

  static bool below(const Ref<Node>& a, const Ref<Node>& b) { return a->position < b->position; }

  std::vector<Ref<Node>> heap_;
  bool retain_;
  GradMode mode_;
  Walk* outer_;
  std::unordered_set<const Node*> leads_, ends_;       // of go_only_to
  std::unordered_map<const Node*, Tensor> elsewhere_;  // sums at nodes that another walk has
  std::unordered_map<const detail::Joint*, std::vector<Tensor>> joints_;
};

thread_local Walk* Walk::running = nullptr;

void Walk::go_only_to(std::span<const Tensor> outputs, std::span<const Tensor> wanted) {
  std::vector<const Node*> nodes;
  std::unordered_set<const Node*> seen;
  const auto reach = [&](const Node* node) {
    if (node && seen.insert(node).second) nodes.push_back(node);
  };
  for (const Tensor& y : outputs) reach(detail::node_of(y));
  for (size_t i = 0; i < nodes.size(); ++i)
    for (const Ref<Node>& input : nodes[i]->inputs()) reach(input.get());
  std::sort(nodes.begin(), nodes.end(),
            [](const Node* a, const Node* b) { return a->position < b->position; });
  std::unordered_set<const Node*> ends;
  for (const Tensor& x : wanted) ends.insert(detail::node_of(x));
  for (const Node* node : nodes) {
    const auto inputs = node->inputs();
    const bool leads = std::any_of(inputs.begin(), inputs.end(), [&](const Ref<Node>& input) {
      return input && leads_.contains(input.get());
    });
    const bool is_end = ends.contains(node);
    // A record that was freed may have led anywhere; pulling it says so.
    const bool is_freed = !node->is_leaf() && inputs.empty();
    if (leads || is_end || is_freed) leads_.insert(node);
    if (is_end && !leads) ends_.insert(node);
  }
  leads_.insert(nullptr);  // never empty: where nothing leads there, nothing is walked
}

// What backward() leaves at a node that keeps its gradient.
void keep_gradient(Node& node, Tensor grad) {
  const std::lock_guard lock(Walk::lock_of(node));
  if (node.grad.defined())
    Walk::accumulate(node.grad, std::move(grad));
  else if (grad.is_sole_owner() && grad.is_contiguous() && !grad.handle()->storage->is_borrowed())
    node.grad = std::move(grad);
  else
    node.grad = grad.clone();
}

// The gradient of the output itself, checked.
Tensor seed(const char* op, const Tensor& output, const Tensor& gradient) {
  if (!output.requires_grad())
    throw ValueError(
        fmt::format("{}: nothing was recorded: {} does not depend on a tensor with requires_grad\n"
                    "  hint: call requires_grad_() on the inputs, outside no_grad()",
                    op, describe(output)));
  if (!gradient.defined()) {
    if (output.numel() != 1)
      throw ShapeError(
          fmt::format("{}: only an output of one element has an implicit gradient, this is {}\n"
                      "  hint: pass the gradient, or reduce with sum() or mean()",
                      op, describe(output)));
    return ones_like(output);
  }
  if (gradient.shape() != output.shape())
    throw ShapeError(
        fmt::format("{}: gradient and output differ in shape\n"
                    "  gradient {}   output {}",
                    op, gradient.shape(), output.shape()));
  if (gradient.dtype() != output.dtype())
    throw DTypeError(
        fmt::format("{}: gradient and output differ in dtype\n"
                    "  gradient {}   output {}",
                    op, describe(gradient), describe(output)));
  return gradient;
}

Ref<Node> node_ref(const Tensor& x) { return Ref<Node>(detail::node_of(x)); }

}  // namespace

bool add_to_gradient(size_t input, const std::function<void(Tensor& sum)>& add) {
  if (!pulling || is_grad_enabled() || detail::mode().seeks_anomalies) return false;
  const auto inputs = pulling->inputs();
  return input < inputs.size() && inputs[input] && Walk::running->add_in_place(*inputs[input], add);
}

bool may_write_over(const Tensor& dy) {
  if (!pulling || is_grad_enabled() || !dy.is_contiguous() || dy.is_inference()) return false;
  const bb::detail::TensorImpl& impl = *dy.handle();
  if (impl.storage->is_borrowed()) return false;  // the caller's memory
  // A view may be all that is left of its base.
  const bool of_base = impl.base && impl.base->use_count() == 1;
  return impl.use_count() == 1 && impl.storage->use_count() == (of_base ? 2 : 1);
}

void Node::pull(const Tensor&, Tensor*) {
  throw ValueError(
      fmt::format("backward: the records of this graph were freed by an earlier backward (at {})\n"
                  "  hint: pass retain_graph = true to the earlier one",
                  name));
}

// Ending a node may end its inputs' nodes, and so on down a graph of any depth: they are put on a
// list and ended in turn by the outermost call.
void Node::destroy() {
  thread_local Node* dead = nullptr;
  thread_local bool draining = false;
  next_dead_ = std::exchange(dead, this);
  if (draining) return;
  draining = true;
  while (dead) {
    Node* node = std::exchange(dead, dead->next_dead_);
    delete node;
  }
  draining = false;
}

Saved::Saved(const Saved& other)
    : x_(other.x_), version_(other.version_), output_(other.output_), deferred_(other.deferred_) {
  if (saved_list && x_.defined()) saved_list->push_back(x_);
}

Saved Saved::output(const Tensor& y, size_t number) {
  Saved saved(y.alias());
  saved.output_ = static_cast<int32_t>(number);
  return saved;
}

detail::SavedListing::SavedListing(std::vector<Tensor>& list)
    : before_(std::exchange(saved_list, &list)) {}
detail::SavedListing::~SavedListing() { saved_list = before_; }

Tensor Saved::operator*() const {
  if (!defined()) return x_;
  const Tensor x = deferred_ ? deferred_->value() : x_;
  if (!deferred_ && x.version() != version_)
    throw ValueError(
        fmt::format("{}: a value that backward needs was changed in place after the op ran\n"
                    "  {}, saved at version {}, now at version {}\n"
                    "  hint: use the out-of-place form, or clone() before changing it",
                    pulling ? pulling->name : "backward", describe(x), version_, x.version()));
  if (!is_grad_enabled() || (output_ < 0 && !deferred_)) return x;
  Tensor y = x.alias();
  y.set_node(output_ < 0 ? deferred_->node
                         : Ref<RefCounted>(pulling->output(static_cast<size_t>(output_)).get()));
  return y;
}

bool detail::is_selective() { return Walk::running && Walk::running->is_selective(); }
bool detail::goes_to(const Node* node) { return !Walk::running || Walk::running->goes_to(node); }

void detail::throw_gradient_count(const char* op, size_t got, size_t inputs) {
  throw ValueError(fmt::format("{}: the pullback returned {} gradient{} for {} input{}", op, got,
                               got == 1 ? "" : "s", inputs, inputs == 1 ? "" : "s"));
}

uint64_t detail::next_position(uint64_t floor) {
  return last_position = std::max(last_position, floor) + 1;
}

std::vector<Ref<Node>> detail::nodes_of(std::span<const Tensor> inputs) {
  std::vector<Ref<Node>> nodes;
  bool any = false;
  for (const Tensor& x : inputs) {
    nodes.push_back(node_ref(x));
    any = any || nodes.back();
  }
  if (!any) nodes.clear();
  return nodes;
}

namespace {

// The first gradients of a walk. `gradients` is empty, or has one for each output.
void start(Walk& walk, const char* op, std::span<const Tensor> outputs,
           std::span<const Tensor> gradients) {
  if (!gradients.empty() && gradients.size() != outputs.size())
    throw ValueError(
        fmt::format("{}: {} gradients for {} outputs", op, gradients.size(), outputs.size()));
  std::vector<Tensor> seeds;
  for (size_t i = 0; i < outputs.size(); ++i)
    seeds.push_back(seed(op, outputs[i], gradients.empty() ? Tensor() : gradients[i]));
  for (size_t i = 0; i < outputs.size(); ++i)
    walk.deliver(node_ref(outputs[i]), std::move(seeds[i]), op);
}

}  // namespace

void backward(std::span<const Tensor> outputs, std::span<const Tensor> gradients,
              const BackwardOptions& options) {
  Walk walk(options);
  walk.keeps_at_leaves = true;
  start(walk, "backward", outputs, gradients);
  walk.run([](Node& leaf, Tensor grad) { keep_gradient(leaf, std::move(grad)); },
           [](Node& record, const Tensor& grad) {
             if (record.extras && record.extras->retains_grad) keep_gradient(record, grad);
           });
}

void backward(const Tensor& output, const Tensor& gradient, const BackwardOptions& options) {
  backward(std::span(&output, 1), std::span(&gradient, 1), options);
}

std::vector<Tensor> grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                         std::span<const Tensor> gradients, const BackwardOptions& options) {
  for (const Tensor& input : inputs)
    if (!input.requires_grad())
      throw ValueError(fmt::format("grad: an input has no requires_grad: {}", describe(input)));
  Walk walk(options);
  walk.go_only_to(outputs, inputs);
  start(walk, "grad", outputs, gradients);
  std::unordered_map<const Node*, Tensor> found;
  for (const Tensor& input : inputs) found.emplace(detail::node_of(input), Tensor());
  const auto keep = [&found](const Node& node, const Tensor& grad) {
    if (auto it = found.find(&node); it != found.end()) it->second = grad;
  };
  walk.run(keep, keep);
  std::vector<Tensor> result;
  for (const Tensor& input : inputs) result.push_back(found[detail::node_of(input)]);
  return result;
}

std::vector<Tensor> grad(const Tensor& output, std::span<const Tensor> inputs,
                         const Tensor& gradient, const BackwardOptions& options) {
  return grad(std::span(&output, 1), inputs, std::span(&gradient, 1), options);
}

HookHandle register_hook(const Tensor& x, std::function<Tensor(const Tensor&)> hook) {
  if (!x.requires_grad())
    throw ValueError(
        fmt::format("register_hook: {} has no gradient to call a hook with\n"
                    "  hint: call requires_grad_() first",
                    describe(x)));
  return detail::node_of(x)->more().hooks.add(std::move(hook));
}

// ---- Several outputs

namespace detail {

Joint::Joint(const std::vector<Tensor>& outputs) : token_(zeros({0})) {
  for (const Tensor& y : outputs) {
    shapes_.push_back(y.shape());
    dtypes_.push_back(y.dtype());
  }
}

std::vector<Tensor> Joint::take() const {
  std::vector<Tensor> taken = std::move(Walk::running->of_joint(this));
  taken.resize(shapes_.size());
  for (size_t i = 0; i < taken.size(); ++i)
    if (!taken[i].defined()) taken[i] = zeros(shapes_[i], dtypes_[i]);
  return taken;
}

Ref<Node> Joint::make_output(Ref<Node> joint, const std::shared_ptr<Joint>& state, size_t number) {
  const Shape& shape = state->shapes_[number];
  const DType dtype = state->dtypes_[number];
  auto hand_on = [state, number](const Tensor& dy) {
    std::vector<Tensor>& gradients = Walk::running->of_joint(state.get());
    gradients.resize(state->shapes_.size());
    Tensor& sum = gradients[number];
    if (sum.defined())
      Walk::accumulate(sum, dy);
    else
      sum = dy;
    return state->token();
  };
  const char* name = joint->name;
  const uint64_t position = joint->position + 1;
  return Ref<Node>(new Record<std::array<Ref<Node>, 1>, decltype(hand_on)>(
      name, shape, dtype, position, std::array{std::move(joint)}, std::move(hand_on)));
}

}  // namespace detail

}  // namespace bb::autograd

namespace bb {

Tensor& Tensor::requires_grad_(bool value) {
  if (!value) {
    if (!is_leaf())
      throw ValueError("requires_grad_: an op made this tensor; use detach() to stop its gradient");
    handle()->parked_node = node();
    set_node(nullptr);
    return *this;
  }
  if (!is_floating_point(dtype()))
    throw DTypeError(
        fmt::format("requires_grad_: only floating-point tensors have gradients, "
                    "this is {}",
                    describe(*this)));
  if (node()) return *this;
  if (is_inference() && !bb::detail::inference_mode())
    throw ValueError(
        fmt::format("requires_grad_: a tensor made in inference mode is made a leaf outside it\n"
                    "  tensor {}\n  hint: clone() it first",
                    describe(*this)));
  handle()->base = nullptr;  // from now on a leaf, not a view
  if (handle()->parked_node)
    set_node(std::exchange(handle()->parked_node, nullptr));
  else
    set_node(Ref<RefCounted>(new autograd::Node("leaf", *this, 0)));
  return *this;
}

bool Tensor::is_leaf() const {
  const auto* node = autograd::detail::node_of(*this);
  return !node || node->is_leaf();
}

Tensor Tensor::grad() const {
  const auto* node = autograd::detail::node_of(*this);
  if (!node) node = static_cast<const autograd::Node*>(handle()->parked_node.get());
  if (!node) return Tensor();
  if (!node->is_leaf() && !(node->extras && node->extras->retains_grad))
    throw ValueError(
        fmt::format("grad: {} was made by an op ({}); only leaves keep their gradient\n"
                    "  hint: call retain_grad() before backward, or ask for it with "
                    "autograd::grad(output, {{x}})",
                    describe(*this), node->name));
  return node->grad;
}

void Tensor::retain_grad() const {
  if (!requires_grad())
    throw ValueError(fmt::format("retain_grad: {} has no requires_grad", describe(*this)));
  if (!is_leaf()) autograd::detail::node_of(*this)->more().retains_grad = true;
}

void Tensor::set_grad(const Tensor& grad) {
  auto* node = autograd::detail::node_of(*this);
  if (!node || !node->is_leaf())
    throw ValueError(fmt::format("set_grad: {} is not a leaf with requires_grad", describe(*this)));
  if (grad.defined() && (grad.shape() != shape() || grad.dtype() != dtype()))
    autograd::throw_misfit(grad.shape() != shape(),
                           fmt::format("set_grad: the gradient does not fit\n"
                                       "  gradient {}   tensor {}",
                                       describe(grad), describe(*this)));
  node->grad = grad;
}

void Tensor::backward(const Tensor& gradient, bool retain_graph) const {
  autograd::backward(*this, gradient, {.retain_graph = retain_graph});
}

}  // namespace bb
