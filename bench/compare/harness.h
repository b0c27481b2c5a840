#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

/// What both sides of a comparison share: the same cases by name, the same numbers to start from,
/// the same way to take time. Each side defines its cases and the functions declared below.
namespace versus {

/// One thing to time. `start` makes fresh tensors or a fresh model and returns its step; what the
/// first steps return (a loss, an element of the result) is compared between the sides.
struct Case {
  std::string name;
  std::function<std::function<double()>()> start;
  double ops = 1;  // that a step runs: the time is given for each
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}
struct Register {
  Register(std::string name, std::function<std::function<double()>()> start, double ops = 1) {
    cases().push_back({std::move(name), std::move(start), ops});
  }
};

void set_threads(int threads);

/// The most bytes that tensors hold at once while `f` runs, those from before included. `start` is
/// called first: what it makes counts as well, what was there before it does not.
int64_t peak_bytes(const std::function<void()>& start, const std::function<void()>& f);

/// Fixed numbers in (-scale, scale), the same on both sides.
inline std::vector<float> numbers(size_t n, unsigned seed, double scale) {
  std::vector<float> values(n);
  unsigned state = seed * 2654435761u + 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>((static_cast<double>(state >> 8) / 16777216.0 * 2 - 1) * scale);
  }
  return values;
}
inline std::vector<long> classes(size_t n, unsigned seed, long count) {
  std::vector<long> values(n);
  const std::vector<float> raw = numbers(n, seed, 1);
  for (size_t i = 0; i < n; ++i)
    values[i] =
        std::min(count - 1, static_cast<long>((raw[i] + 1) / 2 * static_cast<float>(count)));
  return values;
}

/// Gives another index below n each time: which element of a result a step returns.
class Probe {
 public:
  explicit Probe(size_t n) : n_(n) {}
  size_t operator()() { return at_ = (at_ + n_ / 3 + 7919) % n_; }

 private:
  size_t n_, at_ = 0;
};

/// Seconds of one step: the median over blocks of steps of 2 ms or more, for `seconds` in all.
inline double time_step(const std::function<double()>& step, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point t) {
    return std::chrono::duration<double>(Clock::now() - t).count();
  };
  int block = 1;
  for (;; block *= 2) {
    const auto start = Clock::now();
    for (int i = 0; i < block; ++i) step();
    if (since(start) > 2e-3) break;
  }
  std::vector<double> times;
  for (const auto begin = Clock::now(); since(begin) < seconds || times.size() < 5;) {
    const auto start = Clock::now();
    for (int i = 0; i < block; ++i) step();
    times.push_back(since(start) / block);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<long>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

/// Times a case and prints a line: name, threads, seconds of an op, the first five steps' results.
inline void run(const Case& c, int threads, double seconds) {
  auto step = c.start();
  std::vector<double> results;
  for (int i = 0; i < 5; ++i) results.push_back(step());
  std::printf("%s %d %.9g", c.name.c_str(), threads, time_step(step, seconds) / c.ops);
  for (double result : results) std::printf(" %.9g", result);
  std::printf("\n");
  std::fflush(stdout);
}

/// Prints a line: name and the peak of one step, after steps that made what is kept between them.
inline void run_peak(const Case& c) {
  std::function<double()> step;
  const auto start = [&] {
    step = c.start();
    for (int i = 0; i < 3; ++i) step();
  };
  const int64_t bytes = peak_bytes(start, [&] { step(); });
  std::printf("%s %lld\n", c.name.c_str(), static_cast<long long>(bytes));
  std::fflush(stdout);
}

/// Without arguments, prints the cases' names. Otherwise threads, seconds for a case, and which:
/// those with a part of their names given, all where none is; or "-", then those whose names
/// standard input gives, one at a time; after "peak ", not the time but the peak of memory.
inline int run(int argc, char** argv) {
  if (argc == 1) {
    for (const Case& c : cases()) std::printf("%s\n", c.name.c_str());
    return 0;
  }
  const int threads = std::atoi(argv[1]);
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0.5;
  const std::string wanted = argc > 3 ? argv[3] : "";
  set_threads(threads);
  if (wanted != "-") {
    for (const Case& c : cases())
      if (c.name.find(wanted) != std::string::npos) run(c, threads, seconds);
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);)
    for (const Case& c : cases()) {
      if (c.name == line) run(c, threads, seconds);
      if ("peak " + c.name == line) run_peak(c);
    }
  return 0;
}

}  // namespace versus
