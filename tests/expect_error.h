#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <string>

namespace bb {

/// Fails unless `fn` throws an E with just this text.
template <class E, class F>
void expect_error(const F& fn, const std::string& text) {
  try {
    fn();
    ADD_FAILURE() << "nothing was thrown; expected:\n" << text;
  } catch (const E& error) {
    EXPECT_EQ(error.what(), text);
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another type was thrown:\n" << error.what();
  }
}

}  // namespace bb
