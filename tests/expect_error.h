#pragma once

#include <gtest/gtest.h>

#include <string>

#include "bb/tests/message_of.h"

namespace bb {

/// Fails unless `fn` throws an E with just this text.
template <class E, class F>
void expect_error(const F& fn, const std::string& text) {
  EXPECT_EQ(message_of<E>(fn), text);
}

}  // namespace bb
