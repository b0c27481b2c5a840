// What golden values cannot show of indexing: views and copies, dtypes, order of writes, memory
// that others may change, assignment in place.
#include <gtest/gtest.h>

#include "bb/autograd/testing.h"
#include "bb/bb.h"
#include "bb/tests/message_of.h"

namespace bb {
namespace {

using namespace indexing;
using Ints = std::vector<int64_t>;

Ints ints(const Tensor& x) { return x.to(kInt64).to_vector<int64_t>(); }

TEST(Index, NumbersAndSlicesGiveViewsTensorsGiveCopies) {
  const Tensor x = arange(12).reshape({3, 4});
  EXPECT_TRUE(x.index({1, Slice(None, -1)}).shares_storage(x));
  EXPECT_TRUE(x.index({None, Ellipsis, -1}).shares_storage(x));
  EXPECT_TRUE(x.index({}).is(x));
  EXPECT_TRUE(x.index({Slice(), Ellipsis}).is(x));
  EXPECT_TRUE(x.index({tensor(1)}).shares_storage(x));  // a 0-d tensor is a number
  EXPECT_FALSE(x.index({tensor({1})}).shares_storage(x));
  EXPECT_FALSE(x.index({ge(x, 3)}).shares_storage(x));
}

TEST(Index, EveryDtypeOfElementsAndOfIndices) {
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64})
    for (DType index : {kInt32, kInt64}) {
      const Tensor x = tensor({1, 0, 1, 0, 0}).to(dtype);
      const Tensor y = x.index({tensor({-3, 4, 0}).to(index)});
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_EQ(ints(y), (Ints{1, 0, 1}));
      EXPECT_EQ(ints(x.index_put({tensor({1, 1}).to(index)}, 1, true)),
                (dtype == kBool ? Ints{1, 1, 1, 0, 0} : Ints{1, 2, 1, 0, 0}));
    }
}

TEST(Index, OfNothing) {
  const Tensor x = ones({3, 4});
  EXPECT_EQ(x.index({zeros({0}, kInt64)}).shape(), (Shape{0, 4}));
  EXPECT_EQ(x.index({zeros({0, 2}, kInt64), zeros({1, 1}, kInt64)}).shape(), (Shape{0, 2}));
  EXPECT_EQ(x.index({zeros({3}, kBool)}).shape(), (Shape{0, 4}));
  EXPECT_EQ(ones({0, 4}).index({Slice(), tensor({1, 3})}).shape(), (Shape{0, 2}));
  EXPECT_EQ(ones({0}).index({zeros({0}, kBool)}).shape(), Shape{0});
  EXPECT_EQ(x.index({false}).shape(), (Shape{0, 3, 4}));
}

TEST(Index, ExpandedTensorsAndIndices) {
  const Tensor x = arange(3).expand({4, 3}), i = tensor(2).expand({5});
  EXPECT_EQ(ints(x.index({i, i})), (Ints{2, 2, 2, 2, 2}));
  EXPECT_EQ(ints(x.gather(1, tensor(1).expand({4, 2}))), Ints(8, 1));
  EXPECT_EQ(ints(x.index_select(0, tensor({3, 0}))), (Ints{0, 1, 2, 0, 1, 2}));
}

TEST(Index, ChangedAfterwardsIsAnErrorNotAWrongGradient) {
  const auto change = [](const std::function<Tensor(const Tensor&, const Tensor&)>& op) {
    const Tensor x = ones({3}).requires_grad_();
    Tensor i = tensor({2, 0});
    const Tensor y = op(x, i);
    i.fill_(99);
    return message_of<ValueError>([&] { y.sum().backward(); });
  };
  for (const std::string& message :
       {change([](const Tensor&x, const Tensor&i) { return x.index({i}); }),
        change([](const Tensor&x, const Tensor&i) { return x.index_put({i}, 0); }),
        change([](const Tensor&x, const Tensor&i) { return x.gather(0, i); }),
        change([](const Tensor&x, const Tensor&i) { return x.scatter(0, i, 1); }),
        change([](const Tensor&x, const Tensor&i) { return x.index_select(0, i); }),
        change([](const Tensor&x, const Tensor&i) { return x.index_fill(0, i, 1); }),
        change([](const Tensor&x, const Tensor&i) { return embedding(i, x.unsqueeze(1)); })})
    EXPECT_NE(message.find("in place"), std::string::npos) << message;
}

TEST(IndexPut, LastValueStaysAndSumsAreInOrder) {
  const Tensor x = zeros({3}, kInt64), i = tensor({1, 0, 1});
  EXPECT_EQ(ints(x.index_put({i}, tensor({5, 6, 7}))), (Ints{6, 7, 0}));
  EXPECT_EQ(ints(x.scatter(0, i, tensor({5, 6, 7}))), (Ints{6, 7, 0}));
  EXPECT_EQ(ints(x.index_copy(0, i, tensor({5, 6, 7}))), (Ints{6, 7, 0}));
  EXPECT_EQ(ints(x.index_put({i}, tensor({5, 6, 7}), true)), (Ints{6, 12, 0}));
  // 1 is lost beside 1e8 in float32: the sum shows the order.
  const Tensor v = tensor({1e8, 1.0, -1e8});
  EXPECT_EQ(zeros({1}).index_put({zeros({3}, kInt64)}, v, true).item<float>(), 0);
  EXPECT_EQ(zeros({1}).scatter_add(0, zeros({3}, kInt64), v).item<float>(), 0);
  EXPECT_EQ(zeros({1}).index_add(0, zeros({3}, kInt64), v).item<float>(), 0);
}

TEST(IndexPut, ConvertsTheValueToTheTensorsDtype) {
  EXPECT_EQ(ints(zeros({3}, kInt64).index_put({0}, 2.75)), (Ints{2, 0, 0}));
  EXPECT_EQ(zeros({3}).index_put({Slice(1)}, tensor({1, 2})).to_vector<float>(),
            (std::vector<float>{0, 1, 2}));
}

TEST(IndexPut, IntegersTakeNoGradient) {
  const Tensor v = full({2}, 1.5).requires_grad_();
  EXPECT_FALSE(zeros({3}, kInt64).index_put({Slice(1)}, v).requires_grad());
}

TEST(IndexPut, InPlace) {
  Tensor x = arange(12).reshape({3, 4});
  const uint32_t version = x.version();
  x.index_put_({Slice(1), tensor({0, -1})}, -1);
  EXPECT_EQ(ints(x), (Ints{0, 1, 2, 3, -1, 5, 6, -1, -1, 9, 10, -1}));
  EXPECT_GT(x.version(), version);
  x.index_put_({lt(x, 0)}, tensor({7, 8, 9, 10}));
  EXPECT_EQ(ints(x), (Ints{0, 1, 2, 3, 7, 5, 6, 8, 9, 9, 10, 10}));
  x.t().index_put_({0}, tensor({1, 2, 3}), true);
  EXPECT_EQ(ints(x.select(1, 0)), (Ints{1, 9, 12}));
  x.index_put_({0}, x[1]);
  x.index_put_({Slice(1, 3)}, x.index({Slice(0, 2)}));  // of overlapping elements: as they were
  EXPECT_EQ(ints(x), (Ints{9, 5, 6, 8, 9, 5, 6, 8, 9, 5, 6, 8}));
}

TEST(IndexPut, InPlaceIsRecorded) {
  const auto by_index = [](const Tensor& x, const Tensor& v) {
    Tensor y = x * 2.0;
    y.index_put_({tensor({2, 0})}, v);
    y[1].index_put_({Slice(1)}, v[0].narrow(0, 1, 2), true);  // of a view, which is y's too
    return y * y;
  };
  const Tensor x = randn({3, 3}, kFloat64), v = randn({2, 3}, kFloat64);
  EXPECT_GRADCHECK(by_index, {x, v});
  EXPECT_GRADGRADCHECK(by_index, {x, v});
}

TEST(IndexPut, InPlaceRefusesLeavesAndSharedMemory) {
  Tensor leaf = ones({3}).requires_grad_();
  EXPECT_THROW(leaf.index_put_({0}, 2), ValueError);
  no_grad([&] { leaf.index_put_({0}, 2); });
  EXPECT_EQ(leaf[0].item<float>(), 2);
  EXPECT_EQ(message_of<ValueError>([] { ones({1}).expand({3}).index_put_({0}, 2); }),
            "index_put_: several elements of the tensor share memory\n"
            "  x [3] with strides [0]\n  hint: clone() it first");
  EXPECT_THROW(ones({5}).unfold(0, 3, 1).index_put_({0}, 2), ValueError);
  for (Tensor view : {ones({6}).unfold(0, 3, 3), ones({3, 4}).t(), ones({3, 4}).diagonal(),
                      ones({4, 6}).slice(1, 0, 6, 2), ones({3, 3, 2}).diagonal(0, 0, 2)})
    EXPECT_NO_THROW(view.index_put_({0}, 2));
}

TEST(IndexPut, NothingIsWrittenBeforeAnIndexIsRefused) {
  Tensor x = zeros({3});
  EXPECT_THROW(x.index_put_({tensor({0, 1, 3})}, 1), IndexError);
  EXPECT_EQ(x.sum().item<float>(), 0);
}

TEST(Embedding, PaddingRowTakesNoGradient) {
  const Tensor weight = randn({3, 2}, kFloat64).requires_grad_(), i = tensor({1, 0, 1, 2, 0});
  embedding(i, weight, {.padding_idx = 1}).sum().backward();
  EXPECT_EQ(weight.grad().to_vector<double>(), (std::vector<double>{2, 2, 0, 0, 1, 1}));
  // The gradient itself, linear in the cotangent, is differentiable.
  const auto gradient = [&](const Tensor& dy) {
    const GradMode recording(true);
    const Tensor y = embedding(i, weight, {.padding_idx = 1});
    return autograd::grad(y, {weight}, dy, {.create_graph = true})[0];
  };
  EXPECT_GRADCHECK(gradient, {randn({5, 2}, kFloat64)});
}

TEST(Gather, LargeEnoughForThreads) {
  const Tensor x = randn({1000, 40}), i = randint(0, 1000, {5000, 40});
  const Tensor y = x.gather(0, i), added = zeros({1000, 40}).scatter_add(0, i, y);
  EXPECT_EQ(y.index({4321, 17}).item<float>(), x.index({i.index({4321, 17}), 17}).item<float>());
  const Tensor counts = zeros({1000, 40}).scatter_add(0, i, ones({5000, 40}));
  EXPECT_EQ(counts.sum().item<float>(), 200000);
  const Tensor error = (added - counts * x).to(kFloat64);
  EXPECT_LT((error * error).max().item<double>(), 1e-8);
  const Tensor rows = randint(0, 1000, {3000});
  EXPECT_EQ(ints(eq(x.index({rows}), x.index_select(0, rows))), Ints(120000, 1));
  EXPECT_EQ(ints(eq(x.t().index({Slice(), rows}), x.t().index_select(1, rows))), Ints(120000, 1));
}

TEST(OneHot, IsInt64) {
  const Tensor y = one_hot(tensor({2, 0}).to(kInt32));
  EXPECT_EQ(y.dtype(), kInt64);
  EXPECT_EQ(ints(y), (Ints{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(one_hot(tensor(1), 3).shape(), Shape{3});
}

TEST(Mask, FillKeepsTheDtype) {
  EXPECT_EQ(tensor({1, 2}).masked_fill(tensor({true, false}), 7).dtype(), kInt64);
  EXPECT_EQ(ones({2}).masked_fill(tensor({true, false}), tensor(7.5, kFloat64)).dtype(), kFloat32);
}

TEST(Mask, NonzeroOfEveryDtype) {
  for (DType dtype : {kBool, kUInt8, kInt32, kInt64, kFloat32, kFloat64})
    EXPECT_EQ(ints(tensor({{0, 1}, {1, 0}}).to(dtype).nonzero()), (Ints{0, 1, 1, 0}));
  EXPECT_EQ(ones({2, 0, 3}).nonzero().shape(), (Shape{0, 3}));
  EXPECT_EQ(ones({}).nonzero().shape(), (Shape{1, 0}));
}

}  // namespace
}  // namespace bb
