#include "bb/autograd/checkpoint.h"

#include <memory>
#include <mutex>

#include "bb/autograd/tape.h"
#include "bb/core/random.h"

namespace bb::autograd {
namespace {

// One run of a checkpointed function: what it takes to run it again, and the values that its
// records saved, in the order in which they did. A value is here until the first run ends, and then
// from the second run to the end of the record that wants it, unless recompute() makes it again.
class Frame : public RefCounted {
 public:
  Frame(ListFunction fn, const std::vector<Tensor>& inputs) : fn_(std::move(fn)) {
    for (const Tensor& x : inputs) {
      inputs_.emplace_back(x);
      wants_grad_.push_back(x.defined() && x.requires_grad());
    }
  }

  // The first run, whose random numbers are kept.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs);

  size_t add(const Tensor& x) {
    values_.push_back({x.detach(), {}, x.shape(), x.dtype(), x.version(), true, {}});
    return values_.size() - 1;
  }
  void drop(size_t number) {
    const std::lock_guard lock(mutex_);
    values_[number].wanted = false;
    values_[number].forget();
  }
  Tensor value(size_t number) {
    const std::lock_guard lock(mutex_);
    Value& value = values_[number];
    if (value.change.empty() && !value.x.defined() && !value.again.defined()) run_again();
    value.note_change();
    if (!value.change.empty())
      throw ValueError(
          fmt::format("checkpoint: a value that backward needs was changed in place\n"
                      "  {}\n  hint: use the out-of-place form, or clone() before changing it",
                      value.change));
    return value.again.defined() ? *value.again : value.x;
  }

  // Takes a value of the second run.
  void repeat(const Tensor& x) {
    const size_t number = next_++;
    if (has_all_) throw HasAll();
    Value& value = values_[number];
    if (x.shape() != value.shape || x.dtype() != value.dtype)
      throw ValueError(
          fmt::format("checkpoint: the function did not repeat itself: value {} that it saves for "
                      "backward was {} {}, and {} when it ran again\n{}",
                      number, name(value.dtype), value.shape, describe(x), kHint));
    if (x.version() != value.version)
      throw ValueError(
          fmt::format("checkpoint: a tensor that the function reads was changed in place before it "
                      "ran again\n  {}, at version {} first, now at version {}",
                      describe(x), value.version, x.version()));
    if (value.wanted && detail::recompute_of(x))
      value.again = Saved::detached(x);
    else if (value.wanted)
      value.x = x.detach();
    has_all_ = number == last_wanted_;
    if (has_all_) throw HasAll();
  }

 private:
  struct Value {
    Tensor x;
    Saved again;  // instead
    Shape shape;
    DType dtype;
    uint32_t version;
    bool wanted;
    std::string change;  // in place, if there was one

    void note_change() {
      if (x.defined() && x.version() != version)
        change = fmt::format("{}, saved at version {}, now at version {}", describe(x), version,
                             x.version());
    }
    void forget() {
      x = Tensor();
      again = Saved();
    }
  };
  // Ends the second run: what follows the last value that is wanted need not be computed.
  struct HasAll {};
  static constexpr const char* kHint =
      "  hint: it must not depend on what changes between forward and backward";

  void run_again();
  void forget() {
    for (Value& value : values_) value.forget();
  }

  ListFunction fn_;
  std::vector<Saved> inputs_;
  std::vector<bool> wants_grad_;
  bb::detail::DrawsScope::List draws_;
  std::vector<Value> values_;
  size_t next_ = 0, last_wanted_ = 0;
  bool has_all_ = false;
  std::recursive_mutex mutex_;  // two backward passes may want values at once
};

// That values saved on this thread belong to.
thread_local Frame* current_frame = nullptr;

class FrameScope {
 public:
  FrameScope(Frame* frame, bool repeats)
      : before_(std::exchange(current_frame, frame)), mode_(detail::mode()) {
    detail::Mode mode = mode_;
    mode.in_checkpoint = true;
    mode.repeats = repeats;
    detail::set_mode(mode);
  }
  ~FrameScope() {
    current_frame = before_;
    detail::set_mode(mode_);
  }
  FrameScope(const FrameScope&) = delete;
  FrameScope& operator=(const FrameScope&) = delete;

 private:
  Frame* before_;
  detail::Mode mode_;
};

// What stands in a record for a value of a frame.
struct Stub final : detail::Deferred {
  Stub(Frame* frame_, const Tensor& x) : Deferred(x), frame(frame_), number(frame_->add(x)) {}
  ~Stub() override { frame->drop(number); }
  Tensor value() override { return frame->value(number); }

  Ref<Frame> frame;
  size_t number;
};

std::vector<Tensor> Frame::run(const std::vector<Tensor>& inputs) {
  const FrameScope scope(this, false);
  const bb::detail::DrawsScope draws(draws_, false);
  std::vector<Tensor> outputs = fn_(inputs);
  for (Value& value : values_) value.note_change();
  forget();
  return outputs;
}

void Frame::run_again() {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    Tensor x = *inputs_[i];
    if (x.defined()) x = x.detach();
    if (wants_grad_[i]) x.requires_grad_();
    inputs.push_back(x);
  }
  next_ = 0;
  has_all_ = false;
  for (size_t i = 0; i < values_.size(); ++i)
    if (values_[i].wanted) last_wanted_ = i;
  try {
    const FrameScope scope(this, true);
    const bb::detail::DrawsScope draws(draws_, true);
    const GradMode recording(true);
    fn_(inputs);
    if (!has_all_)
      throw ValueError(
          fmt::format("checkpoint: the function did not repeat itself: {} values were saved for "
                      "backward, and {} when it ran again\n{}",
                      values_.size(), next_, kHint));
  } catch (...) {  // HasAll, or what the function made of it
    if (has_all_) return;
    forget();
    throw;
  }
}

}  // namespace

void Saved::leave_to_checkpoint() {
  if (detail::mode().repeats) {
    current_frame->repeat(x_);
    if (detail::recompute_of(x_)) leave_to_recompute();
    return;
  }
  deferred_ = Ref<detail::Deferred>(new Stub(current_frame, x_));
  x_ = Tensor();
}

std::vector<Tensor> checkpoint_list(const ListFunction& fn, const std::vector<Tensor>& inputs) {
  if (!is_grad_enabled()) return fn(inputs);
  const Ref<Frame> frame(new Frame(fn, inputs));
  return frame->run(inputs);
}

}  // namespace bb::autograd
