#pragma once

#include <cstdint>
#include <utility>

namespace bb {

namespace autograd::detail {

/// What ops on this thread do beside computing.
struct Mode {
  bool records = true;           // put themselves on the tape
  bool seeks_anomalies = false;  // look at their results (bb/autograd/anomaly.h)
  bool in_checkpoint = false;    // save nothing for backward (bb/autograd/checkpoint.h)
  bool repeats = false;          // in the second run of one, which gives what was not saved
  bool saved_inference = false;  // have kept an inference tensor, perhaps for a record
};
Mode mode();
void set_mode(Mode mode);

}  // namespace autograd::detail

/// True while ops on this thread are recorded (the start).
bool is_grad_enabled();
void set_grad_enabled(bool enabled);

/// Turns recording on or off on this thread until the end of the scope.
class GradMode {
 public:
  explicit GradMode(bool enabled) : before_(is_grad_enabled()) { set_grad_enabled(enabled); }
  ~GradMode() { set_grad_enabled(before_); }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};

/// Nothing is recorded on this thread until the end of the scope.
class NoGrad : public GradMode {
 public:
  NoGrad() : GradMode(false) {}
};

/// Returns fn(), computed without recording.
template <class F>
decltype(auto) no_grad(F&& fn) {
  NoGrad guard;
  return std::forward<F>(fn)();
}

/// Nothing is recorded on this thread until the end of the scope, whatever GradMode says, and the
/// tensors made are inference tensors: views and changes of them are not followed. So they may be
/// read anywhere, but, outside the mode, neither changed in place nor saved by a recorded op: both
/// throw ValueError. clone() makes an ordinary tensor of one. Other tensors stay what they are, and
/// so do views of them. As torch.inference_mode.
class InferenceMode {
 public:
  explicit InferenceMode(bool enabled = true);
  ~InferenceMode();
  InferenceMode(const InferenceMode&) = delete;
  InferenceMode& operator=(const InferenceMode&) = delete;

 private:
  GradMode grad_mode_;
  bool before_;
};

bool is_inference_mode_enabled();

/// Returns fn(), computed in InferenceMode.
template <class F>
decltype(auto) inference_mode(F&& fn) {
  const InferenceMode guard;
  return std::forward<F>(fn)();
}

}  // namespace bb
