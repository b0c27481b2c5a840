#pragma once

#include <gtest/gtest.h>

#include "bb/autograd/gradcheck.h"

/// GoogleTest's side of gradcheck(); link BrainInABox::testing.
namespace bb::testing {

inline ::testing::AssertionResult passed(const GradcheckReport& report) {
  return (report.passed ? ::testing::AssertionSuccess() : ::testing::AssertionFailure())
         << report.text;
}

}  // namespace bb::testing

/// EXPECT_GRADCHECK(fn, {inputs...}) or EXPECT_GRADCHECK(fn, {inputs...}, {.epsilon = 1e-5}):
/// fails with the report where fn's gradient is not the derivative.
#define EXPECT_GRADCHECK(fn, ...) \
  EXPECT_TRUE(::bb::testing::passed(::bb::gradcheck(fn, __VA_ARGS__)))

/// The same for the gradient's own gradient.
#define EXPECT_GRADGRADCHECK(fn, ...) \
  EXPECT_TRUE(::bb::testing::passed(::bb::gradgradcheck(fn, __VA_ARGS__)))
