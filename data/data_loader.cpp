#include "bb/data/data_loader.h"

#include <algorithm>
#include <numeric>

#include "bb/core/error.h"
#include "bb/core/random.h"

namespace bb::data {

DataLoader::DataLoader(AnyOf<Dataset> dataset, const DataLoaderOptions& options)
    : dataset_(std::move(dataset)),
      options_(options),
      passes_(std::make_shared<std::atomic<uint64_t>>(0)) {
  if (options.batch_size < 1)
    throw ValueError(
        fmt::format("DataLoader: batch_size must be at least 1, got {}", options.batch_size));
  if (dataset_->size() == 0) throw ValueError("DataLoader: the dataset is empty");
  if (!options_.seed && options_.shuffle) options_.seed = default_generator().next();
}

int64_t DataLoader::size() const {
  const int64_t n = dataset_->size();
  const bool partial = n % options_.batch_size != 0 && !options_.drop_last;
  return n / options_.batch_size + (partial ? 1 : 0);
}

DataLoader::Iterator DataLoader::begin() const {
  const int64_t n = dataset_->size();
  const uint64_t pass = (*passes_)++;
  std::vector<int64_t> order(static_cast<size_t>(n));
  if (options_.shuffle) {
    Generator generator(*options_.seed);
    generator.reserve(pass * static_cast<uint64_t>(n));  // each pass has its part of the stream
    order = randperm(n, generator).to_vector<int64_t>();
  } else {
    std::iota(order.begin(), order.end(), 0);
  }
  return Iterator(*this, std::move(order));
}

DataLoader::Iterator::Iterator(const DataLoader& loader, std::vector<int64_t> order)
    : dataset_(loader.dataset_),
      batch_size_(loader.options_.batch_size),
      drop_last_(loader.options_.drop_last),
      order_(std::move(order)) {
  fetch();
}

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  fetch();
  return *this;
}

void DataLoader::Iterator::fetch() {
  const int64_t left = static_cast<int64_t>(order_.size()) - next_;
  const int64_t count = std::min(batch_size_, left);
  done_ = count == 0 || (drop_last_ && count < batch_size_);
  batch_ = {};  // its memory serves the next batch
  if (done_) return;
  batch_ = dataset_->fetch(std::span<const int64_t>(order_).subspan(static_cast<size_t>(next_),
                                                                    static_cast<size_t>(count)));
  next_ += count;
}

}  // namespace bb::data
