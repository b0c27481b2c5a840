// Rows of every kernel: whatever the length, the strides and which inputs are broadcast, the
// elements are those that a dense row of a whole number of vectors gives.
#include "bb/core/kernels/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "bb/core/kernels/activation.h"
#include "bb/tests/same_bits.h"

namespace bb::kernels {
namespace {

using bb::testing::with_one_nan;

struct Op {
  const char* name;
  const Elementwise* f;
  int inputs;
  bool is_comparison = false, is_choice = false;
};

std::vector<Op> ops() {
  const auto& f = elementwise();
  const auto& g = activations();
  return {{"add", &f.add, 2},
          {"sub", &f.sub, 2},
          {"mul", &f.mul, 2},
          {"div", &f.div, 2},
          {"pow", &f.pow, 2},
          {"neg", &f.neg, 1},
          {"exp", &f.exp, 1},
          {"log", &f.log, 1},
          {"sqrt", &f.sqrt, 1},
          {"tanh", &f.tanh, 1},
          {"sigmoid", &f.sigmoid, 1},
          {"erf", &f.erf, 1},
          {"sin", &f.sin, 1},
          {"cos", &f.cos, 1},
          {"gelu", &g.gelu, 1},
          {"gelu_tanh", &g.gelu_tanh, 1},
          {"relu", &g.relu, 1},
          {"sqrt_grad", &f.sqrt_grad, 2},
          {"tanh_grad", &f.tanh_grad, 2},
          {"sigmoid_grad", &f.sigmoid_grad, 2},
          {"relu_grad", &g.relu_grad, 2},
          {"erf_grad", &f.erf_grad, 2},
          {"sin_grad", &f.sin_grad, 2},
          {"cos_grad", &f.cos_grad, 2},
          {"gelu_grad", &g.gelu_grad, 2},
          {"gelu_tanh_grad", &g.gelu_tanh_grad, 2},
          {"exp2", &f.exp2, 1},
          {"expm1", &f.expm1, 1},
          {"log1p", &f.log1p, 1},
          {"log2", &f.log2, 1},
          {"log10", &f.log10, 1},
          {"rsqrt", &f.rsqrt, 1},
          {"tan", &f.tan, 1},
          {"atan2", &f.atan2, 2},
          {"abs", &f.abs, 1},
          {"sign", &f.sign, 1},
          {"floor", &f.floor, 1},
          {"ceil", &f.ceil, 1},
          {"round", &f.round, 1},
          {"trunc", &f.trunc, 1},
          {"maximum", &f.maximum, 2},
          {"minimum", &f.minimum, 2},
          {"clamp", &f.clamp, 3},
          {"lerp", &f.lerp, 3},
          {"fmod", &f.fmod, 2},
          {"remainder", &f.remainder, 2},
          {"larger_grad", &f.larger_grad, 3},
          {"inside_grad", &f.inside_grad, 4},
          {"bit_and", &f.bit_and, 2},
          {"bit_or", &f.bit_or, 2},
          {"bit_xor", &f.bit_xor, 2},
          {"bit_not", &f.bit_not, 1},
          {"silu", &g.silu, 1},
          {"silu_grad", &g.silu_grad, 2},
          {"softplus", &g.softplus, 3},
          {"softplus_grad", &g.softplus_grad, 4},
          {"logsigmoid", &g.logsigmoid, 1},
          {"logsigmoid_grad", &g.logsigmoid_grad, 2},
          {"elu", &g.elu, 3},
          {"elu_grad", &g.elu_grad, 4},
          {"leaky_relu", &g.leaky_relu, 2},
          {"leaky_relu_grad", &g.leaky_relu_grad, 3},
          {"hardsigmoid", &g.hardsigmoid, 1},
          {"hardsigmoid_grad", &g.hardsigmoid_grad, 2},
          {"hardswish", &g.hardswish, 1},
          {"hardswish_grad", &g.hardswish_grad, 2},
          {"mish", &g.mish, 1},
          {"mish_grad", &g.mish_grad, 2},
          {"eq", &f.eq, 2, true},
          {"ne", &f.ne, 2, true},
          {"lt", &f.lt, 2, true},
          {"le", &f.le, 2, true},
          {"gt", &f.gt, 2, true},
          {"ge", &f.ge, 2, true},
          {"where", &f.where, 3, false, true}};
}

constexpr int64_t kMost = 600;  // elements of a row: more than two blocks of strided ones

// Operand k's elements in memory: `gap` of them from one to the next, 0 for a single one.
struct Operand {
  int64_t unit, gap;
  std::vector<char> bytes;

  Operand(int64_t unit_, int64_t gap_)
      : unit(unit_),
        gap(gap_),
        bytes(static_cast<size_t>((kMost * gap_ + 1) * unit_), char(0x55)) {}
  char* element(int64_t i) { return bytes.data() + i * gap * unit; }
};

// Element i of input k, the same in every layout.
template <class T>
T value(int64_t i, int k) {
  const int64_t step = (i * 37 + k * 11) % 101;
  if constexpr (std::is_same_v<T, bool>)
    return step % 3 == 0;
  else if constexpr (std::is_integral_v<T>)
    return static_cast<T>(step % 7);
  else
    return i == 77 ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(step - 40) / T(7);
}

// The results of a row of n, as bytes without gaps.
template <class T>
std::vector<char> run(const Op& op, int64_t n, int64_t gap_y, const std::vector<int64_t>& gaps) {
  const auto unit = static_cast<int64_t>(sizeof(T));
  std::vector<Operand> operands{Operand(op.is_comparison ? 1 : unit, gap_y)};
  for (int k = 0; k < op.inputs; ++k) {
    const bool is_mask = op.is_choice && k == 0;
    const int64_t gap = gaps[static_cast<size_t>(k)];
    Operand& x = operands.emplace_back(is_mask ? 1 : unit, gap);
    for (int64_t i = 0; i < (gap == 0 ? 1 : n); ++i) {
      if (is_mask)
        *reinterpret_cast<bool*>(x.element(i)) = value<bool>(i, k);
      else
        *reinterpret_cast<T*>(x.element(i)) = value<T>(i, k);
    }
  }
  std::vector<char*> data;
  std::vector<int64_t> strides;
  for (Operand& x : operands) {
    data.push_back(x.bytes.data());
    strides.push_back(x.gap * x.unit);
  }
  const std::vector<char> before = operands[0].bytes;
  (*op.f)[dtype_of<T>](n, data.data(), strides.data());

  Operand& y = operands[0];
  std::vector<char> result;
  for (int64_t i = 0; i < n; ++i) result.insert(result.end(), y.element(i), y.element(i) + y.unit);
  for (size_t i = 0; i < y.bytes.size(); ++i) {  // nothing else was written
    const auto at = static_cast<int64_t>(i) / y.unit;
    if (at % gap_y == 0 && at / gap_y < n) continue;
    EXPECT_EQ(y.bytes[i], before[i]) << op.name << " of " << n;
  }
  return op.is_comparison ? result : with_one_nan<T>(result);
}

// The right results where the inputs marked in `once` are their first element everywhere.
template <class T>
std::vector<char> right(const Op& op, int64_t n, const std::vector<int64_t>& gaps) {
  const auto unit = static_cast<int64_t>(sizeof(T));
  std::vector<char> result;
  for (int64_t i = 0; i < n; ++i) {  // one element at a time, in a row of one
    alignas(8) char x[4][8], y[8];
    char* data[] = {y, x[0], x[1], x[2], x[3]};
    for (int k = 0; k < op.inputs; ++k) {
      const int64_t at = gaps[static_cast<size_t>(k)] == 0 ? 0 : i;
      if (op.is_choice && k == 0)
        *reinterpret_cast<bool*>(x[k]) = value<bool>(at, k);
      else
        *reinterpret_cast<T*>(x[k]) = value<T>(at, k);
    }
    const int64_t strides[] = {unit, unit, unit, unit, unit};
    (*op.f)[dtype_of<T>](1, data, strides);
    result.insert(result.end(), y, y + (op.is_comparison ? 1 : unit));
  }
  return op.is_comparison ? result : with_one_nan<T>(result);
}

template <class T>
class ElementwiseRow : public ::testing::Test {};
using DTypes = ::testing::Types<bool, uint8_t, int32_t, int64_t, float, double>;
TYPED_TEST_SUITE(ElementwiseRow, DTypes);

TYPED_TEST(ElementwiseRow, EveryLengthGivesTheSameElements) {
  for (const Op& op : ops()) {
    if (!(*op.f)[dtype_of<TypeParam>]) continue;
    const std::vector<int64_t> dense(4, 1);
    const std::vector<char> all = right<TypeParam>(op, kMost, dense);
    const auto unit = static_cast<int64_t>(all.size()) / kMost;
    for (int64_t n = 0; n < kMost; n += n < 140 ? 1 : 51) {
      const std::vector<char> y = run<TypeParam>(op, n, 1, dense);
      EXPECT_TRUE(std::equal(y.begin(), y.end(), all.begin(), all.begin() + n * unit))
          << op.name << " of " << n;
    }
  }
}

TYPED_TEST(ElementwiseRow, AnyStridesGiveTheSameElements) {
  for (const Op& op : ops()) {
    if (!(*op.f)[dtype_of<TypeParam>]) continue;
    int layouts = 1;
    for (int k = 0; k < op.inputs; ++k) layouts *= 3;
    for (int layout = 0; layout < layouts; ++layout) {
      // Broadcast, dense and with gaps, in every combination.
      const std::vector<int64_t> gaps{layout % 3, layout / 3 % 3, layout / 9 % 3, layout / 27};
      for (int64_t n : {1, 5, 33, 300, 600}) {
        const std::vector<char> expected = right<TypeParam>(op, n, gaps);
        for (int64_t gap_y : {1, 3})
          EXPECT_EQ(run<TypeParam>(op, n, gap_y, gaps), expected)
              << op.name << " of " << n << ", layout " << layout << ", gap " << gap_y;
      }
    }
  }
}

TYPED_TEST(ElementwiseRow, OutputMayBeAnInput) {
  constexpr int64_t kUnit = sizeof(TypeParam);
  for (const Op& op : ops()) {
    if (!(*op.f)[dtype_of<TypeParam>] || op.is_comparison || op.is_choice) continue;
    for (int64_t gap : {1, 2}) {
      std::vector<Operand> inputs{Operand(kUnit, gap)};
      for (int k = 1; k < op.inputs; ++k) inputs.emplace_back(kUnit, 1);
      Operand& x = inputs[0];
      std::vector<char*> data{x.bytes.data()};
      std::vector<int64_t> strides{gap * kUnit};
      for (int k = 0; k < op.inputs; ++k) {
        Operand& input = inputs[static_cast<size_t>(k)];
        for (int64_t i = 0; i < kMost; ++i)
          *reinterpret_cast<TypeParam*>(input.element(i)) = value<TypeParam>(i, k);
        data.push_back(input.bytes.data());
        strides.push_back(input.gap * kUnit);
      }
      (*op.f)[dtype_of<TypeParam>](kMost, data.data(), strides.data());
      const std::vector<char> expected = right<TypeParam>(op, kMost, {1, 1, 1, 1});
      std::vector<char> result;
      for (int64_t i = 0; i < kMost; ++i)
        result.insert(result.end(), x.element(i), x.element(i) + kUnit);
      EXPECT_EQ(with_one_nan<TypeParam>(result), expected) << op.name << ", gap " << gap;
    }
  }
}

}  // namespace
}  // namespace bb::kernels
