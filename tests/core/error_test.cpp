#include "bb/core/error.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace bb {
namespace {

TEST(Error, SaysWhatItWasGiven) {
  EXPECT_STREQ(ShapeError("matmul: inner dimensions differ").what(),
               "matmul: inner dimensions differ");
}

TEST(Error, PathGrowsFromTheInnermostModuleOutwards) {
  ShapeError error("Linear(128 -> 64) got [16, 127]");
  error.prepend_path("fc2");
  EXPECT_STREQ(error.what(), "fc2: Linear(128 -> 64) got [16, 127]");
  error.prepend_path("encoder");
  error.prepend_path("net");
  EXPECT_STREQ(error.what(), "net.encoder.fc2: Linear(128 -> 64) got [16, 127]");
}

TEST(Error, EmptyNameLeavesThePathAsItIs) {
  ValueError error("bad");
  error.prepend_path("");
  EXPECT_STREQ(error.what(), "bad");
  error.prepend_path("a");
  error.prepend_path("");
  EXPECT_STREQ(error.what(), "a: bad");
}

TEST(Error, PathSurvivesRethrowing) {
  try {
    try {
      throw IndexError("label 12");
    } catch (Error& error) {
      error.prepend_path("head");
      throw;
    }
  } catch (const IndexError& error) {
    EXPECT_STREQ(error.what(), "head: label 12");
    return;
  }
  FAIL() << "the type was lost";
}

TEST(Error, TakesTheNameOfTheOpThatWasCalled) {
  IndexError error("exp: dim 3: out of range\n  x [2]");
  error.rename_op("exp_");
  EXPECT_STREQ(error.what(), "exp_: dim 3: out of range\n  x [2]");
  ValueError plain("without a name");
  plain.rename_op("exp_");
  EXPECT_STREQ(plain.what(), "without a name");
  IndexError within("exp: dim 3");
  within.prepend_path("fc");
  within.rename_op("exp_");
  EXPECT_STREQ(within.what(), "fc: exp: dim 3") << "a path is no op's name";
}

template <class E>
class ErrorTypes : public ::testing::Test {};
using AllErrors =
    ::testing::Types<ShapeError, DTypeError, IndexError, ValueError, IoError, InternalError>;
TYPED_TEST_SUITE(ErrorTypes, AllErrors);

TYPED_TEST(ErrorTypes, IsCaughtAsErrorAndAsStdException) {
  EXPECT_THROW(throw TypeParam("x"), Error);
  try {
    throw TypeParam("the text");
  } catch (const std::exception& error) {
    EXPECT_STREQ(error.what(), "the text");
  }
}

}  // namespace
}  // namespace bb
