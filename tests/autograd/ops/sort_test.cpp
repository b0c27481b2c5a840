// What golden values cannot show of sorting: stability, dtypes, large lines, results together.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "bb/bb.h"
#include "bb/tests/message_of.h"

namespace bb {
namespace {

using Ints = std::vector<int64_t>;

Ints ints(const Tensor& x) { return x.to(kInt64).to_vector<int64_t>(); }

TEST(Sort, EveryDtypeIsStableBothWays) {
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64}) {
    const Tensor x = tensor({1, 0, 1, 0, 0, 1}).to(dtype);
    const auto [up, up_at] = x.sort();
    EXPECT_EQ(up.dtype(), dtype);
    EXPECT_EQ(up_at.dtype(), kInt64);
    EXPECT_EQ(ints(up), (Ints{0, 0, 0, 1, 1, 1}));
    EXPECT_EQ(ints(up_at), (Ints{1, 3, 4, 0, 2, 5}));
    EXPECT_EQ(ints(x.argsort(0, true)), (Ints{0, 2, 5, 1, 3, 4}));
    EXPECT_EQ(ints(x.topk(4).indices), (Ints{0, 2, 5, 1}));
  }
}

TEST(Sort, Extremes) {
  for (DType dtype : {kInt32, kInt64}) {
    const int64_t most =
        dtype == kInt32 ? std::numeric_limits<int32_t>::max() : std::numeric_limits<int64_t>::max();
    const Tensor x = tensor(Ints{0, most, -1, -most - 1, 1}).to(dtype);
    EXPECT_EQ(ints(x.argsort()), (Ints{3, 2, 0, 4, 1}));
  }
}

TEST(Sort, NanIsLargestAndSignsOfZeroAreEqual) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (DType dtype : {kFloat32, kFloat64}) {
    const Tensor x = tensor({nan, 0.0, -0.0, inf, -nan, -inf}, dtype);
    EXPECT_EQ(ints(x.argsort()), (Ints{5, 1, 2, 3, 0, 4}));
    EXPECT_EQ(ints(x.argsort(0, true)), (Ints{0, 4, 3, 1, 2, 5}));
    EXPECT_EQ(ints(x.topk(2, 0, false).indices), (Ints{5, 1}));
  }
}

TEST(Sort, LargeLines) {
  const Tensor x = randint(-500, 500, {3, 20000});
  const auto [values, places] = x.sort(1);
  EXPECT_EQ(ints(values), ints(x.gather(1, places)));
  for (int64_t r = 0; r < 3; ++r) {
    const Ints row = ints(x[r]), sorted = ints(values[r]), at = ints(places[r]);
    EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
    Ints expected(row.size());
    std::iota(expected.begin(), expected.end(), 0);
    std::stable_sort(expected.begin(), expected.end(), [&](int64_t a, int64_t b) {
      return row[static_cast<size_t>(a)] < row[static_cast<size_t>(b)];
    });
    EXPECT_EQ(at == expected, true);
  }
  EXPECT_EQ(ints(x.topk(100).values), ints(x.sort(1, true).values.narrow(1, 0, 100)));
}

TEST(Sort, OfNothing) {
  EXPECT_EQ(ones({2, 0}).sort().values.shape(), (Shape{2, 0}));
  EXPECT_EQ(ones({0, 2}).sort().indices.shape(), (Shape{0, 2}));
  EXPECT_EQ(ones({2, 3}).topk(0).values.shape(), (Shape{2, 0}));
  EXPECT_EQ(ones({0}).unique().values.shape(), Shape{0});
  EXPECT_EQ(ints(searchsorted(ones({0}), ones({2}))), (Ints{0, 0}));
}

TEST(Sort, IndicesChangedAfterwardsAreAnErrorNotAWrongGradient) {
  const Tensor x = randn({3}).requires_grad_();
  auto [values, places] = x.sort();
  places.fill_(7);
  EXPECT_THROW(values.sum().backward(), ValueError);
}

TEST(Unique, ResultsBelongTogether) {
  const Tensor x = tensor({{3, 1}, {3, 2}}, kInt64);
  const auto [values, inverse, counts] = x.unique({.return_inverse = true, .return_counts = true});
  EXPECT_EQ(ints(values), (Ints{1, 2, 3}));
  EXPECT_EQ(inverse.shape(), x.shape());
  EXPECT_EQ(ints(values.index({inverse})), ints(x));
  EXPECT_EQ(ints(counts), (Ints{1, 1, 2}));
  const UniqueResult plain = x.unique();
  EXPECT_FALSE(plain.inverse.defined() || plain.counts.defined());
}

TEST(Unique, EachNanIsOneOfItsOwn) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto [values, inverse, counts] =
      tensor({nan, 1.0, nan, 0.0, -0.0}).unique({.return_counts = true});
  EXPECT_EQ(values.numel(), 4);
  EXPECT_EQ(ints(counts), (Ints{2, 1, 1, 1}));
}

TEST(Unique, EveryDtype) {
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64})
    EXPECT_EQ(ints(tensor({1, 0, 1}).to(dtype).unique().values), (Ints{0, 1}));
}

TEST(Searchsorted, PromotesAndTakesIntegers) {
  const Tensor sequence = tensor({1, 3, 5, 7});
  EXPECT_EQ(ints(searchsorted(sequence, tensor({3, 4, 9}))), (Ints{1, 2, 4}));
  EXPECT_EQ(ints(searchsorted(sequence, tensor({2.5, 3.0}), true)), (Ints{1, 2}));
  EXPECT_EQ(searchsorted(sequence, tensor(6)).shape(), Shape{});
}

TEST(Unique, SlicesAlongADim) {
  const Tensor x = tensor({{1, 2}, {1, 2}, {0, 5}});
  const auto [values, inverse, counts] =
      unique(x, {.return_inverse = true, .return_counts = true, .dim = 0});
  EXPECT_EQ(values.shape(), (Shape{2, 2}));
  EXPECT_EQ(values.to_vector<int64_t>(), (Ints{0, 5, 1, 2}));
  EXPECT_EQ(inverse.to_vector<int64_t>(), (Ints{1, 1, 0}));
  EXPECT_EQ(counts.to_vector<int64_t>(), (Ints{1, 2}));
  const Tensor columns = unique(x.t(), {.dim = -1}).values;
  EXPECT_EQ(columns.to_vector<int64_t>(), (Ints{0, 1, 5, 2}));
  const Tensor line = unique(tensor({3, 1, 3}), {.dim = 0}).values;
  EXPECT_EQ(line.to_vector<int64_t>(), (Ints{1, 3}));
  EXPECT_EQ(unique(zeros({0, 3}), {.dim = 0}).values.shape(), (Shape{0, 3}));
  EXPECT_THROW(unique(x, {.dim = 2}), IndexError);
  EXPECT_EQ(message_of<ValueError>([] {
              unique(zeros({3, 0}), {.dim = 0});
            }),
            "unique: the slices have no elements\n  x [3, 0]   dim 0");
  EXPECT_EQ(message_of<IndexError>([] { unique(tensor(3.0), {.dim = 0}); }),
            "unique: a 0-d tensor has no slices");
}

TEST(Unique, NeighboursAlone) {
  const auto [values, inverse, counts] = unique_consecutive(
      tensor({{1, 1, 2}, {2, 1, 1}}), {.return_inverse = true, .return_counts = true});
  EXPECT_EQ(values.to_vector<int64_t>(), (Ints{1, 2, 1}));
  EXPECT_EQ(inverse.shape(), (Shape{2, 3}));
  EXPECT_EQ(inverse.to_vector<int64_t>(), (Ints{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(counts.to_vector<int64_t>(), (Ints{2, 2, 2}));
  const auto rows = unique_consecutive(tensor({{1, 2}, {1, 2}, {0, 5}, {1, 2}}), {.dim = 0});
  EXPECT_EQ(rows.values.to_vector<int64_t>(), (Ints{1, 2, 0, 5, 1, 2}));
  EXPECT_FALSE(rows.inverse.defined());
  EXPECT_EQ(unique_consecutive(zeros({0})).values.numel(), 0);
  const double nan = std::nan("");
  EXPECT_EQ(unique_consecutive(tensor({nan, nan})).values.numel(), 2);
}

TEST(SearchSorted, OneNumber) {
  const Tensor sequence = tensor({0.1, 0.2, 0.2, 0.3}, kFloat64);
  EXPECT_EQ(searchsorted(sequence, 0.2).shape(), Shape{});
  EXPECT_EQ(searchsorted(sequence, 0.2).item<int64_t>(), 1);
  EXPECT_EQ(searchsorted(sequence, 0.2, true).item<int64_t>(), 3);
  EXPECT_EQ(searchsorted(tensor({1, 2}), 1.5).item<int64_t>(), 1);
  EXPECT_EQ(searchsorted(tensor({1, 2}, kUInt8), 300).item<int64_t>(), 2);
  EXPECT_EQ(bucketize(1, sequence).item<int64_t>(), 4);
  EXPECT_THROW(searchsorted(zeros({1, 2}), 1.5), ShapeError);
}

}  // namespace
}  // namespace bb
