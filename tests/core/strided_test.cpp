#include "bb/core/strided.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "bb/core/creation.h"
#include "bb/core/random.h"

namespace bb::detail {
namespace {

class Strided : public ::testing::Test {
 protected:
  ~Strided() override { set_num_threads(before_); }
  const int before_ = num_threads();
};

// An elementwise walk that adds 1 to every element it is led to.
void increment_all(const Tensor& x, double cost_ns) {
  const std::array<Operand, 1> operands{operand(x, x.shape())};
  for_each_row(x.shape(), operands, cost_ns,
               [](int64_t n, char* const* data, const int64_t* strides) {
                 for (int64_t i = 0; i < n; ++i)
                   ++*reinterpret_cast<int32_t*>(data[0] + i * strides[0]);
               });
}

TEST_F(Strided, WalkVisitsEachElementOnceWhateverTheStrides) {
  constexpr double kLongNs = 1e5;  // so that rows run on several threads
  for (int threads : {1, 3}) {
    set_num_threads(threads);
    for (double cost : {0.1, kLongNs}) {
      const Tensor base = zeros({4, 3, 2, 5}, kInt32);
      const Tensor views[] = {base,
                              base.transpose(0, 3),
                              base.permute({2, 0, 3, 1}),
                              base.slice(3, 1, 5, 2),
                              base.slice(0, 1, 2),
                              base.slice(1, 2, 3).transpose(0, 2),
                              base.slice(2, 0, 1).unsqueeze(0)};
      for (const Tensor& x : views) {
        fill_elements(base, 0);
        increment_all(x, cost);
        EXPECT_EQ(x.to_vector<int32_t>(), std::vector<int32_t>(static_cast<size_t>(x.numel()), 1));
        EXPECT_EQ(base.sum().item<int64_t>(), x.numel()) << "elements outside were touched";
      }
    }
  }
}

TEST_F(Strided, WalkOverEightDimensions) {
  const Tensor x = zeros(Shape::filled(8, 2), kInt32);
  increment_all(x.permute({7, 0, 6, 1, 5, 2, 4, 3}), 1);
  EXPECT_EQ(x.to_vector<int32_t>(), std::vector<int32_t>(256, 1));
}

TEST_F(Strided, WalkOfNothingCallsNothing) {
  const Tensor x = zeros({3, 0, 2}, kInt32);
  const std::array<Operand, 1> operands{operand(x, x.shape())};
  for_each_row(x.shape(), operands, 1, [](int64_t, char* const*, const int64_t*) { FAIL(); });
}

TEST_F(Strided, WalkOfANumberIsOneElement) {
  const Tensor x = zeros({}, kInt32);
  increment_all(x, 1);
  EXPECT_EQ(x.item<int>(), 1);
}

TEST_F(Strided, OperandRepeatsWhatIsBroadcast) {
  const Tensor x = zeros({3, 1});
  EXPECT_EQ(operand(x, {3, 1}).strides, (Shape{4, 0}));
  EXPECT_EQ(operand(x, {2, 3, 5}).strides, (Shape{0, 4, 0}));
  EXPECT_EQ(operand(zeros({}), {2, 2}).strides, (Shape{0, 0}));
}

TEST_F(Strided, MergeJoinsWhatAllOperandsStepThroughEvenly) {
  Shape shape{2, 3, 4};
  std::array<Operand, 2> operands{Operand{nullptr, {48, 16, 4}}, Operand{nullptr, {48, 16, 4}}};
  merge_dims(shape, operands);
  EXPECT_EQ(shape, Shape{24});
  EXPECT_EQ(operands[0].strides[0], 4);

  shape = {2, 3, 4};
  operands = {Operand{nullptr, {48, 16, 4}}, Operand{nullptr, {0, 16, 4}}};  // first is broadcast
  merge_dims(shape, operands);
  EXPECT_EQ(shape, (Shape{2, 12}));

  shape = {2, 1, 4};
  operands = {Operand{nullptr, {16, 99, 4}}, Operand{nullptr, {16, 0, 4}}};
  merge_dims(shape, operands);
  EXPECT_EQ(shape, Shape{8}) << "a size of 1 is in nobody's way";

  shape = {1, 1};
  operands = {Operand{nullptr, {4, 4}}, Operand{nullptr, {0, 0}}};
  merge_dims(shape, operands);
  EXPECT_EQ(shape, Shape{1});
}

TEST_F(Strided, CopyBroadcasts) {
  const Tensor target = zeros({2, 3}, kInt64);
  copy_elements(target, tensor({1, 2, 3}));
  EXPECT_EQ(target.to_vector<int64_t>(), (std::vector<int64_t>{1, 2, 3, 1, 2, 3}));
  copy_elements(target.transpose(0, 1), tensor({7, 8}));
  EXPECT_EQ(target.to_vector<int64_t>(), (std::vector<int64_t>{7, 7, 7, 8, 8, 8}));
  copy_elements(target.slice(1, 0, 3, 2), tensor(0));
  EXPECT_EQ(target.to_vector<int64_t>(), (std::vector<int64_t>{0, 7, 0, 0, 8, 0}));
}

TEST_F(Strided, CopyConvertsBetweenAllDTypes) {
  constexpr DType kAll[] = {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64};
  for (DType from : kAll)
    for (DType to : kAll) {
      const bool is_bool = from == kBool || to == kBool;
      const Tensor target = empty({3}, to);
      copy_elements(target, tensor({0, 1, 5}, from));
      EXPECT_EQ(target.to(kFloat64).to_vector<double>(),
                (std::vector<double>{0, 1, is_bool ? 1.0 : 5.0}))
          << name(from) << " to " << name(to);
    }
}

TEST_F(Strided, CopyCutsRealNumbersToIntegers) {
  const Tensor target = empty({4}, kInt32);
  copy_elements(target, tensor({1.9, -1.9, 0.5, -0.5}, kFloat64));
  EXPECT_EQ(target.to_vector<int32_t>(), (std::vector<int32_t>{1, -1, 0, 0}));
  const Tensor flags = empty({2}, kBool);
  copy_elements(flags, tensor({0.25, 0.0}));
  EXPECT_EQ(flags.to_vector<bool>(), (std::vector<bool>{true, false}));
}

TEST_F(Strided, LargeCopyIsTheSameForAnyThreads) {
  const Tensor source = arange(300 * 700).view({300, 700});
  for (int threads : {1, 2, 8}) {
    set_num_threads(threads);
    const Tensor target = empty({700, 300}, kInt64);
    copy_elements(target, source.transpose(0, 1));
    for (int64_t i : {0, 1, 299, 300, 104999, 209999})
      EXPECT_EQ(target.data<int64_t>()[i], i % 300 * 700 + i / 300);
  }
}

// Compares a copy with the elements picked one by one.
void expect_copied(const Tensor& target, const Tensor& source) {
  copy_elements(target, source);
  const Operand to = operand(target, target.shape()), from = operand(source, target.shape());
  visit(source.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < target.numel(); ++i) {
      const char *y = to.data, *x = from.data;
      int64_t rest = i;
      for (int64_t d = target.dim() - 1; d >= 0; --d) {
        y += rest % target.shape()[d] * to.strides[d];
        x += rest % target.shape()[d] * from.strides[d];
        rest /= target.shape()[d];
      }
      ASSERT_EQ(*reinterpret_cast<const T*>(y), *reinterpret_cast<const T*>(x))
          << fmt::format("element {} of {}, strides {} from {}", i, target.shape(),
                         target.strides(), source.strides());
    }
  });
}

TEST_F(Strided, TransposingCopiesOfAllSizesAndElements) {
  const int64_t sizes[] = {1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 63, 64, 65, 130, 1000};
  for (DType dtype : {kUInt8, kInt32, kFloat64})
    for (int64_t rows : sizes)
      for (int64_t cols : sizes) {
        const Tensor x = arange(rows * cols).to(dtype).view({rows, cols});
        expect_copied(empty({cols, rows}, dtype), x.t());
        expect_copied(empty({cols, rows}, dtype).t(), x);
      }
}

TEST_F(Strided, CopiesOfEveryPermutation) {
  const Tensor x = arange(3 * 20 * 5 * 18).to(kFloat32).view({3, 20, 5, 18});
  Shape order{0, 1, 2, 3};
  for (int threads : {1, 2}) {
    set_num_threads(threads);
    do {
      const Tensor view = x.permute(order);
      expect_copied(empty(view.shape()), view);
      expect_copied(empty(x.shape()).permute(order), view);
      const Tensor part = view.slice(0, 1, 3).slice(3, 0, 17, 2);
      expect_copied(empty(part.shape()), part);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_F(Strided, CopiesRepeatRowsAndColumns) {
  for (int64_t n : {1, 5, 16, 100, 5000}) {
    expect_copied(empty({7, n}), rand({n}));
    expect_copied(empty({7, n}), rand({7, 1}));
    expect_copied(empty({n, 7}), rand({n, 1}));
    expect_copied(empty({3, n, 2}), rand({3, 1, 2}));
    expect_copied(empty({n, 7}).t(), rand({n}));
  }
}

TEST_F(Strided, LongRowsAreConverted) {
  for (int64_t n : {63, 64, 200}) {
    const Tensor y = arange(n).to(kFloat32).to(kFloat64).to(kInt32);
    EXPECT_EQ(y.to(kInt64).to_vector<int64_t>(), arange(n).to_vector<int64_t>());
    const Tensor gaps = arange(2 * n).slice(0, 0, 2 * n, 2).to(kFloat32);
    EXPECT_EQ(gaps.to(kInt64).to_vector<int64_t>(),
              arange(0, 2 * n, 2, kInt64).to_vector<int64_t>());
  }
}

TEST_F(Strided, WalkFollowsTheFirstOperandsMemory) {
  const Tensor x = zeros({6, 4, 5}, kInt32).permute({2, 0, 1});
  const std::array<Operand, 1> operands{operand(x, x.shape())};
  for_each_row(x.shape(), operands, 1, [](int64_t n, char* const*, const int64_t* strides) {
    EXPECT_EQ(n, 120);
    EXPECT_EQ(strides[0], 4);
  });
}

TEST_F(Strided, FillReachesOnlyTheView) {
  const Tensor x = zeros({3, 4}, kUInt8);
  fill_elements(x.slice(1, 1, 4, 2).transpose(0, 1), 9);
  EXPECT_EQ(x.to_vector<uint8_t>(), (std::vector<uint8_t>{0, 9, 0, 9, 0, 9, 0, 9, 0, 9, 0, 9}));
}

}  // namespace
}  // namespace bb::detail
