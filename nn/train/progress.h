#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace bb::nn::detail {

/// What fit() shows of an epoch on stdout: on a terminal a bar, redrawn in place at most ten times
/// a second; elsewhere one line when the epoch ends, so that logs stay short.
class Progress {
 public:
  Progress(bool enabled, int64_t epoch, int64_t epochs, int64_t batches);

  /// `scores` makes the text behind the bar; it is only called when the bar is drawn.
  template <class Scores>
  void batch(int64_t done, const Scores& scores) {
    if (bar_ && due()) draw(done, scores());
  }
  void end(const std::string& scores);

 private:
  bool due();
  void draw(int64_t done, const std::string& scores);

  bool enabled_, bar_;
  int64_t epoch_, epochs_, batches_;
  std::chrono::steady_clock::time_point start_, next_;
};

}  // namespace bb::nn::detail
