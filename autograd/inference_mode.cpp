#include "bb/autograd/tape.h"
#include "bb/core/error.h"

namespace bb {

InferenceMode::InferenceMode(bool enabled)
    : grad_mode_(!enabled), before_(is_inference_mode_enabled()) {
  detail::set_inference_mode(enabled);
}
InferenceMode::~InferenceMode() { detail::set_inference_mode(before_); }

bool is_inference_mode_enabled() { return detail::inference_mode(); }

// An inference tensor is looked for where a record has been made: it may be that none is.
void autograd::Saved::keep_specially() {
  detail::Mode mode = detail::mode();
  if (!x_.is_inference()) return mode.in_checkpoint ? leave_to_checkpoint() : leave_to_recompute();
  mode.saved_inference = true;
  detail::set_mode(mode);
}

void autograd::detail::check_saved(const Node& record) {
  Mode now = mode();
  if (!now.saved_inference) return;
  now.saved_inference = false;
  set_mode(now);
  std::vector<Tensor> saved;
  record.collect_saved(saved);
  for (const Tensor& x : saved)
    if (x.is_inference())
      throw ValueError(
          fmt::format("{}: backward needs a tensor that was made in inference mode\n"
                      "  {}\n  hint: clone() it outside inference mode, and use the clone",
                      record.name, describe(x)));
}

void autograd::detail::set_record(Tensor& y, Node* record) {
  Ref<RefCounted> node(record);
  check_saved(*record);
  y.set_node(std::move(node));
}

}  // namespace bb
