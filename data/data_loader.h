#pragma once

#include <atomic>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "bb/core/any_of.h"
#include "bb/data/dataset.h"

namespace bb::data {

struct DataLoaderOptions {
  int64_t batch_size = 1;
  bool shuffle = false;
  bool drop_last = false;  ///< leave out a last batch that is not full
  /// Of the shuffling. Drawn from the default generator when the loader is made, if not given.
  std::optional<uint64_t> seed = std::nullopt;
};

/// Batches of a dataset, one pass for each loop over it. The order of a shuffled pass depends on
/// the seed and the number of passes before it: it differs from epoch to epoch, and is the same in
/// each run.
///   for (auto& [x, y] : data::DataLoader(train, {.batch_size = 32, .shuffle = true})) ...
/// Throws ValueError for a batch size below 1 or an empty dataset. Copies share the dataset and the
/// count of passes.
class DataLoader {
 public:
  DataLoader(AnyOf<Dataset> dataset, const DataLoaderOptions& options = {});
  template <std::derived_from<Dataset> D>
  DataLoader(D dataset, const DataLoaderOptions& options = {})
      : DataLoader(AnyOf<Dataset>(std::move(dataset)), options) {}

  /// Batches in a pass.
  int64_t size() const;
  /// Samples in the dataset.
  int64_t sample_count() const { return dataset_->size(); }

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using pointer = Batch*;
    using reference = Batch&;

    Batch& operator*() { return batch_; }
    Batch* operator->() { return &batch_; }
    Iterator& operator++();
    bool operator==(std::default_sentinel_t) const { return done_; }

   private:
    friend class DataLoader;
    Iterator(const DataLoader& loader, std::vector<int64_t> order);
    void fetch();

    AnyOf<Dataset> dataset_;
    int64_t batch_size_;
    bool drop_last_;
    std::vector<int64_t> order_;
    int64_t next_ = 0;
    bool done_ = false;
    Batch batch_;
  };

  /// Starts a pass.
  Iterator begin() const;
  std::default_sentinel_t end() const { return {}; }

 private:
  AnyOf<Dataset> dataset_;
  DataLoaderOptions options_;
  std::shared_ptr<std::atomic<uint64_t>> passes_;
};

}  // namespace bb::data
