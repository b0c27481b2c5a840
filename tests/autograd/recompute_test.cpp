#include "bb/autograd/recompute.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "../message_of.h"
#include "bb/bb.h"
#include "bb/tests/same_bits.h"

namespace bb {
namespace {

using bb::testing::bytes_of;

// So large that records are little beside it, also where sanitizers make them larger.
const Shape kImages{4, 16, 64, 64};
constexpr int64_t kBytes = int64_t{4} * 16 * 64 * 64 * 4;

int64_t held_by(const std::function<Tensor()>& make) {
  const auto before = memory::stats().live_bytes;
  const Tensor y = make();
  return memory::stats().live_bytes - before;
}

// Layers of a residual network: relu(norm(conv(x)) + x).
struct Stage {
  explicit Stage(int64_t blocks) {
    for (int64_t i = 0; i < blocks; ++i) {
      filters.push_back((randn({16, 16, 3, 3}) * 0.1).requires_grad_());
      weights.push_back((rand({16}) + 0.5).requires_grad_());
      biases.push_back(randn({16}).requires_grad_());
    }
  }
  Tensor operator()(const Tensor& x) const {
    Tensor h = x;
    for (size_t i = 0; i < filters.size(); ++i)
      h = batch_norm(
          conv2d(h, filters[i], {}, {.padding = 1}), {}, {}, weights[i], biases[i],
          {.training = true, .residual = i > 0 ? h : Tensor(), .activation = Activation::kRelu});
    return h;
  }
  std::vector<Tensor> leaves(const Tensor& x) const {
    std::vector<Tensor> all{x};
    for (const auto* list : {&filters, &weights, &biases})
      all.insert(all.end(), list->begin(), list->end());
    return all;
  }
  std::vector<Tensor> filters, weights, biases;
};

// A checkpoint keeps and computes values in its own way.
template <class F>
std::vector<Tensor> gradients(const F& f, const Tensor& x, const std::vector<Tensor>& leaves,
                              bool by_checkpoint) {
  const Tensor y = by_checkpoint ? checkpoint(f, {x}) : f(x);
  auto grads = autograd::grad({(y * y).sum()}, leaves);
  std::erase_if(grads, [](const Tensor& grad) { return !grad.defined(); });
  return grads;
}

TEST(Recompute, ResultsOfANormWithSumAndReluAreNotKept) {
  const Tensor x = randn(kImages);
  const Stage stage(4);
  // What each convolution gave is kept, and the last result, which is held.
  const auto held = held_by([&] { return stage(x); });
  EXPECT_GT(held, 5 * kBytes);
  EXPECT_LT(held, 5 * kBytes + kBytes / 2);
}

TEST(Recompute, GradientsOfAResidualNetworkAreBitwiseThoseOfACheckpoint) {
  const Tensor x = randn({4, 16, 16, 16}).requires_grad_();
  for (const int64_t blocks : {1, 3, 40}) {
    const Stage stage(blocks);
    const auto leaves = stage.leaves(x);
    EXPECT_EQ(bytes_of(gradients(stage, x, leaves, false)),
              bytes_of(gradients(stage, x, leaves, true)))
        << blocks;
  }
}

TEST(Recompute, OfALongChainSomeResultsAreKept) {
  const Tensor x = randn(kImages);
  const Stage stage(50);
  const auto kept = held_by([&] { return stage(x); }) / kBytes - 51;
  EXPECT_GE(kept, 2);
  EXPECT_LE(kept, 4);
}

TEST(Recompute, IsFreedWithTheGraph) {
  const auto before = memory::stats().live_bytes;
  {
    const Tensor x = randn({4, 16, 16, 16});
    const Stage stage(5);
    const Tensor y = stage(x);
    autograd::grad({y.sum()}, {stage.filters[4]});  // goes to no other record
    stage(x).sum().backward();
  }
  EXPECT_EQ(memory::stats().live_bytes, before);
}

double largest(const Tensor& x) { return x.detach().abs().max().item<double>(); }

// What a transformer's block does between its products, and activations after norms.
TEST(Recompute, GradientsThroughNormsAndActivationsAreBitwiseThoseOfACheckpoint) {
  const Tensor x = randn({8, 32, 64}).requires_grad_();
  const Tensor w = (randn({64, 64}) * 0.2).requires_grad_(), g = rand({64}).requires_grad_();
  const Tensor b = randn({64}).requires_grad_(), slopes = rand({1}).requires_grad_();
  const auto norm = [&](const Tensor& h) { return layer_norm(h, {64}, g, b); };
  const std::vector<std::pair<const char*, std::function<Tensor(const Tensor&)>>> cases{
      {"layer_norm", [&](const Tensor& h) { return linear(norm(h), w); }},
      {"rms_norm", [&](const Tensor& h) { return linear(rms_norm(h, {64}, g), w); }},
      {"group_norm",
       [&](const Tensor& h) {
         return matmul(group_norm(h.transpose(1, 2), 4, g, b).transpose(1, 2), w);
       }},
      {"relu of a norm", [&](const Tensor& h) { return linear(relu(norm(h)), w, b); }},
      {"gelu", [&](const Tensor& h) { return linear(gelu(linear(norm(h), w)), w); }},
      {"gelu by tanh",
       [&](const Tensor& h) {
         return linear(gelu(linear(h, w), {.approximate = GeluApproximate::kTanh}), w);
       }},
      {"silu", [&](const Tensor& h) { return linear(silu(h), w); }},
      {"mish", [&](const Tensor& h) { return linear(mish(h), w); }},
      {"elu", [&](const Tensor& h) { return linear(elu(h, 0.7), w); }},
      {"selu", [&](const Tensor& h) { return linear(selu(h), w); }},
      {"leaky_relu", [&](const Tensor& h) { return linear(leaky_relu(h, 0.1), w); }},
      {"hardswish", [&](const Tensor& h) { return linear(hardswish(h), w); }},
      {"hardsigmoid", [&](const Tensor& h) { return linear(hardsigmoid(h), w); }},
      {"softplus",
       [&](const Tensor& h) { return linear(softplus(h, {.beta = 2, .threshold = 3}), w); }},
      {"logsigmoid", [&](const Tensor& h) { return linear(logsigmoid(h), w); }},
      {"views",
       [&](const Tensor& h) {
         const Tensor y = norm(h);
         return matmul(y.slice(1, 3, 29).transpose(1, 2), y.slice(1, 0, 26)) +
                prelu(y, slopes).sum();
       }},
  };
  const std::vector<Tensor> leaves{x, w, g, b, slopes};
  for (const auto& [name, f] : cases)
    EXPECT_EQ(bytes_of(gradients(f, x, leaves, false)), bytes_of(gradients(f, x, leaves, true)))
        << name;
}

// Ops drawn at random over [64, 64], whose results are computed again, changed in place and seen
// through views.
std::function<Tensor(const Tensor&)> drawn_expression(std::mt19937& random, const Tensor& weight,
                                                      const Tensor& scale) {
  using Step = Tensor (*)(const Tensor& a, const Tensor& b, const Tensor& w, const Tensor& g);
  static const std::vector<Step> steps{
      [](auto& a, auto&, auto&, auto&) { return gelu(a); },
      [](auto& a, auto&, auto&, auto&) { return silu(a); },
      [](auto& a, auto&, auto&, auto&) { return relu(a); },
      [](auto& a, auto&, auto&, auto&) { return tanh(a); },
      [](auto& a, auto&, auto&, auto& g) { return layer_norm(a, {64}, g); },
      [](auto& a, auto&, auto&, auto& g) { return rms_norm(a, {64}, g); },
      [](auto& a, auto& b, auto&, auto& g) {
        const Tensor y = batch_norm(a.reshape({4, 16, 64}), {}, {}, {}, g.slice(0, 0, 16),
                                    {.training = true,
                                     .residual = b.reshape({4, 16, 64}),
                                     .activation = Activation::kRelu});
        return y.reshape({64, 64});
      },
      [](auto& a, auto& b, auto&, auto& g) {
        return batch_norm(a, {}, {}, g, {}, {.training = true, .residual = b});
      },
      [](auto& a, auto&, auto& w, auto&) { return linear(a, w); },
      [](auto& a, auto& b, auto&, auto&) { return matmul(a, b.t()) * 0.1; },
      [](auto& a, auto& b, auto&, auto&) { return a + b; },
      [](auto& a, auto& b, auto&, auto&) { return a * tanh(b); },
      [](auto& a, auto&, auto&, auto&) {
        return cat({a.slice(0, 7, 64), gelu(a.slice(0, 0, 7))}, 0);
      },
      [](auto& a, auto& b, auto&, auto&) {  // changed off the tape, then on it
        Tensor y = gelu(a);
        {
          const NoGrad guard;
          y.clamp_(-0.5, 0.5);
        }
        return y.mul_(tanh(b));
      },
      [](auto& a, auto& b, auto& w, auto&) {
        Tensor y = silu(a);
        const Tensor before = linear(y * 1.0, w);
        y.slice(0, 3, 9).mul_(tanh(b.slice(0, 3, 9)));
        return before + linear(y, w);
      }};
  std::vector<std::array<size_t, 3>> program;  // step, and operands by number
  for (size_t i = 1; i <= 12; ++i)
    program.push_back({random() % steps.size(), random() % i, random() % i});
  return [program, weight, scale](const Tensor& x) {
    std::vector<Tensor> values{x};
    for (const auto& [step, a, b] : program)
      values.push_back(steps[step](values[a], values[b], weight, scale));
    Tensor sum = values[0];
    for (const Tensor& value : values) sum = sum + value;
    return sum;
  };
}

TEST(Recompute, GradientsOfRandomExpressionsAreBitwiseThoseOfACheckpoint) {
  const Tensor x = randn({64, 64}).requires_grad_(), g = (rand({64}) + 0.5).requires_grad_();
  const Tensor w = (randn({64, 64}) * 0.1).requires_grad_();
  std::mt19937 random(3);
  for (int i = 0; i < 300; ++i) {
    const auto f = drawn_expression(random, w, g);
    ASSERT_EQ(bytes_of(gradients(f, x, {x, w, g}, false)),
              bytes_of(gradients(f, x, {x, w, g}, true)))
        << i;
  }
}

TEST(Recompute, AnActivationIsNotKeptBesideItsInput) {
  const Tensor x = randn({64, 256}), w = randn({256, 256}).requires_grad_();
  const auto held = held_by([&] { return linear(gelu(linear(x, w)), w).sum(); });
  EXPECT_GE(held, 64 * 256 * 4);
  EXPECT_LT(held, 2 * 64 * 256 * 4);
  // relu keeps its result alone: there is nothing to compute it from.
  const auto of_relu = held_by([&] { return linear(relu(linear(x, w)), w).sum(); });
  EXPECT_LT(of_relu, 2 * 64 * 256 * 4);
}

TEST(Recompute, SecondDerivativesGoThroughTheValue) {
  const Tensor x = randn({64, 64}, kFloat64), w = randn({64, 64}, kFloat64).requires_grad_();
  // A row at a time, results are so small that they are kept.
  const auto curvature = [&](int64_t rows) {
    Tensor total = zeros({}, kFloat64);
    for (int64_t i = 0; i < 64; i += rows) {
      const Tensor from = x.slice(0, i, i + rows).clone().requires_grad_();
      const Tensor y = tanh(linear(gelu(layer_norm(from, {64})), w));
      const Tensor dx = autograd::grad({y.sum()}, {from}, {.create_graph = true})[0];
      total = total + (dx * dx).sum();
    }
    return autograd::grad({total}, {w})[0];
  };
  EXPECT_GT(largest(curvature(1)), 1e-3);
  EXPECT_LT(largest(curvature(64) - curvature(1)), 1e-9);
}

TEST(Recompute, AChangeInPlaceBeforeTheValueIsSavedCounts) {
  const Tensor x = randn({64, 64}).requires_grad_(), w = randn({64, 64}).requires_grad_();
  const auto grad_of_w = [&](const auto& change) {
    Tensor y = layer_norm(x, {64});
    change(y);
    return autograd::grad({linear(y, w).sum()}, {w})[0];
  };
  const Tensor plain = grad_of_w([](Tensor&) {});
  const Tensor off_tape = grad_of_w([](Tensor& y) {
    const NoGrad guard;
    y.mul_(2.0);
  });
  const Tensor on_tape = grad_of_w([](Tensor& y) { y.mul_(2.0); });
  const Tensor by_view = grad_of_w([](Tensor& y) { y.reshape({-1}).mul_(2.0); });
  const Tensor after = grad_of_w([](Tensor&) {});
  for (const Tensor& doubled : {off_tape, on_tape, by_view})
    EXPECT_LT(largest(doubled - plain * 2), 1e-4);
  EXPECT_EQ(largest(after - plain), 0);
}

TEST(Recompute, AChangeInPlaceAfterTheValueWasSavedDoesNotMatter) {
  const Tensor x = randn({64, 64}).requires_grad_(), w = randn({64, 64}).requires_grad_();
  Tensor bias = randn({64});
  const auto grad_of_w = [&](bool changes) {
    Tensor y = layer_norm(x, {64}, {}, bias);
    const Tensor loss = linear(y, w).sum();
    if (changes) {
      const NoGrad guard;
      y.zero_();
      bias.add_(1.0);
    }
    const Tensor grad = autograd::grad({loss}, {w})[0];
    return grad;
  };
  const Tensor plain = grad_of_w(false);
  EXPECT_EQ(largest(grad_of_w(true) - plain), 0);
}

TEST(Recompute, AChangeOffTheTapeCountsInTheNextOneInPlaceToo) {
  const Tensor x = randn({64, 64}).requires_grad_(), p = randn({64, 64}).requires_grad_();
  Tensor h = gelu(x);
  {
    const NoGrad guard;
    h.clamp_(-0.1, 0.1);
  }
  const Tensor before = h.detach().clone();
  h.mul_(p);
  h.sum().backward();
  EXPECT_EQ(largest(p.grad() - before), 0);
}

TEST(Recompute, WhoChangesTheComputedValueChangesItForNobodyElse) {
  const Tensor x = randn({64, 64}).requires_grad_(), w = randn({64, 64}).requires_grad_();
  const auto loss = [&](const auto& pullback) {
    const Tensor y = layer_norm(x, {64});
    const Tensor first = linear(y, w);
    const Tensor second = autograd::record("second", {y}, y.detach().clone(),
                                           [y = autograd::Saved(y), pullback](const Tensor& dy) {
                                             pullback(*y);
                                             return dy;
                                           });
    return (first + second).sum();
  };
  const auto plain = autograd::grad({loss([](Tensor) {})}, {w});
  const auto changed = autograd::grad({loss([](Tensor y) { y.zero_(); })}, {w});
  EXPECT_EQ(bytes_of(changed), bytes_of(plain));
}

TEST(Recompute, OfAnotherShapeThrows) {
  const Tensor x = randn({64, 64}).requires_grad_(), w = randn({64, 64}).requires_grad_();
  const auto of = [&](const auto& compute) {
    Tensor y = autograd::record("twice", {x}, no_grad([&] { return x.t() * 2; }),
                                [](const Tensor& dy) { return dy.t() * 2; });
    autograd::recompute(y, {x}, compute);
    return autograd::grad({matmul(y, w).sum()}, {w})[0];
  };
  const Tensor expected = matmul((x.detach() * 2), ones({64, 64}));
  // Another layout of the same values does no harm.
  EXPECT_LT(largest(of([](const Tensor& v) { return (v * 2).t(); }) - expected), 1e-3);
  EXPECT_EQ(message_of<ValueError>([&] { of([](const Tensor& v) { return v[0]; }); }),
            "twice: what recompute() was given does not make the same result\n"
            "  it makes float32 [64]   the result was float32 [64, 64]");
}

TEST(Recompute, InInferenceModeLeavesNoInferenceTensor) {
  const Tensor x = randn({64, 64}).requires_grad_(), w = randn({64, 64}).requires_grad_();
  const Tensor y = layer_norm(x, {64});
  const Tensor loss = (linear(y, w) * linear(y, w)).sum();
  inference_mode([&] { return autograd::grad({loss}, {w}, {}, {.retain_graph = true}); });
  const auto first = autograd::grad({loss}, {w}, {}, {.create_graph = true});
  EXPECT_GT(largest(autograd::grad({(first[0] * first[0]).sum()}, {w})[0]), 0);
}

TEST(Recompute, ASumWithoutActivationKeepsNoResidual) {
  const Tensor x = randn({4, 16, 16, 16}).requires_grad_(), w = randn({16, 16}).requires_grad_();
  const Tensor r = randn({4, 16, 16, 16});
  Tensor residual = r.clone();
  const Tensor y = batch_norm(x, {}, {}, {}, {}, {.training = true, .residual = residual});
  const Tensor loss = matmul(y, w).sum();
  residual.zero_();  // backward does not read it
  const Tensor plain = matmul(y.detach().reshape({-1, 16}).t(), ones({4 * 256, 16}));
  EXPECT_LT(largest(autograd::grad({loss}, {w})[0] - plain), 1e-2);
}

TEST(Recompute, AnInputThatWasChangedInPlaceThrows) {
  Tensor x = randn({64, 64});
  const Tensor w = randn({64, 64}).requires_grad_(), g = ones({64}).requires_grad_();
  const Tensor loss = linear(layer_norm(x, {64}, g), w).sum();
  x.add_(1.0);
  const std::string text = message_of<ValueError>([&] { loss.backward(); });
  EXPECT_NE(text.find("linear: a value that backward needs was changed in place"),
            std::string::npos)
      << text;
}

TEST(Recompute, ARetainedGraphGivesTheSameAgainAlsoInThreads) {
  const Tensor x = randn({4, 16, 16, 16}).requires_grad_();
  const Stage stage(6);
  const Tensor loss = stage(x).sum();
  const auto leaves = stage.leaves(x);
  const auto again = [&] { return autograd::grad({loss}, leaves, {}, {.retain_graph = true}); };
  const auto first = again();
  const auto held = memory::stats().live_bytes;
  EXPECT_EQ(bytes_of(again()), bytes_of(first));
  EXPECT_EQ(memory::stats().live_bytes, held);  // nothing that was computed is left
  std::vector<Tensor> in_thread;
  std::thread other([&] { in_thread = again(); });
  EXPECT_EQ(bytes_of(again()), bytes_of(first));
  other.join();
  EXPECT_EQ(bytes_of(in_thread), bytes_of(first));
}

TEST(Recompute, UsersOpsMayLeaveTheirResultsToIt) {
  const Tensor x = randn({64, 64}).requires_grad_(), w = randn({64, 64}).requires_grad_();
  int computed = 0;
  const auto square = [&](const Tensor& v) {
    ++computed;
    return v * v;
  };
  const auto of = [&](const Tensor& v) {
    Tensor y = no_grad([&] { return square(v); });
    y = autograd::record("square", {v}, y,
                         [v = autograd::Saved(v)](const Tensor& dy) { return dy * 2.0 * *v; });
    autograd::recompute(y, {v}, square);
    return y;
  };
  const Tensor loss = [&] {
    const Tensor y = of(x);
    return (matmul(y, w) + matmul(w, y)).sum();
  }();
  EXPECT_EQ(computed, 1);
  loss.backward();
  EXPECT_EQ(computed, 2);  // for both
  const Tensor ones_ = ones({64, 64}), y = (x * x).detach();
  EXPECT_LT(largest(w.grad() - matmul(y.t(), ones_) - matmul(ones_, y.t())), 1e-3);
}

}  // namespace
}  // namespace bb
