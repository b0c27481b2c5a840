#pragma once

#include <cstdint>
#include <utility>

namespace bb {

namespace autograd::detail {

/// What ops on this thread do beside computing.
struct Mode {
  bool records = true;           // put themselves on the tape
  bool seeks_anomalies = false;  // look at their results (bb/autograd/anomaly.h)
  bool recomputes = false;       // save nothing for backward (bb/autograd/checkpoint.h)
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

}  // namespace bb
