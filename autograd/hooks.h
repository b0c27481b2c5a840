#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace bb {

/// Takes a hook away again. Dropping the handle does not.
class HookHandle {
 public:
  HookHandle() = default;
  explicit HookHandle(const std::shared_ptr<bool>& active) : active_(active) {}
  void remove() {
    if (const auto active = active_.lock()) *active = false;
  }

 private:
  std::weak_ptr<bool> active_;
};

namespace autograd {

/// Functions to call in the order in which they were added. One may add or remove hooks while it
/// runs: added ones are called from the next time on. Threads may call them at the same time.
template <class Fn>
class Hooks {
 public:
  HookHandle add(Fn hook) {
    std::erase_if(hooks_, [](const Entry& old) { return !*old.active; });
    auto active = std::make_shared<bool>(true);
    hooks_.push_back({active, std::make_shared<Fn>(std::move(hook))});
    return HookHandle(active);
  }
  bool empty() const {
    return std::none_of(hooks_.begin(), hooks_.end(), [](const Entry& e) { return *e.active; });
  }

  template <class Call>
  void for_each(const Call& call) const {
    const auto now = hooks_;
    for (const Entry& hook : now)
      if (*hook.active) call(*hook.fn);
  }

 private:
  struct Entry {
    std::shared_ptr<bool> active;
    std::shared_ptr<Fn> fn;
  };
  std::vector<Entry> hooks_;
};

}  // namespace autograd
}  // namespace bb
