// What the ops that view, join, pad and cut say of arguments that do not fit.
#include <gtest/gtest.h>

#include <limits>

#include "bb/bb.h"
#include "bb/tests/expect_error.h"

namespace bb {
namespace {

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

TEST(ShapeErrors, DimsOutOfRange) {
  const Tensor x = ones({2, 3});
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"squeeze",
            [&] {
              x.squeeze({0, 2});
            }},
           {"unflatten",
            [&] {
              x.unflatten(2, {1, 2});
            }},
           {"swapaxes", [&] { x.swapaxes(0, 2); }},
           {"movedim", [&] { x.movedim(2, 0); }},
           {"movedim", [&] { x.movedim(0, 2); }},
           {"select", [&] { x.select(2, 0); }},
           {"narrow", [&] { x.narrow(2, 0, 1); }},
           {"split", [&] { x.split(1, 2); }},
           {"split", [&] { x.split({1, 1}, 2); }},
           {"chunk", [&] { x.chunk(1, 2); }},
           {"unbind", [&] { x.unbind(2); }},
           {"diagonal", [&] { x.diagonal(0, 0, 2); }},
           {"unfold", [&] { x.unfold(2, 1, 1); }},
           {"flip", [&] { x.flip({2}); }},
           {"roll", [&] { x.roll(1, 2); }}}) {
    expect_error<IndexError>(
        fn,
        name +
            ": dim 2 is out of range for a tensor of 2 dimensions (-2 to 1 allowed)\n  x [2, 3]");
  }
  expect_error<IndexError>(
      [&] {
        cat({x, x}, 2);
      },
      "cat: dim 2 is out of range for a tensor of 2 dimensions (-2 to 1 allowed)\n"
      "  tensor 0 [2, 3]");
  // A dim of the result, which has one more.
  expect_error<IndexError>(
      [&] {
        stack({x, x}, 3);
      },
      "stack: dim 3 is out of range for a result of 3 dimensions (-3 to 2 allowed)\n"
      "  tensor 0 [2, 3]");
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"diag_embed", [&] { x.diag_embed(0, 0, 3); }}, {"unsqueeze", [&] { x.unsqueeze(3); }}})
    expect_error<IndexError>(
        fn, name +
                ": dim 3 is out of range for a result of 3 dimensions (-3 to 2 allowed)\n"
                "  x [2, 3]");
}

TEST(ShapeErrors, Views) {
  expect_error<ShapeError>(
      [] {
        ones({2, 3}).unflatten(1, {2, -1});
      },
      "unflatten: 3 elements do not fit the sizes\n"
      "  x [2, 3]   dim 1   sizes [2, -1]");
  EXPECT_THROW(ones({2, 3}).unflatten(1, {-1, -1}), ShapeError);
  EXPECT_THROW(ones({2, 3}).unflatten(1, {}), ShapeError);
  EXPECT_THROW(ones({2, 0}).unflatten(1, {0, -1}), ShapeError);
  EXPECT_THROW(ones({2, 3}).unflatten(1, {kMost, kMost}), ShapeError);
  expect_error<ShapeError>(
      [] { ones({}).unflatten(0, {1}); },
      "unflatten: a 0-d tensor has no dimension to unflatten\n  x []   sizes [1]");
  expect_error<ShapeError>(
      [] {
        ones({2, 3}).movedim({0, 1}, {0});
      },
      "movedim: as many sources as destinations are needed\n"
      "  x [2, 3]   source [0, 1]   destination [0]");
  expect_error<ValueError>(
      [] {
        ones({2, 3}).movedim({0, -2}, {0, 1});
      },
      "movedim: a dim is given twice\n  x [2, 3]   source [0, -2]   destination [0, 1]");
  EXPECT_THROW(ones({2, 3}).movedim({0, 1}, {0, 0}), ValueError);
  expect_error<ValueError>(
      [] {
        ones({1, 3}).squeeze({0, -2});
      },
      "squeeze: dim -2 is given twice\n  x [1, 3]   dims [0, -2]");
  expect_error<ShapeError>([] { ones({3}).mT(); }, "mT: needs at least 2 dimensions\n  x [3]");
  expect_error<ShapeError>(
      [] {
        ones({1, 2, 3}).t();
      },
      "t: needs at most 2 dimensions\n  x [1, 2, 3]\n"
      "  hint: use mT() for batches of matrices");
  expect_error<ShapeError>(
      [] {
        broadcast_tensors({ones({2}), ones({3})});
      },
      "broadcast_tensors: shapes do not broadcast: at dimension 1 from the end "
      "they are 2 and 3\n  tensor 0 [2]   tensor 1 [3]\n"
      "  hint: sizes must be equal, or one of them 1");
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"view_as",
            [] {
              ones({2, 3}).view_as(ones({4}));
            }},
           {"reshape_as", [] {
              ones({2, 3}).reshape_as(ones({4}));
            }}})
    expect_error<ShapeError>(fn,
                             name + ": 6 elements do not fit the shape\n  x [2, 3]   shape [4]");
  for (const auto& [name, fn] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"expand_as",
            [] {
              ones({2, 3}).expand_as(ones({4}));
            }},
           {"broadcast_to", [] {
              ones({2, 3}).broadcast_to({4});
            }}})
    expect_error<ShapeError>(fn,
                             name +
                                 ": only dimensions of size 1 can be repeated, and new ones come "
                                 "first\n  x [2, 3]   shape [4]");
  EXPECT_THROW(ones({2, 3}).broadcast_to({3}), ShapeError);
  const int64_t many = int64_t{1} << 40;
  expect_error<ShapeError>(
      [&] {
        ones({1}).expand({many, many});
      },
      "expand: the result is larger than any memory\n  x [1]   shape [1099511627776, "
      "1099511627776]");
  expect_error<ShapeError>([] { ones(Shape::filled(8, 1)).unsqueeze(0); },
                           "unsqueeze: the result would have 9 dimensions, more than 8\n"
                           "  x [1, 1, 1, 1, 1, 1, 1, 1]");
}

TEST(ShapeErrors, Parts) {
  const Tensor x = ones({2, 3});
  expect_error<IndexError>(
      [&] { x.select(1, 3); },
      "select: index 3 is out of range for dimension 1 of size 3 (-3 to 2 allowed)\n"
      "  x [2, 3]");
  EXPECT_THROW(x.select(1, -4), IndexError);
  EXPECT_THROW(x[2], IndexError);
  expect_error<ShapeError>([] { ones({})[0]; }, "select: a 0-d tensor has no parts\n  x []");
  expect_error<IndexError>([&] { x.narrow(1, 2, 2); },
                           "narrow: start 2 and length 2 leave dimension 1 of size 3\n  x [2, 3]");
  EXPECT_THROW(x.narrow(1, -4, 1), IndexError);
  EXPECT_THROW(x.narrow(1, 1, kMost), IndexError);
  expect_error<ValueError>([&] { x.narrow(1, 0, -1); },
                           "narrow: length -1 is negative\n  x [2, 3]");
  expect_error<ShapeError>(
      [&] {
        x.split({1, 1}, 1);
      },
      "split: the sizes must be 0 or more and add up to 3\n"
      "  x [2, 3]   dim 1   sizes [1, 1]");
  EXPECT_THROW(x.split({4, -1}, 1), ShapeError);
  EXPECT_THROW(x.split({kMost, kMost, 5}, 1), ShapeError);
  expect_error<ValueError>([&] { x.split(0, 1); },
                           "split: size 0 does not split dimension 1 of size 3\n  x [2, 3]");
  expect_error<ValueError>([&] { x.chunk(0); },
                           "chunk: chunks must be at least 1, got 0\n  x [2, 3]");
  expect_error<ShapeError>([] { ones({3}).diagonal(); },
                           "diagonal: needs at least 2 dimensions\n  x [3]");
  expect_error<ShapeError>([&] { x.diagonal(0, 1, -1); },
                           "diagonal: dim1 1 and dim2 -1 are one dimension\n  x [2, 3]");
  expect_error<ValueError>([&] { x.unfold(1, 4, 1); },
                           "unfold: size must be 0 to 3, what dimension 1 has\n"
                           "  x [2, 3]   dim 1   size 4   step 1");
  EXPECT_THROW(x.unfold(1, -1, 1), ValueError);
  expect_error<ValueError>([&] { x.unfold(1, 2, 0); },
                           "unfold: step must be at least 1\n"
                           "  x [2, 3]   dim 1   size 2   step 0");
  EXPECT_THROW(ones({}).unfold(0, 2, 1), ValueError);
}

TEST(ShapeErrors, Joins) {
  expect_error<ValueError>([] { cat({}); }, "cat: there is nothing to join");
  expect_error<ValueError>([] { stack({}); }, "stack: there is nothing to join");
  expect_error<ShapeError>(
      [] {
        cat({ones({}), ones({})});
      },
      "cat: 0-d tensors have no dimension to be joined along\n"
      "  tensor 0 []   tensor 1 []\n"
      "  hint: use stack()");
  expect_error<ShapeError>(
      [] {
        cat({ones({2, 3}), ones({2, 3}), ones({2, 4})});
      },
      "cat: sizes must agree except at dimension 0\n"
      "  tensor 0 [2, 3]   tensor 1 [2, 3]   tensor 2 [2, 4]");
  EXPECT_THROW(cat({ones({2, 3}), ones({2})}), ShapeError);
  EXPECT_THROW(cat({ones({2}), ones({})}), ShapeError);
  const Tensor wide = ones({1}).expand({kMost});
  const std::string both = fmt::format(
      ": the result is larger than any memory\n  tensor 0 [{0}]   tensor 1 [{0}]", kMost);
  expect_error<ShapeError>([&] { cat({wide, wide}); }, "cat" + both);
  expect_error<ShapeError>([&] { stack({wide, wide}); }, "stack" + both);
  // Only [0] is let pass, and only its shape.
  EXPECT_THROW(cat({ones({2, 3}), ones({0, 4})}), ShapeError);
  expect_error<ShapeError>(
      [] {
        stack({ones({2}), ones({3})});
      },
      "stack: shapes differ\n  tensor 0 [2]   tensor 1 [3]");
  expect_error<ShapeError>(
      [] {
        ones({2, 3}).repeat({2});
      },
      "repeat: a number for each dimension is needed\n"
      "  x [2, 3]   repeats [2]\n"
      "  hint: tile() leaves the first dimensions as they are");
  expect_error<ValueError>([] { ones({2}).repeat({-1}); },
                           "repeat: -1 repeats of dimension 0\n  x [2]   repeats [-1]");
  expect_error<ShapeError>([] { ones({2}).repeat({kMost}); },
                           fmt::format("repeat: the result is larger than any memory\n"
                                       "  x [2]   repeats [{}]",
                                       kMost));
  expect_error<ShapeError>(
      [] {
        ones({1, 2}).tile({1 << 30, int64_t{1} << 40});
      },
      "tile: the result is larger than any memory\n"
      "  x [1, 2]   repeats [1073741824, 1099511627776]");
  EXPECT_THROW(ones({0}).repeat({kMost, kMost, 1}), ShapeError);
  expect_error<ValueError>(
      [] {
        ones({2, 3}).flip({0, -2});
      },
      "flip: dim -2 is given twice\n  x [2, 3]   dims [0, -2]");
  expect_error<ShapeError>(
      [] {
        ones({2, 3}).roll({1, 2}, {0});
      },
      "roll: as many shifts as dims are needed\n  x [2, 3]   shifts [1, 2]   dims [0]");
  expect_error<ValueError>([] { ones({2}).roll(Shape{}, Shape{}); },
                           "roll: no shift is given\n  x [2]");
  expect_error<IndexError>([] { ones({}).roll(1, 0); },
                           "roll: a 0-d tensor has no dimension to roll along\n  x []");
  EXPECT_EQ(ones({}).roll(1).shape(), Shape{});
}

TEST(ShapeErrors, Padding) {
  const Tensor x = ones({2, 3});
  expect_error<ValueError>([&] { pad(x, {1}); },
                           "pad: padding needs two numbers for each dimension, last dimension "
                           "first, and no more\n  x [2, 3]   padding [1]");
  EXPECT_THROW(pad(x, {1, 1, 1, 1, 1, 1}), ValueError);
  expect_error<ShapeError>(
      [&] {
        pad(x, {0, 0, -1, -2});
      },
      "pad: dimension 0 of size 2 cannot be padded by -1 and -2\n"
      "  x [2, 3]   padding [0, 0, -1, -2]");
  EXPECT_THROW(pad(x, {kMost, 1}), ShapeError);
  expect_error<ShapeError>(
      [&] {
        pad(x, {int64_t{1} << 62, 0});
      },
      "pad: the result is larger than any memory\n"
      "  x [2, 3]   padding [4611686018427387904, 0]");
  EXPECT_THROW(pad(x, {kMost - 3, 0, 1, 1}), ShapeError);
  expect_error<ShapeError>(
      [&] {
        pad(x, {3, 0}, {.mode = PadMode::kReflect});
      },
      "pad: dimension 1 of size 3 has too few elements for this mode to pad "
      "by 3 and 0\n  x [2, 3]   padding [3, 0]");
  EXPECT_THROW(pad(x, {4, 0}, {.mode = PadMode::kCircular}), ShapeError);
  EXPECT_THROW(pad(ones({2, 0}), {1, 0}, {.mode = PadMode::kReplicate}), ShapeError);
  EXPECT_THROW(pad(ones({2, 0}), {1, 0}, {.mode = PadMode::kReflect}), ShapeError);
}

TEST(ShapeErrors, Triangles) {
  expect_error<ShapeError>([] { ones({3}).tril(); }, "tril: needs at least 2 dimensions\n  x [3]");
  expect_error<ShapeError>([] { ones({3}).triu(); }, "triu: needs at least 2 dimensions\n  x [3]");
  expect_error<ShapeError>(
      [] {
        ones({1, 2, 3}).diag();
      },
      "diag: x must be a vector or a matrix\n  x [1, 2, 3]\n"
      "  hint: use diag_embed() or diagonal() for batches");
  expect_error<ShapeError>([] { ones({3}).diag_embed(0, 0, -2); },
                           "diag_embed: dim1 0 and dim2 -2 are one dimension of the result\n"
                           "  x [3]");
  expect_error<ShapeError>([] { ones({}).diag_embed(); },
                           "diag_embed: a 0-d tensor is no diagonal\n  x []");
  expect_error<ShapeError>(
      [] { ones({3}).diag_embed(kMost); },
      fmt::format("diag_embed: the result is larger than any memory\n  x [3]   offset {}", kMost));
  expect_error<ShapeError>(
      [] { ones({3}).diag(int64_t{1} << 40); },
      "diag: the result is larger than any memory\n  x [3]   offset 1099511627776");
  EXPECT_THROW(ones({3}).diag_embed(-kMost - 1), ShapeError);
  expect_error<ShapeError>([] { ones({3}).trace(); }, "trace: x must be a matrix\n  x [3]");
}

}  // namespace
}  // namespace bb
