#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <string>

namespace bb {

/// The text of the E that `action` throws. Anything else is a failure.
template <class E, class Action>
std::string message_of(Action&& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "an exception of another type: " << error.what();
    return {};
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

}  // namespace bb
