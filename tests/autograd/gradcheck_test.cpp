#include "bb/autograd/gradcheck.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "../message_of.h"
#include "bb/autograd/ops/activation.h"
#include "bb/autograd/ops/arithmetic.h"
#include "bb/autograd/ops/linalg.h"
#include "bb/autograd/ops/pointwise.h"
#include "bb/autograd/ops/reduce.h"
#include "bb/autograd/ops/shape.h"
#include "bb/autograd/tape.h"
#include "bb/autograd/testing.h"
#include "bb/core/creation.h"
#include "bb/core/error.h"
#include "bb/core/random.h"

namespace bb {
namespace {

using List = std::vector<Tensor>;
using Index = std::vector<int64_t>;

// [rows, columns], all different and away from 0.
Tensor numbers(int64_t rows = 2, int64_t columns = 3) {
  return arange(1, static_cast<double>(rows * columns) + 0.5, 1, kFloat64).view({rows, columns}) *
         0.3;
}

template <class Pullback>
Tensor op(const Tensor& x, const Tensor& y, Pullback pullback) {
  return autograd::record("op", {x}, y, pullback);
}

Tensor cube(const Tensor& x) {
  return op(x, no_grad([&] { return x * x * x; }),
            [x](const Tensor& dy) { return dy * 3 * x * x; });
}
Tensor without_factor(const Tensor& x) {
  return op(x, no_grad([&] { return x * x * x; }), [x](const Tensor& dy) { return dy * x * x; });
}
// x^3, whose gradient does not know that it depends on x.
Tensor right_once(const Tensor& x) {
  return op(x, no_grad([&] { return x * x * x; }),
            [x = x.detach()](const Tensor& dy) { return dy * 3 * x * x; });
}
// 3x, whose gradient is called 2.
Tensor tripled(const Tensor& x) {
  return op(x, no_grad([&] { return x * 3; }), [](const Tensor& dy) { return dy * 2; });
}

// ---------------------------------------------------------------- right ones pass

TEST(Gradcheck, PassesRightGradients) {
  EXPECT_TRUE(gradcheck(cube, {numbers()}));
  EXPECT_TRUE(gradcheck(bb::tanh, {numbers()}));
  EXPECT_TRUE(gradcheck([](const Tensor& a, const Tensor& b) { return a.matmul(b); },
                        {numbers(2, 3), numbers(3, 4)}));
  EXPECT_TRUE(gradcheck([](const Tensor& x) { return x; }, {numbers()}));
  EXPECT_TRUE(gradcheck([](const Tensor&) { return ones({2}, kFloat64); }, {numbers()}))
      << "a constant has gradient 0";
}

TEST(Gradcheck, TakesAnyShapeAndStrides) {
  const auto f = [](const Tensor& x) { return x * x; };
  EXPECT_TRUE(gradcheck(f, {tensor(1.5, kFloat64)}));
  EXPECT_TRUE(gradcheck(f, {numbers().transpose(0, 1)}));
  EXPECT_TRUE(gradcheck(f, {numbers().slice(1, 0, 3, 2)}));
  EXPECT_TRUE(gradcheck(f, {tensor(1.5, kFloat64).expand({3})}));
  EXPECT_TRUE(gradcheck(f, {zeros({2, 0}, kFloat64)}));
}

TEST(Gradcheck, ReportsOnEachFloat64Input) {
  const auto f = [](const Tensor& flags, const Tensor& a, const Tensor& b) {
    return flags.to(kFloat64) * a * b;
  };
  const auto report = gradcheck(f, {tensor({1, 0, 1}), numbers(1, 3), numbers(2, 3)});
  EXPECT_TRUE(report.passed);
  ASSERT_EQ(report.inputs.size(), 2u);
  EXPECT_EQ(report.inputs[0].input, 1u);
  EXPECT_EQ(report.inputs[1].input, 2u);
  for (const GradcheckInput& input : report.inputs) {
    EXPECT_TRUE(input.passed);
    EXPECT_EQ(input.index.size(), 2u);
    EXPECT_LT(input.relative_error, 1e-6);
  }
  EXPECT_EQ(report.text.substr(0, 18), "gradcheck: passed\n");
  EXPECT_NE(report.text.find("  input 1 [1, 3]: ok, worst at ["), std::string::npos) << report.text;
}

TEST(Gradcheck, ChangesNothingOfTheCallers) {
  manual_seed(11);
  Tensor x = numbers().requires_grad_(), plain = numbers();
  x.set_grad(full({2, 3}, 8, kFloat64));
  const auto before = x.to_vector<double>();
  {
    const NoGrad off;
    EXPECT_TRUE(gradcheck([](const Tensor& a, const Tensor& b) { return a * b; }, {x, plain}));
    EXPECT_FALSE(is_grad_enabled());
  }
  EXPECT_EQ(x.to_vector<double>(), before);
  EXPECT_EQ(plain.to_vector<double>(), before);
  EXPECT_EQ(x.grad().to_vector<double>(), std::vector<double>(6, 8));
  EXPECT_FALSE(plain.requires_grad());
  EXPECT_EQ(default_generator().reserve(0), 0u) << "random numbers were drawn";
}

// ---------------------------------------------------------------- wrong ones do not

void expect_wrong_at(const GradcheckReport& report, const Index& index) {
  EXPECT_FALSE(report.passed);
  EXPECT_FALSE(report);
  ASSERT_EQ(report.inputs.size(), 1u);
  EXPECT_FALSE(report.inputs[0].passed);
  EXPECT_EQ(report.inputs[0].index, index);
  EXPECT_NE(report.text.find(fmt::format("WRONG, worst at [{}]", fmt::join(index, ", "))),
            std::string::npos)
      << report.text;
}

TEST(Gradcheck, CatchesAMissingFactor) {
  EXPECT_FALSE(gradcheck(without_factor, {numbers()}));
  EXPECT_FALSE(gradcheck(tripled, {numbers()}));
}

TEST(Gradcheck, CatchesAWrongSignInOneElement) {
  const Tensor sign = tensor({{1, 1, 1}, {1, 1, -1}}, kFloat64);
  const auto f = [&](const Tensor& x) {
    return op(x, no_grad([&] { return x * 2; }), [&](const Tensor& dy) { return dy * 2 * sign; });
  };
  expect_wrong_at(gradcheck(f, {numbers()}), {1, 2});
}

TEST(Gradcheck, CatchesASmallErrorInOneElement) {
  const Tensor scale = tensor({{1, 1, 1}, {1.001, 1, 1}}, kFloat64);
  const auto f = [&](const Tensor& x) {
    return op(x, no_grad([&] { return x * 2; }), [&](const Tensor& dy) { return dy * 2 * scale; });
  };
  expect_wrong_at(gradcheck(f, {numbers()}), {1, 0});
}

TEST(Gradcheck, CatchesATransposedGradient) {
  const auto f = [](const Tensor& x) {
    return op(x, no_grad([&] { return x * 2; }),
              [](const Tensor& dy) { return dy.transpose(0, 1) * 2; });
  };
  EXPECT_FALSE(gradcheck(f, {numbers(3, 3)}));
}

TEST(Gradcheck, CatchesADetachedBranch) {
  EXPECT_FALSE(gradcheck([](const Tensor& x) { return x * x.detach(); }, {numbers()}));
  EXPECT_FALSE(gradcheck([](const Tensor& x) { return x.detach() * 2; }, {numbers()}))
      << "nothing is recorded at all";
}

TEST(Gradcheck, CatchesNanAndInfinityAndNamesTheElement) {
  for (double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const Tensor mask = tensor({{1, 1, 1}, {1, bad, 1}}, kFloat64);
    const auto f = [&](const Tensor& x) {
      return op(x, no_grad([&] { return x * 2; }), [&](const Tensor& dy) { return dy * 2 * mask; });
    };
    expect_wrong_at(gradcheck(f, {numbers()}), {1, 1});
  }
}

TEST(Gradcheck, CatchesAFunctionThatIsNanItself) {
  EXPECT_FALSE(gradcheck(bb::log, {tensor({-1.0, 1.0}, kFloat64)}));
}

TEST(Gradcheck, NamesTheWrongOneOfSeveralInputs) {
  const auto f = [](const Tensor& a, const Tensor& b) { return a * b * b.detach(); };
  const auto report = gradcheck(f, {numbers(), numbers()});
  EXPECT_FALSE(report.passed);
  ASSERT_EQ(report.inputs.size(), 2u);
  EXPECT_TRUE(report.inputs[0].passed);
  EXPECT_FALSE(report.inputs[1].passed);
}

TEST(Gradcheck, ReportsBothDerivativesAndTheirDistance) {
  const auto report = gradcheck(tripled, {tensor(1.0, kFloat64)});
  ASSERT_EQ(report.inputs.size(), 1u);
  const GradcheckInput& worst = report.inputs[0];
  EXPECT_TRUE(worst.index.empty());
  EXPECT_NEAR(worst.analytic / worst.numeric, 2.0 / 3, 1e-6);
  EXPECT_NEAR(worst.absolute_error, std::abs(worst.analytic - worst.numeric), 1e-12);
  EXPECT_NEAR(worst.relative_error, 1.0 / 3, 1e-6);
}

TEST(Gradcheck, JudgesByTheTolerancesGiven) {
  EXPECT_TRUE(gradcheck(tripled, {numbers()}, {.rtol = 0.5}));
  EXPECT_TRUE(gradcheck(tripled, {numbers()}, {.atol = 2, .rtol = 0}));
  EXPECT_FALSE(gradcheck(cube, {numbers()}, {.epsilon = 0.1, .atol = 1e-9, .rtol = 1e-9}))
      << "a cube's central difference is off by epsilon^2";
}

TEST(Gradcheck, Errors) {
  EXPECT_EQ(message_of<ValueError>([] { gradcheck(cube, {arange(2)}); }),
            "gradcheck: no input is floating point\n  hint: make them with kFloat64");
  EXPECT_THROW(gradcheck([](const List&) { return zeros({}, kFloat64); }, {}), ValueError);
  const auto whole = [](const Tensor& x) { return x.to(kInt64); };
  EXPECT_EQ(message_of<DTypeError>([&] { gradcheck(whole, {ones({2}, kFloat64)}); }),
            "gradcheck: the function must return floating point\n  result int64 [2]");
}

// ---------------------------------------------------------------- what a wrong one looks like

struct Planted {
  const char* name;
  std::function<Tensor(const Tensor&)> fn;
  const char* remark;
};

TEST(GradcheckRemark, NamesTheKindOfError) {
  const Tensor sign = tensor({{1, 1, 1}, {1, 1, -1}}, kFloat64);
  const std::vector<Planted> planted{
      {"a missing factor", without_factor,
       "the derivative is 3 times the gradient everywhere: a factor is missing"},
      {"a wrong sign in one element",
       [&](const Tensor& x) {
         return op(x, no_grad([&] { return sin(x); }),
                   [x, sign](const Tensor& dy) { return dy * cos(x) * sign; });
       },
       "the sign is wrong in 1 of 6 elements"},
      {"a wrong sign",
       [](const Tensor& x) {
         return op(x, no_grad([&] { return cos(x); }),
                   [x](const Tensor& dy) { return dy * sin(x); });
       },
       "the sign is wrong everywhere"},
      {"a transposed result",
       [](const Tensor& x) {
         return op(x, no_grad([&] { return x * 2; }), [](const Tensor& dy) {
           return dy.t().contiguous().view({2, 3}) * 2;
         });
       },
       "the gradient is transposed"},
      {"a detached branch", [](const Tensor& x) { return x * 2 + sin(x.detach()); },
       "no factor, sign or transposition explains it: a term is missing, or a branch is off the "
       "tape (detach(), no_grad())"},
      {"nothing but a detached branch", [](const Tensor& x) { return sin(x.detach()); },
       "backward gives no gradient, but the function depends on this input: it is off the tape "
       "(detach(), no_grad(), item())"},
      {"zeros",
       [](const Tensor& x) {
         return op(x, no_grad([&] { return x * 2; }), [](const Tensor& dy) { return dy * 0; });
       },
       "the gradient is zero, the derivative is not"},
      {"some elements",
       [](const Tensor& x) {
         return op(x, no_grad([&] { return x * 2; }), [](const Tensor& dy) {
           return dy * tensor({{2, 2, 2}, {2, 5, 2}}, kFloat64);
         });
       },
       "1 of 6 elements are wrong"},
  };
  for (const Planted& error : planted) {
    SCOPED_TRACE(error.name);
    const auto report = gradcheck(error.fn, {numbers()});
    EXPECT_FALSE(report.passed);
    ASSERT_EQ(report.inputs.size(), 1u);
    EXPECT_EQ(report.inputs[0].remark, error.remark);
    EXPECT_NE(report.text.find(error.remark), std::string::npos) << report.text;
    EXPECT_EQ(report.verdict, report.inputs[0].verdict);
    EXPECT_EQ(report.verdict, std::string(error.name).starts_with("nothing")
                                  ? GradcheckVerdict::kUndefinedGradient
                                  : GradcheckVerdict::kWrongGradient);
  }
}

// ---------------------------------------------------------------- verdicts

TEST(GradcheckVerdict, KinkAtThePoint) {
  const auto report =
      gradcheck([](const Tensor& x) { return relu(x); }, {tensor({1.0, 0.0, -1.0}, kFloat64)});
  EXPECT_EQ(report.verdict, GradcheckVerdict::kKink);
  EXPECT_EQ(report.inputs[0].index, (Index{1}));
  EXPECT_NE(report.text.find("gradcheck: there is a KINK at the point"), std::string::npos);
}

TEST(GradcheckVerdict, KinkNearThePoint) {
  for (double distance : {2e-7, -2e-7}) {
    const auto report =
        gradcheck([](const Tensor& x) { return relu(x); }, {tensor({distance}, kFloat64)});
    EXPECT_EQ(report.verdict, GradcheckVerdict::kKink) << report.text;
  }
}

TEST(GradcheckVerdict, WrongGradientAtAKinkIsWrong) {
  const auto negated = [](const Tensor& x) {
    return op(x, no_grad([&] { return relu(x); }), [](const Tensor& dy) { return dy * 7; });
  };
  EXPECT_EQ(gradcheck(negated, {tensor({0.0}, kFloat64)}).verdict,
            GradcheckVerdict::kWrongGradient);
}

TEST(GradcheckVerdict, NotDeterministic) {
  const auto report = gradcheck([](const Tensor& x) { return x * rand({3}, kFloat64); },
                                {tensor({1.0, 2.0, 3.0}, kFloat64)});
  EXPECT_EQ(report.verdict, GradcheckVerdict::kNotDeterministic);
  EXPECT_FALSE(report.passed);
  EXPECT_EQ(report.text,
            "gradcheck: the function is NOT DETERMINISTIC\n"
            "  two calls on the same inputs gave different results\n"
            "  hint: fix its random numbers, or turn its dropout off\n");
}

TEST(GradcheckVerdict, BackwardThatIsNotDeterministic) {
  double factor = 1;
  const auto f = [&](const Tensor& x) {
    return op(x, no_grad([&] { return x * 2; }), [&](const Tensor& dy) { return dy * ++factor; });
  };
  EXPECT_EQ(gradcheck(f, {numbers()}).verdict, GradcheckVerdict::kNotDeterministic);
}

TEST(GradcheckVerdict, ChangesItsInputs) {
  const auto report = gradcheck(
      [](const Tensor& x) {
        Tensor handle = x;
        no_grad([&] { handle.mul_(2); });
        return x * 3;
      },
      {numbers()});
  EXPECT_EQ(report.verdict, GradcheckVerdict::kChangesInputs);
  EXPECT_EQ(report.text,
            "gradcheck: the function CHANGES ITS INPUTS\n"
            "  input 0 [2, 3] holds other elements after a call\n");
}

TEST(GradcheckVerdict, UndefinedGradient) {
  const auto nan = [](const Tensor& x) {
    return op(x, no_grad([&] { return x * 2; }),
              [](const Tensor& dy) { return dy * std::nan(""); });
  };
  EXPECT_EQ(gradcheck(nan, {numbers()}).verdict, GradcheckVerdict::kUndefinedGradient);
  EXPECT_EQ(gradcheck(bb::log, {tensor({-1.0, 1.0}, kFloat64)}).verdict,
            GradcheckVerdict::kUndefinedGradient)
      << "the function itself is NaN";
}

TEST(GradcheckVerdict, PrecisionTooLow) {
  const auto rounded = [](const Tensor& x) { return sin(x.to(kFloat32)).to(kFloat64); };
  const auto report = gradcheck(rounded, {numbers()});
  EXPECT_EQ(report.verdict, GradcheckVerdict::kPrecisionTooLow) << report.text;
  const auto cancelling = [](const Tensor& x) { return (x + 1e10) - 1e10; };
  EXPECT_EQ(gradcheck(cancelling, {numbers()}).verdict, GradcheckVerdict::kPrecisionTooLow);
}

TEST(GradcheckVerdict, WrongGradientOfAnImpreciseFunctionIsWrong) {
  const auto wrong = [](const Tensor& x) {
    return op(x, no_grad([&] { return (x * 2).to(kFloat32).to(kFloat64); }),
              [](const Tensor& dy) { return dy * 200; });
  };
  EXPECT_EQ(gradcheck(wrong, {numbers()}).verdict, GradcheckVerdict::kWrongGradient);
}

// ---------------------------------------------------------------- float32, outputs, directions

TEST(Gradcheck, Float32HasItsOwnTolerances) {
  const Tensor x = numbers().to(kFloat32), y = numbers(3, 4).to(kFloat32);
  EXPECT_GRADCHECK(bb::tanh, {x});
  EXPECT_GRADCHECK(bb::matmul, {x, y});
  EXPECT_GRADGRADCHECK(bb::tanh, {x});
  EXPECT_FALSE(gradcheck(without_factor, {x}));
  EXPECT_FALSE(gradcheck(tripled, {x}));
  const auto mixed = [](const Tensor& a, const Tensor& b) { return sin(a) * b; };
  EXPECT_GRADCHECK(mixed, {x, numbers()});
}

TEST(Gradcheck, ChecksAllOutputs) {
  const auto right = [](const Tensor& a, const Tensor& b) {
    return List{a * b, sin(a), arange(3)};
  };
  EXPECT_GRADCHECK(right, {numbers(), numbers()});
  EXPECT_GRADGRADCHECK(right, {numbers(), numbers()});
  const auto second_is_wrong = [](const Tensor& x) { return List{x * x, tripled(x)}; };
  EXPECT_FALSE(gradcheck(second_is_wrong, {numbers()}));
}

TEST(Gradcheck, CotangentsAreRandomAndSeeded) {
  // Right for a cotangent of ones, for no other.
  const auto mean_of_dy = [](const Tensor& x) {
    return op(x, no_grad([&] { return x * 2; }), [](const Tensor& dy) {
      return mean(dy).expand({2, 3}) * 2;
    });
  };
  EXPECT_FALSE(gradcheck(mean_of_dy, {numbers()}));
  const auto numeric = [](uint64_t seed) {
    return gradcheck(cube, {numbers()}, {.seed = seed}).inputs[0].numeric;
  };
  EXPECT_EQ(numeric(1), numeric(1));
  EXPECT_NE(numeric(1), numeric(2));
}

TEST(Gradcheck, FastModeTakesOneDirection) {
  int calls = 0;
  const auto counted = [&](const Tensor& x) {
    ++calls;
    return cube(x);
  };
  const Tensor x = numbers(50, 40) * 0.001;
  const auto report = gradcheck(counted, {x}, {.fast = true});
  EXPECT_TRUE(report.passed) << report.text;
  EXPECT_LT(calls, 10);
  EXPECT_NE(report.text.find("ok, along a random direction"), std::string::npos) << report.text;
  EXPECT_TRUE(gradgradcheck(cube, {x}, {.fast = true}));
}

TEST(Gradcheck, FastModeNamesTheElementOfAWrongGradient) {
  const Tensor scale = tensor({{1, 1, 1}, {1, 4, 1}}, kFloat64);
  const auto f = [&](const Tensor& x) {
    return op(x, no_grad([&] { return x * 2; }), [&](const Tensor& dy) { return dy * 2 * scale; });
  };
  expect_wrong_at(gradcheck(f, {numbers()}, {.fast = true}), {1, 1});
}

// ---------------------------------------------------------------- second derivatives

TEST(Gradgradcheck, PassesDifferentiablePullbacks) {
  EXPECT_TRUE(gradgradcheck(cube, {numbers()}));
  EXPECT_TRUE(gradgradcheck(bb::exp, {numbers()}));
  EXPECT_TRUE(gradgradcheck(bb::tanh, {numbers()}));
  EXPECT_TRUE(gradgradcheck([](const Tensor& a, const Tensor& b) { return a * b * b; },
                            {numbers(), numbers()}));
  EXPECT_TRUE(gradgradcheck([](const Tensor& x) { return x * 2; }, {numbers()})) << "linear";
}

TEST(Gradgradcheck, CatchesAPullbackThatIsRightOnceOnly) {
  EXPECT_TRUE(gradcheck(right_once, {numbers()}));
  EXPECT_FALSE(gradgradcheck(right_once, {numbers()}));

  const auto detached_output = [](const Tensor& x) {
    Tensor y = no_grad([&] { return x.exp(); });
    return op(x, y, [y](const Tensor& dy) { return dy * y; });
  };
  EXPECT_TRUE(gradcheck(detached_output, {numbers()}));
  EXPECT_FALSE(gradgradcheck(detached_output, {numbers()}));

  const auto off_the_tape = [](const Tensor& x) {
    return op(x, no_grad([&] { return x * 2; }),
              [](const Tensor& dy) { return no_grad([&] { return dy * 2; }); });
  };
  EXPECT_TRUE(gradcheck(off_the_tape, {numbers()}));
  EXPECT_FALSE(gradgradcheck(off_the_tape, {numbers()})) << "not differentiable in the cotangent";
}

TEST(Gradgradcheck, SaysThatItIsAboutSecondDerivatives) {
  const std::string text = gradgradcheck(cube, {numbers()}).text;
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "second derivatives (inputs from 1 on are the cotangents)");
}

// ---------------------------------------------------------------- GoogleTest's side

TEST(ExpectGradcheck, TakesOneToFourTensorsOrAList) {
  const Tensor x = numbers();
  EXPECT_GRADCHECK(cube, {x});
  EXPECT_GRADCHECK([](const Tensor& a, const Tensor& b) { return a * b; }, {x, x});
  EXPECT_GRADCHECK([](const Tensor& a, const Tensor& b, const Tensor& c) { return a * b + c; },
                   {x, x, x});
  EXPECT_GRADCHECK([](const Tensor& a, const Tensor& b, const Tensor& c,
                      const Tensor& d) { return a * b + c / d; },
                   {x, x, x, x});
  EXPECT_GRADCHECK([](const List& all) { return all[0] * all[1] * all[2] * all[3] * all[4]; },
                   {x, x, x, x, x});
}

TEST(ExpectGradcheck, TakesOptions) {
  EXPECT_GRADCHECK(cube, {numbers()}, {.epsilon = 1e-5});
  EXPECT_GRADCHECK(tripled, {numbers()}, {.rtol = 0.5});
  EXPECT_GRADGRADCHECK(cube, {numbers()}, {.epsilon = 1e-5});
}

TEST(ExpectGradcheck, FailsWithTheReport) {
  EXPECT_NONFATAL_FAILURE(EXPECT_GRADCHECK(tripled, {numbers()}),
                          "gradcheck: the gradient is WRONG\n  input 0 [2, 3]: WRONG, worst at [");
  EXPECT_NONFATAL_FAILURE(EXPECT_GRADGRADCHECK(right_once, {numbers()}), "second derivatives");
}

}  // namespace
}  // namespace bb
