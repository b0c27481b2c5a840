#include "bb/nn/train/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace bb::nn::detail {
namespace {

constexpr int64_t kWidth = 24;

std::string bar(int64_t done, int64_t batches) {
  const int64_t filled = batches == 0 ? kWidth : kWidth * done / batches;
  std::string text;
  for (int64_t i = 0; i < kWidth; ++i) text += i < filled ? "━" : "╌";
  return text;
}

}  // namespace

Progress::Progress(bool enabled, int64_t epoch, int64_t epochs, int64_t batches)
    : enabled_(enabled),
      bar_(enabled && isatty(STDOUT_FILENO)),
      epoch_(epoch),
      epochs_(epochs),
      batches_(batches),
      start_(std::chrono::steady_clock::now()),
      next_(start_) {}

bool Progress::due() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return false;
  next_ = now + std::chrono::milliseconds(100);
  return true;
}

void Progress::draw(int64_t done, const std::string& scores) {
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
  const std::string line =
      fmt::format("\r\033[KEpoch {}/{}  {} {}/{}  {:.1f} s  {}", epoch_, epochs_,
                  bar(done, batches_), done, batches_, spent.count(), scores);
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

void Progress::end(const std::string& scores) {
  if (!enabled_) return;
  if (bar_) {
    draw(batches_, scores);
    std::fputc('\n', stdout);
  } else {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
    std::fputs(fmt::format("Epoch {}/{}  {} {}/{}  {:.1f} s  {}\n", epoch_, epochs_,
                           bar(batches_, batches_), batches_, batches_, spent.count(), scores)
                   .c_str(),
               stdout);
  }
  std::fflush(stdout);
}

}  // namespace bb::nn::detail
