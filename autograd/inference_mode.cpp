#include "bb/autograd/tape.h"
#include "bb/core/error.h"

namespace bb {

InferenceMode::InferenceMode(bool enabled)
    : grad_mode_(!enabled), before_(is_inference_mode_enabled()) {
  detail::set_inference_mode(enabled);
}
InferenceMode::~InferenceMode() { detail::set_inference_mode(before_); }

bool is_inference_mode_enabled() { return detail::inference_mode(); }

void autograd::detail::note_inference_saved() {
  Mode now = mode();
  now.saved_inference = true;
  set_mode(now);
}

// Most of those noted were kept by an op that is not recorded, which ends them.
void autograd::detail::check_no_inference_saved(const Node& record) {
  Mode now = mode();
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

}  // namespace bb
