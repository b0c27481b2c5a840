#pragma once

#include <concepts>
#include <memory>
#include <utility>

namespace bb {

/// Any value of a class derived from Base, given by value and shared from then on: lets a function
/// take `optim::Adam(1e-3)` where it wants some Optimizer. Null when default-constructed.
template <class Base>
class AnyOf {
 public:
  AnyOf() = default;
  template <std::derived_from<Base> Derived>
  AnyOf(Derived value) : value_(std::make_shared<Derived>(std::move(value))) {}
  template <std::derived_from<Base> Derived>
  AnyOf(std::shared_ptr<Derived> value) : value_(std::move(value)) {}

  Base* operator->() const { return value_.get(); }
  Base& operator*() const { return *value_; }
  explicit operator bool() const { return static_cast<bool>(value_); }

 private:
  std::shared_ptr<Base> value_;
};

}  // namespace bb
