#include "bb/autograd/checkpoint.h"

#include <memory>
#include <optional>

#include "bb/autograd/tape.h"
#include "bb/core/random.h"

namespace bb::autograd {
namespace {

// One run of a checkpointed function: what it takes to run it again, and the values that its
// records saved, in the order in which they did. A value is here only from the second run to the
// end of the record that wants it.
class Frame : public RefCounted {
 public:
  Frame(ListFunction fn, const std::vector<Tensor>& inputs)
      : fn_(std::move(fn)), random_(default_generator().state()) {
    for (const Tensor& x : inputs) {
      inputs_.emplace_back(x);
      wants_grad_.push_back(x.defined() && x.requires_grad());
    }
  }

  size_t add() {
    values_.emplace_back();
    wanted_.push_back(true);
    return values_.size() - 1;
  }
  void drop(size_t number) {
    wanted_[number] = false;
    values_[number] = Tensor();
  }
  const Tensor& value(size_t number) {
    if (!values_[number].defined()) run_again();
    return values_[number];
  }

  // Takes a value of the second run.
  void repeat(const Tensor& x) {
    if (next_ < values_.size() && wanted_[next_]) values_[next_] = x.detach();
    ++next_;
  }

 private:
  void run_again();

  ListFunction fn_;
  std::vector<Saved> inputs_;
  std::vector<bool> wants_grad_;
  Generator::State random_;
  std::vector<Tensor> values_;
  std::vector<bool> wanted_;
  size_t next_ = 0;
};

// The frame that values saved on this thread belong to.
struct Current {
  Frame* frame = nullptr;
  bool repeats = false;
};
thread_local Current current;

class FrameScope {
 public:
  FrameScope(Frame* frame, bool repeats)
      : before_(std::exchange(current, {frame, repeats})), mode_(detail::mode()) {
    detail::Mode mode = mode_;
    mode.recomputes = frame != nullptr;
    detail::set_mode(mode);
  }
  ~FrameScope() {
    current = before_;
    detail::set_mode(mode_);
  }
  FrameScope(const FrameScope&) = delete;
  FrameScope& operator=(const FrameScope&) = delete;

 private:
  Current before_;
  detail::Mode mode_;
};

// What stands in a record for a value of a frame.
struct Stub : RefCounted {
  Stub(Frame* frame_, const Tensor& x) : frame(frame_), number(frame_->add()), node(x.node()) {}
  ~Stub() override { frame->drop(number); }

  Ref<Frame> frame;
  size_t number;
  Ref<RefCounted> node;  // of the value
};

void Frame::run_again() {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    Tensor x = *inputs_[i];
    if (x.defined()) x = x.detach();
    if (wants_grad_[i]) x.requires_grad_();
    inputs.push_back(x);
  }
  struct SameNumbers {
    explicit SameNumbers(const Generator::State& state) : before(default_generator().state()) {
      default_generator().set_state(state);
    }
    ~SameNumbers() { default_generator().set_state(before); }
    Generator::State before;
  } same_numbers(random_);
  next_ = 0;
  {
    const FrameScope scope(this, true);
    const GradMode recording(true);
    fn_(inputs);
  }
  if (next_ != values_.size())
    throw ValueError(
        fmt::format("checkpoint: the function did not repeat itself: {} values were saved for "
                    "backward, and {} when it ran again\n"
                    "  hint: it must not depend on what changes between forward and backward",
                    values_.size(), next_));
}

}  // namespace

void Saved::leave_to_checkpoint() {
  if (current.repeats) return current.frame->repeat(x_);
  stub_ = Ref<RefCounted>(new Stub(current.frame, x_));
  x_ = Tensor();
}

Tensor Saved::recomputed() const {
  Stub& stub = *static_cast<Stub*>(stub_.get());
  Tensor x = stub.frame->value(stub.number).alias();
  if (output_ < 0 && is_grad_enabled()) x.set_node(stub.node);
  return x;
}

std::vector<Tensor> checkpoint_list(const ListFunction& fn, const std::vector<Tensor>& inputs) {
  if (!is_grad_enabled()) return fn(inputs);
  const Ref<Frame> frame(new Frame(fn, inputs));
  const FrameScope scope(frame.get(), false);
  return fn(inputs);
}

}  // namespace bb::autograd
