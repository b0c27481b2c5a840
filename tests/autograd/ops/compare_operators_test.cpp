#include <gtest/gtest.h>

#include "bb/bb.h"

namespace bb {
namespace {

using Bools = std::vector<bool>;

TEST(CompareOperators, AreElementwise) {
  const Tensor a = tensor({1, 2, 3}), b = tensor({3, 2, 1});
  EXPECT_EQ((a == b).to_vector<bool>(), (Bools{false, true, false}));
  EXPECT_EQ((a != b).to_vector<bool>(), (Bools{true, false, true}));
  EXPECT_EQ((a < b).to_vector<bool>(), (Bools{true, false, false}));
  EXPECT_EQ((a <= b).to_vector<bool>(), (Bools{true, true, false}));
  EXPECT_EQ((a > b).to_vector<bool>(), (Bools{false, false, true}));
  EXPECT_EQ((a >= b).to_vector<bool>(), (Bools{false, true, true}));
  EXPECT_EQ((a > 1).to_vector<bool>(), (Bools{false, true, true}));
  EXPECT_EQ((1 < a).to_vector<bool>(), (Bools{false, true, true}));
  EXPECT_EQ((2 >= a).to_vector<bool>(), (Bools{true, true, false}));
  EXPECT_EQ((2 == a).to_vector<bool>(), (Bools{false, true, false}));
  EXPECT_EQ((a != 2).to_vector<bool>(), (Bools{true, false, true}));
}

TEST(CompareOperators, CombineMasks) {
  const Tensor x = tensor({-1.0, 0.5, 2.0});
  EXPECT_EQ(((x > 0) & (x < 1)).to_vector<bool>(), (Bools{false, true, false}));
  EXPECT_EQ(((x < 0) | (x > 1)).to_vector<bool>(), (Bools{true, false, true}));
  EXPECT_EQ((~(x > 0)).to_vector<bool>(), (Bools{true, false, false}));
  EXPECT_EQ(((x > 0) ^ (x > 1)).to_vector<bool>(), (Bools{false, true, false}));
  EXPECT_EQ(x.index({x > 0}).to_vector<float>(), (std::vector<float>{0.5, 2}));
}

TEST(ArithmeticMethods, AreTheFunctions) {
  const Tensor x = tensor({1.0, 2.0}), y = tensor({4.0, 8.0});
  EXPECT_EQ(x.add(y).sub(1).mul(y).div(2).neg().to_vector<float>(), (std::vector<float>{-8, -36}));
  EXPECT_EQ(x.sub(y).add(1).div(y).mul(2).to_vector<float>(), (std::vector<float>{-1, -1.25}));
}

}  // namespace
}  // namespace bb
