#include "bb/autograd/mutation.h"

#include <algorithm>

#include "bb/autograd/ops/compare.h"
#include "bb/autograd/ops/shape.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/kernels/gather.h"
#include "bb/core/strided.h"

namespace bb::autograd {
namespace {

using bb::detail::TensorImpl;
using bb::detail::ViewKind;

// Where a tensor's elements lie in its storage.
struct Layout {
  explicit Layout(const TensorImpl& x) : shape(x.shape), strides(x.strides), offset(x.offset) {}

  Shape shape, strides;
  int64_t offset;
};

// A base and a view of it, by the places of their elements.
struct Window {
  Window(const TensorImpl& base_, const TensorImpl& view_) : base(base_), view(view_) {
    first = last = base.offset;
    const auto include = [&](const Layout& layout) {
      if (layout.shape.numel() == 0) return;
      int64_t low = layout.offset, high = layout.offset;
      for (int64_t d = 0; d < layout.shape.rank(); ++d)
        (layout.strides[d] < 0 ? low : high) += (layout.shape[d] - 1) * layout.strides[d];
      first = std::min(first, low);
      last = std::max(last, high);
    };
    include(base);
    include(view);
  }

  int64_t elements() const { return last - first + 1; }
  // The part of memory [elements()] that starts at `first`, seen as `layout`.
  Tensor seen(const Tensor& memory, const Layout& layout) const {
    return memory.alias(layout.shape, layout.strides, layout.offset - first);
  }

  Layout base, view;
  int64_t first, last;  // the places in the storage that either covers
};

Tensor spread(const Tensor& dy, const Window& window);

// The elements of x, which has the base's shape, that the view shows.
Tensor pick(const Tensor& x, const Window& window) {
  Tensor y = no_grad([&] {
    const Tensor memory = zeros({window.elements()}, x.dtype());
    bb::detail::copy_elements(window.seen(memory, window.base), x);
    return window.seen(memory, window.view).clone();
  });
  return record("view", {x}, std::move(y),
                [window](const Tensor& dy) { return spread(dy, window); });
}

// Its gradient: each element of dy added where the view shows it, in the base's shape.
Tensor spread(const Tensor& dy, const Window& window) {
  Tensor dx = no_grad([&] {
    const Tensor memory = zeros({window.elements()}, dy.dtype());
    const Tensor places = window.seen(arange(window.elements()), window.view).contiguous();
    const Tensor values = dy.contiguous();
    visit_floating(dy.dtype(), [&]<class T>() {
      kernels::scatter_add_rows(values.data<T>(), places.data<int64_t>(), places.numel(), 1,
                                static_cast<T*>(memory.raw_data()), memory.numel());
    });
    return window.seen(memory, window.base).clone();
  });
  return record("view_grad", {dy}, std::move(dx),
                [window](const Tensor& ddx) { return pick(ddx, window); });
}

// bool, of the base's shape: true where the view shows the element.
Tensor shown(const Window& window) {
  const Tensor memory = zeros({window.elements()}, kBool);
  bb::detail::fill_elements(window.seen(memory, window.view), true);
  return window.seen(memory, window.base);
}

template <size_t N, class Pullback>
Ref<RefCounted> make_node(const char* name, const TensorImpl& y, std::array<Ref<Node>, N> inputs,
                          Pullback pullback) {
  const uint64_t position = detail::position_above(inputs);
  return Ref<RefCounted>(new detail::Record<std::array<Ref<Node>, N>, Pullback>(
      name, y.shape, y.dtype, position, std::move(inputs), std::move(pullback)));
}

Ref<Node> node_in(const TensorImpl& x) { return Ref<Node>(static_cast<Node*>(x.node.get())); }

// The history of `view`, from its base's.
Ref<RefCounted> view_node(const TensorImpl& view) {
  const TensorImpl& base = *view.base;
  if (!base.node) return nullptr;
  return make_node("view", view, std::array{node_in(base)},
                   [window = Window(base, view)](const Tensor& dy) { return spread(dy, window); });
}

// The history of `base` after `view` was given the history `node`.
Ref<RefCounted> changed_base_node(const TensorImpl& base, const TensorImpl& view,
                                  const Ref<RefCounted>& node) {
  if (!base.node && !node) return nullptr;
  const std::array inputs{node_in(base), Ref<Node>(static_cast<Node*>(node.get()))};
  return make_node("change_view", base, inputs,
                   [window = Window(base, view)](const Tensor& dy, Needs needs) {
                     std::array<Tensor, 2> grads;
                     if (needs[0]) grads[0] = where(shown(window), 0.0, dy);
                     if (needs[1]) grads[1] = pick(dy, window);
                     return grads;
                   });
}

// retain_grad() is of the tensor, whatever its history.
void keep_retaining(const Ref<RefCounted>& before, const Ref<RefCounted>& now) {
  const auto* old = static_cast<const Node*>(before.get());
  if (now && old && !old->is_leaf() && old->extras && old->extras->retains_grad)
    static_cast<Node*>(now.get())->more().retains_grad = true;
}

std::string what(const TensorImpl& view) {
  if (view.view_kind == ViewKind::kOffTheTape) return "a view that was made under no_grad()";
  return fmt::format("a result of {}, which shows elements of its input,",
                     view.node ? node_in(view)->name : "a user's op");
}

constexpr const char* kWayOut =
    "  hint: make views while recording, change them under no_grad(), or clone() first";

bool is_leaf_with_grad(const TensorImpl& x) { return x.node && node_in(x)->is_leaf(); }

}  // namespace

void check_mutable(const char* op, const Tensor& x) {
  const TensorImpl& impl = *x.handle();
  if (impl.view_kind != ViewKind::kFollowed)
    throw ValueError(fmt::format("{}: {} is changed in place while recording\n  tensor {}\n{}", op,
                                 what(impl), describe(x), kWayOut));
  const bool of_leaf = impl.base && is_leaf_with_grad(*impl.base);
  if (of_leaf || (x.requires_grad() && x.is_leaf()))
    throw ValueError(fmt::format(
        "{}: {} that requires a gradient is changed in place while recording\n"
        "  tensor {}\n  hint: use the out-of-place form, or no_grad() where no gradient "
        "should flow",
        op, of_leaf ? "a view of a leaf" : "a leaf", describe(x)));
}

bool records_mutation(const Tensor& x, bool operand_wants_grad) {
  return detail::recording(detail::mode()) && (x.requires_grad() || operand_wants_grad);
}

Tensor& finish_unrecorded(const char* op, Tensor& x) {
  x.bump_version();
  if (detail::mode().seeks_anomalies) detail::check_result(op, std::array{Input(x)}, x);
  return x;
}

Tensor before_mutation(const Tensor& x) {
  Tensor copy = no_grad([&] { return x.clone(); });
  copy.set_node(x.node());
  if (x.version() != 0) copy.bump_version();  // no longer what its record would compute again
  return copy;
}

void mutate(Tensor& x, const Tensor& y) {
  bb::detail::copy_elements(x, y);
  x.bump_version();
  TensorImpl& impl = *x.handle();
  const Ref<RefCounted> before = x.node();
  if (impl.base) {
    TensorImpl& base = *impl.base;
    const Ref<RefCounted> base_before = base.node;
    base.node = changed_base_node(base, impl, y.node());
    keep_retaining(base_before, base.node);
    impl.generation = ++base.generation;
  } else {
    ++impl.generation;
  }
  x.set_node(y.node());
  keep_retaining(before, y.node());
}

void detail::mark_view(const Tensor& y, const Tensor& x, ViewKind kind) {
  TensorImpl& view = *y.handle();
  const TensorImpl& source = *x.handle();
  if (y.is(x) || source.base == y.handle() || y.is_inference()) return;
  view.base = source.base ? source.base : x.handle();
  view.generation = view.base->generation;
  view.view_kind = source.view_kind == ViewKind::kFollowed ? kind : source.view_kind;
}

void detail::mark_alias(Tensor& y, const Tensor& x) {
  if (y.is(x)) return;
  if (y.use_count() > 1) y = y.alias();
  mark_view(y, x, ViewKind::kOfUserOp);
}

void detail::mark_aliases(std::span<Tensor> outputs, std::span<const Tensor> inputs) {
  for (Tensor& y : outputs)
    for (const Tensor& x : inputs)
      if (x.defined() && y.shares_storage(x)) mark_alias(y, x);
}

}  // namespace bb::autograd

namespace bb {

void Tensor::renew_node() const {
  if (impl_->view_kind != detail::ViewKind::kFollowed) {
    if (!is_grad_enabled()) return;
    throw ValueError(
        fmt::format("view: {} is used after those elements were changed in place\n  tensor {}\n{}",
                    autograd::what(*impl_), describe(*this), autograd::kWayOut));
  }
  const Ref<RefCounted> before = impl_->node;
  impl_->generation = impl_->base->generation;
  impl_->node = autograd::view_node(*impl_);
  autograd::keep_retaining(before, impl_->node);
}

}  // namespace bb
