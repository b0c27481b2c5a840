#include "bb/core/kernels/ctc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "bb/core/parallel.h"

namespace bb::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// log(exp(a) + exp(b) + exp(c)).
double log_sum(double a, double b, double c) {
  const double most = std::max(a, std::max(b, c));
  if (most == -kInfinity) return a + b + c;  // or NaN, if one of them is
  return most + std::log(std::exp(a - most) + std::exp(b - most) + std::exp(c - most));
}

// One sample: states 0 .. states() - 1 are its labels with a blank before, between and after them.
template <class T>
class Lattice {
 public:
  Lattice(const CtcBatch& b, int64_t n, const T* log_probs)
      : b_(b),
        length_(b.input_lengths[n]),
        labels_(b.target_lengths[n]),
        target_(b.targets[n]),
        x_(log_probs + n * b.classes) {}

  int64_t states() const { return 2 * labels_ + 1; }
  int64_t length() const { return length_; }
  int64_t label(int64_t s) const { return s % 2 == 0 ? b_.blank : target_[s / 2]; }
  double emission(int64_t t, int64_t s) const {
    return static_cast<double>(x_[t * b_.batch * b_.classes + label(s)]);
  }
  // Whether state s may follow s - 2: the blank between two labels may be left out unless they are
  // equal.
  bool skips(int64_t s) const { return s >= 2 && s % 2 == 1 && label(s) != label(s - 2); }

  // alpha[t, s]: the logarithm of the probability of all ways to s at t.
  std::vector<double> forward() const {
    const int64_t n = states();
    std::vector<double> alpha(static_cast<size_t>(length_ * n), -kInfinity);
    const auto at = [&](int64_t t, int64_t s) -> double& {
      return alpha[static_cast<size_t>(t * n + s)];
    };
    for (int64_t s = 0; s < std::min<int64_t>(n, 2) && length_ > 0; ++s) at(0, s) = emission(0, s);
    for (int64_t t = 1; t < length_; ++t)
      for (int64_t s = 0; s < n; ++s)
        at(t, s) = emission(t, s) + log_sum(at(t - 1, s), s >= 1 ? at(t - 1, s - 1) : -kInfinity,
                                            skips(s) ? at(t - 1, s - 2) : -kInfinity);
    return alpha;
  }

  // The logarithm of the probability of all alignments.
  double log_likelihood(const std::vector<double>& alpha) const {
    if (length_ == 0) return labels_ == 0 ? 0 : -kInfinity;
    const double last = alpha.back();
    return log_sum(last, states() > 1 ? alpha[alpha.size() - 2] : -kInfinity, -kInfinity);
  }

  // grad[t, label] -= dy * the probability of being there at t, given the labels.
  void add_gradient(const std::vector<double>& alpha, double log_likelihood, double dy,
                    T* grad) const {
    const int64_t n = states();
    // beta: the logarithm of the probability of all ways on from s after t; next: with s's own.
    std::vector<double> beta(static_cast<size_t>(n), -kInfinity), next(static_cast<size_t>(n + 2));
    for (int64_t t = length_ - 1; t >= 0; --t) {
      if (t == length_ - 1) {
        for (int64_t s = std::max<int64_t>(n - 2, 0); s < n; ++s) beta[static_cast<size_t>(s)] = 0;
      } else {
        for (int64_t s = 0; s < n + 2; ++s)
          next[static_cast<size_t>(s)] =
              s < n ? beta[static_cast<size_t>(s)] + emission(t + 1, s) : -kInfinity;
        for (int64_t s = 0; s < n; ++s) {
          const auto i = static_cast<size_t>(s);
          const bool skip = s + 2 < n && skips(s + 2);
          beta[i] = log_sum(next[i], next[i + 1], skip ? next[i + 2] : -kInfinity);
        }
      }
      T* row = grad + t * b_.batch * b_.classes;
      for (int64_t s = 0; s < n; ++s) {
        const double way = alpha[static_cast<size_t>(t * n + s)] + beta[static_cast<size_t>(s)];
        row[label(s)] -= static_cast<T>(dy * std::exp(way - log_likelihood));
      }
    }
  }

 private:
  const CtcBatch& b_;
  int64_t length_, labels_;
  const int64_t* target_;
  const T* x_;
};

double cost_ns(const CtcBatch& b) {
  int64_t labels = 0;
  for (int64_t n = 0; n < b.batch; ++n) labels = std::max(labels, b.target_lengths[n]);
  return 40.0 * static_cast<double>(b.time) * static_cast<double>(2 * labels + 1);
}

}  // namespace

template <class T>
void ctc_losses(const CtcBatch& b, const T* log_probs, T* losses) {
  parallel_for(b.batch, cost_ns(b), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const Lattice<T> lattice(b, n, log_probs);
      losses[n] = static_cast<T>(-lattice.log_likelihood(lattice.forward()));
    }
  });
}

template <class T>
void ctc_grad(const CtcBatch& b, const T* log_probs, const T* dy, T infinite, T* grad) {
  std::fill_n(grad, b.time * b.batch * b.classes, T{0});
  parallel_for(b.batch, 3 * cost_ns(b), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const Lattice<T> lattice(b, n, log_probs);
      const auto alpha = lattice.forward();
      const double log_likelihood = lattice.log_likelihood(alpha);
      T* sample = grad + n * b.classes;
      if (log_likelihood == -kInfinity)
        for (int64_t t = 0; t < lattice.length(); ++t)
          std::fill_n(sample + t * b.batch * b.classes, b.classes, infinite);
      else
        lattice.add_gradient(alpha, log_likelihood, static_cast<double>(dy[n]), sample);
    }
  });
}

template void ctc_losses(const CtcBatch&, const float*, float*);
template void ctc_losses(const CtcBatch&, const double*, double*);
template void ctc_grad(const CtcBatch&, const float*, const float*, float, float*);
template void ctc_grad(const CtcBatch&, const double*, const double*, double, double*);

}  // namespace bb::kernels
