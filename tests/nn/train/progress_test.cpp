#include "bb/nn/train/progress.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

namespace bb::nn::detail {
namespace {

// stdout is no terminal while it is captured.
TEST(Progress, PrintsOneLineForAnEpochWhereStdoutIsNoTerminal) {
  ::testing::internal::CaptureStdout();
  Progress progress(true, 2, 10, 100);
  for (int64_t done = 1; done <= 100; ++done)
    progress.batch(done, [] { return std::string("no"); });
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "") << "not before the end";
  ::testing::internal::CaptureStdout();
  progress.end("loss 0.5000");
  const std::string text = ::testing::internal::GetCapturedStdout();
  EXPECT_TRUE(std::regex_match(
      text, std::regex("Epoch 2/10  [^ ]+ 100/100  [0-9]+\\.[0-9] s  loss 0\\.5000\n")))
      << text;
}

TEST(Progress, MakesNoTextThatIsNotDrawn) {
  ::testing::internal::CaptureStdout();
  Progress progress(true, 1, 1, 3);
  int calls = 0;
  for (int64_t done = 1; done <= 3; ++done)
    progress.batch(done, [&] {
      ++calls;
      return std::string();
    });
  EXPECT_EQ(calls, 0);
  ::testing::internal::GetCapturedStdout();
}

TEST(Progress, PrintsNothingIfNotEnabled) {
  ::testing::internal::CaptureStdout();
  Progress progress(false, 1, 1, 3);
  progress.batch(1, [] { return std::string("no"); });
  progress.end("loss 0.5000");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
}

TEST(Progress, TakesAnEpochWithoutBatches) {
  ::testing::internal::CaptureStdout();
  Progress progress(true, 1, 1, 0);
  progress.end("loss nan");
  EXPECT_NE(::testing::internal::GetCapturedStdout().find(" 0/0 "), std::string::npos);
}

}  // namespace
}  // namespace bb::nn::detail
