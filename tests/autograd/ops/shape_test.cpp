// Views share memory, copies do not; what else golden values cannot show of ops that move elements.
#include <gtest/gtest.h>

#include "bb/bb.h"

namespace bb {
namespace {

TEST(Views, ShareStorageWithTheirTensor) {
  const Tensor x = arange(24).reshape({2, 3, 4});
  const std::vector<std::pair<const char*, Tensor>> views{
      {"swapaxes", x.swapaxes(0, 2)},
      {"mT", x.mT()},
      {"movedim", x.movedim(0, -1)},
      {"squeeze", x.unsqueeze(0).squeeze()},
      {"unflatten", x.unflatten(2, {2, 2})},
      {"broadcast_to", x.broadcast_to({5, 2, 3, 4})},
      {"select", x.select(1, -1)},
      {"[]", x[1]},
      {"narrow", x.narrow(2, 1, 2)},
      {"split", x.split(2, 2)[1]},
      {"chunk", x.chunk(2)[1]},
      {"unbind", x.unbind(1)[2]},
      {"diagonal", x.diagonal(1, 1, 2)},
      {"unfold", x.unfold(2, 3, 1)},
      {"view_as", x.view_as(ones({24}))},
      {"index", x.index({1, indexing::Slice(1)})}};
  for (const auto& [name, view] : views) EXPECT_TRUE(view.shares_storage(x)) << name;
}

TEST(Views, OfStridedTensorsNeedNoCopy) {
  const Tensor x = arange(24).reshape({4, 6}).t();
  EXPECT_EQ(x.unflatten(0, {2, 3}).strides(), (Shape{3, 1, 6}));
  EXPECT_EQ(x.unflatten(1, {2, -1}).to_vector<int64_t>(),
            x.contiguous().unflatten(1, {2, 2}).to_vector<int64_t>());
}

TEST(Views, WritingToOneChangesTheTensor) {
  Tensor x = zeros({3, 3}, kInt64);
  x.diagonal().fill_(1);
  x[2].fill_(5);
  x.narrow(1, 0, 1).add_(10);
  EXPECT_EQ(x.to_vector<int64_t>(), (std::vector<int64_t>{11, 0, 0, 10, 1, 0, 15, 5, 5}));
}

TEST(Views, UnfoldShowsElementsSeveralTimes) {
  const Tensor windows = arange(6).unfold(0, 3, 2);
  EXPECT_EQ(windows.shape(), (Shape{2, 3}));
  EXPECT_EQ(windows.to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 2, 2, 3, 4}));
  EXPECT_EQ(arange(3).unfold(0, 0, 2).shape(), (Shape{2, 0}));
}

TEST(Views, SqueezeAndTransposeOfNothingToDoGiveTheTensorItself) {
  const Tensor x = ones({2, 3});
  EXPECT_TRUE(x.squeeze().is(x));
  EXPECT_TRUE(x.squeeze({}).is(x));
  EXPECT_TRUE(ones({3}).t().shape() == Shape{3});
  EXPECT_EQ(ones({}).movedim(0, -1).shape(), Shape{});
}

TEST(Parts, SplitAndChunkSizes) {
  const auto sizes = [](const std::vector<Tensor>& parts) {
    std::vector<int64_t> result;
    for (const Tensor& part : parts) result.push_back(part.size(0));
    return result;
  };
  using Sizes = std::vector<int64_t>;
  EXPECT_EQ(sizes(ones({7}).split(3)), (Sizes{3, 3, 1}));
  EXPECT_EQ(sizes(ones({7}).split({7})), (Sizes{7}));
  EXPECT_EQ(sizes(ones({0}).split(3)), (Sizes{0}));
  EXPECT_EQ(sizes(ones({0}).split(0)), (Sizes{0}));
  EXPECT_EQ(sizes(ones({7}).chunk(3)), (Sizes{3, 3, 1}));
  EXPECT_EQ(sizes(ones({5}).chunk(4)), (Sizes{2, 2, 1}));  // fewer than asked for
  EXPECT_EQ(sizes(ones({2}).chunk(4)), (Sizes{1, 1}));
  EXPECT_EQ(sizes(ones({0}).chunk(3)), (Sizes{0, 0, 0}));
  EXPECT_EQ(ones({0, 2}).unbind().size(), 0u);
  EXPECT_EQ(ones({3, 2}).unbind(1).size(), 2u);
}

TEST(Parts, EachOfSeveralHasItsOwnGradient) {
  const Tensor x = arange(0.0, 6.0, 1.0, kFloat64).requires_grad_();
  const auto parts = x.split({1, 2, 3});
  (parts[1].sum() * 2.0 + parts[2].sum()).backward();
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{0, 2, 2, 1, 1, 1}));
}

TEST(Parts, DiagonalsBeyondTheMatrixAreEmpty) {
  EXPECT_EQ(ones({2, 3}).diagonal(3).shape(), Shape{0});
  EXPECT_EQ(ones({2, 3}).diagonal(-9).shape(), Shape{0});
  EXPECT_EQ(ones({2, 3}).diagonal(std::numeric_limits<int64_t>::min()).shape(), Shape{0});
}

TEST(Joins, PromoteAndKeepIntegers) {
  const Tensor x = cat({tensor({1, 2}), tensor({true}), tensor({0.5})});
  EXPECT_EQ(x.dtype(), kFloat32);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 2, 1, 0.5}));
  EXPECT_EQ(stack({tensor({1, 2}), tensor({3, 4})}, 1).to_vector<int64_t>(),
            (std::vector<int64_t>{1, 3, 2, 4}));
  EXPECT_EQ(cat({ones({0}), ones({0})}).shape(), Shape{0});
}

TEST(Joins, GradientsOfPromotedTensorsHaveTheirDtype) {
  const Tensor a = ones({2}).requires_grad_(), b = ones({1}, kFloat64).requires_grad_();
  cat({a, b}).sum().backward();
  EXPECT_EQ(a.grad().dtype(), kFloat32);
  EXPECT_EQ(b.grad().dtype(), kFloat64);
}

TEST(Joins, AlwaysCopy) {
  const Tensor x = ones({2, 3});
  EXPECT_FALSE(cat({x}).shares_storage(x));
  EXPECT_FALSE(x.repeat({1, 1}).shares_storage(x));
  EXPECT_FALSE(x.tile({}).shares_storage(x));
  EXPECT_FALSE(x.flip({}).shares_storage(x));
  EXPECT_FALSE(x.roll(0, 0).shares_storage(x));
  EXPECT_FALSE(x.roll(Shape{0}, Shape{}).shares_storage(x));
  EXPECT_FALSE(pad(x, {}).shares_storage(x));
  EXPECT_FALSE(pad(x, {0, 0}, {.mode = PadMode::kReflect}).shares_storage(x));
  EXPECT_FALSE(ones({2, 2}).diag().shares_storage(x));
}

TEST(Joins, EveryDtype) {
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64}) {
    const Tensor x = tensor({1, 0, 1}).to(dtype);
    EXPECT_EQ(x.flip(0).dtype(), dtype);
    EXPECT_EQ(x.roll(1).to(kInt64).to_vector<int64_t>(), (std::vector<int64_t>{1, 1, 0}));
    EXPECT_EQ(x.repeat({2}).to(kInt64).to_vector<int64_t>(),
              (std::vector<int64_t>{1, 0, 1, 1, 0, 1}));
    EXPECT_EQ(pad(x, {1, 0}, {.value = 1}).to(kInt64).to_vector<int64_t>(),
              (std::vector<int64_t>{1, 1, 0, 1}));
    EXPECT_EQ(x.diag(-1).tril(-1).to(kInt64).sum().item<int64_t>(), 2);
    EXPECT_EQ(cat({x, x}).dtype(), dtype);
  }
}

TEST(Joins, RepeatOfManyDimensions) {
  const Tensor x = arange(4).reshape({1, 2, 1, 1, 2, 1, 1, 1});
  const Tensor y = x.repeat({2, 1, 1, 3, 2, 1, 1, 2});
  EXPECT_EQ(y.shape(), (Shape{2, 2, 1, 3, 4, 1, 1, 2}));
  EXPECT_EQ(y.index({1, 1, 0, 2, 3, 0, 0, 1}).item<int64_t>(), 3);
}

TEST(Types, TypeAs) { EXPECT_EQ(ones({2}).type_as(ones({1}, kInt32)).dtype(), kInt32); }

}  // namespace
}  // namespace bb
