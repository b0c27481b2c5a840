#include "bb/optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "bb/autograd/grad_mode.h"
#include "bb/core/checks.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/parallel.h"

namespace bb::optim {

void Optimizer::set_lr(double lr) {
  if (!std::isfinite(lr) || lr < 0)
    throw ValueError(
        fmt::format("optimizer: the learning rate must be finite and not negative, got {}", lr));
  lr_ = lr;
}

void Optimizer::attach(std::vector<Tensor> parameters) {
  std::unordered_set<const void*> seen;
  for (const Tensor& parameter : parameters) {
    if (!parameter.requires_grad() || !parameter.is_leaf())
      throw ValueError(fmt::format(
          "optimizer: a parameter must be a leaf with requires_grad, got {}", describe(parameter)));
    if (!seen.insert(parameter.node().get()).second)
      throw ValueError(
          fmt::format("optimizer: a parameter is given twice: {}", describe(parameter)));
  }
  entries_.clear();
  for (Tensor& parameter : parameters) entries_.push_back({std::move(parameter), {}, 0});
}

std::vector<Tensor> Optimizer::parameters() const {
  std::vector<Tensor> result;
  for (const Entry& entry : entries_) result.push_back(entry.parameter);
  return result;
}

void Optimizer::zero_grad() {
  for (Entry& entry : entries_) entry.parameter.set_grad(Tensor());
}

void Optimizer::step() {
  if (entries_.empty())
    throw ValueError(
        "optimizer: no parameters\n"
        "  hint: give them to the constructor, or compile() the model with this optimizer");
  for (const Entry& entry : entries_)
    if (entry.parameter.grad().defined()) detail::check_not_inference("optimizer", entry.parameter);
  NoGrad guard;
  constexpr int64_t kBlock = 1024;  // elements: threads share parameters in multiples of it
  struct Job {
    Entry* entry;
    Tensor gradient;   // row-major
    Tensor parameter;  // the entry's, or a row-major copy of it
    int64_t first_block;
  };
  std::vector<Job> jobs;
  jobs.reserve(entries_.size());
  int64_t blocks = 0;
  for (Entry& entry : entries_) {
    const Tensor gradient = entry.parameter.grad();
    if (!gradient.defined()) continue;
    if (entry.states.empty())
      for (size_t i = 0; i < states_per_parameter(); ++i)
        entry.states.push_back(zeros(entry.parameter.shape(), entry.parameter.dtype()));
    ++entry.count;
    jobs.push_back({&entry, gradient.contiguous(), entry.parameter.detach().contiguous(), blocks});
    blocks += (entry.parameter.numel() + kBlock - 1) / kBlock;
  }
  parallel_for(blocks, cost_ns() * kBlock, [&](int64_t begin, int64_t end) {
    // The job that block `begin` belongs to, then onwards.
    auto job = std::upper_bound(jobs.begin(), jobs.end(), begin,
                                [](int64_t block, const Job& j) { return block < j.first_block; }) -
               1;
    for (int64_t block = begin; block < end; ++job) {
      const int64_t last = job + 1 == jobs.end() ? end : std::min(end, (job + 1)->first_block);
      const int64_t first = (block - job->first_block) * kBlock;
      const int64_t n = std::min((last - block) * kBlock, job->parameter.numel() - first);
      if (n > 0)
        update({job->gradient, job->parameter, job->entry->states, job->entry->count, first, n});
      block = last;
    }
  });
  for (Job& job : jobs) {
    Tensor& parameter = job.entry->parameter;
    if (job.parameter.shares_storage(parameter))
      parameter.bump_version();
    else
      parameter.copy_(job.parameter);
  }
}

}  // namespace bb::optim
