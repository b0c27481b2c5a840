#include "bb/autograd/tape.h"

#include <algorithm>
#include <unordered_map>

#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"

namespace bb {
namespace {

thread_local bool grad_enabled = true;

}  // namespace

bool is_grad_enabled() { return grad_enabled; }
void set_grad_enabled(bool enabled) { grad_enabled = enabled; }

}  // namespace bb

namespace bb::autograd {
namespace {

thread_local uint64_t last_position = 0;
thread_local Node* pulling = nullptr;  // the record whose pullback runs

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
// after all that lie above it, which are all that could still add to its gradient.
class Walk {
 public:
  explicit Walk(const BackwardOptions& options)
      : retain_(options.retain_graph || options.create_graph), mode_(options.create_graph) {}

  ~Walk() {  // what an exception left
    for (const Ref<Node>& node : heap_) node->pending = Tensor();
  }

  void deliver(const Ref<Node>& node, Tensor grad, const char* from) {
    if (grad.shape() != node->shape || grad.dtype() != node->dtype)
      grad = fitted(grad, *node, from);
    if (node->pending.defined()) {
      accumulate(node->pending, std::move(grad));
      return;
    }
    node->pending = std::move(grad);
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
      Tensor dy = std::exchange(node->pending, Tensor());
      if (node->is_leaf()) {
        at_leaf(*node, std::move(dy));
        continue;
      }
      on_record(*node, dy);

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
        if (input && grad.defined()) deliver(input, std::move(grad), node->name);
      }
      if (!retain_) node->free();
    }
  }

  static void accumulate(Tensor& sum, Tensor grad) {
    if (!is_grad_enabled() && sum.is_sole_owner() && sum.is_contiguous())
      sum.add_(grad);
    else
      sum = add(sum, grad);
  }

 private:
  struct Pulling {
    explicit Pulling(Node* node) : before(std::exchange(pulling, node)) {}
    ~Pulling() { pulling = before; }
    Pulling(const Pulling&) = delete;
    Pulling& operator=(const Pulling&) = delete;
    Node* before;
  };

  static bool below(const Ref<Node>& a, const Ref<Node>& b) { return a->position < b->position; }

  std::vector<Ref<Node>> heap_;
  bool retain_;
  GradMode mode_;
};

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

Saved Saved::output(const Tensor& y) {
  Saved saved(y.alias());
  saved.is_output_ = true;
  return saved;
}

Tensor Saved::operator*() const {
  if (!x_.defined()) return x_;
  if (x_.version() != version_)
    throw ValueError(
        fmt::format("{}: a value that backward needs was changed in place after the op ran\n"
                    "  {}, saved at version {}, now at version {}\n"
                    "  hint: use the out-of-place form, or clone() before changing it",
                    pulling ? pulling->name : "backward", describe(x_), version_, x_.version()));
  if (!is_output_ || !is_grad_enabled()) return x_;
  Tensor y = x_.alias();
  y.set_node(Ref<RefCounted>(pulling));
  return y;
}

void detail::throw_gradient_count(const char* op, size_t got, size_t inputs) {
  throw ValueError(fmt::format("{}: the pullback returned {} gradient{} for {} input{}", op, got,
                               got == 1 ? "" : "s", inputs, inputs == 1 ? "" : "s"));
}

uint64_t detail::next_position(uint64_t floor) {
  return last_position = std::max(last_position, floor) + 1;
}

void backward(const Tensor& output, const Tensor& gradient, const BackwardOptions& options) {
  Tensor dy = seed("backward", output, gradient);
  Walk walk(options);
  walk.deliver(node_ref(output), std::move(dy), "backward");
  walk.run(
      [](Node& leaf, Tensor grad) {
        if (leaf.grad.defined())
          Walk::accumulate(leaf.grad, std::move(grad));
        else if (is_grad_enabled() || (grad.is_sole_owner() && grad.is_contiguous()))
          leaf.grad = std::move(grad);
        else
          leaf.grad = grad.clone();
      },
      [](Node&, const Tensor&) {});
}

std::vector<Tensor> grad(const Tensor& output, std::span<const Tensor> inputs,
                         const Tensor& gradient, const BackwardOptions& options) {
  std::unordered_map<const Node*, Tensor> found;
  for (const Tensor& input : inputs) {
    if (!input.requires_grad())
      throw ValueError(fmt::format("grad: an input has no requires_grad: {}", describe(input)));
    found.emplace(detail::node_of(input), Tensor());
  }
  Tensor dy = seed("grad", output, gradient);
  const auto keep = [&found](const Node& node, const Tensor& grad) {
    if (auto it = found.find(&node); it != found.end()) it->second = grad;
  };
  {
    Walk walk(options);
    walk.deliver(node_ref(output), std::move(dy), "grad");
    walk.run([&](Node& leaf, const Tensor& grad) { keep(leaf, grad); }, keep);
  }
  std::vector<Tensor> result;
  for (const Tensor& input : inputs) result.push_back(found[detail::node_of(input)]);
  return result;
}

}  // namespace bb::autograd

namespace bb {

Tensor& Tensor::requires_grad_(bool value) {
  if (!value) {
    if (!is_leaf())
      throw ValueError("requires_grad_: an op made this tensor; use detach() to stop its gradient");
    set_node(nullptr);
    return *this;
  }
  if (!is_floating_point(dtype()))
    throw DTypeError(
        fmt::format("requires_grad_: only floating-point tensors have gradients, "
                    "this is {}",
                    describe(*this)));
  if (!node()) set_node(Ref<RefCounted>(new autograd::Node("leaf", *this, 0)));
  return *this;
}

bool Tensor::is_leaf() const {
  const auto* node = autograd::detail::node_of(*this);
  return !node || node->is_leaf();
}

Tensor Tensor::grad() const {
  const auto* node = autograd::detail::node_of(*this);
  if (!node) return Tensor();
  if (!node->is_leaf())
    throw ValueError(
        fmt::format("grad: {} was made by an op ({}); only leaves keep their gradient\n"
                    "  hint: ask for it with autograd::grad(output, {{x}})",
                    describe(*this), node->name));
  return node->grad;
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
